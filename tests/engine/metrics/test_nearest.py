"""nn: the ratio of medians against a plain loop, its pairs, and what it refuses."""

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.errors import BadInput
from genbench.metrics.nearest import nearest
from genbench.stats.pair import Pair


def features(rows, prefix):
    return Features({"pooled": np.asarray(rows, np.float32)}, tuple(f"{prefix}{i}" for i in range(len(rows))))


def estimate(real, fake, train=None):
    return nearest(Pair(features(real, "r"), features(fake, "f"), None if train is None else features(train, "t")))


def by_loops(train, fake):
    train, fake = (np.asarray(x, np.float32).astype(float) for x in (train, fake))
    to_train = [min(np.linalg.norm(f - t) for t in train) for f in fake]
    among = [min(np.linalg.norm(a - b) for j, b in enumerate(train) if j != i) for i, a in enumerate(train)]
    return np.median(to_train) / np.median(among)


def test_equals_a_plain_loop(rng):
    real, fake, train = rng.normal(size=(40, 5)), rng.normal(size=(31, 5)), rng.normal(size=(25, 5))
    assert estimate(real, fake).value == pytest.approx(by_loops(real, fake), rel=1e-9)
    assert estimate(real, fake, train).value == pytest.approx(by_loops(train, fake), rel=1e-9)


def test_copies_are_far_below_one_and_honest_images_near_it(rng):
    real = rng.normal(size=(400, 8))
    honest, copies = estimate(real, rng.normal(size=(400, 8))), estimate(real, real + 1e-3 * rng.normal(size=(400, 8)))
    assert abs(honest.value - 1) < 4 * honest.stderr
    assert copies.value < 0.01


def test_pairs_are_listed_nearest_first(rng):
    real, fake = rng.normal(size=(120, 4)), rng.normal(size=(150, 4))
    fake[17] = real[33] + 1e-4
    fake[99] = real[5]
    pairs = estimate(real, fake).details["pairs"]
    assert len(pairs) == 100
    assert (pairs[0]["fake"], pairs[0]["nearest"], pairs[0]["distance"]) == ("f99", "r5", 0)
    assert (pairs[1]["fake"], pairs[1]["nearest"]) == ("f17", "r33")
    ratios = [pair["ratio"] for pair in pairs]
    assert ratios == sorted(ratios)


def test_without_train_it_says_what_it_compared_with(rng):
    real, fake = rng.normal(size=(20, 3)), rng.normal(size=(20, 3))
    assert "compared with the reference" in estimate(real, fake).warnings[0]
    assert estimate(real, fake, real).warnings == ()


def test_a_training_set_of_duplicates_is_refused(rng):
    with pytest.raises(BadInput, match="duplicates"):
        estimate(np.ones((20, 3)), rng.normal(size=(20, 3)))
