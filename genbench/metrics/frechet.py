"""Frechet distance between Gaussians fitted to the features of two sets.

fd = |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^1/2, covariances with divisor n - 1. On Inception-v3 features this is
FID (Heusel et al. 2017, arXiv:1706.08500). It is biased upward at finite n: compare at equal counts only.
"""

import numpy as np

from genbench.contracts import Estimate, Metric
from genbench.stats.gaussian import frechet_distance, influence, leave_blocks_out
from genbench.stats.jackknife import blocks, standard_error
from genbench.stats.pair import Pair

ROWS_PER_FEATURE = 5  # above this the influence form of the standard error is within a few per cent


def frechet(pair: Pair) -> Estimate:
    """Frechet distance, unit feature^2, range [0, inf), lower is better.

    Args:
        pair: pooled features float32 [n, d] and [m, d]; n, m >= 2.

    Returns:
        The distance. Standard error: from per-image influences for n > 5 d, else a 20-block jackknife of both sides
        (conservative: it overestimates where n is below d).

    Raises:
        MismatchedFeatures: if the widths differ.  NotEnoughImages: if a side has fewer than 2.
    """
    real, fake = pair.gaussians
    value = frechet_distance(real, fake)
    width = len(real.mean)
    fewest = min(real.count, fake.count)
    warnings = []
    if fewest <= width:
        warnings.append(
            f"{fewest} images for {width} features: fd is biased upward; compare only with scores at the same counts"
        )
    return Estimate(max(value, 0.0), _standard_error(pair), tuple(warnings))


def _standard_error(pair: Pair) -> float | None:
    real, fake = pair.gaussians
    width = len(real.mean)
    real_rows, fake_rows = pair.real.pooled.astype(np.float64), pair.fake.pooled.astype(np.float64)
    has_full_rank = len(real.root) == len(fake.root) == width
    if has_full_rank and min(real.count, fake.count) > ROWS_PER_FEATURE * width:
        psi_real, psi_fake = influence(real, fake, real_rows, fake_rows)
        return float(np.sqrt(psi_real.var() / len(psi_real) + psi_fake.var() / len(psi_fake)))
    if min(real.count, fake.count) < 3:
        return None
    return standard_error(
        leave_blocks_out(fake, real_rows, blocks(real.count, pair.seed, "real")),
        leave_blocks_out(real, fake_rows, blocks(fake.count, pair.seed, "fake")),
    )


FD = Metric(
    name="fd",
    label="FD",
    summary="Frechet distance between Gaussians fitted to the features",
    compute=frechet,
    better="lower",
    range=(0.0, float("inf")),
    source="Heusel et al. 2017, arXiv:1706.08500",
    is_symmetric=True,
)
