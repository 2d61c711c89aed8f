"""Frechet distance between Gaussians fitted to the features of two sets.

fd = |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^1/2, covariances with divisor n - 1. On Inception-v3 features this is
FID (Heusel et al. 2017, arXiv:1706.08500); on its spatial features, sFID (Nash et al. 2021, arXiv:2103.03841). It is
biased upward at finite n: compare at equal counts only.
"""

from typing import Literal

import numpy as np

from genbench.contracts import Estimate, Metric
from genbench.stats.gaussian import BIASED_BELOW, FIXED, Array, Gaussian, frechet_distance, frechet_error
from genbench.stats.pair import Pair
from genbench.stats.parts import Part

Divisor = Literal["n-1", "n"]


def frechet(pair: Pair, *, divisor: Divisor = "n-1") -> Estimate:
    """Frechet distance, unit feature^2, range [0, inf), lower is better.

    Args:
        pair: pooled features float32 [n, d] and [m, d], n, m >= 2; or Gaussians fitted elsewhere.
        divisor: of the covariances; "n" as StyleGAN's tools have it. The standard error is that of "n-1".

    Returns:
        The distance. Standard error: each side's part from per-image influences if that side has n > 5 d images, else
        from a 20-block jackknife (conservative: it overestimates where n is below d). A side given by its Gaussian
        alone adds nothing, and a warning says so. Per image, with m > 5 d: "fd", the influence psi of each fake image:
        fd moves by about -psi/m without it, so that the largest cost most.

    Raises:
        MismatchedFeatures: if the widths differ.  NotEnoughImages: if a side has fewer than 2.
    """
    real, fake = pair.gaussians
    value, error, effect, parts = pair.frechet
    if divisor == "n":
        value = frechet_distance(real.with_divisor_n(), fake.with_divisor_n())
    return _estimate("fd", real, fake, (value, error, effect, parts), is_fixed=not len(pair.real.pooled))


def spatial_frechet(pair: Pair) -> Estimate:
    """Frechet distance of spatial features, which still know where in the image something is; range [0, inf).

    On Inception-v3 these are guided-diffusion's: the first 7 channels of mixed_6/conv, 17 x 17, in h, w, channel order.

    Args:
        pair: spatial features float32 [n, d] and [m, d], n, m >= 2.

    Returns:
        The distance. Standard error: as that of fd.

    Raises:
        MismatchedFeatures: if the widths differ.  NotEnoughImages: if a side has fewer than 2.
    """
    rows = pair.rows("spatial")
    real, fake = Gaussian.of(rows[0]), Gaussian.of(rows[1])
    found = frechet_distance(real, fake), *frechet_error(real, fake, *rows, pair.seed)
    return _estimate("sfd", real, fake, found, is_fixed=False)


def _estimate(
    name: str,
    real: Gaussian,
    fake: Gaussian,
    found: tuple[float, float | None, Array, dict[str, Part]],
    *,
    is_fixed: bool,
) -> Estimate:
    width = len(real.mean)
    fewest = min(one.count for one in (real, fake) if one.count)
    warnings = []
    if fewest < BIASED_BELOW * width:
        warnings.append(
            f"{fewest} images for {width} features: {name} is biased upward, above 0 even for equal distributions; "
            "compare only with scores at the same counts"
        )
    if fewest < 3:
        warnings.append("too few images for a standard error: expected 3 a side")
    if is_fixed:
        warnings.append(FIXED)
    value, error, effect, parts = found
    per_image = {name: effect.astype(np.float32)} if len(effect) == fake.count else {}
    return Estimate(max(value, 0.0), error, tuple(warnings), per_image=per_image, parts=parts)


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
SFD = Metric(
    name="sfd",
    label="sFD",
    summary="Frechet distance of spatial features: where things are in the image counts too",
    compute=spatial_frechet,
    better="lower",
    range=(0.0, float("inf")),
    source="Nash et al. 2021, arXiv:2103.03841",
    layer="spatial",
    is_symmetric=True,
)
