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
from genbench.stats.jackknife import blocks
from genbench.stats.parts import Part, part_of_deletions, part_of_influences

Array = NDArray[np.float64]
Rows = NDArray[np.floating]
ROWS_AT_ONCE = 4096  # of a scatter matrix; merging two costs as much as some hundred rows
COSTED_AT_ONCE = 1024  # rows whose influence is worked out
BIASED_BELOW = 10  # images per feature under which the bias of the distance is worth a warning
FIXED = "reference taken as fixed: statistics carry no images, so the standard error is of the fake side alone"
GRAM_FROM = 512  # singular values; below, both ways take no time
GRAM_DOUBT = 1e-6  # of the distance that eigenvalues of a Gram matrix may be off; what is seen is 1e-14 to 1e-10
ROWS_PER_FEATURE = 5  # above this the influence form of the standard error is within a few per cent


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
    def of(cls, rows: Rows) -> Self:
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
    def of(cls, rows: Rows) -> Self:
        """Fit rows [n, d], n >= 2."""
        count, width = rows.shape
        if count < 2:
            raise NotEnoughImages(f"gaussian: too few images; expected at least 2, got {count}. Give more images.")
        if count > width:
            moments = Moments.of(rows)
            return cls(count, moments.mean, covariance_root(moments.cov))
        mean = rows.mean(axis=0, dtype=np.float64)
        root = rows - mean
        root /= np.sqrt(count - 1)
        return cls(count, mean, root)

    @classmethod
    def from_moments(cls, count: int, mean: Array, cov: Array) -> Self:
        """Take a mean [d] and a covariance [d, d] as given; raises ``NotPositive`` if it is not a covariance."""
        return cls(count, mean, covariance_root(cov))

    def with_divisor_n(self) -> Self:
        """Return the Gaussian whose covariance divides by n, not n - 1; unknown counts raise ``NotEnoughImages``."""
        if not self.count:
            raise NotEnoughImages(
                "gaussian: of an unknown number of images; expected a count to divide the covariance by, got none. "
                "Give the images, or statistics that say how many they are of."
            )
        return type(self)(self.count, self.mean, self.root * np.sqrt((self.count - 1) / self.count))

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
    apart = float(gap @ gap + real.variance + fake.variance)
    across = real.root @ fake.root.T
    if min(across.shape) >= GRAM_FROM:
        overlap, doubt = _sum_of_gram_roots(across)
        if 2 * doubt <= GRAM_DOUBT * (apart - 2 * overlap):
            return apart - 2 * overlap
    return apart - 2 * float(np.linalg.svd(across, compute_uv=False).sum())


def _sum_of_gram_roots(across: Array) -> tuple[float, float]:
    """Return the sum of singular values by eigenvalues of the Gram matrix, thrice as fast, and how far off it may be.

    An eigenvalue is taken to be off by sqrt(d) roundings of the largest (the rounding errors of d terms add like
    random numbers); its root then by no more than the root of that, nor than that over twice the root.
    """
    squares = np.linalg.eigvalsh(across @ across.T if len(across) <= across.shape[1] else across.T @ across)
    roots = np.sqrt(np.maximum(squares, 0))
    doubt = len(squares) ** 0.5 * np.finfo(np.float64).eps * float(squares.max(initial=0.0))
    return float(roots.sum()), float((doubt / np.maximum(2 * roots, doubt**0.5)).sum()) if doubt else 0.0


