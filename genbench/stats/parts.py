"""What each set adds to the standard error of a statistic, and what two statistics of one set have in common.

Two models judged by one reference share its luck: the variance of the difference of their scores is
V_A + V_B - 2 C on the reference's side, with C = sum_j a_j b_j over the effects a and b of its images, or of its
blocks. Source: Efron & Stein 1981 for blocks; for single images the covariance of influence functions (Hampel 1974).
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genbench.stats.jackknife import error_across

Array = NDArray[np.float64]


class Part(NamedTuple):
    """What one set adds to a squared standard error.

    Attributes:
        variance: that, >= 0.
        effects: of the set's images or blocks, float64 [q], in an order that is the set's own; their squares sum to
            ``variance``, unless noise that the other set brings in was taken out of it.
    """

    variance: float
    effects: Array

    @property
    def degrees(self) -> float:
        """Degrees of freedom of ``variance``; infinite where nothing is known of them."""
        return len(self.effects) - 1.0 if len(self.effects) > 1 else math.inf

    def scaled(self, factor: float) -> "Part":
        """Return the part of ``factor`` times the statistic."""
        return Part(self.variance * factor**2, self.effects * factor)

    def raised(self, variance: float) -> "Part":
        """Return it with ``variance`` more."""
        return Part(self.variance + variance, self.effects)


def part_of_mean(values: NDArray[np.bool_] | NDArray[np.floating]) -> Part:
    """Return the part of the set whose values [n], n >= 2, the statistic is the mean of: var / n, divisor n - 1."""
    count = len(values)
    return _squared((values - values.mean(dtype=np.float64)) / math.sqrt(count * (count - 1)))


def part_over_pairs(values: NDArray[np.floating], partners: NDArray[np.intp], count: int) -> Part:
    """Return the whole error of a mean over pairs as the part of the set that holds the second image of each.

    Two models that are compared with the same images differ pair by pair: no error is left for their own sides.

    Args:
        values: of the pairs, [p], p >= 2.
        partners: positions of their second images in that set, int [p].
        count: images in that set, >= p.
    """
    part, effects = part_of_mean(values), np.zeros(count)
    effects[partners] = part.effects
    return Part(part.variance, effects)


def part_of_influences(psi: Array, count: int) -> Part:
    """Return the part of a set of ``count`` images from the influences psi [n] of all or some: var / count, divisor n.

    The statistic moves by psi / count when an image's weight rises from 0 to 1 / count.
    """
    return _squared((psi - psi.mean()) / math.sqrt(len(psi) * count))


def part_of_deletions(leave: Array) -> Part:
    """Return the part of a set from the statistic with each block left out, [B]: the delete-block jackknife's."""
    return _squared((leave - leave.mean()) * math.sqrt((len(leave) - 1) / len(leave)))


def part_across(without: NDArray[np.bool_] | NDArray[np.floating]) -> Part:
    """Return the part of the set that the averaged values [m, B] hang on, with each of its blocks left out."""
    return Part(error_across(without) ** 2, part_of_deletions(without.mean(axis=0, dtype=np.float64)).effects)


def join_parts(parts: list[Part]) -> Part:
    """Return the part of a sum of statistics, each of other images of the set."""
    return Part(sum(part.variance for part in parts), np.concatenate([part.effects for part in parts]))


def _squared(effects: Array) -> Part:
    return Part(float(effects @ effects), effects)
