"""Variances of few trainings, steadied by those of other models: closed forms, and how often verdicts are false."""

import math

import numpy as np
import pytest
from scipy import stats

from genbench.stats.holm import holm
from genbench.stats.paired import difference, level_of
from genbench.stats.parts import Part
from genbench.stats.steadied import fit_prior, steady

NOTHING = Part(0.0, np.empty(0))


def alone(variance):
    return Part(variance, np.empty(0))


def levels_of(table, sampling=0.0):
    return {
        str(k): level_of(list(row), [NOTHING] * len(row), [alone(sampling)] * len(row)) for k, row in enumerate(table)
    }


@pytest.mark.parametrize(("prior", "scale"), [(3.0, 2.0), (20.0, 0.1)])
def test_the_prior_that_variances_were_drawn_from_is_found(rng, prior, scale):
    """1 / v ~ chi^2_prior / (prior scale), s^2 ~ v chi^2_d / d: so s^2 / scale is F with d and prior degrees."""
    degrees = rng.choice([4.0, 8.0, 30.0], 20_000)
    found = fit_prior(scale * stats.f.rvs(degrees, prior, random_state=rng), degrees)
    assert found.degrees == pytest.approx(prior, rel=0.1)
    assert found.variance == pytest.approx(scale, rel=0.05)


def test_no_other_prior_makes_the_variances_likelier():
    spreads, degrees = np.array([1.0, 20.0, 0.04, 3.0, 300.0, 0.2]), np.array([2.0, 2.0, 1.0, 1.0, 3.0, 1.0])
    found = fit_prior(spreads, degrees)

    def log_likelihood(scale, prior):
        return stats.f.logpdf(spreads, degrees, prior, scale=scale).sum()

    best = log_likelihood(found.variance, found.degrees)
    assert 0.5 < found.degrees < 10
    for factor in (0.8, 1.25):
        assert log_likelihood(factor * found.variance, found.degrees) < best
        assert log_likelihood(found.variance, factor * found.degrees) < best


def test_two_runs_that_happen_to_be_alike_do_not_pass_for_a_difference_of_models(rng):
    spreads = rng.chisquare(1, 20)
    spreads[0] = 1e-7
    assert fit_prior(spreads, np.ones(20)).degrees > 3


def test_variances_that_differ_no_more_than_chance_makes_them_have_one_in_common():
    found = fit_prior(np.array([1.0, 1.1, 0.9, 1.0]), np.full(4, 2.0))
    assert math.isinf(found.degrees)


def test_few_runs_get_the_degrees_of_all_and_no_smaller_variance_than_their_own():
    table = [[10.0, 11.0], [20.0, 21.0], [30.0, 31.1], [40.0, 40.9], [50.0, 51.0]]
    plain = levels_of(table)
    found = steady(plain, is_relative=False)
    assert {one.degrees for one in found.values()} == {5.0}  # alike: all the degrees there are
    assert all(found[name].own >= plain[name].own for name in found)
    assert [one.value for one in found.values()] == [one.value for one in plain.values()]
    gaps = [difference(levels["0"], levels["1"]).p_value for levels in (plain, found)]
    assert gaps[1] < gaps[0] / 3


def test_what_own_runs_show_and_what_sampling_gives_stay():
    wild = [[0.0, 60.0], [20.0, 21.0], [30.0, 31.1], [40.0, 40.9], [50.0, 51.0], [60.0, 61.0]]
    assert steady(levels_of(wild), is_relative=False)["0"].own == pytest.approx(60**2 / 2 / 2)
    assert steady(levels_of(wild[1:], sampling=50.0), is_relative=False)["1"].own == pytest.approx(50 / 2)


def test_a_lone_run_gets_the_spread_of_the_others():
    table = [[10.0, 11.0], [20.0, 21.0], [30.0, 31.1], [40.0, 41.0], [50.0, 51.0], [15.0]]
    lone = steady(levels_of(table, sampling=0.01), is_relative=False)["5"]
    prior = fit_prior(np.array([0.5, 0.5, 0.605, 0.5, 0.5]), np.ones(5))
    assert lone.own == pytest.approx(prior.variance)
    assert lone.degrees == 5
    assert lone.run_sd is None


def test_relative_spreads_are_steadied_where_errors_grow_with_the_score():
    small, large = [[1.0, 1.1], [2.0, 2.2], [3.0, 3.3]], [[100.0, 110.0], [200.0, 220.0], [300.0, 330.0]]
    found = steady(levels_of(small + large), is_relative=True)
    assert found["3"].own == pytest.approx(100**2 * found["0"].own)
    assert found["0"].degrees == 6


def test_with_fewer_than_five_repeated_models_nothing_is_known_of_others():
    plain = levels_of([[1.0, 2.0], [3.0, 4.0], [3.0, 5.0], [3.0, 4.0], [9.0]])
    assert steady(plain, is_relative=False) == plain


def test_runs_that_never_differ_say_nothing():
    plain = levels_of([[8.0, 8.0], [8.0, 8.0], [7.0, 7.0], [8.0, 8.0], [8.0, 7.0]])
    assert steady(plain, is_relative=True) == plain


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.5, 1.0])
@pytest.mark.parametrize("models", [5, 20])
def test_false_verdicts_stay_rare_where_models_are_not_alike_in_their_spread(models, spread):
    """Equal models, the logarithm of their standard deviation between trainings normal with sd ``spread``."""
    rng = np.random.default_rng(5)
    repeats, false = 200, 0
    for _ in range(repeats):
        table = 100 + np.exp(spread * rng.standard_normal((models, 1))) * rng.standard_normal((models, 2))
        found = list(steady(levels_of(table), is_relative=True).values())
        p = [difference(a, b).p_value for i, a in enumerate(found) for b in found[i + 1 :]]
        false += holm(p).min() < 0.05
    assert false / repeats < 0.08 + 2 * math.sqrt(0.08 * 0.92 / repeats)
