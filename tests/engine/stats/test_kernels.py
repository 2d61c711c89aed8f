"""Kernel sums against a plain double loop, and closed forms of the distance made of them."""

import numpy as np
import pytest

from genbench.errors import MismatchedFeatures
from genbench.stats.kernels import gaussian_sums, polynomial_sums


def by_loops(x, y, leave_diagonal_out):
    return np.array(
        [
            sum((a @ b / len(a) + 1) ** 3 for j, b in enumerate(y) if not (leave_diagonal_out and i == j))
            for i, a in enumerate(x)
        ]
    )


@pytest.mark.parametrize("tile", [1024, 4])
def test_equal_a_double_loop(rng, monkeypatch, tile):
    monkeypatch.setattr("genbench.stats.kernels.TILE", tile)
    x, y = rng.normal(size=(11, 6)), rng.normal(1, 2, size=(9, 6))
    sums = polynomial_sums(x, y)
    np.testing.assert_allclose(sums.within_real, by_loops(x, x, True), rtol=1e-12)
    np.testing.assert_allclose(sums.within_fake, by_loops(y, y, True), rtol=1e-12)
    np.testing.assert_allclose(sums.real_to_fake, by_loops(x, y, False), rtol=1e-12)
    np.testing.assert_allclose(sums.fake_to_real, by_loops(y, x, False), rtol=1e-12)


def test_width_mismatch_is_refused():
    with pytest.raises(MismatchedFeatures, match="Use one extractor"):
        polynomial_sums(np.zeros((3, 2)), np.zeros((3, 4)))


@pytest.mark.parametrize("tile", [1024, 4])
def test_subsets_are_those_of_their_rows_alone(rng, monkeypatch, tile):
    monkeypatch.setattr("genbench.stats.kernels.TILE", tile)
    x, y = rng.normal(size=(11, 6)), rng.normal(1, 2, size=(9, 6))
    in_x, in_y = rng.random((11, 5)) < 0.5, rng.random((9, 5)) < 0.6
    found = polynomial_sums(x, y, (in_x, in_y)).subsets
    alone = [polynomial_sums(x[in_x[:, s]], y[in_y[:, s]]) for s in range(5)]
    expected = [[one.within_real.sum(), one.within_fake.sum(), one.real_to_fake.sum()] for one in alone]
    np.testing.assert_allclose(found.T, expected, rtol=1e-12)
    assert polynomial_sums(x, y).subsets.shape == (3, 0)


@pytest.mark.parametrize("tile", [1024, 4])
def test_the_gaussian_kernel_less_one_keeps_digits_that_the_kernel_loses(rng, monkeypatch, tile):
    monkeypatch.setattr("genbench.stats.kernels.TILE", tile)
    x, y = rng.normal(5, 1, size=(11, 6)), rng.normal(5, 2, size=(9, 6))
    unit_x, unit_y = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (x, y))
    squared = ((unit_x[:, None] - unit_y[None]) ** 2).sum(-1)
    sums = gaussian_sums(x, y, 1000.0)
    np.testing.assert_allclose(sums.real_to_fake, np.expm1(-squared / 2e6).sum(1), rtol=1e-12)
    np.testing.assert_allclose(sums.fake_to_real, np.expm1(-squared / 2e6).sum(0), rtol=1e-12)
    squared = ((unit_x[:, None] - unit_x[None]) ** 2).sum(-1)
    np.testing.assert_allclose(sums.within_real, np.expm1(-squared / 2e6).sum(1), rtol=1e-9)
