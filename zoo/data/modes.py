"""Which modes of a known mixture a sampler reaches, and how well."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genbench.errors import BadInput

RADIUS = 3  # standard deviations
ENOUGH = 0.2  # of a mode's fair share of the points


@dataclass(frozen=True)
class ModeReport:
    """What ``mode_report`` finds.

    Attributes:
        covered: centres with at least one point of high quality.
        well_covered: centres with at least a fifth of their fair share, 0.2 n / k.
        share_high_quality: share of the points within 3 sigma of a centre, in 0..1; of the mixture itself
            1 - exp(-4.5) = 0.989.
        reverse_kl: KL divergence in nats of the modes of the points of high quality from the uniform distribution,
            0..log k; NaN where there is no such point. A perfect sampler's is (k - 1) / (2 n) on average.
        counts: points of high quality at each centre, int64 [k].
    """

    covered: int
    well_covered: int
    share_high_quality: float
    reverse_kl: float
    counts: NDArray[np.int64]


def mode_report(points: NDArray[np.floating], centres: NDArray[np.floating], sigma: float) -> ModeReport:
    """Return which modes of an equally weighted mixture of round Gaussians some points reach.

    A point is of high quality if its nearest centre is within 3 sigma (VEEGAN, Srivastava et al. 2017,
    arXiv:1705.07761); only those are counted, as in the code of PacGAN (Lin et al. 2018, arXiv:1712.04086,
    github.com/fjxmlzn/PacGAN).

    Args:
        points: samples, [n, 2].
        centres: [k, 2].
        sigma: standard deviation of every Gaussian along each axis.

    Raises:
        BadInput: if the points are not finite, or none.
    """
    points, centres = np.asarray(points, np.float64), np.asarray(centres, np.float64)
    if points.ndim != 2 or points.shape[1:] != centres.shape[1:] or not len(points):
        raise BadInput(
            f"mode report: points do not fit the centres; expected [n, {centres.shape[1]}] with n at least 1, got "
            f"{list(points.shape)}. Reshape them."
        )
    if not np.isfinite(points).all():
        raise BadInput("mode report: points are not finite; expected numbers, got NaN or infinity. Mend the sampler.")
    squares = np.stack([np.square(points - centre).sum(axis=1) for centre in centres], axis=1)
    nearest = squares.argmin(axis=1)
    is_good = squares.min(axis=1) < (RADIUS * sigma) ** 2
    counts = np.bincount(nearest[is_good], minlength=len(centres))
    return ModeReport(
        covered=int((counts > 0).sum()),
        well_covered=int((counts >= ENOUGH * len(points) / len(centres)).sum()),
        share_high_quality=float(is_good.mean()),
        reverse_kl=_divergence_from_uniform(counts),
        counts=counts,
    )


def _divergence_from_uniform(counts: NDArray[np.int64]) -> float:
    if not counts.sum():
        return float("nan")
    shares = counts[counts > 0] / counts.sum()
    return float((shares * np.log(shares * len(counts))).sum())
