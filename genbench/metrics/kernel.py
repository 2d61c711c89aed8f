"""Kernel distance: squared maximum mean discrepancy with the polynomial kernel (x'y / d + 1)^3.

On Inception-v3 features this is KID (Binkowski et al. 2018, arXiv:1801.01401), here as one unbiased U-statistic over
all pairs instead of a mean over random subsets: no noise from the draw. It may be negative; its mean is 0 for equal
distributions.
"""

import numpy as np

from genbench.contracts import Estimate, Metric
from genbench.stats.pair import Pair


def kernel_distance(pair: Pair) -> Estimate:
    """Unbiased squared MMD over all pairs, range (-inf, inf), lower is better.

    Args:
        pair: pooled features float32 [n, d] and [m, d]; n, m >= 2.

    Returns:
        The distance. Standard error: of the U-statistic, 4 var(h_real)/n + 4 var(h_fake)/m, where h is a point's mean
        kernel to its own set minus its mean kernel to the other.

    Raises:
        MismatchedFeatures: if the widths differ.
    """
    sums = pair.kernel_sums
    n, m = len(sums.within_real), len(sums.within_fake)
    towards_real = sums.within_real / (n - 1) - sums.real_to_fake / m
    towards_fake = sums.within_fake / (m - 1) - sums.fake_to_real / n
    value = towards_real.mean() + towards_fake.mean()
    error = np.sqrt(4 * towards_real.var(ddof=1) / n + 4 * towards_fake.var(ddof=1) / m)
    return Estimate(float(value), float(error))


KD = Metric(
    name="kd",
    label="KD",
    summary="kernel distance: unbiased squared MMD, cubic polynomial kernel, all pairs",
    compute=kernel_distance,
    better="lower",
    range=(-float("inf"), float("inf")),
    source="Binkowski et al. 2018, arXiv:1801.01401",
    is_symmetric=True,
)
