"""mind: the closed form of a shift, plain loops, torch-fidelity's number, and its two kinds of error."""

import numpy as np
import pytest
import torch

from genbench.contracts import Features
from genbench.metrics.sliced import sliced_distance
from genbench.stats.pair import Pair
from tests.reference.set_distances import sliced


def estimate(real, fake):
    return sliced_distance(Pair(*(Features({"pooled": np.asarray(x, np.float32)}) for x in (real, fake))))


def directions(width, number=1000):
    """As published: rows of one float32 normal draw of torch's generator 2020, scaled to length 1."""
    drawn = torch.randn(number, width, generator=torch.Generator().manual_seed(2020)).numpy()
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def test_a_shift_of_every_feature_costs_three_times_its_square_a_feature():
    """3 d mu^2; of this very shift the 1,000 directions catch the mean of (u'1)^2 / d."""
    x = np.random.default_rng(0).normal(size=(500, 16))
    caught = np.mean(directions(16).sum(axis=1) ** 2)
    assert estimate(x, x + 2).value == pytest.approx(3 * 16 * 2**2 * caught, rel=1e-5)
    assert caught == pytest.approx(1, abs=0.1)


def test_independent_gaussians_come_near_the_closed_form(rng):
    found = estimate(rng.normal(size=(4000, 8)), rng.normal(1, 1, size=(4000, 8)))
    assert found.value == pytest.approx(3 * 8, abs=4 * found.stderr)
    assert found.stderr < 2


@pytest.mark.parametrize(("n", "m"), [(12, 12), (12, 7)])
def test_equals_plain_loops(rng, n, m):
    real, fake = rng.normal(size=(n, 3)).astype(np.float32), rng.normal(0.5, 2, size=(m, 3)).astype(np.float32)
    assert estimate(real, fake).value == pytest.approx(sliced(real, fake, directions(3)), rel=1e-5)


def test_agrees_with_torch_fidelity(monkeypatch):
    """Its commit 5e211a9, 2,000 directions; projections are float32 there."""
    monkeypatch.setattr("genbench.metrics.sliced.DIRECTIONS", 2000)
    first, second = (torch.randn(4000, 64, generator=torch.Generator().manual_seed(seed)) for seed in (11, 22))
    assert estimate(first, second + 1).value == pytest.approx(184.913, rel=5e-6)
    assert estimate(first, second + 3).value == pytest.approx(1663.969, rel=5e-6)


def test_directions_taken_a_few_at_a_time_change_nothing(rng, monkeypatch):
    real, fake = rng.normal(size=(30, 5)), rng.normal(size=(20, 5))
    whole = estimate(real, fake)
    monkeypatch.setattr("genbench.metrics.sliced.PROJECTED_AT_ONCE", 50 * 7)
    monkeypatch.setattr("genbench.metrics.sliced.ROWS_AT_ONCE", 11)
    parts = estimate(real, fake)
    assert (parts.value, parts.stderr) == pytest.approx((whole.value, whole.stderr), rel=1e-10)


def test_the_error_of_images_is_that_of_leaving_each_out(rng):
    """The jackknife of single images on both sides, with the directions as they are, and the directions' own."""
    real, fake = rng.normal(size=(60, 4)), rng.normal(0.7, 1.3, size=(45, 4))
    found = estimate(real, fake)
    without_real = np.array([estimate(np.delete(real, i, axis=0), fake).value for i in range(60)])
    without_fake = np.array([estimate(real, np.delete(fake, i, axis=0)).value for i in range(45)])
    variance = sum((len(w) - 1) / len(w) * ((w - w.mean()) ** 2).sum() for w in (without_real, without_fake))
    costs = [sliced(real, fake, [u]) for u in directions(4)[:200]]
    variance += np.var(costs, ddof=1) / 1000
    assert found.stderr == pytest.approx(np.sqrt(variance), rel=0.05)


def test_of_sets_without_spread_the_error_is_that_of_the_directions_alone():
    """Every direction tells (u'm)^2, whatever the images."""
    shift = np.array([2, 0, 0, 1])
    costs = (directions(4) @ shift) ** 2
    found = estimate(np.zeros((10, 4)), np.tile(shift, (12, 1)))
    assert found.value == pytest.approx(12 * costs.mean(), rel=1e-6)
    assert found.stderr == pytest.approx(12 * costs.std(ddof=1) / np.sqrt(1000), rel=1e-6)


def test_few_images_are_warned_of(rng, monkeypatch):
    monkeypatch.setattr("genbench.metrics.sliced.DIRECTIONS", 20)
    assert "4999 images: mind is biased upward" in estimate(*rng.normal(size=(2, 4999, 2))).warnings[0]
    assert estimate(*rng.normal(size=(2, 5000, 2))).warnings == ()
