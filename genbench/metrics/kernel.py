"""Squared maximum mean discrepancies: mean kernel within each set minus twice that between them.

With the polynomial kernel (x'y / d + 1)^3 on Inception-v3 features this is KID (Binkowski et al. 2018,
arXiv:1801.01401): ``kd`` is one unbiased U-statistic over all pairs, without noise from a draw, ``kd-subsets`` the
published mean over 100 random subsets. With a Gaussian kernel on CLIP's embeddings it is CMMD (Jayasumana et al. 2024,
arXiv:2401.09603). The unbiased ones may be negative; their mean is 0 for equal distributions.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Estimate, Metric
from genbench.errors import BadInput, NotEnoughImages
from genbench.parameters import Count, Seed
from genbench.stats.kernels import Array, KernelSums, gaussian_sums, polynomial_sums
from genbench.stats.pair import Pair
from genbench.stats.parts import Part, part_of_mean
from genbench.stats.subsets import Draw, draw_subsets

SUBSETS, SUBSET_SIZE, DRAW_SEED = 100, 1000, 2020  # torch-fidelity's
CMMD_SIGMA, CMMD_SCALE = 10.0, 1000.0  # of the paper
ROWS_AT_ONCE = 1024
MEAN_ALONE = (
    "cmmd is nearly 10 |difference of the mean unit vectors|^2: it hardly sees a change of variety that keeps the mean"
)


def kernel_distance(pair: Pair) -> Estimate:
    """Unbiased squared MMD over all pairs, range (-inf, inf), lower is better.

    Args:
        pair: pooled features float32 [n, d] and [m, d]; n, m >= 2.

    Returns:
        The distance. Standard error: of the U-statistic, 4 var(h_real)/n + 4 var(h_fake)/m, where h is a point's mean
        kernel to its own set minus its mean kernel to the other.

    Raises:
        MismatchedFeatures: if the widths differ.
    """
    value, error, parts = _unbiased(pair.kernel_sums)
    return Estimate(value, error, parts=parts)


def kernel_subset_distance(
    pair: Pair,
    *,
    subsets: Count = SUBSETS,
    size: Count = SUBSET_SIZE,
    shrinks: bool = False,
    draw: Draw = "numpy, fake first",
    seed: Seed = DRAW_SEED,
) -> Estimate:
    """Mean of 100 unbiased squared MMDs of 1,000 images a side each, range (-inf, inf), lower is better.

    The subsets are torch-fidelity's: numpy's ``RandomState(2020)`` draws, for each, places in the fake set, then in the
    real set, without replacement. So the value hangs on the order of the images. Kernels here are float64; float32
    ones, as there, move the last digits.

    Args:
        pair: pooled features float32 [n, d] and [m, d]; n, m >= size.
        subsets: how many.
        size: images a side of each, 2 or more.
        shrinks: a set of fewer images makes ``size`` smaller, instead of being refused.
        draw: which generator, and whose places it draws first: numpy's ``choice`` or torch's ``randperm``. A tool that
            draws from the global state draws these after ``numpy.random.seed(seed)``, ``torch.manual_seed(seed)``.
        seed: of it.

    Returns:
        The mean. Details: "sd", over subsets (divisor 100). That is the spread of one subset of 1,000, no error of the
        mean, as subsets overlap. Standard error: that of the U-statistic over all images, which the mean estimates,
        and, as drawing adds to it, the deviation over subsets (divisor 99) / sqrt(100); their squares add.

    Raises:
        MismatchedFeatures: if the widths differ.  NotEnoughImages: if a side has fewer than 1,000.
    """
    real, fake = pair.rows()
    fewest = min(len(real), len(fake))
    size = min(size, fewest) if shrinks else size
    if not 2 <= size <= fewest:
        raise NotEnoughImages(
            f"kd-subsets: too few images; expected at least {max(size, 2)} on each side, got {fewest}. Use kd, which "
            "takes all pairs."
        )
    sums = polynomial_sums(real, fake, draw_subsets((len(real), len(fake)), subsets, size, draw, seed))
    within_real, within_fake, between = sums.subsets
    values = (within_real + within_fake) / (size * (size - 1)) - 2 * between / size**2
    _, error, parts = _unbiased(sums)
    drawing = values.std(ddof=1) / math.sqrt(subsets) if subsets > 1 else 0.0
    return Estimate(
        float(values.mean()),
        math.hypot(error, drawing),
        details={"subsets": subsets, "subset_size": size, "sd": float(values.std())},
        parts={**parts, "fake": parts["fake"].raised(drawing**2)},
    )


def clip_discrepancy(pair: Pair) -> Estimate:
    """CMMD: 1,000 times the squared MMD with the kernel exp(-|x - y|^2 / 200) on features of length 1; lower is better.

    The estimator is the published, biased one: pairs of an image with itself count, so it is >= 0, and above 0 for
    equal distributions by about 10 (tr S1 / n + tr S2 / m). On unit vectors the kernel is nearly 1 - |x - y|^2 / 200,
    so that cmmd is nearly 10 |m1 - m2|^2, a distance of means: a set that lost its variety and kept its mean scores
    well. The paper's extractor is clip-l14-336; the value is defined for any.

    Args:
        pair: pooled features float32 [n, d] and [m, d]; n, m >= 2, no row of zeros.

    Returns:
        The discrepancy, range [0, 39.6]. Details: "unbiased", without the pairs of an image with itself. Standard
        error: of that U-statistic, as for kd.

    Raises:
        MismatchedFeatures: if the widths differ.  BadInput: if a row is all zeros, which has no direction.
    """
    real, fake = pair.rows()
    for side, rows in (("real", real), ("fake", fake)):
        _refuse_zeros(side, rows)
    sums = gaussian_sums(real, fake, CMMD_SIGMA)
    n, m = len(real), len(fake)
    biased = sums.within_real.sum() / n**2 + sums.within_fake.sum() / m**2 - 2 * sums.real_to_fake.sum() / (n * m)
    unbiased, error, parts = _unbiased(sums)
    return Estimate(
        CMMD_SCALE * max(float(biased), 0.0),
        CMMD_SCALE * error,
        (MEAN_ALONE,),
        {"unbiased": CMMD_SCALE * unbiased},
        parts={side: part.scaled(CMMD_SCALE) for side, part in parts.items()},
    )


def _unbiased(sums: KernelSums) -> tuple[float, float, dict[str, Part]]:
    """Return the U-statistic, its standard error and the parts of that error's square."""
    towards_real, towards_fake = _witness(sums)
    n, m = len(towards_real), len(towards_fake)
    error = np.sqrt(4 * towards_real.var(ddof=1) / n + 4 * towards_fake.var(ddof=1) / m)
    parts = {"real": part_of_mean(2 * towards_real), "fake": part_of_mean(2 * towards_fake)}
    return float(towards_real.mean() + towards_fake.mean()), float(error), parts


