"""Frechet distance extrapolated to infinitely many fake images (Chong & Forsyth 2020, arXiv:1911.07023).

E fd(n) = fd(inf) + c/n + o(1/n), with c of the generator: it is c that makes scores at equal counts unfair. A line in
1/n through fd at several n has fd(inf) as its intercept.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Estimate, Metric
from genbench.scratch import take_rows
from genbench.seeds import generator
from genbench.stats.gaussian import FIXED, Gaussian, frechet_distance
from genbench.stats.pair import Pair
from genbench.stats.running import content_order

PARTS = (1, 2, 3)  # the fake set whole, in halves and in thirds
STRAIGHT_FROM = 2  # images per feature from which fd is a line in 1/n but for a tenth of its bias
NAME = "fd-infinity"


def extrapolated_frechet(pair: Pair) -> Estimate:
    """Frechet distance of infinitely many fake images against the reference as it is; range (-inf, inf).

    The fake set is taken whole, in halves and in thirds, split at random but by content alone; a weighted least-squares
    line through the three means of fd against 1/n, weights n, is read off at 1/n = 0. Disjoint parts that cover the set
    share its first-order noise, so that it neither tilts the line nor grows: drawing overlapping subsets anew would add
    to it. With thirds of fewer than 2 d images fd is no line in 1/n and the intercept is rough: simulated, off by up to
    half of the bias, to either side. That is still nearer than fd itself, so it is given, with a warning.

    Args:
        pair: pooled features of all fake images, float32 [m, d], m >= 6; of the real side rows or a Gaussian.

    Returns:
        The intercept; it may be below 0. The bias of the reference's own count remains, and a warning says so. Details:
        "subsets", size and fd of each. Standard error: that of fd at the full count (both sides, as fd gives it), as
        the first-order effect of an image on the intercept is its effect on fd, and the error of the fit from its
        residuals; their squares add.

    Raises:
        MismatchedFeatures: if the widths differ.  NotEnoughImages: if there are fewer than 6 fake images.
    """
    rows = pair.fake_rows
    real, fake = pair.gaussians
    order = content_order(rows)[generator(0, NAME).permutation(len(rows))]
    shuffled = take_rows(rows, order)
    whole, error, _, of_fd = pair.frechet
    sizes, values = [[fake.count]], [[whole]]
    for number in PARTS[1:]:
        parts = [Gaussian.of(part) for part in _split(shuffled, number)]
        sizes.append([part.count for part in parts])
        values.append([frechet_distance(real, part) for part in parts])
    value, misfit = intercept([float(np.mean(some)) for some in sizes], [float(np.mean(some)) for some in values])
    subsets = [
        {"n": n, "fd": fd} for some, found in zip(sizes, values, strict=True) for n, fd in zip(some, found, strict=True)
    ]
    return Estimate(
        value,
        None if error is None else math.hypot(error, misfit),
        _warnings(real, fake.count, is_fixed=not len(pair.real.pooled)),
        {"subsets": subsets},
        parts=of_fd and {**of_fd, "fake": of_fd["fake"].raised(misfit**2)},
    )


def intercept(sizes: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    """Fit values = a + b / size, weights size, by least squares.

    Args:
        sizes: three or more.
        values: as many.

    Returns:
        a, and its standard error from the residuals.
    """
    counts = np.asarray(sizes, np.float64)
    roots = np.sqrt(counts)
    design = np.stack([roots, roots * counts[0] / counts], axis=1)
    inverse = np.linalg.inv(design.T @ design)
    line = inverse @ (design.T @ (roots * values))
    residual = design @ line - roots * values
    return float(line[0]), math.sqrt(inverse[0, 0] * float(residual @ residual) / (len(sizes) - 2))


def _split(rows: NDArray[np.float32], number: int) -> list[NDArray[np.float32]]:
    edges = [len(rows) * part // number for part in range(number + 1)]
    return [rows[first:last] for first, last in pairwise(edges)]


def _warnings(real: Gaussian, count: int, *, is_fixed: bool) -> tuple[str, ...]:
    width, smallest = len(real.mean), count // PARTS[-1]
    of_how_many = f"of {real.count} reference images" if real.count else "of the reference's count"
    warnings = [f"the bias {of_how_many} remains: only that of the fake images' count is extrapolated away"]
    if smallest < STRAIGHT_FROM * width:
        warnings.append(
            f"parts of {smallest} images for {width} features: fd is no line in 1/n there and the intercept is rough; "
            f"expected {STRAIGHT_FROM * PARTS[-1] * width} fake images"
        )
    if is_fixed:
        warnings.append(FIXED)
    return tuple(warnings)


FD_INFINITY = Metric(
    name=NAME,
    label="FD-infinity",
    summary="fd extrapolated to infinitely many fake images, so that their counts need not be equal",
    compute=extrapolated_frechet,
    better="lower",
    range=(-float("inf"), float("inf")),
    source="Chong & Forsyth 2020, arXiv:1911.07023",
    works_from_moments=True,
    needs_fake_rows=True,
    biased_by=("real",),
    min_count=6,
)
