"""A Gaussian at every image of a set, each as wide as fits another set best: a density to judge a third set by.

The mixture of Jiralerspong et al. 2023 (arXiv:2302.04440), section 3, as its published code fits it: isotropic
Gaussians of equal weight whose log variances s_j start at log((smallest squared distance to a fitted point + 1e-3) / d)
and follow Adam (Kingma & Ba 2015; step 0.5, batches of 10,000) for up to 50 epochs, until the loss has moved less than
5e-4 in five. While they are fitted, one more Gaussian stands by, centred at the fitted points' mean, distances to it
taken at 0.9, so that each point has some likelihood. A Gaussian that sits on a fitted point shrinks without end: its
density there and nowhere else is what gives a copied image away.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genbench.scratch import empty_rows
from genbench.stats.distances import Gram, Integers, Points, Singles, places, squared_distances

Array = NDArray[np.float64]
RATE, EPOCHS, BATCH = 0.5, 50, 10_000
DECAYS, STABLE = (0.9, 0.999), 1e-8  # Adam's own defaults
SETTLED, LOOKED_BACK = 5e-4, 5  # epochs
LEAST = 1e-3  # added to squared distances at the start
NARROWEST, WIDEST = -40.0, 40.0  # log variances
NEARER = 0.9  # share of the distance to the mean that counts
ROWS_AT_ONCE = 128
CLOSE = 1e6  # squared distances of less than so many margins are summed pair by pair


@dataclass(frozen=True, eq=False)
class Mixture:
    """Isotropic Gaussians of equal weight, seen through squared distances to their centres.

    Attributes:
        log_variances: float64 [g].
        blocks: block of each centre, int64 [g], B blocks.
        width: d.
    """

    log_variances: Array
    blocks: Integers
    width: int

    @classmethod
    def fit(cls, centres: Points, points: Points, distances: Singles) -> "Mixture":
        """Fit the widths of Gaussians at ``centres`` to ``points``, ``distances`` apart (``squared_table``)."""
        return cls(_fit(distances, _to_mean(points), points.width), centres.blocks, points.width)

    def log_densities(self, distances: Singles) -> tuple[Array, Array]:
        """Return the log density at each of n points, and with each block of centres left out.

        Widths are not fitted again: at the optimum they change the density in second order only.

        Args:
            distances: squared, from the points to the centres, [n, g].

        Returns:
            float64 [n] and [n, B], nats.
        """
        order = np.argsort(self.blocks, kind="stable")
        sizes = np.bincount(self.blocks)
        starts = np.cumsum(sizes) - sizes
        by_block = np.empty((len(distances), len(sizes)))
        for part in _parts(0, len(distances)):
            logs = _log_normals(distances[part].astype(np.float64), self.log_variances, self.width)
            by_block[part] = np.logaddexp.reduceat(logs[:, order], starts, axis=1)
        without = [
            np.logaddexp.reduce(np.delete(by_block, block, axis=1), axis=1) - np.log(len(order) - size)
            for block, size in enumerate(sizes)
        ]
        return np.logaddexp.reduce(by_block, axis=1) - np.log(len(order)), np.stack(without, axis=1)


def squared_table(points: Points, centres: Points) -> Singles:
    """Return all squared distances, rounded from float64, float32 [n, g], where ``scratch`` keeps such a table."""
    table = empty_rows(points.count, centres.count)
    gram = Gram(points, centres)
    for first in range(0, points.count, gram.tile):
        i = np.arange(first, min(first + gram.tile, points.count))
        for start in range(0, centres.count, gram.tile):
            j = np.arange(start, min(start + gram.tile, centres.count))
            squared, row_margin, column_margin = gram.double(points, centres, i, j)
            r, c = places(squared < CLOSE * (row_margin[:, None] + column_margin))
            squared /= gram.unit
            squared[r, c] = squared_distances(points, centres, i[r], j[c])
            table[i[0] : i[-1] + 1, j[0] : j[-1] + 1] = squared
    return table


def _fit(distances: Singles, to_mean: Array, width: int) -> Array:
    """Return the log variances, float64 [g].

    Args:
        distances: squared, from the fitted points to the centres, [n, g].
        to_mean: squared, from the fitted points to their mean, [n].
        width: d.
    """
    nearest = np.min([distances[part].min(axis=0) for part in _parts(0, len(distances))], axis=0).astype(np.float64)
    values = np.append(np.log((nearest + LEAST) / width), 0.0)  # the last is that of the Gaussian at the mean
    adam = _Adam(len(values))
    losses: list[float] = []
    while len(losses) < EPOCHS and not _is_settled(losses):
        of_batches = []
        for start in range(0, len(distances), BATCH):
            batch = slice(start, min(start + BATCH, len(distances)))
            loss, slope = _loss(distances, NEARER**2 * to_mean, batch, values, width)
            values = adam.step(values, slope)
            values[:-1] = np.clip(values[:-1], NARROWEST, WIDEST)
            of_batches.append(loss)
        losses.append(float(np.mean(of_batches)))
    return values[:-1]


def _loss(distances: Singles, to_mean: Array, batch: slice, values: Array, width: int) -> tuple[float, Array]:
    """Return the mean negative log likelihood of a batch over d, and its gradient, float64 [g + 1]."""
    weights, moments, total = np.zeros_like(values), np.zeros_like(values), 0.0
    log_count = np.append(np.full(len(values) - 1, np.log(len(values) - 1)), 0.0)
    for part in _parts(batch.start, batch.stop):
        squared = np.column_stack([distances[part], to_mean[part]])
        logs = _log_normals(squared, values, width) - log_count
        top = logs.max(axis=1, keepdims=True)
        shares = np.exp(logs - top)
        sums = shares.sum(axis=1, keepdims=True)
        total += float((top + np.log(sums)).sum())
        shares /= sums
        weights += shares.sum(axis=0)
        moments += np.einsum("ng,ng->g", shares, squared)
    scale = (batch.stop - batch.start) * width
    return -total / scale, (width / 2 * weights - 0.5 * np.exp(-values) * moments) / scale


class _Adam:
    """Kingma & Ba 2015, algorithm 1."""

    def __init__(self, size: int) -> None:
        self._mean, self._square, self._steps = np.zeros(size), np.zeros(size), 0

    def step(self, values: Array, slope: Array) -> Array:
        """Return ``values`` after one step down ``slope``."""
        self._steps += 1
        fast, slow = DECAYS
        self._mean = fast * self._mean + (1 - fast) * slope
        self._square = slow * self._square + (1 - slow) * slope**2
        mean, square = self._mean / (1 - fast**self._steps), self._square / (1 - slow**self._steps)
        return np.asarray(values - RATE * mean / (np.sqrt(square) + STABLE))


def _is_settled(losses: list[float]) -> bool:
    """Whether the last loss differs little from those of the four epochs before it, from the seventh epoch on."""
    return len(losses) > LOOKED_BACK + 1 and max(abs(losses[-1] - one) for one in losses[-LOOKED_BACK:]) < SETTLED


def _log_normals(squared: Array, log_variances: Array, width: int) -> Array:
    """Return log N(x; c_j, exp(s_j) I) for squared distances [n, g]."""
    return np.asarray(-0.5 * squared * np.exp(-log_variances) - width / 2 * (log_variances + np.log(2 * np.pi)))


def _to_mean(points: Points) -> Array:
    """Return the squared distance of each point to the mean of all, float64 [n]."""
    mean = points.features.mean(axis=0, dtype=np.float64)
    found = np.empty(points.count)
    for part in _parts(0, points.count):
        gap = points.features[part] - mean
        found[part] = np.einsum("nd,nd->n", gap, gap)
    return found


def _parts(first: int, last: int) -> Iterator[slice]:
    for start in range(first, last, ROWS_AT_ONCE):
        yield slice(start, min(start + ROWS_AT_ONCE, last))
