"""Squared distances between two sets in tiles: float32 products, float64 sums wherever a decision hangs on them.

A tile is |a|^2 + |b|^2 - 2 a.b by one float32 product. It is wrong by no more than the margin m(a) + m(b), and every
pair that a threshold within the margin could put on either side is summed again as (a - b)^2 in float64. So all
decisions are those of float64 brute force on the features given: equal rows are at distance 0 exactly, ties are ties.

The margin. A product of inner length d + 2 is wrong by at most (d + 2) u sum |x_i y_i| in any order of summation
(Higham 2002, section 3.1; u = 2^-24), and here sum |x_i y_i| <= 2 (|a|^2 + |b|^2). Rounding the centred features, the
norms and the thresholds to float32 adds less than 16 u (|a|^2 + |b|^2). Hence m(a) = (2 (d + 2) + 16) u |a|^2, with |a|
measured from the mean of the rows: 2.5e-4 |a|^2 at d = 2048. In a tile with many open pairs the product is formed
again in float64, whose margin is 2^28 times smaller, before pairs are summed one by one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genbench.errors import BadInput, MismatchedFeatures
from genbench.scratch import empty_rows

TILE = 512  # most rows or columns of a tile: 1 MiB
CHUNK = 1 << 18  # numbers held at once while pairs are summed in float64: 2 MiB, a core's cache
DENSE = 64  # a tile with more than 1/DENSE of its pairs open is formed again in float64
TINY = 2.0**-120  # covers float32 underflow; the largest centred feature is scaled to [0.5, 1)

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Points:
    """One set of feature vectors, split into blocks; made by ``Points.of``.

    Attributes:
        features: float32 [n, d], finite; may be mapped from a file.
        blocks: block of each row, int64 [n], 0-based.
        name: what messages call the set: "real", "fake".
    """

    features: Singles
    blocks: Integers
    name: str

    @classmethod
    def of(cls, features: ArrayLike, blocks: ArrayLike, name: str) -> "Points":
        """Check and wrap a set.

        Args:
            features: [n, d], n and d >= 1, finite; taken as float32.
            blocks: integers [n] >= 0, as ``jackknife.blocks`` makes them.
            name: of the set.

        Raises:
            BadInput: if the shape is not [n, d], a feature is NaN or infinite, or the blocks do not fit.
        """
        with np.errstate(over="ignore"):
            rows = np.ascontiguousarray(features, dtype=np.float32)
        if rows.ndim != 2 or not rows.size:
            raise BadInput(f"{name}: not a table of features; expected [n, d], got {list(rows.shape)}.")
        bad = np.flatnonzero(~(np.isfinite(rows.min(axis=1)) & np.isfinite(rows.max(axis=1))))
        if bad.size:
            raise BadInput(
                f"{name}: NaN or infinite features; expected finite float32, got {bad.size} bad rows of {len(rows)}, "
                f"the first is row {bad[0]}. Check that image and the extractor."
            )
        ids = np.asarray(blocks)
        if ids.shape != (len(rows),) or ids.dtype.kind not in "iu" or ids.min() < 0:
            raise BadInput(
                f"{name}: blocks do not fit; expected integers >= 0 [{len(rows)}], got {ids.dtype} {list(ids.shape)}. "
                "Use jackknife.blocks."
            )
        return cls(rows, ids.astype(np.int64), name)

    @property
    def count(self) -> int:
        """Number of rows n."""
        return len(self.features)

    @property
    def width(self) -> int:
        """Number of features d."""
        return int(self.features.shape[1])

    @property
    def block_sizes(self) -> Integers:
        """Rows in each block, int64 [B]."""
        return np.bincount(self.blocks)


def squared_distances(left: Points, right: Points, i: Integers, j: Integers) -> Floats:
    """Sum (a - b)^2 in float64 for chosen pairs.

    Args:
        left: set of the first points.
        right: set of the second points, of the same width.
        i: rows of ``left``, int64 [p].
        j: rows of ``right``, int64 [p].

    Returns:
        Squared distances, float64 [p]; the same bits for a pair whatever pairs stand beside it, and for (b, a).
    """
    squared = np.empty(len(i))
    step = max(1, CHUNK // left.width)
    for start in range(0, len(i), step):
        part = slice(start, start + step)
        gap = left.features[i[part]].astype(np.float64)
        gap -= right.features[j[part]]
        np.einsum("pd,pd->p", gap, gap, out=squared[part])
    return squared


class Gram:
    """The tiles of squared distances of one pair of sets, or of a set and itself.

    Inside, features are centred by the rows' mean and scaled by a power of two, ``scale``; what collectors are given
    and give is in the unit of the features, but for ``Tile.squared``.

    Attributes:
        rows: the set along axis 0.
        columns: the set along axis 1; the rows themselves when none was given: then only tiles on and above the
            diagonal are formed, and a point's distance to itself is infinite.
        is_self: whether the columns are the rows.
        unit: scaled squared distances are ``unit`` times squared distances.
        tile: most rows and columns of a tile.
    """

    def __init__(self, rows: Points, columns: Points | None = None, tile: int | None = None) -> None:
        self.rows = rows
        self.columns = rows if columns is None else columns
        self.is_self = columns is None
        if self.columns.width != rows.width:
            raise MismatchedFeatures(
                f"distances: features differ in width; expected {self.columns.name} [n, {rows.width}] like "
                f"{rows.name}, got [n, {self.columns.width}]. Use one extractor for both sides."
            )
        self.tile = tile or TILE
        self._centre: Floats = rows.features.mean(axis=0, dtype=np.float64)
        self._scale = _power_of_two(_reach(rows, self._centre), _reach(self.columns, self._centre))
        self.unit = self._scale**2
        self._row_side = self._side(rows)
        self._column_side = self._row_side if columns is None else self._side(columns)

    def tiles(self) -> Iterator["Tile"]:
        """Yield the tiles; ``Tile.squared`` is overwritten by the next one."""
        buffer = np.empty(self.tile**2, np.float32)
        above, beside = self._row_side, self._column_side
        for first in range(0, self.rows.count, self.tile):
            rows = slice(first, first + self.tile)
            left = _swap_sides(above.vectors[rows])
            for start in range(first if self.is_self else 0, self.columns.count, self.tile):
                columns = slice(start, start + self.tile)
                right = beside.vectors[columns]
                squared = buffer[: len(left) * len(right)].reshape(len(left), len(right))
                np.matmul(left, right.T, out=squared)
                is_diagonal = self.is_self and start == first
                if is_diagonal:
                    np.fill_diagonal(squared, np.inf)
                yield Tile(
                    gram=self,
                    left=self.rows,
                    right=self.columns,
                    rows=above.order[rows],
                    columns=beside.order[columns],
                    row_margin=above.margins[rows],
                    column_margin=beside.margins[columns],
                    squared=squared,
                    is_diagonal=is_diagonal,
                )

    def margins(self, points: Points) -> Floats:
        """Return m(a) of every point of one of the two sets, in its own order, scaled, float64 [n]."""
        side = self._row_side if points is self.rows else self._column_side
        margins = np.empty(points.count)
        margins[side.order] = side.margins
        return margins

    def double(self, left: Points, right: Points, i: Integers, j: Integers) -> tuple[Floats, Floats, Floats]:
        """Form a tile in float64.

        Args:
            left: set of the rows.
            right: set of the columns.
            i: rows of ``left``, int64 [r].
            j: rows of ``right``, int64 [c].

        Returns:
            Scaled squared distances, float64 [r, c], and the margins m(a) [r] and m(b) [c] of that.
        """
        a, b = self._centred(left, i), self._centred(right, j)
        row_norms, column_norms = np.einsum("pd,pd->p", a, a), np.einsum("pd,pd->p", b, b)
        a *= -2
        squared = a @ b.T
        squared += row_norms[:, None]
        squared += column_norms
        # the float64 sums this is compared with are themselves off by (d + 2) u: twice the product's share
        share = 2 * _share(left.width, 2.0**-53)
        return squared, share * row_norms, share * column_norms

    def _centred(self, points: Points, i: Integers | slice) -> Floats:
        """Return chosen rows centred and scaled, float64 [p, d]."""
        rows = points.features[i].astype(np.float64)
        rows -= self._centre
        rows *= self._scale
        return rows

    def _side(self, points: Points) -> "_Side":
        """Sort a set by block, centre, scale, and append |b|^2 and 1 to each row."""
        order = np.argsort(points.blocks, kind="stable")
        width = points.width
        vectors = empty_rows(points.count, width + 2)
        norms = np.empty(points.count)
        step = max(1, CHUNK // width)
        for start in range(0, points.count, step):
            part = slice(start, start + step)
            vectors[part, :width] = self._centred(points, order[part])
            rounded = vectors[part, :width].astype(np.float64)
            np.einsum("pd,pd->p", rounded, rounded, out=norms[part])
        vectors[:, width] = norms
        vectors[:, width + 1] = 1
        margins = _share(width, 2.0**-24) * norms + width * TINY
        return _Side(order, vectors, margins)


@dataclass(frozen=True, eq=False)
class Tile:
    """Squared distances of r points of one set to c points of another; along both sides blocks ascend.

    Attributes:
        gram: what it is part of.
        left: set of the rows.
        right: set of the columns.
        rows: rows of ``left``, int64 [r].
        columns: rows of ``right``, int64 [c].
        row_margin: m(a), scaled, float64 [r].
        column_margin: m(b), scaled, float64 [c].
        squared: scaled, within m(a) + m(b) of the truth, float32 [r, c].
        is_diagonal: the rows are the columns.
    """

    gram: Gram
    left: Points
    right: Points
    rows: Integers
    columns: Integers
    row_margin: Floats
    column_margin: Floats
    squared: Singles
    is_diagonal: bool

    def transposed(self) -> "Tile":
        """Return the tile with rows and columns exchanged, on the same memory."""
        return Tile(
            gram=self.gram,
            left=self.right,
            right=self.left,
            rows=self.columns,
            columns=self.rows,
            row_margin=self.column_margin,
            column_margin=self.row_margin,
            squared=self.squared.T,
            is_diagonal=self.is_diagonal,
        )

    def surely_below(self, limit: Floats) -> Bools:
        """Return where the squared distance is below ``limit`` [r] beyond doubt, bool [r, c]."""
        floor = limit * self.gram.unit - (self.row_margin + self.column_margin.max())
        return np.asarray(self.squared < floor.astype(np.float32)[:, None])

    def perhaps_within(self, limit: Floats) -> Bools:
        """Return where the squared distance may be ``limit`` [r] or less, bool [r, c]."""
        ceiling = limit * self.gram.unit + (self.row_margin + self.column_margin.max())
        return np.asarray(self.squared <= ceiling.astype(np.float32)[:, None])

    def resolve(self, r: Integers, c: Integers, inner: Floats, outer: Floats) -> Floats:
        """Return squared distances that can be compared with any threshold in [inner, outer].

        Args:
            r: places along the tile's rows, int64 [p].
            c: places along its columns, int64 [p].
            inner: smallest threshold of each pair, float64 [p].
            outer: largest threshold of each pair, float64 [p].

        Returns:
            float64 [p]: exact where the truth may lie in [inner, outer], else on the right side of both.
        """
        margin = self.row_margin[r] + self.column_margin[c]
        value, is_open = self._bracket(self.squared[r, c].astype(np.float64), margin, inner, outer)
        if np.count_nonzero(is_open) * DENSE > self.squared.size:
            squared, row_margin, column_margin = self.gram.double(self.left, self.right, self.rows, self.columns)
            value, is_open = self._bracket(squared[r, c], row_margin[r] + column_margin[c], inner, outer)
        i, j = self.rows[r[is_open]], self.columns[c[is_open]]
        value[is_open] = squared_distances(self.left, self.right, i, j)
        return value

    def _bracket(self, scaled: Floats, margin: Floats, inner: Floats, outer: Floats) -> tuple[Floats, Bools]:
        """Return values in the features' unit, and which of them their margin leaves open."""
        value, margin = scaled / self.gram.unit, margin / self.gram.unit
        return value, (value + margin >= inner) & (value - margin <= outer)


