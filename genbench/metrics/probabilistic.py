"""P-precision and P-recall: the probability that an image of one set lies in the support of the other.

Park & Kim 2023 (arXiv:2309.01590), with the paper's k = 4 and a = 1.2 (the published code's defaults differ between
its files: 1.2 and 1.5). All balls of a set have one radius, so that an outlier's wide ball does not stretch the
support, and an image counts by degrees, not by yes or no. Both depend on the counts: compare at equal counts only.
"""

import math

import numpy as np

from genbench.contracts import Estimate, Metric
from genbench.stats.jackknife import share_error_at_edge
from genbench.stats.pair import SOFT_K, SOFT_SCALE, Pair
from genbench.stats.parts import part_across, part_of_mean
from genbench.stats.soft_balls import SoftCover


def probabilistic_precision(pair: Pair) -> Estimate:
    """Mean probability that a fake image is in the support of the real ones, range [0, 1], higher is better: quality.

    Args:
        pair: pooled features float32 [n, d] and [m, d]; n, m >= 6.

    Returns:
        The mean. Standard error: of a mean over the fake images, and a 20-block jackknife of the real ones. Per image:
        "p-precision", the probability.

    Raises:
        MismatchedFeatures: if the widths differ.  NotEnoughImages: if a side has too few.
    """
    cover = pair.soft_covers.fake_in_real
    return _estimate(cover, ("real", "fake"), {"p-precision": cover.inside().astype(np.float32)})


def probabilistic_recall(pair: Pair) -> Estimate:
    """Mean probability that a real image is in the support of the fake ones, range [0, 1], higher is better: variety.

    Args:
        pair: pooled features float32 [n, d] and [m, d]; n, m >= 6.

    Returns:
        The mean. Standard error: of a mean over the real images, and a 20-block jackknife of the fake ones.

    Raises:
        MismatchedFeatures: if the widths differ.  NotEnoughImages: if a side has too few.
    """
    return _estimate(pair.soft_covers.real_in_fake, ("fake", "real"), {})


def _estimate(
    cover: SoftCover, sides: tuple[str, str], per_image: dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]]
) -> Estimate:
    """Return the estimate of balls around ``sides[0]`` and points of ``sides[1]``."""
    inside, without = cover.inside(), cover.inside_without()
    assert without is not None, "of 6 images or more any block can be left out"
    own = part_of_mean(inside)
    if own.variance == 0:
        own = own.raised(share_error_at_edge(len(inside)) ** 2)
    parts = dict(zip(sides, (part_across(without), own), strict=True))
    error = math.sqrt(sum(part.variance for part in parts.values()))
    return Estimate(float(inside.mean()), error, (), {"k": SOFT_K, "a": SOFT_SCALE}, per_image, parts)


P_PRECISION = Metric(
    name="p-precision",
    label="P-precision",
    summary="probability that a fake image is in the support of the real ones (k = 4, a = 1.2): quality",
    compute=probabilistic_precision,
    better="higher",
    range=(0.0, 1.0),
    source="Park & Kim 2023, arXiv:2309.01590",
    min_count=6,
)
P_RECALL = Metric(
    name="p-recall",
    label="P-recall",
    summary="probability that a real image is in the support of the fake ones (k = 4, a = 1.2): variety",
    compute=probabilistic_recall,
    better="higher",
    range=(0.0, 1.0),
    source="Park & Kim 2023, arXiv:2309.01590",
    min_count=6,
)
