"""Realism and rarity: numbers of single fake images, and the median of each as a score.

Realism (Kynkaanniemi et al. 2019, arXiv:1904.06991): how deep an image lies in the balls to the 3rd neighbour around
real images, 1 on the surface. Rarity (Han et al. 2022, arXiv:2206.08549): the radius of the smallest such ball that
holds it. Conventions: distances, not their squares as in the first paper's published code; the half of the balls with
the larger radii is left out of realism, as there; the radius is that of the k-th neighbour, where the second paper's
published code takes the one after it.
"""

import math

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Estimate, Metric
from genbench.errors import BadInput
from genbench.stats.jackknife import error_across
from genbench.stats.pair import CLOSED_K, Pair

Values = NDArray[np.floating]
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
FEWEST = 6


def realism(pair: Pair) -> Estimate:
    """Median realism of the fake images, range [0, inf), higher is better: quality.

    The realism of an image is the largest r / distance over real images, r their distance to the 3rd nearest other one,
    of those whose r is not above the median (nor 0: 4 equal images). The median over images stands for the set because
    the mean is infinite as soon as one fake equals a real image.

    Args:
        pair: pooled features float32 [n, d] and [m, d]; n, m >= 6.

    Returns:
        The median. Standard error: Woodruff's, half the way between the quantiles at 0.5 -/+ the error of the share
        above the median, of a mean over fake images and a 20-block jackknife of the real ones. Details: "share_inside",
        of images with a realism
        of 1 or more; "quantiles" (null where infinite). Per image: "realism", inf for a copy.

    Raises:
        MismatchedFeatures: if the widths differ.  NotEnoughImages: if a side has too few.
        BadInput: if half of the fake images equal real ones.
    """
    balls = pair.best_balls
    value = float(np.median(balls.realism))
    if not np.isfinite(value):
        raise BadInput(
            "realism: half of the fake images or more equal reference images; expected a distance above 0, got 0. "
            "Compare with images the fakes were not copied from, or leave realism out: the other scores are kept."
        )
    details = {
        "k": CLOSED_K,
        "share_inside": float((balls.realism >= 1).mean()),
        "quantiles": _quantiles(balls.realism),
    }
    error, warnings = _error(balls.realism, balls.realism_without, value)
    return Estimate(value, error, warnings, details, {"realism": balls.realism.astype(np.float32)})


def rarity(pair: Pair) -> Estimate:
    """Median rarity of the fake images that have one, in feature units, range [0, inf): how sparse reality is there.

    The rarity of an image is the radius of the smallest ball to the 3rd neighbour around a real image that holds it;
    an image outside all balls has none. It is no quality: set it beside that of held-out real images.

    Args:
        pair: pooled features float32 [n, d] and [m, d]; n, m >= 6.

    Returns:
        The median. Standard error: as that of realism. Details: "share_outside", 1 - precision;
        "quantiles" of those that have one. Per image: "rarity", NaN outside.

    Raises:
        MismatchedFeatures: if the widths differ.  NotEnoughImages: if a side has too few.
        BadInput: if no fake image is inside.
    """
    balls = pair.best_balls
    is_inside = np.isfinite(balls.rarity)
    if not is_inside.any():
        raise BadInput(
            "rarity: no fake image is near any real one, so none has a rarity; expected one at least, got 0. Leave "
            "rarity out: the other scores are kept."
        )
    details = {
        "k": CLOSED_K,
        "share_outside": float(1 - is_inside.mean()),
        "quantiles": _quantiles(balls.rarity[is_inside]),
    }
    value = float(np.nanmedian(balls.rarity))
    error, warnings = _error(balls.rarity, balls.rarity_without, value)
    inside = (
        f"median of the {is_inside.sum()} of {len(is_inside)} fake images that lie near a real one; others have none"
    )
    return Estimate(value, error, (inside, *warnings), details, {"rarity": balls.rarity.astype(np.float32)})


def _error(values: Values, without: Values | None, middle: float) -> tuple[float | None, tuple[str, ...]]:
    """Return the standard error of the median of the values that are not NaN, and the warning where there is none.

    Args:
        values: of each fake image, [m].
        without: the same with each block of real images left out, [m, B].
        middle: the median.
    """
    if without is None:
        return None, ("too few images for a standard error: leaving out a block would leave balls undefined",)
    above, above_without = (np.where(np.isnan(some), 0, (some > middle) - 0.5) for some in (values, without))
    known = values[~np.isnan(values)]
    share = math.hypot(math.sqrt(above.var(ddof=1) / len(above)), error_across(above_without))
    share = min(share * len(values) / len(known), 0.5)
    low, high = np.quantile(known, 0.5 - share, method="lower"), np.quantile(known, 0.5 + share, method="higher")
    if not np.isfinite(high):
        return None, ("no standard error: with a few more copies the median is infinite",)
    return float(high - low) / 2, ()


def _quantiles(values: Values) -> dict[str, float | None]:
    found = np.quantile(values, QUANTILES, method="lower").tolist()  # no mean of a number and infinity
    return {f"{share:g}": value if np.isfinite(value) else None for share, value in zip(QUANTILES, found, strict=True)}


REALISM = Metric(
    name="realism",
    label="realism",
    summary="median realism of fake images: depth in the balls (k = 3) around real ones, 1 at their surface: quality",
    compute=realism,
    better="higher",
    range=(0.0, float("inf")),
    source="Kynkaanniemi et al. 2019, arXiv:1904.06991",
    min_count=FEWEST,
)
RARITY = Metric(
    name="rarity",
    label="rarity",
    summary="median rarity of fake images: radius of the smallest ball (k = 3) around a real one that holds them",
    compute=rarity,
    better="none",
    range=(0.0, float("inf")),
    source="Han et al. 2022, arXiv:2206.08549",
    min_count=FEWEST,
)
