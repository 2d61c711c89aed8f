"""Precision, recall, density, coverage: which images of one set lie in balls around the images of the other.

A ball reaches from an image to its k-th nearest neighbour in its own set. Precision and recall: k = 3, points on the
surface are inside (Kynkaanniemi et al. 2019, arXiv:1904.06991); density and coverage: k = 5, they are not (Naeem et al.
2020, arXiv:2002.09797). All depend on the counts of both sets: compare at equal counts only.
"""

from genbench.contracts import Estimate, Metric
from genbench.stats.balls import Covered
from genbench.stats.pair import CLOSED_K, OPEN_K, Pair

FEWEST = OPEN_K + 1  # images a side, so that every ball is defined
NO_ERROR = "too few images for a standard error: leaving out a block would leave balls undefined"


def precision(pair: Pair) -> Estimate:
    """Share of fake images inside a ball around any real image, k = 3, range [0, 1], higher is better: quality.

    Args:
        pair: pooled features float32 [n, d] and [m, d]; n, m >= 6.

    Returns:
        The share. Standard error: of a mean over that set, and a 20-block jackknife of the other.

    Raises:
        MismatchedFeatures: if the widths differ.  NotEnoughImages: if a side has too few.
    """
    return _estimate(pair.covers.fake_in_real.point_share(), k=CLOSED_K)


def recall(pair: Pair) -> Estimate:
    """Share of real images inside a ball around any fake image, k = 3, range [0, 1], higher is better: variety.

    Args:
        pair: pooled features float32 [n, d] and [m, d]; n, m >= 6.

    Returns:
        The share. Standard error: of a mean over that set, and a 20-block jackknife of the other.

    Raises:
        MismatchedFeatures: if the widths differ.  NotEnoughImages: if a side has too few.
    """
    return _estimate(pair.covers.real_in_fake.point_share(), k=CLOSED_K)


def density(pair: Pair) -> Estimate:
    """Real balls that hold a fake image, mean over fake images, over k = 5; range [0, inf), 1 for equal distributions.

    Above 1 the fake images crowd where real ones are dense, as after mode collapse: not better than 1.

    Args:
        pair: pooled features float32 [n, d] and [m, d]; n, m >= 6.

    Returns:
        The density. Standard error: of a mean over that set, and a 20-block jackknife of the other.

    Raises:
        MismatchedFeatures: if the widths differ.  NotEnoughImages: if a side has too few.
    """
    return _estimate(pair.covers.fake_in_real_open.density(), k=OPEN_K)


def coverage(pair: Pair) -> Estimate:
    """Share of real balls that hold any fake image, k = 5, range [0, 1], higher is better: variety.

    For equal distributions it is expected at 1 - prod_{t=1..k} (n - t)/(n + m - t), about .97 at n = m.

    Args:
        pair: pooled features float32 [n, d] and [m, d]; n, m >= 6.

    Returns:
        The share. Standard error: 20-block jackknife of both sides.

    Raises:
        MismatchedFeatures: if the widths differ.  NotEnoughImages: if a side has too few.
    """
    return _estimate(pair.covers.fake_in_real_open.coverage(), k=OPEN_K)


def _estimate(covered: Covered, k: int) -> Estimate:
    if covered.error is None:
        return Estimate(covered.value, None, (NO_ERROR,), {"k": k})
    return Estimate(covered.value, covered.error, (), {"k": k})


PRECISION = Metric(
    name="precision",
    label="precision",
    summary="share of fake images near real ones (k = 3): quality",
    compute=precision,
    better="higher",
    range=(0.0, 1.0),
    source="Kynkaanniemi et al. 2019, arXiv:1904.06991",
    min_count=FEWEST,
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
)
