"""Which side is which, and what equal distributions are expected to score."""

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.metrics import METRICS
from genbench.stats.pair import Pair


def values(real, fake):
    pair = Pair(*(Features({"pooled": np.asarray(x, np.float32)}) for x in (real, fake)))
    return {name: METRICS.get(name).compute(pair) for name in ("precision", "recall", "density", "coverage")}


def test_mode_collapse_keeps_precision_and_loses_recall(rng):
    found = values(rng.normal(0, 3, size=(200, 16)), rng.normal(0, 0.1, size=(200, 16)))
    assert found["precision"].value == 1
    assert found["recall"].value == 0


def test_far_away_scores_nothing(rng):
    real = rng.normal(size=(50, 3))
    assert [one.value for one in values(real, real + 1000).values()] == [0, 0, 0, 0]


@pytest.mark.parametrize(("n", "m"), [(300, 300), (200, 400)])
def test_equal_distributions_score_as_the_theory_says(n, m):
    rng = np.random.default_rng(5)
    found = [values(rng.normal(size=(n, 3)), rng.normal(size=(m, 3))) for _ in range(20)]
    expected = {"density": 1.0, "coverage": 1 - np.prod([(n - t) / (n + m - t) for t in range(1, 6)])}
    for name, value in expected.items():
        drawn = [one[name].value for one in found]
        assert np.mean(drawn) == pytest.approx(value, abs=4 * np.std(drawn) / np.sqrt(20)), name


def test_duplicates_touch_closed_balls_and_not_open_ones():
    found = values(np.ones((8, 2)), np.ones((8, 2)))
    assert [found[name].value for name in ("precision", "recall", "density", "coverage")] == [1, 1, 0, 0]


def test_no_error_is_zero_and_a_missing_one_is_explained(rng):
    far = values(rng.normal(size=(50, 3)), rng.normal(size=(50, 3)) + 1000)
    assert far["density"].stderr == pytest.approx(0.7 / 50 / 5, rel=0.1)
    for name in ("precision", "recall", "coverage"):  # 0 of 50: half a count more
        assert far[name].stderr == pytest.approx(0.7 / 50, rel=0.1)
    few = values(rng.normal(size=(6, 3)), rng.normal(size=(6, 3)))["density"]
    assert few.stderr is None
    assert "too few images for a standard error" in few.warnings[0]
