"""Balls of one radius that hold a point with a probability: the support of a set, without outliers' wide balls.

Each centre supports a point at distance s with probability max(0, 1 - s / r), independently of the others, where r is
a mean radius for all centres: a times the mean distance of a centre to its k-th nearest other one. A point lies in the
support with probability 1 - prod_i min(1, s_i / r) (Park & Kim 2023, arXiv:2309.01590, eq. 5-7).

The logarithm of that product is kept by blocks of centres. With a block left out r grows a little, to r'; each of the N
factors below 1 shrinks by r / r', so the product of the other blocks times (r / r')^N is the one wanted, but for
factors that cross 1, which is of second order. So the jackknife over the centres needs no further distance.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genbench.stats.distances import DENSE, Floats, Gram, Integers, Points, Tile, places, squared_distances
from genbench.stats.neighbours import Neighbours

TINY = 1e-300  # a factor of 0 has no logarithm; one minus this is 1 all the same


@dataclass(frozen=True, eq=False)
class SoftBalls:
    """Soft balls around every point of a set.

    Attributes:
        neighbours: of the centres among themselves (``nearest_others``).
        k: the radius is ``scale`` times the mean distance to the k-th nearest other centre.
        scale: a, above 0.
    """

    neighbours: Neighbours
    k: int
    scale: float

    @property
    def centres(self) -> Points:
        """The set of centres."""
        return self.neighbours.points

    @property
    def radius(self) -> float:
        """Where the probability reaches 0; 0 if every centre has k equal others."""
        return self.scale * float(np.sqrt(self.neighbours.squared_radii(self.k)).mean())

    def radii_without(self) -> Floats | None:
        """Return the radius with each block of centres left out, float64 [B]; None where it is undefined."""
        squared = self.neighbours.squared_radii_without(self.k)
        return None if squared is None else self.scale * np.nanmean(np.sqrt(squared), axis=0)


@dataclass(frozen=True, eq=False)
class SoftCover:
    """How surely soft balls in B blocks hold m points.

    Attributes:
        log_outside: sum over the balls of block b of the logarithm of the probability that point j is outside, float64
            [m, B], <= 0.
        near: balls of block b that point j is within reach of, int32 [m, B].
        log_growth: log of the radius with block b left out over the radius with all, float64 [B]; None where the former
            is undefined.
    """

    log_outside: Floats
    near: NDArray[np.int32]
    log_growth: Floats | None

    def inside(self) -> Floats:
        """Return the probability that each point is in the support of all balls, float64 [m] in [0, 1]."""
        return np.asarray(-np.expm1(self.log_outside.sum(axis=1)))

    def inside_without(self) -> Floats | None:
        """Return the same with each block of balls left out, float64 [m, B]; None where it is undefined."""
        if self.log_growth is None:
            return None
        log_outside, near = (part.sum(axis=1, keepdims=True) - part for part in (self.log_outside, self.near))
        return np.asarray(-np.expm1(np.minimum(log_outside - near * self.log_growth, 0)))


class SoftCoverCount:
    """Sums one cover from the tiles of centres and points, whichever of the two the rows are."""

    def __init__(self, balls: SoftBalls, points: Points) -> None:
        shape = points.count, len(balls.centres.block_sizes)
        self._balls, self._reach = balls, balls.radius**2
        self._log_outside = np.zeros(shape)
        self._near = np.zeros(shape, np.int32)

    def add(self, tile: Tile) -> None:
        """Sum over the pairs of ``tile``."""
        if tile.left is not self._balls.centres:
            tile = tile.transposed()
        r, c = places(tile.perhaps_within(np.full(len(tile.rows), self._reach)))
        if not r.size:
            return
        squared = _measured(tile, r, c)
        is_near = squared < self._reach if self._reach else squared == 0
        ratio = squared[is_near] / (self._reach or 1)
        logs = 0.5 * np.log(np.maximum(ratio, TINY))
        number = self._near.shape[1]
        bins = c[is_near] * number + tile.left.blocks[tile.rows[r[is_near]]]
        size = len(tile.columns) * number
        self._log_outside[tile.columns] += np.bincount(bins, logs, size).reshape(-1, number)
        self._near[tile.columns] += np.bincount(bins, minlength=size).reshape(-1, number).astype(np.int32)

    def finish(self) -> SoftCover:
        """Return the sums, once every tile was added."""
        without, radius = self._balls.radii_without(), self._balls.radius
        growth = None if without is None else np.log(without / radius) if radius else np.zeros(len(without))
        return SoftCover(self._log_outside, self._near, growth)


def soft_covers(real: SoftBalls, fake: SoftBalls, tile: int | None = None) -> tuple[SoftCover, SoftCover]:
    """Return how the real balls hold the fake centres, and the fake balls the real ones, from one pass.

    Args:
        real: balls around the reference.
        fake: balls around the judged set, of the same width.
        tile: most rows and columns formed at once; None: ``distances.TILE``. The result does not depend on it.

    Raises:
        MismatchedFeatures: if the widths differ.
    """
    counts = SoftCoverCount(real, fake.centres), SoftCoverCount(fake, real.centres)
    for part in Gram(real.centres, fake.centres, tile).tiles():
        for count in counts:
            count.add(part)
    return counts[0].finish(), counts[1].finish()


def _measured(tile: Tile, r: Integers, c: Integers) -> Floats:
    """Return the squared distances at places ``r``, ``c`` of ``tile``, float64 [p]: pair by pair if they are few."""
    if r.size * DENSE <= tile.squared.size:
        return squared_distances(tile.left, tile.right, tile.rows[r], tile.columns[c])
    scaled, _, _ = tile.gram.double(tile.left, tile.right, tile.rows, tile.columns)
    return np.asarray(np.maximum(scaled[r, c], 0) / tile.gram.unit)
