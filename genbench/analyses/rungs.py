"""One metric on a clean and on a corrupted set: how far apart, in standard errors of the difference, and what of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Direction, Estimate, Features, Metric
from genbench.errors import GenbenchError
from genbench.report.ladder import NOTICED, Rung, Verdict
from genbench.scratch import take_rows
from genbench.stats.pair import Pair


@dataclass(frozen=True)
class Measured:
    """What a metric said of a set.

    Attributes:
        estimate: value, error and parts; None where it refused.
        problem: why it refused.
    """

    estimate: Estimate | None
    problem: str = ""


def measure(metrics: Sequence[Metric], real: Features, fake: Features, seed: int) -> dict[str, Measured]:
    """Return what each metric says of ``fake`` against ``real``; a refusal is kept as such."""
    pair = Pair(real, fake, seed=seed)
    found = {}
    for metric in metrics:
        try:
            estimate = metric.compute(pair)
            is_number = math.isfinite(estimate.value)
            found[metric.name] = Measured(estimate) if is_number else Measured(None, f"{metric.name}: not finite")
        except GenbenchError as refusal:
            found[metric.name] = Measured(None, str(refusal))
    return found


def take(features: Features, rows: NDArray[np.int64]) -> Features:
    """Return the features of some pictures, in the order of ``rows``; a picture may come again."""
    return replace(
        features,
        layers={layer: take_rows(table, rows) for layer, table in features.layers.items()},
        names=tuple(features.names[row] for row in rows),
        labels=None if features.labels is None else features.labels[rows],
    )


def error_of_difference(one: Estimate, other: Estimate) -> float | None:
    """Return the standard error of the difference of two sets' values against one reference; None without errors.

    The reference's luck is common to both: 2 sum a b of the effects of its images or blocks is taken off where the
    metric tells them. The two sets count as independent, as two generators' are.
    """
    if one.stderr is None or other.stderr is None:
        return None
    independent = one.stderr**2 + other.stderr**2
    mine, theirs = (estimate.parts.get("real") for estimate in (one, other))
    shared = 0.0
    if mine is not None and theirs is not None and len(mine[1]) == len(theirs[1]):
        shared = min(2 * float(mine[1] @ theirs[1]), mine[0] + theirs[0])  # the reference adds no less than nothing
    return math.sqrt(max(independent - shared, 0.0))


def harm(value: float, clean: float, better: Direction) -> float:
    """Return how much worse ``value`` is than ``clean``; of a metric without direction, how far from it."""
    gap = value - clean
    return abs(gap) if better == "none" else gap if better == "lower" else -gap


def make_rung(place: Mapping[str, str | int], metric: Metric, count: int, dirty: Measured, clean: Measured) -> Rung:
    """Return the rung at ``place`` (corruption, severity, label) of a metric on ``count`` pictures."""
    one, other = dirty.estimate, clean.estimate
    both = None if one is None or other is None else (one, other)
    error = None if both is None else error_of_difference(*both)
    distance = None if both is None else harm(both[0].value, both[1].value, metric.better)
    return Rung.model_validate(
        {
            **place,
            "metric": metric.name,
            "count": count,
            "value": one and one.value,
            "stderr": one and one.stderr,
            "clean": other and other.value,
            "clean_stderr": other and other.stderr,
            "harm": distance,
            "harm_stderr": error,
            "z": _ratio(distance, error),
            "problem": dirty.problem or clean.problem,
        }
    )


def judge(rungs: Sequence[Rung], fewest: int | None) -> Verdict:
    """Return what the rungs of one corruption and one metric, mildest first, come to."""
    judged = [rung for rung in rungs if rung.z is not None]
    return Verdict(
        corruption=rungs[0].corruption,
        metric=rungs[0].metric,
        noticed=next((rung.severity for rung in judged if is_noticed(rung)), None),
        better=[rung.severity for rung in judged if rung.z is not None and rung.z <= -NOTICED],
        is_monotone=all(not _falls(low, high) for i, low in enumerate(judged) for high in judged[i + 1 :]),
        fewest=fewest,
    )


def is_noticed(rung: Rung) -> bool:
    """Whether the metric is worse there than of clean pictures by 3 standard errors."""
    return rung.z is not None and rung.z >= NOTICED


def _falls(low: Rung, high: Rung) -> bool:
    """Whether the stronger fault scores better by more than an error of the difference of the two."""
    return (low.harm or 0.0) - (high.harm or 0.0) > math.hypot(low.harm_stderr or 0.0, high.harm_stderr or 0.0)


def _ratio(distance: float | None, error: float | None) -> float | None:
    if distance is None or error is None:
        return None
    return 0.0 if distance == 0 else distance / error if error > 0 else None
