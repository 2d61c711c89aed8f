"""Delete-block jackknife: the standard error of any statistic of one or two sets.

A set is split at random into B blocks; the statistic is computed again with each block left out, theta_b. For one set
SE^2 = (B - 1)/B sum_b (theta_b - mean theta)^2; for two independent sets the two sums add.
Source: Tukey 1958; Efron & Stein 1981 (the estimate leans upward, never down).
"""

import math

import numpy as np
from numpy.typing import NDArray

from genbench.seeds import generator

BLOCKS = 20  # enough for a standard error good to about 1/sqrt(2 * 19) = 16 %


def blocks(count: int, seed: int, name: str, number: int = BLOCKS) -> NDArray[np.int64]:
    """Split ``count`` images at random into blocks whose sizes differ by one at most.

    Args:
        count: images, >= 0.
        seed: seed of the split.
        name: of the set, "real" or "fake": two sets of one seed are split independently.
        number: blocks, >= 1; with fewer images than that each image is a block of its own.

    Returns:
        Block of each image, int64 [count], values 0 .. min(number, count) - 1.
    """
    ids = np.empty(count, np.int64)
    ids[generator(seed, "blocks", name).permutation(count)] = np.arange(count) % max(1, min(number, count))
    return ids


def standard_error(*sides: NDArray[np.float64]) -> float:
    """Return the delete-block jackknife's standard error.

    Args:
        sides: one array a set, float64 [B]: the statistic with block b of that set left out; B may differ.

    Returns:
        sqrt(sum over sides of (B - 1)/B sum_b (theta_b - mean)^2), in the statistic's unit.
    """
    return math.sqrt(sum((len(side) - 1) / len(side) * float(np.sum((side - np.mean(side)) ** 2)) for side in sides))


def share_error_at_edge(count: int) -> float:
    """Return a standard error for a share of ``count`` that came out as 0 or 1, where the data alone say 0.

    That of half a count more on either side (Jeffreys), about 0.7 / count.
    """
    share = 0.5 / (count + 1)
    return math.sqrt(share * (1 - share) / count)


def error_across(without: NDArray[np.bool_] | NDArray[np.floating]) -> float:
    """Return the part of a mean's standard error that comes from another set, on which each averaged value hangs.

    The plain jackknife of that set also counts, B times over, how single values happen to meet single left-out images:
    measured on Gaussian features it makes the error of precision 1.5 times too large. Here the products of a value with
    itself are left out of the square of the mean, so that only what the values share remains:
    SE^2 = (B - 1)/B sum_b ((sum_j d_jb)^2 - sum_j d_jb^2) / (m (m - 1)), d_jb = without_jb - mean_b without_jb,
    and 0 where noise makes that negative.

    Args:
        without: value j with block b of the other set left out, [m, B], m >= 2.

    Returns:
        The standard error, in the values' unit.
    """
    change = without - without.mean(axis=1, keepdims=True)
    count, number = change.shape
    shared = np.square(change.sum(axis=0)) - np.square(change).sum(axis=0)
    return math.sqrt(max(0.0, (number - 1) / number * float(shared.sum()) / (count * (count - 1))))
