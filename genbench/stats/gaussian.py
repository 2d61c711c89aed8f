"""Means and covariances in float64, and the Frechet distance between the Gaussians they describe.

Covariances divide by n - 1. No matrix square root is taken: tr (S1 S2)^1/2 is the sum of the singular values of
R1 R2', where Ri' Ri = Si (Dowson and Landau 1982 for the distance). It holds for singular covariances too.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from genbench.errors import MismatchedFeatures, NotEnoughImages, NotPositive

Array = NDArray[np.float64]
ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Moments:
    """Count, mean and scatter of a set of rows; ``a.merge(b)`` equals having seen both.

    Attributes:
        count: rows seen.
        mean: float64 [d].
        scatter: float64 [d, d], the sum of (x - mean)(x - mean)'.
    """

    count: int
    mean: Array
    scatter: Array

    @classmethod
    def of(cls, rows: NDArray[np.floating]) -> Self:
        """Return the moments of float rows [n, d], n >= 1, read ``ROWS_AT_ONCE`` at a time."""
        total: Self | None = None
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = rows[start : start + ROWS_AT_ONCE].astype(np.float64)
            mean = part.mean(axis=0)
            part -= mean
            moments = cls(len(part), mean, part.T @ part)
            total = moments if total is None else total.merge(moments)
        if total is None:
            raise NotEnoughImages("moments: no rows; expected at least 1, got 0. Give a set with images.")
        return total

    def merge(self, other: Self) -> Self:
        """Return the moments of both sets together (Chan, Golub and LeVeque 1979)."""
        count = self.count + other.count
        gap = other.mean - self.mean
        mean = self.mean + gap * (other.count / count)
        scatter = self.scatter + other.scatter + np.outer(gap, gap) * (self.count * other.count / count)
        return type(self)(count, mean, scatter)

    @property
    def cov(self) -> Array:
        """Covariance with divisor count - 1, float64 [d, d]."""
        return self.scatter / (self.count - 1)


@dataclass(frozen=True)
class Gaussian:
    """A Gaussian by its mean and a root of its covariance.

    Attributes:
        count: images it was estimated from.
        mean: float64 [d].
        root: float64 [r, d] with root' root = covariance; r = n for n <= d (the centred rows, so that no d x d matrix
            is formed and nothing is lost to rounding), else r <= d.
    """

    count: int
    mean: Array
    root: Array

    @classmethod
    def of(cls, rows: NDArray[np.floating]) -> Self:
        """Fit rows [n, d], n >= 2."""
        count, width = rows.shape
        if count < 2:
            raise NotEnoughImages(f"gaussian: too few images; expected at least 2, got {count}. Give more images.")
        if count > width:
            moments = Moments.of(rows)
            return cls(count, moments.mean, covariance_root(moments.cov))
        wide = rows.astype(np.float64)
        mean = wide.mean(axis=0)
        return cls(count, mean, (wide - mean) / np.sqrt(count - 1))

    @classmethod
    def from_moments(cls, count: int, mean: Array, cov: Array) -> Self:
        """Take a mean [d] and a covariance [d, d] as given; raises ``NotPositive`` if it is not a covariance."""
        return cls(count, mean, covariance_root(cov))

    @cached_property
    def variance(self) -> float:
        """Trace of the covariance."""
        return float(np.square(self.root).sum())


def covariance_root(cov: Array) -> Array:
    """Return R [r, d] with R'R = cov: Cholesky where cov has full rank, else its eigenvectors without the null space.

    Raises:
        NotPositive: if an eigenvalue is below -1e-8 of the largest.
    """
    noise = len(cov) * np.finfo(np.float64).eps
    try:
        lower = np.linalg.cholesky(cov)
        pivots = np.square(np.diag(lower))
        if pivots.min() > noise * np.diag(cov).max():
            return np.asarray(lower.T)
    except np.linalg.LinAlgError:
        pass
    values, vectors = np.linalg.eigh(cov)
    if values[0] < -1e-8 * max(values[-1], 0.0) - np.finfo(np.float64).tiny:
        raise NotPositive(
            f"covariance: not positive semi-definite; expected eigenvalues >= 0, got {values[0]:.3g} beside "
            f"{values[-1]:.3g}. Check the statistics it was read from."
        )
    kept = values > noise * values[-1]
    return np.asarray(np.sqrt(values[kept])[:, None] * vectors[:, kept].T)


def frechet_distance(real: Gaussian, fake: Gaussian) -> float:
    """Squared Frechet (2-Wasserstein) distance |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^1/2, in feature units^2.

    Raises:
        MismatchedFeatures: if the widths differ.
    """
    if real.mean.shape != fake.mean.shape:
        raise MismatchedFeatures(
            f"fd: features differ in width; expected fake [n, {len(real.mean)}] like real, "
            f"got [n, {len(fake.mean)}]. Use one extractor for both sides."
        )
    gap = real.mean - fake.mean
    overlap = np.linalg.svd(real.root @ fake.root.T, compute_uv=False).sum()
    return float(gap @ gap + real.variance + fake.variance - 2 * overlap)


def influence(real: Gaussian, fake: Gaussian, real_rows: Array, fake_rows: Array) -> tuple[Array, Array]:
    """First-order effect of each image on the Frechet distance.

    For a fake image x: 2 (x - m1)'(m1 - m2) + (x - m1)'(I - T)(x - m1) - tr((I - T) S1), where T is the
    optimal-transport map from fake to real; for a real image the same with the roles exchanged and T^-1.
    Each has mean about 0.

    Args:
        real: Gaussian of the real side, from more than d rows if any are given here.
        fake: Gaussian of the fake side, likewise.
        real_rows: float64 [n, d], all that ``real`` was fitted to or a sample of them; none is [0, d].
        fake_rows: float64 [m, d], likewise.

    Returns:
        (psi_real [n], psi_fake [m]): the distance moves by psi/n when the image's weight rises from 0 to 1/n.
    """
    squares, basis = np.linalg.eigh(fake.root @ (real.root.T @ (real.root @ fake.root.T)))
    singular = np.sqrt(np.maximum(squares, 0))
    gap = fake.mean - real.mean
    total = singular.sum()
    psi_real, psi_fake = np.empty(0), np.empty(0)
    # T = R1^-1 U s U' R1^-T and T^-1 = R1' U s^-1 U' R1, with R1 the fake root and R1 S2 R1' = U s^2 U'.
    if len(fake_rows):
        x, to_real = fake_rows - fake.mean, _solve(fake.root, basis * np.sqrt(singular))
        psi_fake = 2 * x @ gap + np.square(x).sum(1) - np.square(x @ to_real).sum(1) - fake.variance + total
    if len(real_rows):
        is_kept = singular > len(squares) * np.finfo(np.float64).eps ** 0.5 * singular[-1]
        y, to_fake = real_rows - real.mean, fake.root.T @ (basis[:, is_kept] / np.sqrt(singular[is_kept]))
        psi_real = -2 * y @ gap + np.square(y).sum(1) - np.square(y @ to_fake).sum(1) - real.variance + total
    return psi_real, psi_fake


def _solve(root: Array, columns: Array) -> Array:
    """Return the pseudo-inverse of ``root`` [r, d], of rank r, times ``columns`` [r, k]."""
    if len(root) == root.shape[1]:
        return np.asarray(np.linalg.solve(root, columns))
    return np.asarray(root.T @ np.linalg.solve(root @ root.T, columns))


def leave_blocks_out(other: Gaussian, rows: Array, blocks: NDArray[np.intp]) -> Array:
    """Frechet distance between ``other`` and ``rows`` without one block, for every block.

    The product with the other side is formed once; each deletion only subtracts from its Gram matrix. Eigenvalues of
    a Gram matrix resolve singular values to about 1e-8 of the largest: enough for a standard error, not for a value.

    Args:
        other: Gaussian of the side that stays whole.
        rows: float64 [n, d] of the side that loses blocks.
        blocks: block of each row, 0..B-1.

    Returns:
        float64 [B].
    """
    centre = rows.mean(axis=0)
    centred = rows - centre
    across = other.root @ centred.T
    by_row = len(rows) <= len(across)
    gram = across.T @ across if by_row else across @ across.T
    energy = np.square(centred).sum(axis=1)
    results = []
    for block in range(int(blocks.max()) + 1):
        kept = np.flatnonzero(blocks != block)
        shift = centred[kept].mean(axis=0)
        if by_row:
            rest = _centre_both(gram[np.ix_(kept, kept)])
        else:
            out = across[:, blocks == block]
            mean = across[:, kept].mean(axis=1)
            rest = gram - out @ out.T - len(kept) * np.outer(mean, mean)
        degrees = len(kept) - 1
        variance = (energy[kept].sum() - len(kept) * shift @ shift) / degrees
        gap = other.mean - centre - shift
        results.append(gap @ gap + other.variance + variance - 2 * _sum_of_roots(rest) / np.sqrt(degrees))
    return np.array(results)


def _centre_both(gram: Array) -> Array:
    means = gram.mean(axis=0)
    centred: Array = gram - means - means[:, None] + means.mean()
    return centred


def _sum_of_roots(gram: Array) -> float:
    values = np.linalg.eigvalsh(gram)
    noise = len(gram) * np.finfo(np.float64).eps * max(values[-1], 0.0)
    return float(np.sqrt(values[values > noise]).sum())
