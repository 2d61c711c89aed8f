"""mifid: torchmetrics' own number in its direction, the published direction, the threshold, errors, refusals."""

import math

import numpy as np
import pytest
import torch
from torchmetrics.image.mifid import _mifid_compute

from genbench.contracts import Features
from genbench.errors import BadInput
from genbench.metrics.frechet import frechet
from genbench.metrics.memorization_informed import memorization_informed
from genbench.stats.jackknife import blocks, error_across
from genbench.stats.pair import Pair


def features(rows):
    return Features({"pooled": np.asarray(rows, np.float32)})


def pair_of(real, fake, train=None, seed=0):
    return Pair(features(real), features(fake), None if train is None else features(train), seed)


def torchmetrics_value(real, fake, eps):
    """Moments as the library's class has them, and its own function."""
    real, fake = (torch.from_numpy(np.asarray(rows, np.float32).astype(np.float64)) for rows in (real, fake))
    return float(_mifid_compute(real.mean(0), torch.cov(real.T), real, fake.mean(0), torch.cov(fake.T), fake, eps))


def angles(first, second):
    """Smallest 1 - |cos| of each row of ``first`` to those of ``second``."""
    return [min(1 - abs(a @ b) / math.sqrt((a @ a) * (b @ b)) for b in second) for a in first]


@pytest.mark.parametrize("offset", [0, 4])
@pytest.mark.parametrize("tau", [0.1, 1.0])
def test_equals_torchmetrics_in_its_direction(rng, offset, tau):
    real, fake = (rng.normal(size=(n, 6)).astype(np.float32) + np.float32(offset) for n in (90, 70))
    found = memorization_informed(pair_of(real, fake), direction="torchmetrics", tau=tau)
    assert found.value == pytest.approx(torchmetrics_value(real, fake, tau), rel=1e-10)
    is_divided = offset == 4 or tau == 1
    assert (found.value > 1.5 * found.details["fd"]) == is_divided


@pytest.mark.parametrize("direction", ["generated", "torchmetrics"])
def test_the_mean_is_over_the_set_that_the_direction_names(rng, direction):
    real, fake, train = (rng.normal(2, 1, size=(n, 4)).astype(np.float32).astype(float) for n in (60, 40, 50))
    found = memorization_informed(pair_of(real, fake, train), direction=direction, tau=0.5, eps=1e-3)
    expected = np.mean(angles(fake, train) if direction == "generated" else angles(train, fake))
    assert found.details["memorization_distance"] == pytest.approx(expected, rel=1e-9)
    fd = frechet(pair_of(real, fake)).value
    assert found.value == pytest.approx(fd / (expected + 1e-3), rel=1e-9)


def test_the_directions_differ(rng):
    real, fake = rng.normal(3, 1, size=(60, 4)), np.repeat(rng.normal(3, 1, size=(2, 4)), 30, axis=0)
    there, back = (memorization_informed(pair_of(real, fake), direction=name) for name in ("generated", "torchmetrics"))
    assert there.details["memorization_distance"] != pytest.approx(back.details["memorization_distance"], rel=0.1)


def test_without_train_the_reference_stands_for_it(rng):
    real, fake = rng.normal(3, 1, size=(2, 50, 4))
    alone, given = memorization_informed(pair_of(real, fake)), memorization_informed(pair_of(real, fake, real))
    assert alone.value == given.value
    assert "compared with the reference" in alone.warnings[0]
    assert given.warnings == ()


def test_copies_are_divided_by_little_and_honest_images_by_one(rng):
    test, fake, train = rng.normal(size=(3, 200, 8))
    honest, copying = (memorization_informed(pair_of(test, images, train)) for images in (fake, train + 1e-3 * fake))
    assert honest.value == pytest.approx(honest.details["fd"])
    assert copying.details["multiplier"] > 1e4


def test_a_set_beside_itself_is_zero(rng):
    rows = rng.normal(size=(50, 4))
    assert memorization_informed(pair_of(rows, rows)).value == 0


def test_rows_without_direction_are_left_out(rng):
    real, fake = rng.normal(3, 1, size=(2, 40, 4))
    fake[:5] = 0
    found = memorization_informed(pair_of(real, fake))
    assert found.details["memorization_distance"] == pytest.approx(np.mean(angles(fake[5:], real)), rel=1e-5)
    with pytest.raises(BadInput, match="mifid: fake features have no direction"):
        memorization_informed(pair_of(real, 0 * fake))


def test_errors_of_both_factors_add_up(rng):
    real, fake, train = rng.normal(3, 1, size=(3, 60, 4)).astype(np.float32).astype(float)
    found, fd = memorization_informed(pair_of(real, fake, train)), frechet(pair_of(real, fake))
    nearest = np.array(angles(fake, train))
    relative = fd.stderr / fd.value + nearest.std(ddof=1) / math.sqrt(60) / nearest.mean()
    assert found.stderr == pytest.approx(relative * found.value, rel=1e-6)
    plain = memorization_informed(pair_of(real, fake, train), tau=1e-6)
    assert plain.stderr == pytest.approx(fd.stderr, rel=1e-9)
    assert plain.parts["fake"].variance == pytest.approx(fd.parts["fake"].variance, rel=1e-9)


def test_the_luck_of_the_searched_set_counts_where_it_was_drawn(rng):
    """Fakes in one direction share the reference images that lie nearest to it."""
    real = rng.normal(3, 1, size=(60, 4)).astype(np.float32).astype(float)
    fake = rng.normal(3, 0.1, size=(60, 4)).astype(np.float32).astype(float)
    split = blocks(60, 0, "real")
    luck = error_across(np.stack([angles(fake, real[split != block]) for block in range(20)], axis=1))
    alone, given = (memorization_informed(pair_of(real, fake, train)) for train in (None, real))
    own = given.details["memorization_stderr"]
    assert luck > own
    assert alone.details["memorization_stderr"] == pytest.approx(math.hypot(own, luck), rel=1e-6)


def test_a_mean_at_the_threshold_is_told_of(rng):
    real, fake = rng.normal(3, 1, size=(2, 60, 4))
    distance = memorization_informed(pair_of(real, fake)).details["memorization_distance"]
    found = memorization_informed(pair_of(real, fake, real), tau=distance * 1.001)
    assert "at the threshold" in found.warnings[0]
