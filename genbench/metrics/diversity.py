"""Vendi score: the effective number of different images in a set, by the cosine of their features.

exp of the entropy of the eigenvalues of the kernel matrix over n (Friedman & Dieng 2023, arXiv:2210.02410). It never
looks at quality: noise is varied. It grows with the number of images; the reference's own, beside it, says what variety
there is to have.
"""

import math

import numpy as np

from genbench.contracts import Estimate, Metric
from genbench.stats.jackknife import blocks, standard_error
from genbench.stats.pair import Pair
from genbench.stats.spectrum import Array, CosineKernel, effective_number

ORDERS = {"0.5": 0.5, "1": 1.0, "2": 2.0, "inf": math.inf}  # low orders count rare kinds, high ones common kinds alone
BIASED_BELOW = 10  # images per feature under which the bias is worth a warning
ROWS_PER_FEATURE = 5  # above this the delta method's standard error is within a few per cent


def vendi(pair: Pair) -> Estimate:
    """Vendi score of the fake images, order 1, cosine kernel, range [1, min(m, d)], higher is more varied.

    Args:
        pair: pooled features float32 [n, d] and [m, d]; n, m >= 2.

    Returns:
        The score. Standard error: with m > 5 d the delta method on the entropy, score sd(surprise) / sqrt(m), else a
        20-block jackknife (there the former is a fifth too small). Details: "fake" and "real", the scores of order
        0.5, 1, 2 and infinity of either side.

    Raises:
        MismatchedFeatures: if the widths differ.
    """
    real, fake = pair.rows()
    count, width = fake.shape
    kernel = CosineKernel.of(fake)
    shares = kernel.shares()
    value = effective_number(shares, 1)
    warnings = []
    if count < BIASED_BELOW * width:
        warnings.append(
            f"{count} images for {width} features: vendi is biased downward and grows with their number; compare only "
            "with scores at the same count"
        )
    if len(real) != count:
        warnings.append(f"vendi of the reference is of {len(real)} images, of the fakes {count}: they do not compare")
    details = {"kernel": "cosine", "fake": _orders(shares), "real": _orders(CosineKernel.of(real).shares())}
    return Estimate(value, _standard_error(kernel, value, pair.seed), tuple(warnings), details)


def _standard_error(kernel: CosineKernel, value: float, seed: int) -> float:
    count, width = kernel.rows.shape
    if count > ROWS_PER_FEATURE * width:
        return value * float(kernel.surprise().std(ddof=1)) / math.sqrt(count)
    ids = blocks(count, seed, "fake")
    return standard_error(np.array([effective_number(kernel.shares(ids != one), 1) for one in range(ids.max() + 1)]))


def _orders(shares: Array) -> dict[str, float]:
    return {name: effective_number(shares, order) for name, order in ORDERS.items()}


VENDI = Metric(
    name="vendi",
    label="Vendi",
    summary="effective number of different fake images by cosine similarity, order 1; the reference's in the details",
    compute=vendi,
    better="higher",
    range=(1.0, float("inf")),
    source="Friedman & Dieng 2023, arXiv:2210.02410",
)
