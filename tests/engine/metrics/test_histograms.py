"""class-histogram: hand cases, the floor of equal distributions, a p-value that holds its level."""

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.metrics.histograms import CLASS_HISTOGRAM, class_histogram
from genbench.stats.pair import Pair


def estimate(real, fake, classes=4, seed=0):
    """Logits that say class by class what ``real`` and ``fake`` list."""
    sides = (Features({"logits": np.eye(classes, dtype=np.float32)[np.asarray(one)]}) for one in (real, fake))
    return class_histogram(Pair(*sides, seed=seed))


@pytest.mark.parametrize(
    ("real", "fake", "expected"),
    [
        ([0, 1, 2, 3], [3, 2, 1, 0], 0),
        ([0, 0], [1, 1, 1], 1),
        ([0, 0, 1, 1], [0, 1, 1, 1], 0.25),
        ([0, 0, 1, 1], [0, 2, 3, 3], 0.75),
        ([0, 0, 1, 1], [0, 1], 0),
    ],
)
def test_hand_cases(real, fake, expected):
    assert estimate(real, fake).value == expected


def test_the_classes_that_differ_most_are_listed_first():
    found = estimate([0] * 6 + [1] * 3 + [2], [0] * 2 + [1] * 3 + [3] * 5)
    assert found.details["classes"][0] == {"class": 3, "real": 0, "fake": 0.5}
    assert found.details["classes"][1] == {"class": 0, "real": 0.6, "fake": 0.2}
    assert len(found.details["classes"]) == 4


def test_the_floor_is_what_equal_distributions_score():
    rng = np.random.default_rng(0)
    found = [estimate(*rng.integers(0, 50, size=(2, 200)), classes=50) for _ in range(100)]
    values, floors = np.array([one.value for one in found]), np.array([one.details["floor"] for one in found])
    assert floors.mean() == pytest.approx(values.mean(), abs=4 * values.std() / 10)
    assert "expected of equal distributions" in found[0].warnings[0]
    assert np.mean([one.details["p_value"] <= 0.05 for one in found]) < 0.12
    assert estimate([0] * 50, [1] * 50).warnings == ()
    assert estimate([0] * 50, [1] * 50).details["p_value"] == pytest.approx(1 / 201)


def test_it_reads_logits_with_the_bias():
    widths = {"pooled": 8, "logits": 4, "logits-unbiased": 4}
    assert CLASS_HISTOGRAM.layer_in(widths) == "logits"
    biased = {"logits": np.eye(4, dtype=np.float32), "logits-unbiased": np.ones((4, 4), np.float32)}
    assert class_histogram(Pair(Features(biased), Features(biased))).details["classes"][3]["real"] == 0.25


def test_no_error_is_zero():
    assert estimate([0] * 30, [0] * 30).stderr > 0
    assert estimate([0] * 30, [1] * 30).stderr > 0
