"""Accuracies of classifiers against Bayes' rule, scikit-learn and plain cases."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import norm

from genbench.contracts import Features
from genbench.errors import BadInput
from genbench.metrics.classification import classification_accuracy
from genbench.stats.pair import Pair


def side(rows, labels):
    return Features({"pooled": np.asarray(rows, np.float32)}, tuple(map(str, range(len(rows)))), np.asarray(labels))


def two_clouds(rng, count, distance=1.0, width=2):
    """Two classes, Gaussians around -distance and distance of the first feature."""
    labels = np.arange(count) % 2
    rows = rng.normal(size=(count, width))
    rows[:, 0] += distance * (2 * labels - 1)
    return side(rows, labels)


def test_a_good_generator_reaches_bayes(rng):
    found = classification_accuracy(Pair(two_clouds(rng, 4000), two_clouds(rng, 4000)))
    assert abs(found.value - norm.cdf(1)) < 4 * found.stderr + 0.003
    assert found.stderr == pytest.approx(math.sqrt(norm.cdf(1) * norm.cdf(-1) / 4000), rel=0.1)
    for beside in ("real_to_real", "gan_test"):
        assert found.details[beside] == pytest.approx(norm.cdf(1), abs=0.03)
    assert found.details["classes"].keys() == {"0", "1"}
    assert np.mean(list(found.details["classes"].values())) == pytest.approx(found.value)


def test_wrong_classes_are_seen_both_ways(rng):
    fake = two_clouds(rng, 2000)
    swapped = side(fake.pooled, 1 - fake.labels)
    found = classification_accuracy(Pair(two_clouds(rng, 2000), swapped))
    assert found.value == pytest.approx(norm.cdf(-1), abs=0.04)
    assert found.details["gan_test"] == pytest.approx(norm.cdf(-1), abs=0.04)
    assert found.details["real_to_real"] == pytest.approx(norm.cdf(1), abs=0.04)


def test_the_class_that_was_taught_wrong_is_named(rng):
    """Fakes of class 2 look like those of class 1, so that real ones, far beyond, are taken for another."""
    labels = np.arange(600) % 3
    places = np.array([[0, 0], [9, 0], [0, 9]])
    real = side(places[labels] + rng.normal(size=(600, 2)), labels)
    fake = side(places[np.array([0, 1, 1])[labels]] + rng.normal(size=(600, 2)), labels)
    by_class = classification_accuracy(Pair(real, fake)).details["classes"]
    assert by_class["0"] > 0.9
    assert by_class["2"] < 0.5


def test_lack_of_variety_is_seen_one_way(rng):
    """Fakes of one class come from a corner of it: they are recognised, but teach a slanted border."""
    labels = np.arange(2000) % 2
    rows = rng.normal(size=(2000, 2)) * 0.1 + (2 * labels - 1)[:, None] * (2, 0.5)
    found = classification_accuracy(Pair(two_clouds(rng, 2000), side(rows, labels)))
    assert found.details["gan_test"] > 0.95
    assert found.value < found.details["real_to_real"] - 0.1


def test_the_probe_is_logistic_regression_on_standardised_features(rng):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    real, fake = (two_clouds(rng, 300, width=20) for _ in range(2))
    peer = make_pipeline(StandardScaler(), LogisticRegression(C=1 / 20, max_iter=5000, tol=1e-8))
    peer.fit(fake.pooled.astype(np.float64), fake.labels)
    expected = peer.score(real.pooled.astype(np.float64), real.labels)
    assert classification_accuracy(Pair(real, fake)).value == pytest.approx(expected, abs=1 / 300)


def test_real_to_real_learns_from_the_training_set_where_there_is_one(rng):
    real, fake, train = (two_clouds(rng, 400) for _ in range(3))
    without = classification_accuracy(Pair(real, fake))
    with_train = classification_accuracy(Pair(real, fake, side(-train.pooled, train.labels)))
    assert (without.details["real_to_real_from"], without.details["real_to_real_trained_on"]) == (
        "halves of the real images",
        200,
    )
    assert with_train.details["real_to_real_from"] == "the training set"
    assert with_train.details["real_to_real"] < 0.3
    assert with_train.details["gan_test"] < 0.3
    assert with_train.value == without.value


def test_classes_are_matched_by_name(rng):
    real, fake = two_clouds(rng, 400), two_clouds(rng, 400)
    named = Features(real.layers, real.names, real.labels, ("cat", "dog"))
    other = Features(fake.layers, fake.names, 1 - fake.labels, ("dog", "cat"))
    found = classification_accuracy(Pair(named, other))
    assert found.value > 0.7
    assert found.details["classes"].keys() == {"cat", "dog"}


def test_the_error_is_that_of_fresh_sets_of_both_sides():
    """48 pairs of sets: what the errors say on average is what the values do."""
    founds = []
    for seed in range(48):
        rng = np.random.default_rng(seed)
        real, fake = two_clouds(rng, 200, 0.5, width=10), two_clouds(rng, 60, 0.5, width=10)
        founds.append(classification_accuracy(Pair(real, fake, seed=seed)))
    spread = np.std([found.value for found in founds], ddof=1)
    claimed = math.sqrt(np.mean([found.stderr**2 for found in founds]))
    assert 0.75 < claimed / spread < 1.5
    alone = math.sqrt(np.mean([found.parts["real"].variance for found in founds]))
    assert alone < 0.9 * spread  # binomial alone would not do


def test_one_class_is_refused(rng):
    real = side(rng.normal(size=(10, 2)), np.zeros(10, np.int64))
    with pytest.raises(BadInput, match="one class"):
        classification_accuracy(Pair(real, real))


# ------------------------------------------------------------------------------------------------ the network


def striped(rng, count, swapped=False):
    """Pictures 16 x 16 of class 0 have stripes across, of class 1 upright ones; features say nothing."""
    labels = np.arange(count) % 2
    stripes = np.where(np.arange(16) // 2 % 2, 200.0, 50.0)
    pictures = np.stack([np.broadcast_to(stripes[:, None] if label else stripes, (16, 16)) for label in labels])
    pictures = np.clip(pictures + rng.normal(0, 30, pictures.shape), 0, 255).astype(np.uint8)
    return side(np.zeros((count, 2)), 1 - labels if swapped else labels), np.repeat(pictures[..., None], 3, axis=3)


def by_cnn(real, fake, **more):
    images = {"real": lambda: iter(real[1]), "fake": lambda: iter(fake[1])}
    return classification_accuracy(Pair(real[0], fake[0], images=images, **more), classifier="cnn", repeats=2)


def test_a_small_network_learns_from_pictures(rng):
    before = torch.get_rng_state()
    real, fake = striped(rng, 80), striped(rng, 80)
    found = by_cnn(real, fake)
    assert found.value > 0.95
    assert found.details["real_to_real"] > 0.9
    assert found.details["gan_test"] > 0.9
    assert 0 < found.stderr < 0.1
    assert torch.equal(before, torch.get_rng_state())
    assert by_cnn(real, fake).value == found.value


def test_a_network_taught_the_wrong_classes_is_wrong(rng):
    found = by_cnn(striped(rng, 80), striped(rng, 80, swapped=True))
    assert found.value < 0.05
    assert found.details["gan_test"] < 0.05


def test_a_network_needs_pictures(rng):
    real, _ = striped(rng, 8)
    with pytest.raises(BadInput, match="no pictures of real"):
        classification_accuracy(Pair(real, real), classifier="cnn")
