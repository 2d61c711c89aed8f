"""Optimal transport on a line, of many pairs of samples at once: exact also where their counts differ.

The squared 2-Wasserstein distance of two distributions on a line is the integral over t in (0, 1) of the squared
difference of their quantile functions (Villani 2003, theorem 2.18); of samples these are steps.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Coupling:
    """How n sorted points and m sorted points share the mass: the same for all samples of these counts.

    Attributes:
        n: points of the first sample.
        m: points of the second.
    """

    n: int
    m: int

    @cached_property
    def steps(self) -> tuple[Integers, Integers, Array]:
        """Place in the first sample, place in the second and mass of each of at most n + m - 1 steps."""
        first, second = np.arange(1, self.n + 1) * self.m, np.arange(1, self.m + 1) * self.n  # of n m, so exact
        ends = np.union1d(first, second)
        mass = np.diff(ends, prepend=0) / (self.n * self.m)
        return np.searchsorted(first, ends), np.searchsorted(second, ends), mass

    def cost(self, x: Array, y: Array) -> Array:
        """Return the squared 2-Wasserstein distances of sorted columns x [n, b] and y [m, b], float64 [b]."""
        i, j, mass = self.steps
        return np.asarray(mass @ np.square(x[i] - y[j]))


def potential(x: Array, y: Array) -> Array:
    """Return how much the squared distance rises with mass at each point of x, up to a constant a column.

    A Kantorovich potential: its slope at t is 2 (t - T(t)), T the optimal map. Between two points of x the map is flat
    or, where y has a point at the same level, steps there: then the middle is taken.

    Args:
        x: sorted columns, float64 [n, b].
        y: sorted columns, float64 [m, b].

    Returns:
        float64 [n, b].
    """
    n, m = len(x), len(y)
    levels = np.arange(1, n) * m  # of n m
    target = (y[-(-levels // n) - 1] + y[levels // n]) / 2
    rises = np.square(x)
    rises[1:] -= 2 * np.cumsum(target * np.diff(x, axis=0), axis=0)
    return rises
