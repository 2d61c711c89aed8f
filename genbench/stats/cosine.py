"""How far every vector of one set is from the nearest direction of another: 1 - |cos|, whatever the sign.

Exact in float64, in tiles: two equal directions are about 1e-16 apart, not 1e-7.
"""

import numpy as np
from numpy.typing import NDArray

from genbench.stats.distances import Integers

Array = NDArray[np.float64]
ROWS_AT_ONCE = 512


def nearest_directions(rows: NDArray[np.floating], others: NDArray[np.floating], blocks: Integers) -> Array:
    """Return the smallest 1 - |cos| of each row to the rows of each block of ``others``.

    Args:
        rows: [n, d], none all zeros.
        others: [k, d], none all zeros.
        blocks: block of each of ``others``, int64 [k]; every one of 0 .. B - 1 occurs.

    Returns:
        float64 [n, B], range [0, 1]; its minimum along axis 1 is that over all of ``others``.
    """
    order = np.argsort(blocks, kind="stable")
    nearest = np.ones((len(rows), int(blocks.max()) + 1))
    for first in range(0, len(order), ROWS_AT_ONCE):
        chosen = order[first : first + ROWS_AT_ONCE]
        present, starts = np.unique(blocks[chosen], return_index=True)
        columns = _unit(others[chosen]).T
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            cosines = np.abs(_unit(rows[part]) @ columns)
            distance = np.maximum(1 - np.maximum.reduceat(cosines, starts, axis=1), 0)
            nearest[part, present] = np.minimum(nearest[part, present], distance)
    return nearest


def with_direction(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the rows that are not all zeros, and so have a direction, [k, d], k <= n."""
    kept = np.concatenate(
        [rows[start : start + ROWS_AT_ONCE].any(axis=1) for start in range(0, len(rows), ROWS_AT_ONCE)]
    )
    return rows if kept.all() else rows[kept]


def _unit(rows: NDArray[np.floating]) -> Array:
    wide = rows.astype(np.float64)
    scale = np.abs(wide).max(axis=1, keepdims=True)  # squares of tiny numbers would vanish
    wide /= scale
    return np.asarray(wide / np.linalg.norm(wide, axis=1, keepdims=True))
