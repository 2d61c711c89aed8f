"""Kernel sums against a plain double loop, and closed forms of the distance made of them."""

import numpy as np
import pytest

from genbench.errors import MismatchedFeatures
from genbench.stats.kernels import polynomial_sums


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
