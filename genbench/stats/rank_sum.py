"""Mann and Whitney's test within cells: do values of one sample exceed those of another, cell by cell?

U counts the pairs (a of the first, b of the second sample) with a > b, ties as one half; its variance is corrected for
ties (Mann & Whitney 1947; Hollander, Wolfe & Chicken 2014, section 4.1).
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]
CONTINUITY = 0.5  # of Meehan et al.: taken off the mean of U, whichever side U is on


class Compared(NamedTuple):
    """What became of the cells.

    Attributes:
        first: images of the first sample in each cell, int64 [K].
        second: of the second, int64 [K].
        z: of each cell, float64 [K]; above 0 where the first sample's values are larger; 0 where one sample is absent
            or all values tie.
    """

    first: Integers
    second: Integers
    z: Array


@dataclass(frozen=True, eq=False)
class RankedCells:
    """Two samples pooled, each value ranked within its cell; which value is of which sample is left open.

    Attributes:
        cells: cell of each value, int64 [N], in 0 .. K - 1.
        ranks: mid-rank of each value in its cell, float64 [N], from 1.
        ties: of each cell, 1 - sum (t^3 - t) / (s^3 - s) over its groups of t ties, float64 [K]; 0 where s < 2.
    """

    cells: Integers
    ranks: Array
    ties: Array

    @classmethod
    def of(cls, values: Array, cells: Integers, number: int) -> Self:
        """Rank ``values`` [N] within ``cells`` [N], ``number`` of them."""
        ranks, ties = np.empty(len(values)), np.zeros(number)
        for cell in range(number):
            here = np.flatnonzero(cells == cell)
            if len(here) < 2:
                ranks[here] = 1
                continue
            ranks[here] = rankdata(values[here])
            groups = np.unique(values[here], return_counts=True)[1].astype(np.float64)
            size = float(len(here))
            ties[cell] = 1 - float((groups**3 - groups).sum()) / (size**3 - size)
        return cls(cells, ranks, ties)

    def compare(self, is_first: Bools) -> Compared:
        """Return the comparison, ``is_first`` [N] telling which values are of the first sample."""
        number = len(self.ties)
        total = np.bincount(self.cells, minlength=number)
        first = np.bincount(self.cells[is_first], minlength=number)
        second = total - first
        rank_sums = np.bincount(self.cells[is_first], self.ranks[is_first], minlength=number)
        exceeding = rank_sums - first * (first + 1) / 2
        variance = first * second * (total + 1) / 12 * self.ties
        z = np.zeros(number)
        np.divide(exceeding - (first * second / 2 - CONTINUITY), np.sqrt(variance), out=z, where=variance > 0)
        return Compared(first, second, z)
