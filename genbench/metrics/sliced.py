"""Monge inception distance: optimal transport along random directions (Berthet et al. 2026, arXiv:2605.06797).

mind = 3 d times the mean over 1,000 directions u of W2^2(u'x, u'y). It needs no covariance and sees more than two
moments; a shift by m scores 3 |m|^2. It is biased upward by about 1/n: compare at equal counts only.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Estimate, Metric
from genbench.stats.pair import Pair
from genbench.stats.parts import part_of_mean
from genbench.stats.transport import Array, Coupling, potential

DIRECTIONS, DIRECTION_SEED = 1000, 2020  # torch-fidelity's
SCALE = 3  # times d: the paper's
PROJECTED_AT_ONCE = 1 << 21  # numbers: rows of both sides times directions
ROWS_AT_ONCE = 1024
BIASED_BELOW = 5000  # images a side: what the paper uses


def sliced_distance(pair: Pair) -> Estimate:
    """Mean squared 2-Wasserstein distance over 1,000 directions, times 3 d; range [0, inf), lower is better.

    The directions are torch-fidelity's, so that equal counts give its number. Of unequal counts nothing is thrown away:
    the distance along a direction is that of the two quantile functions.

    Args:
        pair: pooled features float32 [n, d] and [m, d], n, m >= 2.

    Returns:
        The distance. Standard error: of the images, from the effect of each on the distance, averaged over directions
        (its Kantorovich potential; the infinitesimal jackknife, which needs none of 40 sorts over); of the directions,
        from their deviation. The squares of the three parts add.

    Raises:
        MismatchedFeatures: if the widths differ.
    """
    real, fake = pair.rows()
    coupling = Coupling(len(real), len(fake))
    costs, on_real, on_fake = [], np.zeros(len(real)), np.zeros(len(fake))
    for directions in _directions(real.shape[1], len(real) + len(fake)):
        (x, x_order), (y, y_order) = (_sorted(_project(rows, directions)) for rows in (real, fake))
        costs.append(coupling.cost(x, y))
        on_real += _unsorted(potential(x, y), x_order)
        on_fake += _unsorted(potential(y, x), y_order)
    cost = np.concatenate(costs)
    scale = SCALE * real.shape[1]
    of_real, of_fake = (part_of_mean(scale / len(cost) * effect) for effect in (on_real, on_fake))
    of_fake = of_fake.raised(scale**2 * cost.var(ddof=1) / len(cost))
    fewest = min(len(real), len(fake))
    warnings = []
    if fewest < BIASED_BELOW:
        warnings.append(f"{fewest} images: mind is biased upward; compare only with scores at the same counts")
    return Estimate(
        scale * float(cost.mean()),
        math.sqrt(of_real.variance + of_fake.variance),
        tuple(warnings),
        {"directions": len(cost)},
        parts={"real": of_real, "fake": of_fake},
    )


def _directions(width: int, rows: int) -> Iterator[Array]:
    """Yield unit vectors in float64 [b, width], as many at once as ``rows`` rows leave room for; 1,000 in all."""
    import torch

    drawn = torch.randn(DIRECTIONS, width, generator=torch.Generator().manual_seed(DIRECTION_SEED)).numpy()
    drawn /= np.maximum(np.linalg.norm(drawn, axis=1, keepdims=True), 1e-12)
    step = max(1, PROJECTED_AT_ONCE // rows)
    for start in range(0, DIRECTIONS, step):
        yield drawn[start : start + step].astype(np.float64)


def _project(rows: NDArray[np.floating], directions: Array) -> Array:
    """Return the products of rows [n, d] with directions [b, d], float64 [n, b]."""
    projected = np.empty((len(rows), len(directions)))
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        projected[part] = rows[part].astype(np.float64) @ directions.T
    return projected


def _sorted(columns: Array) -> tuple[Array, NDArray[np.intp]]:
    """Return every column in ascending order, and the rows that its values came from."""
    order = np.argsort(columns, axis=0)
    return np.take_along_axis(columns, order, axis=0), order


def _unsorted(columns: Array, order: NDArray[np.intp]) -> Array:
    """Return the sum over columns, every value counted for the row that it came from, float64 [n]."""
    placed = np.empty_like(columns)
    np.put_along_axis(placed, order, columns, axis=0)
    return np.asarray(placed.sum(axis=1))


MIND = Metric(
    name="mind",
    label="MIND",
    summary="Monge inception distance: squared optimal transport along 1,000 random directions, times 3 d",
    compute=sliced_distance,
    better="lower",
    range=(0.0, float("inf")),
    source="Berthet et al. 2026, arXiv:2605.06797",
    is_symmetric=True,
)
