"""Inception score: how sure a classifier is of each image, and how varied the classes are.

IS = exp(mean_i KL(p_i || p)), p the mean of the p_i (Salimans et al. 2016, arXiv:1606.03498). It never sees
real images, so a memorised or single-image-per-class set scores best.
"""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Estimate, Metric
from genbench.errors import NotEnoughImages
from genbench.parameters import Count, Seed
from genbench.scratch import take_rows
from genbench.stats.pair import Pair

ROWS_AT_ONCE = 1024
SPLITS, SPLIT_SEED = 10, 2020  # torch-fidelity's
FIXED_SIZE = 5000
Cut = Literal["even", "chunks", "5000"]
Order = Literal["numpy", "torch", "file"]


def inception_score(
    pair: Pair, *, splits: Count = 1, cut: Cut = "even", order: Order = "numpy", seed: Seed = SPLIT_SEED
) -> Estimate:
    """Inception score, range [1, classes], higher is better: over all images at once, or the mean over splits of them.

    Args:
        pair: logits float32 [m, classes] of the fake set.
        splits: how many; 1: all images at once, in whatever order.
        cut: where splits end: "even" at i m // splits; "chunks" of ceil(m / splits) images, which may be fewer than
            asked for (torch.chunk); "5000" of so many images each, however many splits (guided-diffusion).
        order: of the images before the cut: "numpy", ``RandomState(seed).permutation``; "torch", ``randperm`` after
            ``manual_seed(seed)``; "file", as they are.
        seed: of the order.

    Returns:
        The score. Standard error: the delta method on the mean divergence, IS sd(KL)/sqrt(m), of each split; the
        derivative through the marginal p is zero. Details, from 10 images on: "splits10_mean", "splits10_sd" (divisor
        10), the published form over ten splits of the images in the order of numpy's ``RandomState(2020)``, as
        torch-fidelity splits them. It is lower, as each split has a tenth of the images, hangs on their order, and its
        sd is of one split, no error of the mean. Of other splits: "splits", and "sd" over them (divisor splits).

    Raises:
        NotEnoughImages: if there are fewer images than splits.
    """
    logits = pair.fake.logits
    count, classes = logits.shape
    if count < splits:
        raise NotEnoughImages(f"is: too few images; expected at least {splits} for as many splits, got {count}.")
    warnings = []
    if count < 10 * classes:
        warnings.append(f"{count} images for {classes} classes: IS is biased downward; compare at equal counts")
    if (splits, cut) == (1, "even"):
        value, error = _score(class_divergence(logits))
        return Estimate(value, error, tuple(warnings), _over_ten(logits))
    parts = [_score(class_divergence(part)) for part in _split(logits, splits, cut, _ordered(count, order, seed))]
    scores, errors = zip(*parts, strict=True)
    error = None if None in errors else float(np.sqrt(np.square(errors).sum())) / len(parts)
    if error is None:
        warnings.append("too few images for a standard error: a split has but one")
    return Estimate(float(np.mean(scores)), error, tuple(warnings), {"splits": len(parts), "sd": float(np.std(scores))})


def _score(divergence: NDArray[np.float64]) -> tuple[float, float | None]:
    """Return the score of divergences [n], and its standard error, None of a single one."""
    value = float(np.exp(divergence.mean()))
    if len(divergence) < 2:
        return value, None
    return value, float(value * divergence.std(ddof=1) / np.sqrt(len(divergence)))


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


def _over_ten(logits: NDArray[np.floating]) -> dict[str, float]:
    """Return mean and standard deviation of the scores of ten splits; nothing where one would be empty."""
    if len(logits) < SPLITS:
        return {}
    order = _ordered(len(logits), "numpy", SPLIT_SEED)
    scores = [_score(class_divergence(part))[0] for part in _split(logits, SPLITS, "even", order)]
    return {"splits10_mean": float(np.mean(scores)), "splits10_sd": float(np.std(scores))}


def _ordered(count: int, order: Order, seed: int) -> NDArray[np.int64]:
    """Return the places of ``count`` images in the order of a tool."""
    if order == "file":
        return np.arange(count)
    if order == "numpy":
        return np.random.RandomState(seed).permutation(count)
    import torch

    return np.asarray(torch.randperm(count, generator=torch.Generator().manual_seed(seed)).numpy())


def _split(
    logits: NDArray[np.floating], splits: int, cut: Cut, order: NDArray[np.int64]
) -> Iterator[NDArray[np.floating]]:
    """Yield the rows of each split, in ``order``."""
    count = len(logits)
    if cut == "even":
        edges = [count * split // splits for split in range(splits + 1)]
    else:
        edges = [*range(0, count, FIXED_SIZE if cut == "5000" else math.ceil(count / splits)), count]
    yield from (take_rows(logits, order[first:last]) for first, last in pairwise(edges))


def _fewest(*, splits: int, **_: Any) -> int:
    """Return the images that leave no split empty."""
    return max(2, splits)


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
    fewest=_fewest,
    biased_by=("fake",),
)
