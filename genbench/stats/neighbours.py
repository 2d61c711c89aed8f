"""The k nearest neighbours of every point, exact, and what they become when a block of points is left out.

Of each point a short list of 2 k + 2 neighbours is kept: leaving out a block strikes some of them, and the k-th
distance of the rest is the new one. A row is taken as it stands only if no point off its list can be nearer than the
distances asked for; the others are searched again in float64, and rows that even that leaves open pair by pair.
Memory is O(tile^2 + n k + n B).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from genbench.errors import NotEnoughImages
from genbench.stats.distances import Bools, Floats, Gram, Integers, Points, Singles, Tile, places, squared_distances

SPARE = 2  # neighbours kept beyond 2 k


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest centres of every point of a set.

    Attributes:
        points: the set asked about, n points.
        centres: the set searched, m points in B blocks; ``points`` itself when each point is asked for the others.
        is_self: whether a point is barred from being its own neighbour.
        k: largest k that can be asked for.
        index: rows of ``centres``, int64 [n, l], nearest first; equally near ones in order of their row.
        squared: their squared distances, float64 [n, l]. The first k columns are the k nearest; among points tied at
            the k-th distance any may be listed. The columns beyond serve ``squared_radii_without``.
    """

    points: Points
    centres: Points
    is_self: bool
    k: int
    index: Integers
    squared: Floats

    def distances(self) -> Floats:
        """Return the distances to the k nearest, float64 [n, k], ascending."""
        return np.sqrt(self.squared[:, : self.k])

    def squared_radii(self, k: int) -> Floats:
        """Return the squared distance to the k-th nearest, 1 <= k <= ``self.k``, float64 [n]."""
        return self.squared[:, self._checked(k) - 1].copy()

    def squared_radii_without(self, k: int) -> Floats | None:
        """Return the squared distance to the k-th nearest centre outside each block.

        Args:
            k: 1 <= k <= ``self.k``.

        Returns:
            float64 [n, B]; NaN where the point itself is of that block (``is_self``). None where there is one block,
            or leaving one out leaves some point fewer than k centres.
        """
        left = self.centres.count - self.is_self - self.centres.block_sizes
        if len(left) < 2 or left.min() < self._checked(k):
            return None
        radii = _kth_outside(self.centres.blocks[self.index], self.squared, k, len(left))
        if self.is_self:
            radii[np.arange(len(radii)), self.points.blocks] = np.nan
        return radii

    def _checked(self, k: int) -> int:
        """Return ``k``; a larger one than was searched for is a mistake in genbench."""
        assert 1 <= k <= self.k, f"k = {k} of {self.k}"
        return k


