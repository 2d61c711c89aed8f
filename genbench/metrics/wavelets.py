"""Frechet wavelet distance: Frechet distances of single frequency bands, averaged; no network has a say in it.

Veeramacheneni et al. 2024, arXiv:2312.15289: Haar wavelet packets of level 4, a Gaussian fitted to the coefficients of
each of the 256 packets, the mean of the 256 Frechet distances. The packets come from the extractor ``wavelet``, at
64 x 64 unless the user chooses another size with ``--extractor wavelet:SIDE``; the published numbers are at 256.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from genbench.contracts import Estimate, Metric
from genbench.errors import MismatchedFeatures
from genbench.stats.gaussian import BIASED_BELOW, Array, Gaussian, frechet_distance, frechet_error
from genbench.stats.pair import Pair
from genbench.stats.parts import Part

PACKETS = 256


def wavelet_frechet(pair: Pair) -> Estimate:
    """Mean over the packets of the Frechet distance of their coefficients, range [0, inf), lower is better.

    Unit: squared coefficients of an orthonormal transform of images in [0, 1].

    Args:
        pair: pooled features float32 [n, 256 d] and [m, 256 d], d coefficients a packet; n, m >= 3.

    Returns:
        The distance. Standard error: of the mean, as what an image does to the packets is added up before it is
        squared; each packet by influences with more than 5 d images a side, else by a 20-block jackknife. Details:
        "lowest", the distance of the packet of lowest frequency, which is the largest as a rule, and "share_of_lowest",
        its share of the sum over all packets.

    Raises:
        MismatchedFeatures: if the widths differ, or are no multiple of 256.
    """
    rows = pair.rows()
    count, width = min(map(len, rows)), rows[0].shape[1]
    if width % PACKETS:
        raise MismatchedFeatures(
            f"fwd: features are no packets; expected a width that is a multiple of {PACKETS}, got {width}. "
            "Use the extractor wavelet."
        )
    depth = width // PACKETS
    values, parts = np.empty(PACKETS), []
    for packet in range(PACKETS):
        real, fake = (one[:, packet * depth : (packet + 1) * depth] for one in rows)
        fitted = Gaussian.of(real), Gaussian.of(fake)
        values[packet] = max(frechet_distance(*fitted), 0.0)
        parts.append(frechet_error(*fitted, real, fake, pair.seed)[2])
    warnings = []
    if count < BIASED_BELOW * depth:
        warnings.append(
            f"{count} images for {depth} features a packet: fwd is biased upward, above 0 even for equal "
            "distributions; compare only with scores at the same counts"
        )
    total = {side: _mean_part([part[side] for part in parts]) for side in ("real", "fake")}
    error = float(np.sqrt(sum(part.variance for part in total.values())))
    details: dict[str, Any] = {"packets": PACKETS, "lowest": float(values[0])}
    details["share_of_lowest"] = float(values[0] / values.sum()) if values.any() else None
    return Estimate(float(values.mean()), error, tuple(warnings), details, parts=total)


def _mean_part(parts: Sequence[Part]) -> Part:
    """Return the part of the mean of statistics of the same images."""
    effects: Array = np.mean([part.effects for part in parts], axis=0)
    return Part(float(effects @ effects), effects)


FWD = Metric(
    name="fwd",
    label="FWD",
    summary="Frechet distance of Haar wavelet packets, mean over 256 bands of frequency: no network, its own extractor",
    compute=wavelet_frechet,
    better="lower",
    range=(0.0, float("inf")),
    source="Veeramacheneni et al. 2024, arXiv:2312.15289",
    extractor="wavelet:64",
    is_symmetric=True,
    min_count=3,
)
