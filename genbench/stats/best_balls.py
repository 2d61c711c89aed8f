"""For every point the ball it is deepest in and the smallest ball it is in: realism and rarity of single images.

Balls reach from a centre to its k-th nearest other centre and are closed. Realism is the largest r_i / |x - c_i| over
the half of the balls that is smallest, as wide balls lie where centres are sparse (Kynkaanniemi et al. 2019,
arXiv:1904.06991, eq. 3). Rarity is the smallest radius of a ball that holds x (Han et al. 2022, arXiv:2206.08549).

Both are those of float64 distances. What they are with a block of centres left out serves a standard error only, and
is taken from float32 tiles.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.stats.balls import Balls
from genbench.stats.distances import Bools, Floats, Gram, Points, Singles, Tile, places, squared_distances

FAR = np.float32(1e30)  # stands for infinity where a product with 0 must stay a number


@dataclass(frozen=True, eq=False)
class BestBalls:
    """What balls in B blocks say of m points.

    Attributes:
        realism: largest radius over distance, over balls whose radius is not above the median nor 0, float64 [m]; inf
            at such a ball's centre. At least 1 exactly where the point is in one of them.
        rarity: smallest radius of a ball that holds the point, float64 [m]; NaN outside all balls.
        realism_without: the former with each block of centres left out, float32 [m, B]; None where some ball would be
            undefined.
        rarity_without: the latter, likewise.
    """

    realism: Floats
    rarity: Floats
    realism_without: Singles | None
    rarity_without: Singles | None


class BestBallSearch:
    """Finds the best balls from the tiles of centres (rows) and points (columns)."""

    def __init__(self, gram: Gram, balls: Balls) -> None:
        self._unit, points = gram.unit, gram.columns
        self._squared_radii = balls.neighbours.squared_radii(balls.k)
        self._is_kept = _is_small(self._squared_radii)
        self._cost = np.full(points.count, np.inf)  # smallest |x - c|^2 / r^2 over the small balls
        self._smallest = np.full(points.count, np.inf)  # smallest squared radius around the point
        self._grown = balls.neighbours.squared_radii_without(balls.k)
        if self._grown is not None:
            shape = points.count, self._grown.shape[1]
            self._kept_without = np.stack([_is_small(radii) for radii in self._grown.T], axis=1)
            self._cost_without = np.full(shape, FAR)
            self._smallest_without = np.full(shape, np.float32(np.inf))

    def add(self, tile: Tile) -> None:
        """Look at the pairs of ``tile``."""
        self._find_deepest(tile)
        self._find_smallest(tile)
        if self._grown is not None:
            self._leave_out(tile)

    def _find_deepest(self, tile: Tile) -> None:
        """Lower the costs; only pairs whose cost may be the least yet are measured."""
        kept = np.flatnonzero(self._is_kept[tile.rows])
        if not kept.size:
            return
        i = tile.rows[kept]
        unit = (self._squared_radii[i] * self._unit)[:, None]
        margin = tile.row_margin[kept, None] + tile.column_margin
        squared = tile.squared[kept].astype(np.float64)
        least = np.minimum(((squared + margin) / unit).min(axis=0), self._cost[tile.columns])
        r, c = places((squared - margin) / unit <= least)
        j = tile.columns[c]
        exact = squared_distances(tile.left, tile.right, i[r], j)
        np.minimum.at(self._cost, j, exact / self._squared_radii[i[r]])

    def _find_smallest(self, tile: Tile) -> None:
        """Lower the smallest radii; only pairs at the surface of a ball smaller than that are measured."""
        radii = self._squared_radii[tile.rows]
        is_sure = tile.surely_below(radii)
        found = np.where(is_sure, radii[:, None], np.inf).min(axis=0)
        self._smallest[tile.columns] = np.minimum(self._smallest[tile.columns], found)
        is_open = tile.perhaps_within(radii) & ~is_sure & (radii[:, None] < self._smallest[tile.columns])
        r, c = places(is_open)
        is_inside = tile.resolve(r, c, radii[r], radii[r]) <= radii[r]
        np.minimum.at(self._smallest, tile.columns[c[is_inside]], radii[r[is_inside]])

    def _leave_out(self, tile: Tile) -> None:
        """Do both with every block of centres left out, by the float32 distances as they are."""
        assert self._grown is not None
        squared = np.maximum(tile.squared, 0)
        for block in range(self._grown.shape[1]):
            radii = (self._grown[tile.rows, block] * self._unit).astype(np.float32)  # NaN: the block's own
            is_kept = self._kept_without[tile.rows, block]
            inverse = np.where(is_kept, 1 / np.where(is_kept, radii, 1), FAR)[:, None]
            cost = np.where(is_kept[:, None], squared * inverse, FAR).min(axis=0)
            held = np.where(squared <= radii[:, None], radii[:, None], np.float32(np.inf)).min(axis=0)
            for least, found in ((self._cost_without, cost), (self._smallest_without, held)):
                least[tile.columns, block] = np.minimum(least[tile.columns, block], found)

    def finish(self) -> BestBalls:
        """Return what was found, once every tile was added."""
        realism_without, rarity_without = None, None
        with np.errstate(divide="ignore"):
            realism = 1 / np.sqrt(self._cost)
            if self._grown is not None:
                realism_without = np.asarray(1 / np.sqrt(self._cost_without), np.float32)
                rarity_without = _roots(self._smallest_without / np.float32(self._unit))
        return BestBalls(realism, _roots(self._smallest), realism_without, rarity_without)


def best_balls(balls: Balls, points: Points, tile: int | None = None) -> BestBalls:
    """Find the best balls of every point.

    Args:
        balls: closed ones around a reference.
        points: the judged set, of the same width.
        tile: most rows and columns formed at once; None: ``distances.TILE``. Realism and rarity do not depend on it.

    Raises:
        MismatchedFeatures: if the widths differ.
    """
    assert balls.is_closed
    gram = Gram(balls.centres, points, tile)
    search = BestBallSearch(gram, balls)
    for part in gram.tiles():
        search.add(part)
    return search.finish()


def _is_small(squared_radii: Floats) -> Bools:
    """Return which balls realism looks at; NaN is none."""
    return (squared_radii > 0) & (squared_radii <= np.nanmedian(squared_radii))


def _roots(squared: NDArray[Any]) -> NDArray[Any]:
    """Return the roots, NaN where there was no ball."""
    return np.asarray(np.where(np.isfinite(squared), np.sqrt(squared), squared.dtype.type(np.nan)))
