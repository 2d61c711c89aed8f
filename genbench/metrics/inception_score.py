"""Inception score: how sure a classifier is of each image, and how varied the classes are.

IS = exp(mean_i KL(p_i || p)), p the mean of the p_i (Salimans et al. 2016, arXiv:1606.03498). It never sees
real images, so a memorised or single-image-per-class set scores best.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Estimate, Metric
from genbench.scratch import take_rows
from genbench.stats.pair import Pair

ROWS_AT_ONCE = 1024
SPLITS, SPLIT_SEED = 10, 2020  # torch-fidelity's


def inception_score(pair: Pair) -> Estimate:
    """Inception score over all images at once (one split), range [1, classes], higher is better.

    Args:
        pair: logits float32 [m, classes] of the fake set.

    Returns:
        The score. Standard error: the delta method on the mean divergence, IS sd(KL)/sqrt(m); the
        derivative through the marginal p is zero. Details, from 10 images on: "splits10_mean", "splits10_sd" (divisor
        10), the published form over ten splits of the images in the order of numpy's ``RandomState(2020)``, as
        torch-fidelity splits them. It is lower, as each split has a tenth of the images, hangs on their order, and its
        sd is of one split, no error of the mean.
    """
    divergence = class_divergence(pair.fake.logits)
    value = float(np.exp(divergence.mean()))
    error = value * divergence.std(ddof=1) / np.sqrt(len(divergence)) if len(divergence) > 1 else None
    warnings = []
    classes = pair.fake.logits.shape[1]
    if len(divergence) < 10 * classes:
        warnings.append(
            f"{len(divergence)} images for {classes} classes: IS is biased downward; compare at equal counts"
        )
    return Estimate(value, None if error is None else float(error), tuple(warnings), _over_splits(pair.fake.logits))


def class_divergence(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return KL(p_i || p) in nats of every row, float64 [n], for logits [n, classes]; read twice, in parts."""
    log_total = np.full(logits.shape[1], -np.inf)
    for log_p in _log_probabilities(logits):
        log_total = np.logaddexp(log_total, _log_sum(log_p, axis=0)[0])
    log_marginal = log_total - np.log(len(logits))
    divergences = []
    for log_p in _log_probabilities(logits):
        p = np.exp(log_p)
        divergences.append(np.where(p > 0, p * (log_p - log_marginal), 0.0).sum(axis=1))
    return np.concatenate(divergences)


def _over_splits(logits: NDArray[np.floating]) -> dict[str, float]:
    """Return mean and standard deviation of the scores of ten splits; nothing where one would be empty."""
    count = len(logits)
    if count < SPLITS:
        return {}
    order = np.random.RandomState(SPLIT_SEED).permutation(count)
    edges = [count * split // SPLITS for split in range(SPLITS + 1)]
    scores = [np.exp(class_divergence(take_rows(logits, order[first:last])).mean()) for first, last in pairwise(edges)]
    return {"splits10_mean": float(np.mean(scores)), "splits10_sd": float(np.std(scores))}


def _log_probabilities(logits: NDArray[np.floating]) -> Iterator[NDArray[np.float64]]:
    """Yield the logarithms of the p_i, float64 [<= ROWS_AT_ONCE, classes]."""
    for start in range(0, len(logits), ROWS_AT_ONCE):
        part = logits[start : start + ROWS_AT_ONCE].astype(np.float64)
        part -= part.max(axis=1, keepdims=True)
        yield part - _log_sum(part, axis=1)


def _log_sum(logs: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Return the logarithm of the sum of exponentials along an axis, which stays with length 1.

    What scipy's ``logsumexp`` does, without the fifth of a second that its import takes.
    """
    top = logs.max(axis=axis, keepdims=True)
    return np.asarray(top + np.log(np.exp(logs - top).sum(axis=axis, keepdims=True)))


IS = Metric(
    name="is",
    label="IS",
    summary="inception score: confident and varied classes, one split (ten in the details); real images are not used",
    compute=inception_score,
    better="higher",
    range=(1.0, float("inf")),
    source="Salimans et al. 2016, arXiv:1606.03498",
    layer="logits",
    uses_real=False,
)
