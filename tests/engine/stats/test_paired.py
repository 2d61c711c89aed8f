"""Scores of models on one reference: intervals, differences, runs, and how many images a verdict takes."""

import math
from functools import cache

import numpy as np
import pytest
from scipy import stats

from genbench.contracts import Features
from genbench.metrics import METRICS
from genbench.stats.pair import Pair
from genbench.stats.paired import difference, level_of
from genbench.stats.parts import Part, part_of_mean

NOTHING = Part(0.0, np.empty(0))


def alone(variance):
    return Part(variance, np.empty(0))


def level(value, real, fake):
    return level_of([value], [real], [fake])


def test_of_means_it_is_the_paired_t_test(rng):
    """Two statistics that are means over the same images: their difference is tested as scipy does."""
    a, b = rng.standard_normal(40), rng.standard_normal(40)
    found = difference(*(level(x.mean(), part_of_mean(x), NOTHING) for x in (a, b)))
    expected = stats.ttest_rel(a, b)
    low, high = expected.confidence_interval(0.95)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.interval(0.95) == pytest.approx((low, high))


def test_each_part_has_its_own_quantile(rng):
    a, b = rng.standard_normal(12), 3 * rng.standard_normal(30)
    found = difference(*(level(x.mean(), NOTHING, part_of_mean(x)) for x in (a, b)))
    low, high = found.interval(0.9)
    half = math.sqrt(sum(stats.t.ppf(0.95, len(x) - 1) ** 2 * x.var(ddof=1) / len(x) for x in (a, b)))
    assert (high - low) / 2 == pytest.approx(half)
    assert found.p_value >= stats.ttest_ind(a, b, equal_var=False).pvalue


def test_the_interval_at_the_level_of_the_p_value_ends_at_0(rng):
    found = difference(*(level(x, NOTHING, part_of_mean(rng.standard_normal(9))) for x in (1.0, 0.2)))
    assert found.interval(1 - found.p_value)[0] == pytest.approx(0, abs=1e-6)
    assert difference(level(1e9, NOTHING, alone(1.0)), level(0.0, NOTHING, alone(1.0))).p_value < 1e-100
    runs = [level_of([x, x + 0.1], [NOTHING] * 2, [alone(0.01)] * 2) for x in (0.0, 5.0)]  # 1 degree of freedom
    assert 0.005 < difference(*runs).p_value < 0.05
    assert difference(level(1.0, NOTHING, alone(1.0)), level(1.0, NOTHING, alone(1.0))).p_value == pytest.approx(1)
    assert math.isnan(difference(level(1.0, NOTHING, NOTHING), level(0.0, NOTHING, NOTHING)).p_value)


def test_unknown_effects_count_as_independent():
    found = difference(level(1.0, alone(4.0), NOTHING), level(0.0, alone(5.0), NOTHING))
    assert found.stderr == pytest.approx(3)


def test_what_was_taken_out_of_a_variance_stays_out_of_the_difference():
    effects = np.array([3.0, -3.0])
    a, b = (level(0.0, Part(18.0 - 2.0, effects * sign), NOTHING) for sign in (1, -1))
    assert difference(a, b).terms[0].variance == pytest.approx(72 - 4)
    assert difference(a, a).terms[0].variance == 0


def test_the_mean_of_runs_by_hand():
    found = level_of([1.0, 2.0, 6.0], [NOTHING] * 3, [alone(4.0)] * 3)
    assert found.value == 3
    assert found.own == pytest.approx(7 / 3)
    assert found.run_sd == pytest.approx(math.sqrt(3))
    assert found.sampling_sd == pytest.approx(2)
    low, high = found.interval(0.95)
    half = stats.t.ppf(0.975, 2) * math.sqrt(7 / 3)
    assert (low, high) == pytest.approx((3 - half, 3 + half))


def test_runs_that_differ_less_than_sampling_says_have_no_spread_of_training():
    found = level_of([1.0, 1.1], [NOTHING] * 2, [alone(4.0)] * 2)
    assert found.run_sd == 0
    assert found.own == pytest.approx(4 / 2)


def test_the_luck_of_the_reference_does_not_shrink_with_runs(rng):
    part = part_of_mean(rng.standard_normal(30))
    found = level_of([1.0, 2.0, 3.0], [part] * 3, [NOTHING] * 3)
    assert found.reference.variance == pytest.approx(part.variance)
    unknown = level_of([1.0, 2.0, 3.0], [alone(4.0)] * 3, [NOTHING] * 3)
    assert unknown.reference.variance == pytest.approx(4)


def test_the_logarithm_of_a_level_has_relative_errors(rng):
    """Both sides: what scales a score leaves the logarithm's errors, and the difference of two, as they are."""
    luck, noise = part_of_mean(rng.standard_normal(30)), part_of_mean(rng.standard_normal(20))
    small, large = (level(4.0 * scale, luck.scaled(scale), noise.scaled(scale)).logarithm() for scale in (1.0, 10.0))
    assert small.variance == pytest.approx((luck.variance + noise.variance) / 16)
    assert large.variance == pytest.approx(small.variance)
    found = difference(large, small)
    assert found.value == pytest.approx(math.log(10))
    assert found.terms[0].variance == pytest.approx(0, abs=1e-12), "the reference's luck cancels"


