"""The fitted mixture against torch's autograd and Adam, and against leaving centres out."""

import numpy as np
import pytest
import torch

from genbench.stats.distances import Points
from genbench.stats.jackknife import blocks
from genbench.stats.mixture import Mixture, squared_table
from tests.reference import mixture as reference


def points(rows, name, number=20):
    rows = np.asarray(rows, np.float32)
    return Points.of(rows, blocks(len(rows), 0, name, number), name)


def wide(one):
    return torch.tensor(one.features.astype(np.float64))


@pytest.fixture
def sets(rng):
    fitted, centres = rng.normal(size=(60, 5)), rng.normal(0.3, 0.8, size=(40, 5))
    centres[:3] = fitted[:3]  # copies: their Gaussians shrink
    centres[3] = 30  # so far that the Gaussian at the mean explains all
    return points(fitted, "train"), points(centres, "fake", 8), points(rng.normal(size=(25, 5)), "real")


@pytest.mark.parametrize("batch", [10_000, 16])
def test_the_fit_is_that_of_autograd(sets, batch, monkeypatch):
    monkeypatch.setattr("genbench.stats.mixture.BATCH", batch)
    monkeypatch.setattr("genbench.stats.mixture.ROWS_AT_ONCE", 7)
    fitted, centres, others = sets
    found = Mixture.fit(centres, fitted, squared_table(fitted, centres))
    expected = reference.fit(wide(centres), wide(fitted), batch)
    np.testing.assert_allclose(found.log_variances, expected, rtol=1e-4)
    assert found.log_variances[:3].max() < found.log_variances[4:].min() - 5
    density, _ = found.log_densities(squared_table(others, centres))
    np.testing.assert_allclose(density, reference.log_density(wide(others), wide(centres), expected), rtol=1e-4)


def test_a_block_of_centres_is_left_out(sets):
    fitted, centres, others = sets
    found = Mixture.fit(centres, fitted, squared_table(fitted, centres))
    _, without = found.log_densities(squared_table(others, centres))
    for block in range(8):
        kept = np.flatnonzero(centres.blocks != block)
        widths = torch.tensor(found.log_variances[kept])
        expected = reference.log_density(wide(others), wide(centres)[kept], widths)
        np.testing.assert_allclose(without[:, block], expected, rtol=1e-5)


def test_distances_are_exact_where_points_are_near(rng):
    rows = rng.normal(size=(700, 20)) + 100
    near = rows[:600] + 1e-3 * (np.arange(600) % 2)[:, None]
    one, other = points(rows, "train"), points(near, "fake")
    expected = np.square(one.features[:, None, :3].astype(float) - other.features[None, :, :3]).sum(-1)
    narrow = points(one.features[:, :3], "train"), points(other.features[:, :3], "fake")
    np.testing.assert_allclose(squared_table(*narrow), expected, rtol=1e-6)
    assert (squared_table(one, other).diagonal()[::2] == 0).all()
