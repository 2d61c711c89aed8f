"""c2st: chance and certainty, sides, ties, and a p-value that does not reject what is equal."""

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.metrics.two_sample import classifier_test
from genbench.stats.pair import Pair


def estimate(real, fake):
    return classifier_test(Pair(*(Features({"pooled": np.asarray(x, np.float32)}) for x in (real, fake))))


def test_equal_sets_are_at_chance_and_distant_ones_certain(rng):
    equal = estimate(*rng.normal(size=(2, 300, 8)))
    assert abs(equal.value - 0.5) < 3 * equal.stderr
    assert equal.details["auroc"] == pytest.approx(0.5, abs=0.1)
    real = rng.normal(size=(300, 8))
    far = estimate(real, real + 20)
    assert (far.value, far.details["auroc"]) == (1, 1)
    assert far.details["p_value"] < 1e-12
    assert far.stderr > 0


def test_its_value_is_that_of_the_best_linear_rule(rng):
    """N(0, I) against N(c e, I): the best accuracy is Phi(c / 2), its area under the curve Phi(c / sqrt 2)."""
    real, fake = rng.normal(size=(2, 4000, 3))
    fake[:, 0] += 1.0
    found = estimate(real, fake)
    assert found.value == pytest.approx(0.6915, abs=3 * found.stderr)
    assert found.details["auroc"] == pytest.approx(0.7602, abs=0.02)


def test_unequal_counts_do_not_move_chance(rng):
    found = estimate(rng.normal(size=(400, 5)), rng.normal(size=(60, 5)))
    assert abs(found.value - 0.5) < 3 * found.stderr


def test_without_any_difference_it_is_chance_exactly():
    found = estimate(np.ones((20, 3)), np.ones((20, 3)))
    assert (found.value, found.details["auroc"], found.details["p_value"]) == (0.5, 0.5, 1)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "m", "d"), [(60, 60, 6), (40, 100, 20), (40, 40, 80)])
def test_equal_distributions_are_rejected_at_most_as_often_as_stated(n, m, d):
    rng = np.random.default_rng(3)
    found = np.array(
        [estimate(rng.normal(size=(n, d)), rng.normal(size=(m, d))).details["p_value"] for _ in range(1000)]
    )
    for level in (0.05, 0.01):
        assert (found < level).mean() <= level + 2 * np.sqrt(level / 1000), level
    assert 0.4 < found.mean() < 0.6


@pytest.mark.slow
def test_a_difference_is_found():
    rng = np.random.default_rng(4)
    found = [
        estimate(rng.normal(size=(200, 20)), rng.normal(0.15, 1, size=(200, 20))).details["p_value"] for _ in range(50)
    ]
    assert np.mean(np.array(found) < 0.05) > 0.9
