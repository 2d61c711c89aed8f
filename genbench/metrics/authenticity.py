"""Share of authentic fakes: those farther from their nearest training image than that image is from the others.

Authenticity of Alaa et al. 2022 (arXiv:2102.08921), in percent, as published code counts it. What new images of the
same distribution get hangs on the training set and on the features, and is seldom 100: read the share beside that of
test images, which nobody copied. It also rises with blur, and falls where fakes are typical or few in kind.
"""

import math

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Estimate, Metric
from genbench.stats.jackknife import share_error_at_edge
from genbench.stats.neighbours import Neighbours
from genbench.stats.pair import Pair
from genbench.stats.parts import part_of_mean

SCALE = 100.0  # percent


def authentic_share(pair: Pair) -> Estimate:
    """Percentage of fakes g with d(g, r) > d(r, r'), r the training image nearest to g, r' that nearest to r.

    Args:
        pair: pooled features float32 of the test set (``real``, [n, d]), of the fakes [m, d] and of the training set
            (``train``, [l, d]); n, m, l >= 2.

    Returns:
        The percentage, range [0, 100]. Standard error: of a share of m independent images, the training set taken as
        given, as the generator is made from it. Details: "on_test", the same of the test images, "on_test_stderr",
        "gap", the value less that, and "gap_stderr": a gap well below 0 is what copies make, and not they alone. Per
        image: "authenticity", d(g, r) / d(r, r'), float32 [m]: authentic above 1; 0 for a copy.

    Raises:
        BadInput: if there is no training set.  MismatchedFeatures: if the widths differ.
    """
    pair.training_rows("authpct")
    to_train, among_train = pair.nearest_train
    ratio, on_test = (_ratios(near, among_train) for near in (to_train, pair.real_to_train))
    share, test_share = float((ratio > 1).mean()), float((on_test > 1).mean())
    error, test_error = (SCALE * _error(values > 1) for values in (ratio, on_test))
    details = {
        "on_test": SCALE * test_share,
        "on_test_stderr": test_error,
        "gap": SCALE * (share - test_share),
        "gap_stderr": math.hypot(error, test_error),
    }
    return Estimate(
        SCALE * share,
        error,
        details=details,
        per_image={"authenticity": ratio.astype(np.float32)},
        parts={"fake": part_of_mean(SCALE * (ratio > 1))},
    )


def _ratios(near: Neighbours, among_train: Neighbours) -> NDArray[np.float64]:
    """Return distance to the nearest training image over that image's own, [m]; 0 / 0 is 0."""
    squared = near.squared[:, 0]
    own = among_train.squared[near.index[:, 0], 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(squared > 0, np.sqrt(squared / own), 0.0))


def _error(is_authentic: NDArray[np.bool_]) -> float:
    count = len(is_authentic)
    return math.sqrt(is_authentic.var(ddof=1) / count) or share_error_at_edge(count)


AUTHPCT = Metric(
    name="authpct",
    label="AuthPct",
    summary="percentage of fakes not nearer to a training image than others are; reacts to blur and lost diversity too",
    compute=authentic_share,
    better="none",
    range=(0.0, SCALE),
    source="Alaa et al. 2022, arXiv:2102.08921",
    uses_train=True,
    needs=("train",),
)
