"""fld: honest, poor and copying generators, the cap, features that say nothing, refusals."""

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.errors import BadInput
from genbench.metrics.likelihood_divergence import likelihood_divergence
from genbench.stats.pair import Pair


def features(rows):
    return Features({"pooled": np.asarray(rows, np.float32)})


def estimate(real, fake, train):
    return likelihood_divergence(Pair(features(real), features(fake), features(train)))


def test_an_honest_generator_scores_about_zero_and_others_more(rng):
    train, test, honest = rng.normal(size=(3, 300, 6))
    found = estimate(test, honest, train)
    assert abs(found.value) < 4 * found.stderr
    assert abs(found.details["generalisation_gap"]) < 10
    for fake in (honest + 1, 2 * honest):
        assert estimate(test, fake, train).value > found.value + 4 * found.stderr


def test_copies_give_themselves_away(rng):
    train, test, honest = rng.normal(size=(3, 300, 6))
    copies = np.concatenate([train[:250], honest[:50]])
    found = estimate(test, copies, train)
    assert found.details["generalisation_gap"] < -100
    assert found.value > estimate(test, honest, train).value + 4 * found.stderr


def surprise(found):
    """100 times the negative log density a feature, without the baseline, whose halves hang on the content."""
    return found.value + 100 * found.details["baseline"]


def test_a_unit_of_the_features_does_not_matter(rng):
    train, test, fake = rng.normal(size=(3, 80, 4))
    unit = np.array([1, 8, 64, 0.125])
    found = estimate(test * unit, fake * unit, train * unit)
    assert surprise(found) == pytest.approx(surprise(estimate(test, fake, train)), rel=1e-5)


def test_features_that_do_not_vary_are_left_out_and_told_of(rng):
    train, test, fake = rng.normal(size=(3, 60, 4))
    same = np.full((60, 2), 0.1)
    found = estimate(np.hstack([test, same]), np.hstack([fake, same + 1]), np.hstack([train, same]))
    assert surprise(found) == pytest.approx(surprise(estimate(test, fake, train)), rel=1e-5)
    assert found.warnings == ("2 features that do not vary over the test images are left out",)


def test_of_many_fakes_some_are_taken_by_content(rng, monkeypatch):
    monkeypatch.setattr("genbench.metrics.likelihood_divergence.MOST", 50)
    train, test, fake = rng.normal(size=(3, 120, 4))
    found, again = estimate(test, fake, train), estimate(test, rng.permutation(fake), train)
    assert found.details["gaussians"] == 50
    assert found.value == pytest.approx(again.value, rel=1e-9)
    assert found.warnings == ("50 of 120 fake images are used, as published",)


def test_what_it_refuses(rng):
    rows = rng.normal(size=(20, 3))
    with pytest.raises(BadInput, match="fld: no training set"):
        likelihood_divergence(Pair(features(rows), features(rows)))
    with pytest.raises(BadInput, match="no feature varies"):
        estimate(np.ones((20, 3)), rows, rows)
    with pytest.raises(BadInput, match="the training set does not fit"):
        estimate(rows, rows, rows[:3])
    with pytest.raises(BadInput, match="the training set does not fit"):
        estimate(rows, rows, rows[:, :2])
