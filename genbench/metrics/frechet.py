"""Frechet distance between Gaussians fitted to the features of two sets.

fd = |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^1/2, covariances with divisor n - 1. On Inception-v3 features this is
FID (Heusel et al. 2017, arXiv:1706.08500). It is biased upward at finite n: compare at equal counts only.
"""

import numpy as np

from genbench.contracts import Estimate, Metric
from genbench.stats.gaussian import frechet_distance, influence, leave_blocks_out
from genbench.stats.jackknife import blocks, standard_error
from genbench.stats.pair import Pair

BIASED_BELOW = 10  # images per feature under which the bias is worth a warning
ROWS_PER_FEATURE = 5  # above this the influence form of the standard error is within a few per cent
FIXED = "reference taken as fixed: statistics carry no images, so the standard error is of the fake side alone"


def frechet(pair: Pair) -> Estimate:
    """Frechet distance, unit feature^2, range [0, inf), lower is better.

    Args:
        pair: pooled features float32 [n, d] and [m, d], n, m >= 2; or Gaussians fitted elsewhere.

    Returns:
        The distance. Standard error: each side's part from per-image influences if that side has n > 5 d images, else
        from a 20-block jackknife (conservative: it overestimates where n is below d). A side given by its Gaussian
        alone adds nothing, and a warning says so.

    Raises:
        MismatchedFeatures: if the widths differ.  NotEnoughImages: if a side has fewer than 2.
    """
    real, fake = pair.gaussians
    value = frechet_distance(real, fake)
    width = len(real.mean)
    fewest = min(count for count in pair.counts if count)
    warnings = []
    if fewest < BIASED_BELOW * width:
        warnings.append(
            f"{fewest} images for {width} features: fd is biased upward, above 0 even for equal distributions; "
            "compare only with scores at the same counts"
        )
    if fewest < 3:
        warnings.append("too few images for a standard error: expected 3 a side")
    if not len(pair.real.pooled):
        warnings.append(FIXED)
    return Estimate(max(value, 0.0), _standard_error(pair), tuple(warnings))


def _standard_error(pair: Pair) -> float | None:
    real, fake = pair.gaussians
    width = len(real.mean)
    given = [features.pooled.astype(np.float64) for features in (pair.real, pair.fake)]
    is_ample = [
        one.count > ROWS_PER_FEATURE * width and len(rows) > 0 for one, rows in zip((real, fake), given, strict=True)
    ]
    if any(len(rows) in (1, 2) for rows in given):
        return None
    variances = []
    if any(is_ample):
        real_rows, fake_rows = (rows if ample else rows[:0] for rows, ample in zip(given, is_ample, strict=True))
        influences = zip(influence(real, fake, real_rows, fake_rows), (real, fake), strict=True)
        variances += [psi.var() / one.count for psi, one in influences if len(psi)]
    for (side, other), rows, ample in zip((("real", fake), ("fake", real)), given, is_ample, strict=True):
        if len(rows) and not ample:
            without = leave_blocks_out(other, rows, blocks(len(rows), pair.seed, side))
            variances.append(standard_error(without) ** 2)
    return float(np.sqrt(sum(variances)))


FD = Metric(
    name="fd",
    label="FD",
    summary="Frechet distance between Gaussians fitted to the features",
    compute=frechet,
    better="lower",
    range=(0.0, float("inf")),
    source="Heusel et al. 2017, arXiv:1706.08500",
    is_symmetric=True,
    works_from_moments=True,
    version=2,
)
