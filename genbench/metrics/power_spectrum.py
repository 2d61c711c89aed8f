"""Gap between the power spectra of two sets: which frequencies the fakes have too much or too little of.

Durall et al. 2020, arXiv:2003.01826: the power at each frequency whatever its direction, from the extractor
``spectrum``. Blur takes from high frequencies, upsampling and noise add to them.
"""

import math

import numpy as np

from genbench.contracts import Estimate, Metric
from genbench.stats.pair import Pair
from genbench.stats.parts import part_of_mean


def spectrum_gap(pair: Pair) -> Estimate:
    """Root mean square over frequencies of the difference of mean log spectra, in dB, range [0, inf), lower is better.

    Biased upward: chance alone gives about the standard error of a frequency's gap. 3 dB are a factor of two in power.

    Args:
        pair: log power float32 [n, d] and [m, d] in dB, by rising frequency; n, m >= 2.

    Returns:
        The gap. Standard error: delta method, of the mean over the images of either side of their spectra along the
        gap. Where the gap is exactly 0 it has no direction: the root mean square of the errors of its entries. Details:
        "gap_db", fake less real by frequency; "high", the same root mean square over the upper half of frequencies.

    Raises:
        MismatchedFeatures: if the widths differ.
    """
    real, fake = pair.rows()
    gap = fake.mean(axis=0, dtype=np.float64) - real.mean(axis=0, dtype=np.float64)
    value = _root_mean_square(gap)
    details = {"gap_db": gap.tolist(), "high": _root_mean_square(gap[len(gap) // 2 :])}
    if value == 0:
        variance = sum(rows.var(axis=0, ddof=1, dtype=np.float64) / len(rows) for rows in (real, fake))
        return Estimate(value, math.sqrt(float(np.mean(variance))), details=details)
    slope = gap / (len(gap) * value)
    parts = {"real": part_of_mean(-real @ slope), "fake": part_of_mean(fake @ slope)}
    error = math.sqrt(sum(part.variance for part in parts.values()))
    return Estimate(value, error, details=details, parts=parts)


def _root_mean_square(gap: np.ndarray) -> float:
    return float(np.sqrt(np.square(gap).mean()))


SPECTRUM = Metric(
    name="spectrum",
    label="spectrum",
    summary="gap of mean log power spectra, dB: blur, noise and upsampling show; no network, its own extractor",
    compute=spectrum_gap,
    better="lower",
    range=(0.0, float("inf")),
    source="Durall et al. 2020, arXiv:2003.01826",
    extractor="spectrum",
    is_symmetric=True,
)
