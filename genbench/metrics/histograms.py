"""Class histogram: how differently two sets fall among the classes of the extractor's classifier.

Kynkaanniemi et al. 2023 (arXiv:2203.06026) found that fd on ImageNet features follows the histogram of top-1 classes
closely: choosing fakes by it lowers fd without better pictures. So beside fd it tells whether the classes match.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Estimate, Metric
from genbench.seeds import generator
from genbench.stats.pair import Pair

Counts = NDArray[np.int64]
ROWS_AT_ONCE = 1024
RELABELLINGS = 200
LISTED = 10
NAME = "class-histogram"


def class_histogram(pair: Pair) -> Estimate:
    """Total variation distance of the two histograms of top-1 classes, range [0, 1], lower is better.

    Half the sum over classes of |share of real - share of fake images|: the least share of fakes that would have to be
    of another class. It is biased upward, above 0 even for equal distributions: details give that floor.

    Args:
        pair: logits float32 [n, classes] and [m, classes] of both sets, with the classifier's bias.

    Returns:
        The distance. Standard error: the delta method, the signs of the differences held: var(sign)/4n over real
        images and the same over fake ones; too large where the distance is near its floor. Details: "floor" and
        "p_value", the mean distance and the share of distances as large when the images are dealt to the sides at
        random, 200 times; "classes", the 10 whose shares differ most.

    Raises:
        MismatchedFeatures: if the widths differ.
    """
    sides = pair.rows("logits")
    real, fake = (np.bincount(_top_classes(rows), minlength=rows.shape[1]) for rows in sides)
    n, m = len(sides[0]), len(sides[1])
    value = _distance(real, fake)
    dealt = generator(pair.seed, NAME).multivariate_hypergeometric(real + fake, n, size=RELABELLINGS)
    by_chance = np.array([_distance(part, real + fake - part) for part in dealt])
    floor = float(by_chance.mean())
    sign = np.sign(real / n - fake / m)
    error = math.sqrt((_variance(sign, real) / n + _variance(sign, fake) / m) / 4)
    warnings = []
    if value < 2 * floor:
        warnings.append(
            f"{n} and {m} images of {np.count_nonzero(real + fake)} classes: {floor:.3g} is expected of equal "
            "distributions at these counts"
        )
    details = {
        "floor": floor,
        "p_value": (1 + int((by_chance >= value * (1 - 1e-12)).sum())) / (1 + RELABELLINGS),
        "classes": _furthest(real / n, fake / m),
    }
    return Estimate(value, error, tuple(warnings), details)


def _top_classes(logits: NDArray[np.floating]) -> Counts:
    """Return the class of largest logit of every row, the first of equal ones, read in parts."""
    return np.concatenate(
        [logits[start : start + ROWS_AT_ONCE].argmax(axis=1) for start in range(0, len(logits), ROWS_AT_ONCE)]
    )


def _distance(real: Counts, fake: Counts) -> float:
    return float(np.abs(real / real.sum() - fake / fake.sum()).sum()) / 2


def _variance(sign: NDArray[np.float64], counts: Counts) -> float:
    """Return the variance of a class's sign over images, 0.25 images more on either side so that it is never 0."""
    count = counts.sum()
    above, below = ((counts[sign == one].sum() + 0.25) / (count + 0.5) for one in (1, -1))
    return float(above + below - (above - below) ** 2)


def _furthest(real: NDArray[np.float64], fake: NDArray[np.float64]) -> list[dict[str, Any]]:
    order = np.argsort(-np.abs(real - fake), kind="stable")[:LISTED]
    return [{"class": int(one), "real": float(real[one]), "fake": float(fake[one])} for one in order]


CLASS_HISTOGRAM = Metric(
    name=NAME,
    label="class histogram",
    summary="total variation of top-1 classes: share of fakes that would have to be of another class",
    compute=class_histogram,
    better="lower",
    range=(0.0, 1.0),
    source="Kynkaanniemi et al. 2023, arXiv:2203.06026",
    layer="logits",
    with_bias=True,
    is_symmetric=True,
)
