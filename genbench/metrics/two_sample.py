"""Classifier two-sample test: how well a classifier that has seen part of both sets tells the rest apart.

Lopez-Paz & Oquab 2017 (arXiv:1610.06545), here logistic regression on the features, five folds, so that every image is
judged once by a classifier that has not seen it. 0.5 is chance, 1 perfect separation. It finds any difference that is
linear in the features, however small, given images enough: quality, variety, and artefacts nobody would mind.
"""

import math

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Estimate, Metric
from genbench.stats.jackknife import share_error_at_edge
from genbench.stats.logistic import Held, cross_fitted_logits
from genbench.stats.pair import Pair

FOLDS = 5
FEWEST = 2 * FOLDS


def classifier_test(pair: Pair) -> Estimate:
    """Balanced accuracy of held-out predictions, range [0, 1], lower is better: 0.5 is indistinguishable.

    The mean of the shares of real and of fake images judged rightly, so that unequal counts do not move it. A value
    below 0.5 is noise, not better than 0.5.

    Folds share their training images, so accuracies on them are not independent. At equal distributions the sum over
    folds acts as a sum over pairs of folds, each of which counts twice, once with either fold held out; so its variance
    is twice that of independent predictions. That doubled variance is used throughout: simulated, 95 % intervals hold
    95 to 100 % of the time, most where the sets differ clearly.

    Args:
        pair: pooled features float32 [n, d] and [m, d]; n, m >= 10.

    Returns:
        The accuracy. Standard error: sqrt(2) that of independent predictions. Details: "p_value", one-sided, normal,
        with twice the variance of the accuracy when labels are permuted over the predictions (permuting as such rejects
        7 to 11 % of equal distributions at 5 %; this at most 5 %); "auroc", area under the ROC curve, mean over folds.

    Raises:
        MismatchedFeatures: if the widths differ.
    """
    real, fake = pair.rows()
    held = cross_fitted_logits(real, fake, FOLDS)
    on_real, on_fake = held.first <= 0, held.second > 0
    value = float(on_real.mean() + on_fake.mean()) / 2
    variance = sum(_variance(right) for right in (on_real, on_fake)) / 4
    details = {"p_value": _p_value(value, on_real, on_fake), "auroc": _auroc(held), "folds": FOLDS}
    return Estimate(value, math.sqrt(2 * variance), (), details)


def _variance(is_right: NDArray[np.bool_]) -> float:
    """Return the variance of a share."""
    count = len(is_right)
    return float(is_right.var(ddof=1)) / count or share_error_at_edge(count) ** 2


def _p_value(value: float, on_real: NDArray[np.bool_], on_fake: NDArray[np.bool_]) -> float:
    n, m = len(on_real), len(on_fake)
    called_fake = np.concatenate([~on_real, on_fake]).var(ddof=1)
    deviation = math.sqrt(2 * called_fake * (1 / n + 1 / m) / 4)
    return 0.5 * math.erfc((value - 0.5) / deviation / math.sqrt(2)) if deviation else 1.0


def _auroc(held: Held) -> float:
    """Return the mean over folds of the share of (real, fake) pairs in order; ties count half."""
    shares = []
    for fold in range(FOLDS):
        real, fake = np.sort(held.first[held.folds[0] == fold]), held.second[held.folds[1] == fold]
        below = np.searchsorted(real, fake, "left") + np.searchsorted(real, fake, "right")
        shares.append(below.mean() / (2 * len(real)))
    return float(np.mean(shares))


C2ST = Metric(
    name="c2st",
    label="C2ST",
    summary="accuracy of a classifier that tells fake from real, on images it has not seen: 0.5 cannot, 1 always can",
    compute=classifier_test,
    better="lower",
    range=(0.0, 1.0),
    source="Lopez-Paz & Oquab 2017, arXiv:1610.06545",
    is_symmetric=True,
    min_count=FEWEST,
)