def test_as_many_images_as_are_needed_give_80_per_cent_power(rng):
    """Draw again with that many images: four of five tests resolve the difference."""
    own, reference, images, gap = 1.0, 0.01, 10, 0.5
    found = difference(level(gap, alone(reference), alone(own)), level(0.0, alone(reference), alone(own)))
    needed = found.growth_needed(0.05) * images
    error = math.sqrt(2 * own * images / needed + 2 * reference)
    drawn = gap + error * rng.standard_normal(20_000)
    assert np.mean(np.abs(drawn) / error > stats.norm.ppf(0.975)) == pytest.approx(0.8, abs=0.015)


def test_where_the_reference_is_too_small_no_number_of_images_is_enough():
    found = difference(level(0.1, alone(1.0), alone(1.0)), level(0.0, alone(1.0), alone(1.0)))
    assert math.isinf(found.growth_needed(0.05))
    assert math.isinf(difference(level(0.0, NOTHING, alone(1.0)), level(0.0, NOTHING, alone(1.0))).growth_needed(0.05))


def test_the_spread_of_training_does_not_shrink_with_images():
    runs = [level_of(values, [NOTHING] * 2, [alone(0.01)] * 2) for values in ([0.0, 10.0], [1.0, 11.0])]
    assert math.isinf(difference(*runs).growth_needed(0.05))


@pytest.mark.parametrize("runs", [2, 3])
@pytest.mark.parametrize("spread", [0.0, 0.3, 3.0])
def test_intervals_of_means_of_runs_hold(rng, spread, runs):
    """The reference, training and sampling drawn: the mean's interval holds the true mean 95 % of the time."""
    held = []
    for _ in range(2000):
        luck = rng.standard_normal(50)
        noise = [rng.standard_normal(60) for _ in range(runs)]
        values = [luck.mean() + spread * rng.standard_normal() / 5 + one.mean() for one in noise]
        found = level_of(values, [part_of_mean(luck)] * runs, [part_of_mean(one) for one in noise])
        low, high = found.interval(0.95)
        held.append(low < 0 < high)
    assert np.mean(held) > 0.94


def draw(rng, count, shift, width=6):
    return Features({"pooled": (rng.standard_normal((count, width)) + shift).astype(np.float32)})


@cache
def simulate(count, shifts, names, repeats, seed=31):
    """Return metric -> [repeats, 5]: difference, its error, that without pairing, and the interval."""
    rng = np.random.default_rng(seed)
    found = {name: [] for name in names}
    for repeat in range(repeats):
        real = draw(rng, count, 0.0)
        pairs = [Pair(real, draw(rng, count, shift), None, repeat) for shift in shifts]
        for name in names:
            estimates = [METRICS.get(name).compute(pair) for pair in pairs]
            a, b = (level(one.value, *(Part(*one.parts[side]) for side in ("real", "fake"))) for one in estimates)
            gap = difference(a, b)
            unpaired = math.hypot(*(one.stderr for one in estimates))
            found[name].append([gap.value, gap.stderr, unpaired, *gap.interval(0.95), gap.p_value])
    return {name: np.array(rows) for name, rows in found.items()}


NAMES = ("fd", "kd", "precision")
OTHERS = ("recall", "density", "coverage", "p-precision", "p-recall", "cmmd")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shifts", [(0.5, 0.5), (0.5, 0.6), (0.3, 0.8)], ids=str)
def test_nominal_95_per_cent_of_the_paired_difference_hold(name, shifts):
    values, errors, _, low, high, _ = simulate(120, shifts, NAMES, 800)[name].T
    mean = values.mean()
    held, ratio = np.mean((low <= mean) & (mean <= high)), errors.mean() / values.std()
    assert 0.92 <= held <= 0.98, f"coverage {held:.3f}, mean error / true error {ratio:.2f}"


@pytest.mark.slow
def test_and_with_fewer_images_than_fd_needs_for_influences_they_are_not_too_narrow():
    values, errors, _, low, high, _ = simulate(28, (0.5, 0.6), ("fd",), 800)["fd"].T
    mean = values.mean()
    assert np.mean((low <= mean) & (mean <= high)) >= 0.93
    assert errors.mean() / values.std() < 1.4


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_other_intervals_are_not_too_narrow(name):
    values, _, _, low, high, _ = simulate(120, (0.5, 0.6), OTHERS, 400)[name].T
    mean = values.mean()
    assert np.mean((low <= mean) & (mean <= high)) >= 0.92


@pytest.mark.slow
@pytest.mark.parametrize(("name", "at_least"), [("fd", 1.3), ("kd", 1.1), ("precision", 1.3)])
def test_pairing_shortens_intervals_of_models_that_are_alike(name, at_least):
    rows = simulate(120, (0.5, 0.5), NAMES, 800)[name]
    assert rows[:, 2].mean() / rows[:, 1].mean() > at_least


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_equal_models_differ_no_more_often_than_alpha(name, shift):
    p = simulate(120, (shift, shift), NAMES, 800)[name][:, 5]
    assert np.mean(p < 0.05) < 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / len(p))
    assert np.mean(p < 0.005) < 0.005 + 2.5 * math.sqrt(0.005 * 0.995 / len(p))
