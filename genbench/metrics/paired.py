"""Distances between the pixels of fake and real images of one name, for models that turn images into images.

L1 and PSNR; SSIM (Wang et al. 2004, doi 10.1109/TIP.2003.819861) and MS-SSIM (Wang et al. 2003, doi
10.1109/ACSSC.2003.1292216). They reward blur: set a distance of features or a perceptual one beside them.
"""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Estimate, Metric
from genbench.errors import BadInput
from genbench.stats.pair import Pair
from genbench.stats.parts import Part, part_over_pairs

Values = NDArray[np.floating]
Chosen = NDArray[np.bool_]


def mean_absolute(pair: Pair) -> Estimate:
    """Mean over pairs of the mean absolute difference of RGB in [0, 1], range [0, 1], lower is better.

    Args:
        pair: what the measure "l1" says of p pairs, float32 [p]; p >= 2.

    Returns:
        The mean. Standard error: deviation over pairs (divisor p - 1) / sqrt(p). Per image: "l1".
    """
    return _mean_over_pairs("l1", pair)


def peak_signal_to_noise(pair: Pair) -> Estimate:
    """Mean over pairs of 10 log10 (1 / mean squared difference of RGB in [0, 1]), in dB, higher is better.

    The PSNR of identical images is infinite. Such pairs are left out of the mean, counted, and named in a warning; the
    PSNR of the mean squared difference over all pairs, which they belong to, stands in the details.

    Args:
        pair: what the measure "mse" says of p pairs, float32 [p]; p >= 2.

    Returns:
        The mean. Standard error: deviation over the pairs that differ / sqrt of their number; None with one of them.
        Details: "identical", the pairs left out; "of_mean_square", in dB. Per image: "psnr", inf for identical ones.

    Raises:
        BadInput: if all pairs are identical.
    """
    squares = pair.compared.astype(np.float64)
    is_different = squares > 0
    identical = int((~is_different).sum())
    if identical == len(squares):
        raise BadInput(
            "psnr: every fake image is identical to the real one of its name, so that each PSNR is infinite; expected "
            "pairs that differ, got none. Compare other images, or leave psnr out: the other scores are kept."
        )
    with np.errstate(divide="ignore"):
        values = -10 * np.log10(squares)
    details = {"identical": identical, "of_mean_square": float(-10 * np.log10(squares.mean()))}
    warnings = (
        (
            f"{identical} of {len(squares)} pairs are identical: their PSNR is infinite, and the mean leaves them out; "
            'compare by details "of_mean_square", which counts them',
        )
        if identical
        else ()
    )
    found = _mean_over_pairs("psnr", pair, values, is_different)
    return Estimate(found.value, found.stderr, (*found.warnings, *warnings), details, found.per_image, found.parts)


def structural_similarity(pair: Pair) -> Estimate:
    """Mean SSIM over pairs, range [-1, 1], higher is better; 11 x 11 Gaussian windows, channels of RGB averaged.

    Args:
        pair: what the measure "ssim" says of p pairs, float32 [p]; p >= 2.

    Returns:
        The mean. Standard error: deviation over pairs (divisor p - 1) / sqrt(p). Per image: "ssim".
    """
    return _mean_over_pairs("ssim", pair)


def multiscale_similarity(pair: Pair) -> Estimate:
    """Mean MS-SSIM over pairs, range [0, 1], higher is better; five scales, fewer where the shorter side is < 176 px.

    Args:
        pair: what the measure "ms-ssim" says of p pairs, float32 [p]; p >= 2.

    Returns:
        The mean. Standard error: deviation over pairs (divisor p - 1) / sqrt(p). Details: "scales", number of scales ->
        pairs that have so many. Per image: "ms-ssim".
    """
    scales = getattr(pair.measure, "scales", None)
    counted = Counter(scales(min(size)) for size in pair.sizes) if scales else Counter()
    details = {"scales": {str(number): counted[number] for number in sorted(counted)}}
    found = _mean_over_pairs("ms-ssim", pair)
    warnings = found.warnings
    if any(number < max(counted) or number < 5 for number in counted):
        warnings = (*warnings, "ms-ssim: images below 176 px have fewer than five scales, whose weights are raised")
    return Estimate(found.value, found.stderr, warnings, details, found.per_image, found.parts)


def _mean_over_pairs(name: str, pair: Pair, values: Values | None = None, is_kept: Chosen | None = None) -> Estimate:
    """Return the mean of ``values`` (None: what the measure says) over the pairs that are kept (None: all).

    Which it is, a pair belongs to its real image: the error of two models' difference is then that of paired values.
    """
    values = pair.compared if values is None else values
    chosen = np.ones(len(values), bool) if is_kept is None else is_kept
    per_image = {name: values.astype(np.float32)}
    mean = float(values[chosen].mean(dtype=np.float64))
    if chosen.sum() < 2:
        return Estimate(mean, None, ("too few pairs for a standard error: expected 2",), per_image=per_image)
    part = part_over_pairs(values[chosen], pair.partners[chosen], pair.real.count)
    parts = {"real": part, "fake": Part(0.0, np.empty(0))}
    return Estimate(mean, math.sqrt(part.variance), per_image=per_image, parts=parts)


_MATCHED: Mapping[str, Any] = {"layer": "", "pairs": "matched", "is_symmetric": True, "biased_by": ()}

L1 = Metric(
    name="l1",
    label="L1",
    summary="mean absolute difference of the pixels of fake and real images of one name, in [0, 1]",
    compute=mean_absolute,
    better="lower",
    range=(0.0, 1.0),
    source="Isola et al. 2017, arXiv:1611.07004",
    measure="l1",
    **_MATCHED,
)
PSNR = Metric(
    name="psnr",
    label="PSNR",
    summary="peak signal-to-noise ratio of fake and real images of one name, dB",
    compute=peak_signal_to_noise,
    better="higher",
    range=(0.0, float("inf")),
    source="Huynh-Thu & Ghanbari 2008, doi 10.1049/el:20080522",
    measure="mse",
    **_MATCHED,
)
SSIM = Metric(
    name="ssim",
    label="SSIM",
    summary="structural similarity of fake and real images of one name",
    compute=structural_similarity,
    better="higher",
    range=(-1.0, 1.0),
    source="Wang et al. 2004, doi 10.1109/TIP.2003.819861",
    measure="ssim",
    **_MATCHED,
)
MS_SSIM = Metric(
    name="ms-ssim",
    label="MS-SSIM",
    summary="structural similarity of fake and real images of one name at five scales, fewer for small images",
    compute=multiscale_similarity,
    better="higher",
    range=(0.0, 1.0),
    source="Wang et al. 2003, doi 10.1109/ACSSC.2003.1292216",
    measure="ms-ssim",
    **_MATCHED,
)
