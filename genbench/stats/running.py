"""Rows that arrive bit by bit, in memory that does not grow: all of them while they are few, then moments and a sample.

Nothing depends on the order of arrival: rows are sorted, and a sample chosen, by a hash of their content.
"""

import numpy as np
from numpy.typing import NDArray

from genbench.seeds import generator
from genbench.stats.gaussian import Gaussian, Moments

FOLDED_AT_ONCE = 1024  # rows: one outer product of many is far cheaper than many of few
HASHED_AT_ONCE = 256
Rows = NDArray[np.float32]
GOLDEN, MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


class RunningMoments:
    """Moments of all rows seen, and up to ``limit`` of the rows themselves: all while they are no more than that.

    The rows kept of more are those of smallest hash, which is an even sample of the distinct ones.

    Args:
        width: of a row.
        limit: rows kept at most.

    Attributes:
        rows: those kept, float32 [k, width].
        moments: of all rows; None while ``rows`` holds them all.
        limit: as given.
    """

    def __init__(self, width: int, limit: int) -> None:
        self.rows: Rows = np.empty((0, width), np.float32)
        self.moments: Moments | None = None
        self.limit = limit
        self._fresh: list[Rows] = []

    @property
    def count(self) -> int:
        """Rows seen."""
        seen = len(self.rows) if self.moments is None else self.moments.count
        return seen + sum(map(len, self._fresh))

    def add(self, rows: Rows) -> None:
        """See float32 [n, width]."""
        self._fresh.append(rows)
        if sum(map(len, self._fresh)) >= FOLDED_AT_ONCE:
            self.settle()

    def settle(self) -> None:
        """Bring ``rows`` and ``moments`` up to date."""
        fresh, self._fresh = self._fresh, []
        if not fresh:
            return
        rows = np.concatenate([self.rows, *fresh])
        if self.moments is None and len(rows) <= self.limit:
            self.rows = rows
            return
        self.moments = _merge(self.moments, Moments.of(np.concatenate(fresh) if self.moments else rows))
        self.rows = rows[content_order(rows)[: self.limit]]

    def merge(self, other: "RunningMoments") -> None:
        """See all that ``other`` has seen; both settled before, and with one ``limit``."""
        rows = np.concatenate([self.rows, other.rows])
        if self.moments is None and other.moments is None and len(rows) <= self.limit:
            self.rows = rows
            return
        for part in (self, other):
            if part.moments is None and len(part.rows):
                part.moments = Moments.of(part.rows)
        if other.moments is not None:
            self.moments = _merge(self.moments, other.moments)
        self.rows = rows[content_order(rows)[: self.limit]]

    def result(self) -> tuple[Rows, Gaussian | None]:
        """Return the rows kept, in an order that depends on their content alone, and the Gaussian where that is more.

        Returns:
            (rows, gaussian): gaussian is of all rows seen; None if those are ``rows``.
        """
        self.settle()
        rows = self.rows[content_order(self.rows)]
        if self.moments is None:
            return rows, None
        return rows, Gaussian.from_moments(self.moments.count, self.moments.mean, self.moments.cov)


def content_order(rows: NDArray[np.floating]) -> NDArray[np.intp]:
    """Return indices that sort [n, d] by a 64-bit hash of each row as float32: at random, but by content alone."""
    odd = generator(0, "row hash").integers(0, 2**63, rows.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    keys = np.empty(len(rows), np.uint64)
    for start in range(0, len(rows), HASHED_AT_ONCE):
        part = np.ascontiguousarray(rows[start : start + HASHED_AT_ONCE] + np.float32(0), np.float32)  # -0 becomes 0
        total = (part.view(np.uint32).astype(np.uint64) * odd).sum(axis=1)
        total = (total ^ (total >> np.uint64(31))) * MIX + GOLDEN
        keys[start : start + HASHED_AT_ONCE] = total ^ (total >> np.uint64(29))
    return np.argsort(keys, kind="stable")


def _merge(moments: Moments | None, more: Moments) -> Moments:
    return more if moments is None else moments.merge(more)
