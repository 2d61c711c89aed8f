"""Nearest directions beside a plain loop, block by block; equal directions, tiny vectors, rows of zeros."""

import numpy as np
import pytest

from genbench.stats import cosine
from genbench.stats.cosine import nearest_directions, with_direction


def by_loops(rows, others, blocks):
    def distance(a, b):
        return 1 - abs(a @ b) / np.sqrt((a @ a) * (b @ b))

    chosen = [[b for b, at in zip(others, blocks, strict=True) if at == block] for block in range(max(blocks) + 1)]
    return [[min(distance(a, b) for b in part) for part in chosen] for a in rows]


@pytest.mark.parametrize("tile", [3, 7, 512])
def test_as_by_loops(rng, monkeypatch, tile):
    monkeypatch.setattr(cosine, "ROWS_AT_ONCE", tile)
    rows, others, blocks = rng.normal(size=(17, 5)), rng.normal(size=(23, 5)), np.arange(23) % 4
    np.testing.assert_allclose(nearest_directions(rows, others, blocks), by_loops(rows, others, blocks), atol=1e-14)


def test_by_hand():
    others = np.array([[1.0, 1], [1, -1], [0, -2]])
    found = nearest_directions(np.eye(2), others, np.zeros(3, int))[:, 0]
    np.testing.assert_allclose(found, [1 - np.sqrt(0.5), 0], atol=1e-15)  # [0, 1] is [0, -2]'s direction but the sign
    assert found.mean() == pytest.approx(0.1464466094, rel=1e-9)


def test_equal_directions_are_no_distance_apart_however_long(rng):
    rows = rng.normal(size=(9, 4)).astype(np.float32)
    assert nearest_directions(rows * np.float32(1e-30), rows * np.float32(1e30), np.zeros(9, int)).max() < 1e-12


def test_rows_of_zeros_have_no_direction(rng):
    rows = rng.normal(size=(1100, 3))
    rows[[0, 600, 1099]] = 0
    np.testing.assert_array_equal(with_direction(rows), np.delete(rows, [0, 600, 1099], axis=0))
    assert len(with_direction(np.zeros((4, 3)))) == 0
