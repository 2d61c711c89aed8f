"""p-values against honest points: by definition, uniform under exchangeability, sharp for a copy."""

import numpy as np
import pytest
from scipy import stats

from genbench.stats.exchangeable import chance_of, lower_bound, needed_for, p_values, upper_bound
from tests.reference.copying import p_value


@pytest.mark.parametrize("levels", [None, 6, 2])
def test_it_is_the_definition(rng, levels):
    scores, honest = rng.normal(size=(40, 3)), rng.normal(size=(25, 3))
    if levels is not None:  # many ties
        scores, honest = (rng.integers(0, levels, table.shape).astype(float) for table in (scores, honest))
    found, _ = p_values(scores, honest)
    assert found.tolist() == [p_value(x, honest) for x in scores]


def test_honest_points_have_uniform_p_values_whatever_the_detectors(rng):
    runs, n = 4000, 19
    mix = np.array([[1.0, 0.9, 0, 0], [0, 0.4, 0, 0], [0, 0, 1, -1]])  # two much alike, two of opposite opinion
    found = np.array([p_values(drawn[:1], drawn[1:])[0][0] for drawn in rng.normal(size=(runs, n + 1, 3)) @ mix])
    counts = np.bincount(np.rint(found * (n + 1)).astype(int), minlength=n + 2)[1:]
    assert counts.sum() == runs
    assert stats.chisquare(counts).pvalue > 1e-4


def test_ties_make_it_conservative_never_bold(rng):
    found = np.array([p_values(d[:1], d[1:])[0][0] for d in rng.integers(0, 3, (3000, 20, 2)).astype(float)])
    for alpha in (0.05, 0.1, 0.3):
        assert (found <= alpha + 1e-12).mean() <= alpha + 4 * np.sqrt(alpha / 3000)


def test_a_copy_that_one_detector_sees_has_a_small_p_value(rng):
    honest = rng.normal(size=(99, 4))
    for detector in range(4):
        copy = honest.mean(axis=0)
        copy[detector] = -50
        p, seen = p_values(copy[None], honest)
        assert p[0] == 1 / 100  # none of the smallest of the other three is as small
        assert seen[0] == detector
    assert p_values(np.full((1, 4), -50.0), honest)[0][0] == 1 / 100
    assert p_values(np.full((1, 4), 50.0), honest)[0][0] == 1


def test_bounds_are_those_of_clopper_and_pearson():
    for hits, count in ((0, 30), (3, 200), (30, 30)):
        test = stats.binomtest(hits, count)
        assert lower_bound(hits, count) == pytest.approx(test.proportion_ci(0.9, "exact").low)
        assert upper_bound(hits, count) == pytest.approx(test.proportion_ci(0.9, "exact").high)


def test_the_fewest_honest_points_are_1_over_alpha_less_1(rng):
    assert [needed_for(alpha) for alpha in (0.01, 0.05, 0.1, 0.03)] == [99, 19, 9, 33]
    smallest = p_values([[-9.0]], rng.normal(size=(needed_for(0.03), 1)))[0][0]
    assert smallest <= 0.03 < 1 / needed_for(0.03)


def test_the_chance_of_a_share_counts_the_luck_of_the_calibration(rng):
    n, m, alpha, runs = 39, 30, 0.1, 4000
    hits = np.array([(p_values(x[n:], x[:n])[0] <= alpha).sum() for x in rng.normal(size=(runs, n + m, 1))])
    for least in (3, 6):
        expected = chance_of(least, m, n, alpha)
        assert (hits >= least).mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / runs))
    assert chance_of(6, m, n, alpha) > 1.5 * stats.binom.sf(5, m, alpha)
    assert chance_of(0, m, n, alpha) == 1
