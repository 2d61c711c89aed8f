"""Spectrum of the cosine-kernel matrix of a set, and the effective number of different images it stands for.

K = X X' / n, the rows of X of length 1, has trace 1: its eigenvalues are shares, and exp of their Renyi entropy of
order q is a number between 1 (all alike) and n (all at right angles): the Vendi score (Friedman & Dieng 2023,
arXiv:2210.02410). X' X / n has the same eigenvalues but zeros, so the smaller of the two is formed, in tiles.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rows = NDArray[np.floating]
TILE = 1024


def effective_number(shares: Array, order: float) -> float:
    """Return exp of the Renyi entropy of ``shares`` [r], above 0 and of sum 1.

    Args:
        shares: eigenvalues.
        order: >= 0; 1 is Shannon's entropy, inf looks at the largest share alone.
    """
    if order == 1:
        return float(np.exp(-(shares * np.log(shares)).sum()))
    if math.isinf(order):
        return float(1 / shares.max())
    return float(np.power(shares, order).sum() ** (1 / (1 - order)))


@dataclass(frozen=True, eq=False)
class CosineKernel:
    """The products of a set's unit rows; made by ``CosineKernel.of``.

    A row of zeros has no direction: it counts as equal to other rows of zeros and at right angles to all else.

    Attributes:
        rows: [n, d].
        matrix: X X' [n, n] where n <= d, else X' X [d, d], float64.
        is_zero: rows of zeros, bool [n].
    """

    rows: Rows
    matrix: Array
    is_zero: Bools

    @classmethod
    def of(cls, rows: Rows) -> "CosineKernel":
        """Multiply rows [n, d]; memory O(min(n, d)^2 + TILE d)."""
        count, width = rows.shape
        is_zero = np.concatenate([~rows[part].any(axis=1) for part in _parts(count)])
        if count > width:
            return cls(rows, _scatter(rows), is_zero)
        matrix = np.empty((count, count))
        for i in _parts(count):
            left = _unit(rows[i])
            for j in _parts(i.stop):
                matrix[i, j] = left @ _unit(rows[j]).T
                matrix[j, i] = matrix[i, j].T
        matrix[np.ix_(is_zero, is_zero)] = 1
        return cls(rows, matrix, is_zero)

    @property
    def is_by_rows(self) -> bool:
        """Whether ``matrix`` is X X'."""
        return bool(len(self.rows) <= self.rows.shape[1])

    def shares(self, is_kept: Bools | None = None) -> Array:
        """Return the eigenvalues of the kernel matrix over n, those that are not rounding, of all rows or of some.

        Args:
            is_kept: rows that count, bool [n]; None: all.

        Returns:
            float64 [r], sum 1.
        """
        is_kept = np.ones(len(self.rows), np.bool_) if is_kept is None else is_kept
        count = int(is_kept.sum())
        if self.is_by_rows:
            return _significant(np.linalg.eigvalsh(self.matrix[np.ix_(is_kept, is_kept)]) / count)
        values = np.linalg.eigvalsh(self.matrix - _scatter(self.rows[~is_kept])) / count
        return _significant(np.append(values, (self.is_zero & is_kept).sum() / count))

    def surprise(self) -> Array:
        """Return -x' log(X' X / n) x in nats of every unit row x, for n > d, float64 [n].

        The mean is the entropy of ``shares``, which moves by (surprise - mean)/n when an image's weight rises from 0 to
        1/n: the derivative through the matrix itself is zero.
        """
        assert not self.is_by_rows
        count = len(self.rows)
        values, vectors = np.linalg.eigh(self.matrix / count)
        logs = np.log(values, where=_is_significant(values), out=np.zeros_like(values))
        surprise = np.concatenate([-np.square(_unit(self.rows[part]) @ vectors) @ logs for part in _parts(count)])
        surprise[self.is_zero] = -math.log(max(int(self.is_zero.sum()), 1) / count)
        return surprise


def _scatter(rows: Rows) -> Array:
    """Return X' X of the unit rows."""
    total = np.zeros((rows.shape[1], rows.shape[1]))
    for part in _parts(len(rows)):
        unit = _unit(rows[part])
        total += unit.T @ unit
    return total


def _significant(values: Array) -> Array:
    return values[_is_significant(values)]


def _is_significant(values: Array) -> Bools:
    """Return what is not zero but for rounding."""
    return np.asarray(values > len(values) * np.finfo(np.float64).eps * values.max())


def _unit(rows: Rows) -> Array:
    """Return the rows scaled to length 1, float64; zeros stay."""
    wide = rows.astype(np.float64)
    length = np.sqrt(np.einsum("nd,nd->n", wide, wide))
    return np.asarray(wide / np.where(length > 0, length, 1)[:, None])


def _parts(count: int) -> list[slice]:
    return [slice(start, min(start + TILE, count)) for start in range(0, count, TILE)]
