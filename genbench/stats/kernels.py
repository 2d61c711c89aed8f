"""Sums of the polynomial kernel (x'y / d + 1)^3 over all pairs of two sets, in tiles, float64."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genbench.errors import MismatchedFeatures

Array = NDArray[np.float64]
TILE = 1024


@dataclass(frozen=True)
class KernelSums:
    """Row sums of the three kernel matrices; a point's pair with itself is left out.

    Attributes:
        within_real: float64 [n], sum over the other real points.
        within_fake: float64 [m], sum over the other fake points.
        real_to_fake: float64 [n], sum over all fake points.
        fake_to_real: float64 [m], sum over all real points.
    """

    within_real: Array
    within_fake: Array
    real_to_fake: Array
    fake_to_real: Array


def polynomial_sums(real: NDArray[np.floating], fake: NDArray[np.floating]) -> KernelSums:
    """Return the kernel sums of real [n, d] and fake [m, d]; memory O(TILE^2 + TILE d)."""
    if real.shape[1] != fake.shape[1]:
        raise MismatchedFeatures(
            f"kd: features differ in width; expected fake [n, {real.shape[1]}] like real, got [n, {fake.shape[1]}]. "
            "Use one extractor for both sides."
        )
    real_to_fake, fake_to_real = _across(real, fake)
    return KernelSums(_within(real), _within(fake), real_to_fake, fake_to_real)


def _across(left: NDArray[np.floating], right: NDArray[np.floating]) -> tuple[Array, Array]:
    by_left, by_right = np.zeros(len(left)), np.zeros(len(right))
    for i in range(0, len(left), TILE):
        for j in range(0, len(right), TILE):
            kernel = _kernel(left[i : i + TILE], right[j : j + TILE])
            by_left[i : i + TILE] += kernel.sum(axis=1)
            by_right[j : j + TILE] += kernel.sum(axis=0)
    return by_left, by_right


def _within(rows: NDArray[np.floating]) -> Array:
    sums = np.zeros(len(rows))
    for i in range(0, len(rows), TILE):
        for j in range(i, len(rows), TILE):
            kernel = _kernel(rows[i : i + TILE], rows[j : j + TILE])
            if i == j:
                np.fill_diagonal(kernel, 0)
            else:
                sums[j : j + TILE] += kernel.sum(axis=0)
            sums[i : i + TILE] += kernel.sum(axis=1)
    return sums


def _kernel(left: NDArray[np.floating], right: NDArray[np.floating]) -> Array:
    kernel: Array = left.astype(np.float64) @ right.astype(np.float64).T
    kernel /= left.shape[1]
    kernel += 1
    kernel *= np.square(kernel)
    return kernel