def places(mask: Bools) -> tuple[Integers, Integers]:
    """Return the places of True [p], [p]; ``np.flatnonzero`` in memory order is ten times as fast as ``nonzero``."""
    if mask.flags.c_contiguous:
        r, c = np.divmod(np.flatnonzero(mask), mask.shape[1])
    else:
        c, r = np.divmod(np.flatnonzero(mask.T), mask.shape[0])
    return r, c


@dataclass(frozen=True, eq=False)
class _Side:
    """One set as a Gram multiplies it: rows sorted by block, [b, |b|^2, 1] in float32 [n, d + 2]."""

    order: Integers
    vectors: Singles
    margins: Floats


def _swap_sides(vectors: Singles) -> Singles:
    """Turn [a, |a|^2, 1] into [-2 a, 1, |a|^2]: its product with [b, |b|^2, 1] is the squared distance."""
    left = vectors * np.float32(-2)
    left[:, -2] = 1
    left[:, -1] = vectors[:, -2]
    return left


def _share(width: int, roundoff: float) -> float:
    """Return the margin's share of |a|^2; the module's docstring derives it."""
    steps = 2 * (width + 2) + 16
    return steps * roundoff / (1 - steps * roundoff)


def _reach(points: Points, centre: Floats) -> float:
    """Return the largest |feature - centre|."""
    return float(max((points.features.max(axis=0) - centre).max(), (centre - points.features.min(axis=0)).max()))


def _power_of_two(*reaches: float) -> float:
    """Return the power of two that brings the largest reach into [0.5, 1); 1 when all are 0."""
    largest = max(reaches)
    return float(2.0 ** -np.frexp(largest)[1]) if largest else 1.0
