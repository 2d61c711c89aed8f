"""The Frechet distance without each single image, exactly, for the price of one eigendecomposition.

Taking a row b out of centred rows changes their scatter by a matrix of rank one. With M = R1 B', R1 the other side's
root and u_j, s_j the singular vectors (of the images) and values of M, the trace of the root falls by

    2/pi int_0^inf N/D ds,  N = sum_j u_j^2 s_j^2 / (s_j^2 + s^2)^2,  D = sum_j u_j^2 / (s_j^2 + s^2),

u_j being the image's entries; D also runs over the null space (s_j = 0) but for the constant vector. This is
x^1/2 = 1/pi int x / (x + t) t^-1/2 dt with the resolvents before and after (Sherman and Morrison 1950).
"""

from collections.abc import Iterator

import numpy as np

from genbench.errors import NotEnoughImages
from genbench.stats.gaussian import COSTED_AT_ONCE, Array, Gaussian, Rows

FEWEST = 3  # with two of them left there still is a covariance
STEP = 0.4  # of the trapezoidal rule in log s: poles lie pi/2 off the line, so its error is about exp(-pi^2 / STEP)
REACH = -24.0, 22.0  # log s relative to the largest singular value; outside lies less than 1e-9 of the whole
SMALLEST = 1e-13  # eigenvalues of a Gram matrix below this share of the largest are rounding


def frechet_changes(real: Gaussian, fake_rows: Rows) -> Array:
    """How the Frechet distance changes when one fake image is taken away, for each in turn; no approximation.

    Args:
        real: Gaussian of the reference, [d].
        fake_rows: features of the fake images, float [m, d], m >= 3, any m beside d; read in parts.

    Returns:
        fd(without image i) - fd, float64 [m], unit feature^2: below 0 where the set is better off without the image.
        About -psi/m of ``gaussian.influence`` where m is far above d. With few images for the width nearly all are
        above 0, as fewer images raise the bias of the distance: compare with their mean.

    Raises:
        NotEnoughImages: if m < 3.
    """
    count = len(fake_rows)
    if count < FEWEST:
        raise NotEnoughImages(
            f"fd without an image: too few images; expected at least {FEWEST}, got {count}. Give more images."
        )
    mean = fake_rows.mean(axis=0, dtype=np.float64)
    energy = np.concatenate([np.square(part).sum(axis=1) for part in _parts(fake_rows, mean)])
    along = np.concatenate([part @ (real.mean - mean) for part in _parts(fake_rows, mean)])
    to_mean = 2 * along / (count - 1) + energy / (count - 1) ** 2
    variance = (energy.sum() - count / (count - 1) * energy) / (count - 2) - energy.sum() / (count - 1)
    total, losses = _root_losses(real, fake_rows, mean)
    overlap = (total - losses) / np.sqrt(count - 2) - total / np.sqrt(count - 1)
    return np.asarray(to_mean + variance - 2 * overlap)


def _root_losses(real: Gaussian, rows: Rows, mean: Array) -> tuple[float, Array]:
    """Return the sum of the singular values of M, and by how much each row's absence lowers it, float64 [m]."""
    if len(rows) <= len(real.root):
        across = real.root @ (rows - mean).T
        squares, vectors = np.linalg.eigh(across.T @ across)
        is_kept = squares > SMALLEST * squares[-1]
        weights: Iterator[Array] = iter([np.square(vectors[:, is_kept])])
    else:
        squares, vectors = np.linalg.eigh(_folded(real, rows, mean))
        is_kept = squares > SMALLEST * squares[-1]
        basis = real.root.T @ (vectors[:, is_kept] / np.sqrt(squares[is_kept]))
        weights = (np.square(part @ basis) for part in _parts(rows, mean))
    squares = squares[is_kept]
    losses = [_integrate(part, squares, len(rows)) for part in weights]
    return float(np.sqrt(squares).sum()), np.concatenate(losses)


def _folded(real: Gaussian, rows: Rows, mean: Array) -> Array:
    """Return M M', [r, r]."""
    total = np.zeros((len(real.root), len(real.root)))
    for part in _parts(rows, mean):
        across = real.root @ part.T
        total += across @ across.T
    return total


def _integrate(weights: Array, squares: Array, count: int) -> Array:
    """Return the integral for images with squared singular-vector entries ``weights`` [k, r]."""
    if not len(squares):
        return np.zeros(len(weights))
    s = np.sqrt(squares.max()) * np.exp(np.arange(*REACH, STEP))
    resolvent = 1 / (squares[:, None] + s**2)
    outside = np.maximum(1 - 1 / count - weights.sum(axis=1), 0)  # in the null space, without the constant vector
    outside[outside < SMALLEST**0.5] = 0
    top = weights @ (squares[:, None] * resolvent**2)
    bottom = weights @ resolvent + outside[:, None] / s**2
    return np.asarray((top / bottom) @ s * (2 / np.pi * STEP))


def _parts(rows: Rows, mean: Array) -> Iterator[Array]:
    """Yield the rows less the mean, float64, some at a time."""
    for start in range(0, len(rows), COSTED_AT_ONCE):
        yield rows[start : start + COSTED_AT_ONCE] - mean
