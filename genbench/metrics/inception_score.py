"""Inception score: how sure a classifier is of each image, and how varied the classes are.

IS = exp(mean_i KL(p_i || p)), p the mean of the p_i (Salimans et al. 2016, arXiv:1606.03498). It never sees
real images, so a memorised or single-image-per-class set scores best.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, logsumexp

from genbench.contracts import Estimate, Metric
from genbench.stats.pair import Pair


def inception_score(pair: Pair) -> Estimate:
    """Inception score over all images at once (one split), range [1, classes], higher is better.

    Args:
        pair: logits float32 [m, classes] of the fake set.

    Returns:
        The score. Standard error: the delta method on the mean divergence, IS sd(KL)/sqrt(m); the
        derivative through the marginal p is zero.
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
    return Estimate(value, None if error is None else float(error), tuple(warnings))


def class_divergence(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return KL(p_i || p) in nats of every row, float64 [n], for logits [n, classes]."""
    log_p = log_softmax(logits.astype(np.float64), axis=1)
    log_marginal = logsumexp(log_p, axis=0) - np.log(len(log_p))
    p = np.exp(log_p)
    terms = np.where(p > 0, p * (log_p - log_marginal), 0.0)
    divergence: NDArray[np.float64] = terms.sum(axis=1)
    return divergence


IS = Metric(
    name="is",
    label="IS",
    summary="inception score: confident and varied classes, one split; real images are not used",
    compute=inception_score,
    better="higher",
    range=(1.0, float("inf")),
    source="Salimans et al. 2016, arXiv:1606.03498",
    layer="logits",
    uses_real=False,
)
