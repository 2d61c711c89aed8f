"""Sums of a kernel over all pairs of two sets, in tiles, float64; of the whole sets and of many subsets in one pass."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genbench.errors import MismatchedFeatures

Array = NDArray[np.float64]
Rows = NDArray[np.floating]
Members = NDArray[np.bool_]  # [n, s]: whether row i is in subset s
Kernel = Callable[[Array, Array], Array]  # [r, d], [c, d] -> [r, c]
TILE = 1024


@dataclass(frozen=True)
class KernelSums:
    """Row sums of the three kernel matrices; a point's pair with itself is left out.

    Attributes:
        within_real: float64 [n], sum over the other real points.
        within_fake: float64 [m], sum over the other fake points.
        real_to_fake: float64 [n], sum over all fake points.
        fake_to_real: float64 [m], sum over all real points.
        subsets: sums within the real, within the fake and between the two parts of every subset, float64 [3, s].
    """

    within_real: Array
    within_fake: Array
    real_to_fake: Array
    fake_to_real: Array
    subsets: Array


def polynomial_sums(real: Rows, fake: Rows, members: tuple[Members, Members] | None = None) -> KernelSums:
    """Return the sums of the kernel (x'y / d + 1)^3.

    Args:
        real: [n, d].
        fake: [m, d].
        members: subsets of the rows of real [n, s] and of fake [m, s]; None: no subsets.

    Returns:
        The sums; memory O(TILE^2 + TILE d).

    Raises:
        MismatchedFeatures: if the widths differ.
    """
    return _sums(real, fake, _cubic, members)


def gaussian_sums(real: Rows, fake: Rows, sigma: float) -> KernelSums:
    """Return the sums of exp(-|x - y|^2 / (2 sigma^2)) - 1 over rows scaled to length 1.

    The 1 changes no discrepancy, and without it what is near 1 everywhere keeps its digits.

    Args:
        real: [n, d], no row of zeros.
        fake: [m, d], likewise.
        sigma: width of the kernel.

    Returns:
        The sums; memory O(TILE^2 + TILE d).

    Raises:
        MismatchedFeatures: if the widths differ.
    """

    def kernel(left: Array, right: Array) -> Array:
        cosine: Array = left / np.linalg.norm(left, axis=1, keepdims=True) @ right.T
        cosine /= np.linalg.norm(right, axis=1)
        cosine -= 1
        cosine /= sigma**2  # |x - y|^2 = 2 - 2 cos
        np.expm1(cosine, out=cosine)
        return cosine

    return _sums(real, fake, kernel, None)


def _sums(real: Rows, fake: Rows, kernel: Kernel, members: tuple[Members, Members] | None) -> KernelSums:
    if real.shape[1] != fake.shape[1]:
        raise MismatchedFeatures(
            f"kernel: features differ in width; expected fake [n, {real.shape[1]}] like real, got "
            f"[n, {fake.shape[1]}]. Use one extractor for both sides."
        )
    in_real, in_fake = members or (np.empty((len(real), 0), np.bool_), np.empty((len(fake), 0), np.bool_))
    real_to_fake, fake_to_real, between = np.zeros(len(real)), np.zeros(len(fake)), np.zeros(in_real.shape[1])
    for i, j in _tiles(len(real), len(fake)):
        tile = kernel(real[i].astype(np.float64), fake[j].astype(np.float64))
        real_to_fake[i] += tile.sum(axis=1)
        fake_to_real[j] += tile.sum(axis=0)
        between += _sum_of_subsets(tile, in_real[i], in_fake[j])
    (within_real, inside_real), (within_fake, inside_fake) = (
        _within(rows, kernel, chosen) for rows, chosen in ((real, in_real), (fake, in_fake))
    )
    subsets = np.stack([inside_real, inside_fake, between])
    return KernelSums(within_real, within_fake, real_to_fake, fake_to_real, subsets)


def _within(rows: Rows, kernel: Kernel, members: Members) -> tuple[Array, Array]:
    """Return the row sums [n] and the sums of subsets [s] of a set's kernel matrix, without its diagonal."""
    sums, inside = np.zeros(len(rows)), np.zeros(members.shape[1])
    for i, j in _tiles(len(rows), len(rows)):
        if j.start < i.start:
            continue
        tile = kernel(rows[i].astype(np.float64), rows[j].astype(np.float64))
        if i == j:
            np.fill_diagonal(tile, 0)
        else:
            sums[j] += tile.sum(axis=0)
        sums[i] += tile.sum(axis=1)
        inside += (1 if i == j else 2) * _sum_of_subsets(tile, members[i], members[j])
    return sums, inside


def _tiles(rows: int, columns: int) -> Iterator[tuple[slice, slice]]:
    for i in range(0, rows, TILE):
        for j in range(0, columns, TILE):
            yield slice(i, i + TILE), slice(j, j + TILE)


def _sum_of_subsets(tile: Array, rows: Members, columns: Members) -> Array:
    """Return the sum of ``tile`` over the rows and columns in each subset, float64 [s]."""
    return np.asarray(np.einsum("rs,rs->s", tile @ columns.astype(np.float64), rows.astype(np.float64)))


def _cubic(left: Array, right: Array) -> Array:
    kernel = left @ right.T
    kernel /= left.shape[1]
    kernel += 1
    kernel *= np.square(kernel)
    return kernel