def influence(real: Gaussian, fake: Gaussian, real_rows: Rows, fake_rows: Rows) -> tuple[Array, Array]:
    """First-order effect of each image on the Frechet distance.

    For a fake image x: 2 (x - m1)'(m1 - m2) + (x - m1)'(I - T)(x - m1) - tr((I - T) S1), where T is the
    optimal-transport map from fake to real; for a real image the same with the roles exchanged and T^-1.
    Each has mean about 0.

    Args:
        real: Gaussian of the real side, from more than d rows if any are given here.
        fake: Gaussian of the fake side, likewise.
        real_rows: float [n, d], all that ``real`` was fitted to or a sample of them; none is [0, d].
        fake_rows: float [m, d], likewise.

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
        to_real = _solve(fake.root, basis * np.sqrt(singular))
        psi_fake = _costs(fake_rows, fake.mean, gap, to_real) - fake.variance + total
    if len(real_rows):
        is_kept = singular > len(squares) * np.finfo(np.float64).eps ** 0.5 * singular.max(initial=0.0)
        to_fake = fake.root.T @ (basis[:, is_kept] / np.sqrt(singular[is_kept]))
        psi_real = _costs(real_rows, real.mean, -gap, to_fake) - real.variance + total
    return psi_real, psi_fake


def _costs(rows: Rows, mean: Array, gap: Array, transport: Array) -> Array:
    """Return 2 x'gap + |x|^2 - |transport' x|^2 of every row less the mean, float64 [n]; read in parts."""
    costs = np.empty(len(rows))
    for start in range(0, len(rows), COSTED_AT_ONCE):
        x = rows[start : start + COSTED_AT_ONCE] - mean
        costs[start : start + COSTED_AT_ONCE] = x @ (2 * gap) + _energy(x) - _energy(x @ transport)
    return costs


def _energy(rows: Array) -> Array:
    """Return the squared length of every row."""
    return np.asarray(np.einsum("nd,nd->n", rows, rows))


def _solve(root: Array, columns: Array) -> Array:
    """Return the pseudo-inverse of ``root`` [r, d], of rank r, times ``columns`` [r, k]."""
    if len(root) == root.shape[1]:
        return np.asarray(np.linalg.solve(root, columns))
    return np.asarray(root.T @ np.linalg.solve(root @ root.T, columns))


def leave_blocks_out(other: Gaussian, rows: Rows, blocks: NDArray[np.intp]) -> Array:
    """Frechet distance between ``other`` and ``rows`` without one block, for every block.

    The product with the other side is formed once; each deletion only subtracts from its Gram matrix. Eigenvalues of
    a Gram matrix resolve singular values to about 1e-8 of the largest: enough for a standard error, not for a value.

    Args:
        other: Gaussian of the side that stays whole.
        rows: float [n, d] of the side that loses blocks; a float64 copy is made.
        blocks: block of each row, 0..B-1.

    Returns:
        float64 [B].
    """
    centre = rows.mean(axis=0, dtype=np.float64)
    centred = rows - centre
    across = other.root @ centred.T
    by_row = len(rows) <= len(across)
    gram = across.T @ across if by_row else across @ across.T
    energy = _energy(centred)
    results = []
    for block in range(int(blocks.max()) + 1):
        kept = np.flatnonzero(blocks != block)
        shift = -centred[blocks == block].sum(axis=0) / len(kept)  # all rows sum to 0
        if by_row:
            rest = _centre_both(gram[np.ix_(kept, kept)])
        else:
            out = across[:, blocks == block]
            mean = -out.sum(axis=1) / len(kept)
            rest = gram - out @ out.T - len(kept) * np.outer(mean, mean)
        degrees = len(kept) - 1
        variance = (energy[kept].sum() - len(kept) * shift @ shift) / degrees
        gap = other.mean - centre - shift
        results.append(gap @ gap + other.variance + variance - 2 * _sum_of_roots(rest) / np.sqrt(degrees))
    return np.array(results)


def frechet_error(
    real: Gaussian, fake: Gaussian, real_rows: Rows, fake_rows: Rows, seed: int
) -> tuple[float | None, Array, dict[str, Part]]:
    """Standard error of the Frechet distance, both sides drawn, and what each image does to it.

    Each side's part comes from per-image influences if it has more than 5 d images, else from a 20-block jackknife
    (conservative: it overestimates where n is below d). A side without rows adds nothing.

    Args:
        real: Gaussian of the real side.
        fake: Gaussian of the fake side.
        real_rows: float [n, d], what ``real`` was fitted to, or [0, d].
        fake_rows: float [m, d], likewise.
        seed: of the jackknife blocks.

    Returns:
        It, in feature units^2, None if a side has 1 or 2 rows; the ``influence`` of every fake row, float64 [m], or
        [0] where the fake side's part is not from influences; and the parts of its square: "real", "fake".
    """
    width = len(real.mean)
    given = [real_rows, fake_rows]
    is_ample = [
        one.count > ROWS_PER_FEATURE * width and len(rows) > 0 for one, rows in zip((real, fake), given, strict=True)
    ]
    if any(len(rows) in (1, 2) for rows in given):
        return None, np.empty(0), {}
    parts, influences = dict.fromkeys(("real", "fake"), Part(0.0, np.empty(0))), (np.empty(0), np.empty(0))
    if any(is_ample):
        of_real, of_fake = (rows if ample else rows[:0] for rows, ample in zip(given, is_ample, strict=True))
        influences = influence(real, fake, of_real, of_fake)
        for side, psi, one in zip(parts, influences, (real, fake), strict=True):
            parts[side] = part_of_influences(psi, one.count) if len(psi) else parts[side]
    for (side, other), rows, ample in zip((("real", fake), ("fake", real)), given, is_ample, strict=True):
        if len(rows) and not ample:
            parts[side] = part_of_deletions(leave_blocks_out(other, rows, blocks(len(rows), seed, side)))
    return float(np.sqrt(sum(part.variance for part in parts.values()))), influences[1], parts


def _centre_both(gram: Array) -> Array:
    means = gram.mean(axis=0)
    centred: Array = gram - means - means[:, None] + means.mean()
    return centred


def _sum_of_roots(gram: Array) -> float:
    values = np.linalg.eigvalsh(gram)
    noise = len(gram) * np.finfo(np.float64).eps * values.max(initial=0.0)
    return float(np.sqrt(values[values > noise]).sum())