class ShortList:
    """Collects the nearest centres of every point from tiles whose rows are the points.

    A tile's values are ranked by what the truth cannot be below, less the row's own margin.
    """

    def __init__(self, gram: Gram, points: Points, centres: Points, k: int) -> None:
        others = centres.count - gram.is_self
        if others < k:
            needed = k + gram.is_self
            raise NotEnoughImages(
                f"{centres.name}: too few images for the {k} nearest neighbours; expected at least {needed}, "
                f"got {centres.count}. Give more images or a smaller k."
            )
        self.gram, self.points, self.centres, self.k = gram, points, centres, k
        self.length = min(2 * k + SPARE, others)
        self.is_complete = self.length == others
        self._floors = np.full((points.count, self.length), np.inf, np.float32)
        self._index = np.zeros((points.count, self.length), np.int64)

    def add(self, tile: Tile) -> None:
        """Enter the columns of ``tile`` in the lists of its rows."""
        floors = tile.squared - tile.column_margin.astype(np.float32)
        known = self._floors[tile.rows]
        limit = known.max(axis=1)
        if np.isinf(limit).any() and floors.shape[1] >= self.length:  # a first tile: of its own, take the nearest only
            limit = np.nextafter(np.partition(floors, self.length - 1, axis=1)[:, self.length - 1], np.float32(np.inf))
        r, c = places(floors < limit[:, None])
        fresh, fresh_index = _left_aligned(r, len(floors), floors[r, c], tile.columns[c])
        known, index = np.hstack([known, fresh]), np.hstack([self._index[tile.rows], fresh_index])
        chosen = _smallest(known, self.length)
        self._floors[tile.rows] = np.take_along_axis(known, chosen, axis=1)
        self._index[tile.rows] = np.take_along_axis(index, chosen, axis=1)

    def finish(self) -> Neighbours:
        """Return the exact neighbours, once every tile was added."""
        rows = np.arange(self.points.count)
        margins = self.gram.margins(self.points)
        floor = (self._floors.max(axis=1) - margins) / self.gram.unit
        index, squared = self._measured(rows, self._index)
        for part in self._parts(np.flatnonzero(~self._is_settled(rows, index, squared, floor))):
            index[part], squared[part] = self._search_again(part)
        return Neighbours(self.points, self.centres, self.gram.is_self, self.k, index, squared)

    def _measured(self, rows: Integers, index: Integers) -> tuple[Integers, Floats]:
        """Return the lists [r, l] of ``rows`` with exact squared distances, sorted by them."""
        pairs = np.repeat(rows, index.shape[1]), index.ravel()
        squared = squared_distances(self.points, self.centres, *pairs).reshape(index.shape)
        order = np.lexsort((index, squared), axis=1)
        return np.take_along_axis(index, order, axis=1), np.take_along_axis(squared, order, axis=1)

    def _is_settled(self, rows: Integers, index: Integers, squared: Floats, floor: Floats) -> Bools:
        """Return which lists hold all that can be asked of them, given that no other centre is nearer than ``floor``.

        Squared distances are not negative, so equal points settle each other whatever the margin.
        """
        return np.asarray(self.is_complete | (self._reach(rows, index, squared) <= np.maximum(floor, 0)))

    def _reach(self, rows: Integers, index: Integers, squared: Floats) -> Floats:
        """Return the largest squared radius that can be asked of each list, inf if the list is too short for it."""
        left = self.centres.count - self.gram.is_self - self.centres.block_sizes
        without = _kth_outside(self.centres.blocks[index], squared, self.k, len(left))
        without[:, left < self.k] = 0  # undefined, never asked for
        if self.gram.is_self:
            without[np.arange(len(rows)), self.points.blocks[rows]] = 0
        return np.asarray(np.maximum(squared[:, self.k - 1], without.max(axis=1)))

    def _parts(self, rows: Integers) -> Iterator[Integers]:
        """Cut ``rows`` so that a strip of float64 distances to all centres takes no more than sixteen tiles."""
        step = max(1, 16 * self.gram.tile**2 // self.centres.count)
        for start in range(0, len(rows), step):
            yield rows[start : start + step]

    def _search_again(self, rows: Integers) -> tuple[Integers, Floats]:
        """Return exact lists of ``rows`` by float64 products; those still open are searched pair by pair."""
        floors = self._double_floors(rows)
        chosen = _smallest(floors, self.length)
        index, squared = self._measured(rows, chosen)
        floor = np.take_along_axis(floors, chosen, axis=1).max(axis=1)
        is_open = ~self._is_settled(rows, index, squared, floor)
        for place in np.flatnonzero(is_open):
            reach = self._reach(rows[[place]], index[[place]], squared[[place]])
            may_count = floors[place] <= reach  # all of the list among them, for else the row were settled
            if self.gram.is_self:
                may_count[rows[place]] = False
            index[place], squared[place] = self._list_of(rows[place], np.flatnonzero(may_count))
        return index, squared

    def _double_floors(self, rows: Integers) -> Floats:
        """Return what the squared distances of ``rows`` to all centres cannot be below, float64 [r, m]."""
        floors = np.empty((len(rows), self.centres.count))
        for start in range(0, self.centres.count, self.gram.tile):
            columns = np.arange(start, min(start + self.gram.tile, self.centres.count))
            squared, row_margin, column_margin = self.gram.double(self.points, self.centres, rows, columns)
            squared -= row_margin[:, None]
            squared -= column_margin
            floors[:, columns] = squared / self.gram.unit
        if self.gram.is_self:
            floors[np.arange(len(rows)), rows] = np.inf
        return floors

    def _list_of(self, row: np.int64, candidates: Integers) -> tuple[Integers, Floats]:
        """Return the list [l] of one row: the nearest candidates, at most k of a block while there are others.

        No block's k + 1st nearest is ever a k-th neighbour with some block left out, and the nearest 2 k of the rest
        lose at most k to any block.
        """
        squared = squared_distances(self.points, self.centres, np.full(len(candidates), row), candidates)
        order = np.lexsort((candidates, squared))
        blocks = self.centres.blocks[candidates[order]]
        kept = np.sort(np.argsort(_is_beyond(self.k, blocks), kind="stable")[: self.length])
        return candidates[order][kept], squared[order][kept]


def nearest_others(points: Points, k: int, tile: int | None = None) -> Neighbours:
    """Find the k nearest other points of every point of a set.

    Args:
        points: n >= k + 1 points.
        k: >= 1; smaller ones can be asked of the result.
        tile: most rows and columns formed at once; None: ``distances.TILE``. The result does not depend on it.

    Raises:
        NotEnoughImages: if n <= k.
    """
    gram = Gram(points, tile=tile)
    short_list = ShortList(gram, points, points, k)
    for part in gram.tiles():
        short_list.add(part)
        if not part.is_diagonal:
            short_list.add(part.transposed())
    return short_list.finish()


def nearest_centres(points: Points, centres: Points, k: int = 1, tile: int | None = None) -> Neighbours:
    """Find the k nearest centres of every point; a centre equal to the point is at distance 0.

    Args:
        points: set asked about.
        centres: set searched, m >= k points of the same width.
        k: >= 1.
        tile: as in ``nearest_others``.

    Raises:
        MismatchedFeatures: if the widths differ.
        NotEnoughImages: if m < k.
    """
    gram = Gram(points, centres, tile)
    short_list = ShortList(gram, points, centres, k)
    for part in gram.tiles():
        short_list.add(part)
    return short_list.finish()


def _smallest(values: np.ndarray[tuple[int, int], np.dtype[np.floating]], count: int) -> Integers:
    """Return the places of the ``count`` smallest of each row, in no order."""
    return np.argpartition(values, count - 1, axis=1)[:, :count]


def _left_aligned(r: Integers, count: int, values: Singles, index: Integers) -> tuple[Singles, Integers]:
    """Put entries of given rows side by side.

    Args:
        r: row of each entry, int64 [p].
        count: of rows.
        values: float32 [p].
        index: int64 [p].

    Returns:
        ``values`` float32 [count, w], filled up with inf, and ``index`` int64 [count, w], with 0.
    """
    order = np.argsort(r, kind="stable")
    row = r[order]
    lengths = np.bincount(r, minlength=count)
    column = np.arange(len(r)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    width = int(lengths.max())
    table, table_index = np.full((count, width), np.inf, np.float32), np.zeros((count, width), np.int64)
    table[row, column] = values[order]
    table_index[row, column] = index[order]
    return table, table_index


def _kth_outside(blocks: Integers, squared: Floats, k: int, number: int) -> Floats:
    """Return the k-th entry of each sorted list outside each block.

    Args:
        blocks: block of each entry, int64 [r, l].
        squared: entries, ascending, float64 [r, l].
        k: >= 1.
        number: of blocks, B.

    Returns:
        float64 [r, B]; inf where the list has fewer than k entries outside the block.
    """
    radii = np.full((len(blocks), number), np.inf)
    for block in range(number):
        place = np.cumsum(blocks != block, axis=1)
        rows = np.flatnonzero(place[:, -1] >= k)
        radii[rows, block] = squared[rows, np.argmax(place[rows] >= k, axis=1)]
    return radii


def _is_beyond(k: int, blocks: Integers) -> Bools:
    """Return which entries of ``blocks`` [p] have k or more entries of their own block before them."""
    order = np.argsort(blocks, kind="stable")
    first = np.searchsorted(blocks[order], blocks[order])
    is_beyond = np.empty(len(blocks), np.bool_)
    is_beyond[order] = np.arange(len(blocks)) - first >= k
    return is_beyond