def _witness(sums: KernelSums) -> tuple[Array, Array]:
    """Return every point's mean kernel to its own set minus that to the other, float64 [n] and [m]."""
    n, m = len(sums.within_real), len(sums.within_fake)
    return (
        sums.within_real / (n - 1) - sums.real_to_fake / m,
        sums.within_fake / (m - 1) - sums.fake_to_real / n,
    )


def _fewest(*, size: int, shrinks: bool, **_: Any) -> int:
    """Return the images a side that fill a subset."""
    return 2 if shrinks else max(size, 2)


def _refuse_zeros(side: str, rows: NDArray[np.floating]) -> None:
    count = sum(
        int((~rows[start : start + ROWS_AT_ONCE].any(axis=1)).sum()) for start in range(0, len(rows), ROWS_AT_ONCE)
    )
    if count:
        raise BadInput(
            f"cmmd: {side} features of no direction; expected none that are all 0, got {count} of {len(rows)}. Choose "
            "another --extractor, or leave cmmd out: the other scores are kept."
        )


KD = Metric(
    name="kd",
    label="KD",
    summary="kernel distance: unbiased squared MMD, cubic polynomial kernel, all pairs",
    compute=kernel_distance,
    better="lower",
    range=(-float("inf"), float("inf")),
    source="Binkowski et al. 2018, arXiv:1801.01401",
    is_symmetric=True,
    biased_by=(),
)
KD_SUBSETS = Metric(
    name="kd-subsets",
    label="KD-subsets",
    summary="kd as published: mean over 100 subsets of 1,000 images, drawn as torch-fidelity does",
    compute=kernel_subset_distance,
    better="lower",
    range=(-float("inf"), float("inf")),
    source="Binkowski et al. 2018, arXiv:1801.01401",
    is_ordered=True,
    min_count=SUBSET_SIZE,
    fewest=_fewest,
    biased_by=(),
    instead="kd",
)
CMMD = Metric(
    name="cmmd",
    label="CMMD",
    summary="squared MMD of unit vectors, Gaussian kernel, x1000: nearly a distance of means; the paper's is of CLIP's",
    compute=clip_discrepancy,
    better="lower",
    range=(0.0, -2 * CMMD_SCALE * math.expm1(-2 / CMMD_SIGMA**2)),
    source="Jayasumana et al. 2024, arXiv:2401.09603",
    is_symmetric=True,
)
