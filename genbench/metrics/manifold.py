"""Precision, recall, density, coverage: which images of one set lie in balls around the images of the other.

A ball reaches from an image to its k-th nearest neighbour in its own set. Precision and recall: k = 3, points on the
surface are inside (Kynkaanniemi et al. 2019, arXiv:1904.06991); density and coverage: k = 5, they are not (Naeem et al.
2020, arXiv:2002.09797). All depend on the counts of both sets: compare at equal counts only.
"""

from genbench.contracts import Estimate, Metric
from genbench.parameters import Count
from genbench.stats.balls import Covered
from genbench.stats.pair import CLOSED_K, OPEN_K, Pair

FEWEST = OPEN_K + 1  # images a side, so that every usual ball is defined
NO_ERROR = "too few images for a standard error: leaving out a block would leave balls undefined"


def precision(pair: Pair, *, k: Count = CLOSED_K, is_closed: bool = True) -> Estimate:
    """Share of fake images inside a ball around any real image, range [0, 1], higher is better: quality.

    Args:
        pair: pooled features float32 [n, d] and [m, d]; n, m >= 6, and > k.
        k: the neighbour that a ball reaches to.
        is_closed: whether a point at its surface is inside.

    Returns:
        The share. Standard error: of a mean over that set, and a 20-block jackknife of the other.

    Raises:
        MismatchedFeatures: if the widths differ.  NotEnoughImages: if a side has too few.
    """
    return _estimate(pair.cover("real", k, is_closed=is_closed).point_share(), k, ("real", "fake"))


def recall(pair: Pair, *, k: Count = CLOSED_K, is_closed: bool = True) -> Estimate:
    """Share of real images inside a ball around any fake image, range [0, 1], higher is better: variety.

    Args:
        pair: pooled features float32 [n, d] and [m, d]; n, m >= 6, and > k.
        k: the neighbour that a ball reaches to.
        is_closed: whether a point at its surface is inside.

    Returns:
        The share. Standard error: of a mean over that set, and a 20-block jackknife of the other.

    Raises:
        MismatchedFeatures: if the widths differ.  NotEnoughImages: if a side has too few.
    """
    return _estimate(pair.cover("fake", k, is_closed=is_closed).point_share(), k, ("fake", "real"))


def density(pair: Pair, *, k: Count = OPEN_K, is_closed: bool = False) -> Estimate:
    """Real balls that hold a fake image, mean over fake images, over k; range [0, inf), 1 for equal distributions.

    Above 1 the fake images crowd where real ones are dense, as after mode collapse: not better than 1.

    Args:
        pair: pooled features float32 [n, d] and [m, d]; n, m >= 6, and > k.
        k: the neighbour that a ball reaches to.
        is_closed: whether a point at its surface is inside.

    Returns:
        The density. Standard error: of a mean over that set, and a 20-block jackknife of the other.

    Raises:
        MismatchedFeatures: if the widths differ.  NotEnoughImages: if a side has too few.
    """
    return _estimate(pair.cover("real", k, is_closed=is_closed).density(), k, ("real", "fake"))


def coverage(pair: Pair, *, k: Count = OPEN_K, is_closed: bool = False) -> Estimate:
    """Share of real balls that hold any fake image, range [0, 1], higher is better: variety.

    For equal distributions it is expected at 1 - prod_{t=1..k} (n - t)/(n + m - t), about .97 at n = m and k = 5.

    Args:
        pair: pooled features float32 [n, d] and [m, d]; n, m >= 6, and > k.
        k: the neighbour that a ball reaches to.
        is_closed: whether a point at its surface is inside.

    Returns:
        The share. Standard error: 20-block jackknife of both sides.

    Raises:
        MismatchedFeatures: if the widths differ.  NotEnoughImages: if a side has too few.
    """
    return _estimate(pair.cover("real", k, is_closed=is_closed).coverage(), k, ("real", "fake"))


def _fewest(*, k: int, is_closed: bool) -> int:
    """Return the images a side that define every ball, closed or open."""
    return max(FEWEST, k + 1)


def _estimate(covered: Covered, k: int, sides: tuple[str, str]) -> Estimate:
    """Return the estimate of balls around ``sides[0]`` and points of ``sides[1]``."""
    if covered.error is None or covered.parts is None:
        return Estimate(covered.value, None, (NO_ERROR,), {"k": k})
    parts = dict(zip(sides, covered.parts, strict=True))
    beyond = max(0.0, covered.error**2 - sum(part.variance for part in covered.parts))  # of a share of 0 or 1
    parts["fake"] = parts["fake"].raised(beyond)
    return Estimate(covered.value, covered.error, (), {"k": k}, parts=parts)


PRECISION = Metric(
    name="precision",
    label="precision",
    summary="share of fake images near real ones (k = 3): quality",
    compute=precision,
    better="higher",
    range=(0.0, 1.0),
    source="Kynkaanniemi et al. 2019, arXiv:1904.06991",
    min_count=FEWEST,
    fewest=_fewest,
)
RECALL = Metric(
    name="recall",
    label="recall",
    summary="share of real images near fake ones (k = 3): variety",
    compute=recall,
    better="higher",
    range=(0.0, 1.0),
    source="Kynkaanniemi et al. 2019, arXiv:1904.06991",
    min_count=FEWEST,
    fewest=_fewest,
)
DENSITY = Metric(
    name="density",
    label="density",
    summary="how many real neighbourhoods a fake image lies in (k = 5), 1 expected: quality",
    compute=density,
    better="higher",
    range=(0.0, float("inf")),
    source="Naeem et al. 2020, arXiv:2002.09797",
    min_count=FEWEST,
    fewest=_fewest,
)
COVERAGE = Metric(
    name="coverage",
    label="coverage",
    summary="share of real neighbourhoods with a fake image (k = 5): variety",
    compute=coverage,
    better="higher",
    range=(0.0, 1.0),
    source="Naeem et al. 2020, arXiv:2002.09797",
    min_count=FEWEST,
    fewest=_fewest,
)
