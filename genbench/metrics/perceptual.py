"""Perceptual distances: between fake and real images of one name, and between fake images, where it is variety.

LPIPS (Zhang et al. 2018, arXiv:1801.03924), or the measure that ``--perceptual`` names, under its own name. As variety
of a set: Zhu et al. 2017, arXiv:1711.11586.
"""

import math

import numpy as np

from genbench.contracts import Estimate, Metric
from genbench.stats.pair import Pair
from genbench.stats.parts import Part, part_over_pairs


def perceptual(pair: Pair) -> Estimate:
    """Mean perceptual distance of fake and real images of one name, range [0, inf), lower is better.

    Args:
        pair: what the measure says of p pairs, float32 [p]; p >= 2.

    Returns:
        The mean. Standard error: deviation over pairs (divisor p - 1) / sqrt(p). Per image: "lpips".
    """
    values = pair.compared
    part = part_over_pairs(values, pair.partners, pair.real.count)
    parts = {"real": part, "fake": Part(0.0, np.empty(0))}
    mean = float(values.mean(dtype=np.float64))
    return Estimate(mean, math.sqrt(part.variance), per_image={"lpips": values.astype(np.float32)}, parts=parts)


def perceptual_diversity(pair: Pair) -> Estimate:
    """Mean perceptual distance of two fake images, range [0, inf), higher is more varied; noise is varied too.

    Of m pairs in a seeded round, where each image meets two others: an unbiased estimate of the mean over all pairs.

    Args:
        pair: what the measure says of the m pairs in their order, float32 [m]; m >= 4.

    Returns:
        The mean. Standard error: sqrt((g0 + 2 g1) / m), g0 the variance of the distances and g1 the covariance of two
        that follow each other, as they share an image: the sum of squares about the mean and twice that of products of
        neighbours, over m - 3, which makes it unbiased. g1 cannot be negative: where chance makes it so it is 0.
    """
    values = pair.compared.astype(np.float64)
    count = len(values)
    around = values - values.mean()
    squares, products = float(around @ around), float(around @ np.roll(around, 1))
    variance = max(squares / (count - 1), (squares + 2 * products) / (count - 3))
    return Estimate(float(values.mean()), math.sqrt(variance / count))


LPIPS = Metric(
    name="lpips",
    label="perceptual",
    summary="perceptual distance of fake and real images of one name: LPIPS, or that of --perceptual",
    compute=perceptual,
    better="lower",
    range=(0.0, float("inf")),
    source="Zhang et al. 2018, arXiv:1801.03924",
    layer="",
    measure="lpips:alex",
    pairs="matched",
    is_symmetric=True,
    biased_by=(),
)
LPIPS_DIVERSITY = Metric(
    name="lpips-diversity",
    label="perceptual diversity",
    summary="mean perceptual distance of two fake images, over a seeded round of pairs: variety, whatever the quality",
    compute=perceptual_diversity,
    better="higher",
    range=(0.0, float("inf")),
    source="Zhu et al. 2017, arXiv:1711.11586",
    layer="",
    measure="lpips:alex",
    pairs="shuffled",
    uses_real=False,
    is_ordered=True,
    min_count=4,
    biased_by=(),
)
