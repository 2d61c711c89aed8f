"""Rank sums in cells beside scipy's and plain loops: ties, empty cells, cells where all tie."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from genbench.stats.rank_sum import RankedCells


def z_of(first, second):
    values = np.concatenate([first, second])
    ranked = RankedCells.of(values, np.zeros(len(values), int), 1)
    return float(ranked.compare(np.arange(len(values)) < len(first)).z[0])


def by_loops(first, second):
    """Pairs counted one by one; the variance of mid-ranks from the finite population of ranks."""
    u = sum((a > b) + (a == b) / 2 for a in first for b in second)
    pooled = np.concatenate([first, second])
    ranks = [sum(pooled < x) + (sum(pooled == x) + 1) / 2 for x in pooled]
    m, n = len(first), len(second)
    variance = m * n / (m + n) * np.var(ranks, ddof=1)
    return (u - (m * n / 2 - 0.5)) / np.sqrt(variance)


def test_ten_below_ten_as_worked_out_by_hand():
    low, high = np.linspace(0.1, 0.2, 10), np.linspace(5, 6, 10)
    assert z_of(low, high) == pytest.approx(-49.5 / np.sqrt(175), rel=1e-12)
    assert z_of(high, low) == pytest.approx(50.5 / np.sqrt(175), rel=1e-12)


@pytest.mark.parametrize("levels", [2, 5, 1000])
def test_ties_as_by_loops_and_by_scipy(rng, levels):
    first, second = (rng.integers(0, levels, size).astype(float) for size in (31, 22))
    assert z_of(first, second) == pytest.approx(by_loops(first, second), rel=1e-12)
    scipy_p = mannwhitneyu(first, second, alternative="less", method="asymptotic", use_continuity=False).pvalue
    from scipy.stats import norm

    pooled = np.concatenate([first, second])
    spread = np.sqrt(31 * 22 / 53 * np.var([np.sum(pooled < x) + np.sum(pooled <= x) for x in pooled], ddof=1) / 4)
    assert norm.cdf(z_of(first, second) - 0.5 / spread) == pytest.approx(scipy_p, rel=1e-9)


def test_cells_are_compared_apart(rng):
    values, cells = rng.normal(size=60), rng.integers(0, 3, 60)
    is_first = rng.random(60) < 0.4
    found = RankedCells.of(values, cells, 3).compare(is_first)
    for cell in range(3):
        here = cells == cell
        assert found.first[cell] == (here & is_first).sum()
        assert found.second[cell] == (here & ~is_first).sum()
        assert found.z[cell] == pytest.approx(by_loops(values[here & is_first], values[here & ~is_first]), rel=1e-12)


def test_cells_that_say_nothing_are_zero():
    values, cells = np.array([1.0, 2, 3, 4, 7, 7, 7, 9]), np.array([0, 0, 1, 1, 3, 3, 3, 4])
    is_first = np.array([False, True, True, True, True, False, False, False])
    found = RankedCells.of(values, cells, 5).compare(is_first)
    np.testing.assert_array_equal(found.z[1:], 0)  # one sample alone; nobody; all tie; a single value
    assert found.z[0] != 0
