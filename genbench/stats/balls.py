"""Balls around the points of one set and the points of the other inside them: precision, recall, density, coverage.

The ball of a centre reaches to its k-th nearest other centre (Kynkaanniemi et al. 2019, arXiv 1904.06991, closed
balls; Naeem et al. 2020, arXiv 2002.09797, open ones). All is counted by blocks, and with each block of centres left
out, when the balls of the remaining ones grow: so the delete-block jackknife over both sets needs no further distance.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from genbench.errors import BadInput
from genbench.stats.distances import Bools, Floats, Gram, Integers, Points, Tile, places
from genbench.stats.jackknife import share_error_at_edge
from genbench.stats.neighbours import Neighbours
from genbench.stats.parts import Part, part_across, part_of_deletions, part_of_mean

Counts = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Covered:
    """A statistic of balls and points.

    Attributes:
        value: the statistic.
        error: its standard error, both sets drawn.
        leave: the statistic with each block of centres left out, float64 [B], and with each block of points left out,
            float64 [B']. It and ``error`` are None where there is one block, or a ball is undefined with some block
            left out (fewer than k + 1 centres remain).
        parts: of the square of ``error``, that of the centres and that of the points; None likewise.
    """

    value: float
    error: float | None
    leave: tuple[Floats, Floats] | None
    parts: tuple[Part, Part] | None = None


@dataclass(frozen=True, eq=False)
class Balls:
    """Balls around every point of a set.

    Attributes:
        neighbours: of the centres among themselves (``nearest_others``).
        k: the radius is the distance to the k-th nearest other centre.
        is_closed: whether a point at the radius is inside.
    """

    neighbours: Neighbours
    k: int
    is_closed: bool

    @property
    def centres(self) -> Points:
        """The set of centres."""
        return self.neighbours.points


@dataclass(frozen=True, eq=False)
class BallCover:
    """How n balls, in B blocks, cover m points, in B' blocks.

    Attributes:
        k: of the balls.
        centre_blocks: block of each centre, int64 [n].
        point_blocks: block of each point, int64 [m].
        hits_by_point: balls of centre block b that hold point j, int32 [m, B].
        hits_by_centre: points of point block b inside ball i, int32 [n, B'].
        gained_by_point: balls that hold point j only when centre block b is left out, int32 [m, B].
        gained_by_centre: points that ball i holds only when centre block b is left out, int32 [n, B]; 0 for its own.
        can_leave: whether every ball is defined with any one block of centres left out, and both sets have blocks.
    """

    k: int
    centre_blocks: Integers
    point_blocks: Integers
    hits_by_point: Counts
    hits_by_centre: Counts
    gained_by_point: Counts
    gained_by_centre: Counts
    can_leave: bool

    def point_share(self) -> Covered:
        """Return the share of points inside any ball, in [0, 1]: precision (centres real) or recall (centres fake)."""
        found = self._mean_over_points(self.hits_by_point.sum(axis=1) > 0, self._balls_of_points_without() > 0)
        return _off_the_edge(found, len(self.point_blocks))

    def density(self) -> Covered:
        """Return the mean over points of the balls a point lies in, over k; >= 0, 1 expected of equal distributions."""
        found = self._mean_over_points(
            self.hits_by_point.sum(axis=1) / self.k, self._balls_of_points_without() / self.k
        )
        if found.value or found.error is None:
            return found
        return replace(found, error=share_error_at_edge(len(self.point_blocks)) / self.k)

    def coverage(self) -> Covered:
        """Return the share of balls that hold any point, in [0, 1]."""
        held = self.hits_by_centre.sum(axis=1)
        without_points = (held[:, None] - self.hits_by_centre) > 0
        leave_centres = _mean_without((held[:, None] + self.gained_by_centre) > 0, self.centre_blocks)
        leave = (leave_centres, without_points.mean(axis=0)) if self.can_leave else None
        parts = (part_of_deletions(leave_centres), part_across(without_points)) if leave else None
        return _off_the_edge(Covered(float((held > 0).mean()), _error(parts), leave, parts), len(self.centre_blocks))

    def _mean_over_points(self, values: NDArray[np.bool_] | Floats, without: NDArray[np.bool_] | Floats) -> Covered:
        """Return the mean of a value a point [m], given what it is with each block of centres left out [m, B].

        Given the centres the points are independent, so that side's part of the error is that of a plain mean.
        """
        leave = (without.mean(axis=0), _mean_without(values, self.point_blocks)) if self.can_leave else None
        parts = (part_across(without), part_of_mean(values)) if leave else None
        return Covered(float(values.mean()), _error(parts), leave, parts)

    def _balls_of_points_without(self) -> Integers:
        """Return the balls each point lies in with each block of centres left out, int64 [m, B]."""
        total = self.hits_by_point.sum(axis=1, dtype=np.int64)[:, None]
        return np.asarray(total - self.hits_by_point + self.gained_by_point)


def _error(parts: tuple[Part, Part] | None) -> float | None:
    return None if parts is None else math.sqrt(parts[0].variance + parts[1].variance)


def _off_the_edge(found: Covered, count: int) -> Covered:
    """Give a share of 0 or 1 among ``count`` an error that is not 0."""
    if found.error is None or 0 < found.value < 1:
        return found
    return replace(found, error=max(found.error, share_error_at_edge(count)))


class CoverCount:
    """Counts one cover from the tiles of centres and points, whichever of the two the rows are."""

    def __init__(self, balls: Balls, points: Points) -> None:
        centres = balls.centres
        grown = balls.neighbours.squared_radii_without(balls.k)
        number, point_number = len(centres.block_sizes), len(points.block_sizes)
        self.balls, self.points = balls, points
        self._can_leave = grown is not None and point_number > 1
        self._inner = balls.neighbours.squared_radii(balls.k)
        self._grown = np.repeat(self._inner[:, None], number, axis=1) if grown is None else grown
        self._outer = np.fmax.reduce(self._grown, axis=1)
        self._hits_by_point = np.zeros((points.count, number), np.int32)
        self._hits_by_centre = np.zeros((centres.count, point_number), np.int32)
        self._gained_by_point = np.zeros((points.count, number), np.int32)
        self._gained_by_centre = np.zeros((centres.count, number), np.int32)

    def add(self, tile: Tile) -> None:
        """Count the pairs of ``tile``."""
        if tile.left is not self.balls.centres:
            tile = tile.transposed()
        is_sure = tile.surely_below(self._inner[tile.rows])
        is_near = tile.perhaps_within(self._outer[tile.rows])
        is_near ^= is_sure
        for block, run in _runs(tile.left.blocks[tile.rows]):
            self._hits_by_point[tile.columns, block] += _count(is_sure[run], axis=0)
        for block, run in _runs(tile.right.blocks[tile.columns]):
            self._hits_by_centre[tile.rows, block] += _count(is_sure[:, run], axis=1)
        r, c = places(is_near)
        if r.size:
            self._add_near(tile, r, c)

    def _add_near(self, tile: Tile, r: Integers, c: Integers) -> None:
        """Count the pairs at places ``r``, ``c`` of ``tile``, whose distance is near or beyond the radius."""
        i, j = tile.rows[r], tile.columns[c]
        squared = tile.resolve(r, c, self._inner[i], self._outer[i])
        is_inside = self._is_within(squared, self._inner[i])
        _tally(self._hits_by_point, j[is_inside], tile.left.blocks[i[is_inside]])
        _tally(self._hits_by_centre, i[is_inside], tile.right.blocks[j[is_inside]])
        is_shell = ~is_inside & (squared <= self._outer[i])
        i, j, squared = i[is_shell], j[is_shell], squared[is_shell]
        gained = self._is_within(squared[:, None], self._grown[i])  # False where NaN: the centre's own block
        np.add.at(self._gained_by_point, j, gained)
        np.add.at(self._gained_by_centre, i, gained)

    def _is_within(self, squared: Floats, radii: Floats) -> Bools:
        """Compare by the balls' rule."""
        return squared <= radii if self.balls.is_closed else squared < radii

    def finish(self) -> BallCover:
        """Return the counts, once every tile was added."""
        return BallCover(
            k=self.balls.k,
            centre_blocks=self.balls.centres.blocks,
            point_blocks=self.points.blocks,
            hits_by_point=self._hits_by_point,
            hits_by_centre=self._hits_by_centre,
            gained_by_point=self._gained_by_point,
            gained_by_centre=self._gained_by_centre,
            can_leave=self._can_leave,
        )


def cover(real: Points, fake: Points, balls: Sequence[Balls], tile: int | None = None) -> list[BallCover]:
    """Count several covers from one pass over the distances real x fake.

    Args:
        real: reference set.
        fake: judged set, of the same width.
        balls: around ``real`` or around ``fake`` (the very objects); each is judged by the points of the other.
        tile: most rows and columns formed at once; None: ``distances.TILE``. The result does not depend on it.

    Returns:
        One cover for each of ``balls``.

    Raises:
        MismatchedFeatures: if the widths differ.
        BadInput: if balls are around neither set.
    """
    counts = []
    for one in balls:
        if one.centres is not real and one.centres is not fake:
            raise BadInput(
                f"cover: balls around other points; expected the centres to be {real.name} or {fake.name}, "
                f"got {one.centres.name}. Pass the sets the neighbours were found in."
            )
        counts.append(CoverCount(one, fake if one.centres is real else real))
    gram = Gram(real, fake, tile)
    for part in gram.tiles():
        for count in counts:
            count.add(part)
    return [count.finish() for count in counts]


def _mean_without(values: NDArray[np.bool_] | Floats, blocks: Integers) -> Floats:
    """Return the mean of ``values`` [n] or [n, B] with each block's rows left out; column b goes with block b."""
    number = int(blocks.max()) + 1
    kept = blocks[:, None] != np.arange(number)
    rows = values if values.ndim == 2 else values[:, None]
    with np.errstate(invalid="ignore"):
        return np.asarray((rows * kept).sum(axis=0) / kept.sum(axis=0))


def _count(mask: Bools, axis: int) -> NDArray[np.uint32]:
    """Count True along an axis; four times as fast as ``mask.sum(axis)``."""
    return np.asarray(np.add.reduce(mask.view(np.uint8), axis=axis, dtype=np.uint32))


def _runs(blocks: Integers) -> list[tuple[int, slice]]:
    """Return the blocks in ``blocks``, ascending, and where each stands."""
    edges = [0, *(np.flatnonzero(np.diff(blocks)) + 1).tolist(), len(blocks)]
    return [(int(blocks[first]), slice(first, last)) for first, last in pairwise(edges)]


def _tally(counts: Counts, rows: Integers, columns: Integers) -> None:
    """Add 1 at each of the places ``rows`` [p], ``columns`` [p]."""
    np.add.at(counts.reshape(-1), rows * counts.shape[1] + columns, 1)
