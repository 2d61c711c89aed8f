"""Scores that follow from how many samples fall into each of some bins: modes of a mixture, values of a factor.

Standard errors leave out one of 20 blocks of samples, unless a measure has its own; that of a share is binomial. The
floor is of as many examples of the data, drawn with replacement.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.home import SAMPLES, Job
from genbench.contracts import Direction, Score
from genbench.evaluate import Z95
from genbench.seeds import generator
from genbench.stats.jackknife import blocks, share_error_at_edge, standard_error

ROUNDING = 1e-12  # of values that are the same
Counts = NDArray[np.int64]  # samples in each bin, of any shape
Count = Callable[[np.ndarray], Counts]  # of a set it is the sum of those of its parts


@dataclass(frozen=True)
class Measured:
    """One number of a set of samples.

    Attributes:
        metric: id.
        label: as tables have it.
        better: direction.
        most: largest possible value; the smallest is 0.
        of: the number, from the counts and the number of samples.
        is_share: of the samples.
        error: its standard error, from the same; None: by blocks, which is wrong of what jumps, like a number of bins.
    """

    metric: str
    label: str
    better: Direction
    most: float
    of: Callable[[Counts, int], float]
    is_share: bool = False
    error: Callable[[Counts, int], float] | None = None


def score_counts(
    job: Job,
    samples: np.ndarray,
    examples: np.ndarray,
    count: Count,
    measures: Sequence[Measured],
    *,
    tell: Callable[[Counts, int], Mapping[str, Any]],
    warnings: Sequence[str] = (),
    n_real: int = 0,
) -> list[Score]:
    """Return a score of each measure.

    Args:
        job: whose samples.
        samples: [n, ...].
        examples: of the data, [m, ...] like samples: of ``n`` of them, drawn with replacement, is the floor.
        count: how many samples of a set are in each bin.
        measures: what is measured.
        tell: the scores' details, from the counts and the number of samples.
        warnings: to read beside the scores.
        n_real: images that the samples are compared with; 0: none, what is known of the data judges.
    """
    n, block = len(samples), blocks(len(samples), job.seed, "fake")
    parts, sizes = [count(samples[block == b]) for b in range(block.max() + 1)], np.bincount(block)
    drawn = generator(0, "floor", job.judged_by).integers(len(examples), size=n)
    whole, floor = sum(parts), count(examples[drawn])
    scores = []
    for one in measures:
        value = float(one.of(whole, n))
        if one.error is not None:
            error = one.error(whole, n)
        elif one.is_share:
            error = binomial_error(value, n)
        else:
            left_out = [one.of(whole - part, n - size) for part, size in zip(parts, sizes, strict=True)]
            error = 0.0 if np.ptp(left_out) < ROUNDING else standard_error(np.array(left_out))
        scores.append(
            Score(
                metric=one.metric,
                fake=SAMPLES,
                extractor="",
                label=one.label,
                value=value,
                stderr=error,
                ci95=(max(0.0, value - Z95 * error), min(one.most, value + Z95 * error)),
                better=one.better,
                n_real=n_real,
                n_fake=n,
                warnings=list(warnings),
                details=dict(tell(whole, n)),
                floor=float(one.of(floor, n)),
                floor_count=n,
            )
        )
    return scores


def binomial_error(share: float, n: int) -> float:
    """Return the standard error of a share of ``n`` samples; of 0 and 1 that of half a sample more on either side."""
    return share_error_at_edge(n) if share in (0.0, 1.0) else math.sqrt(share * (1 - share) / n)


def occupancy_error(counts: Counts, n: int) -> float:
    """Return the standard deviation of how many bins ``n`` draws reach, where ``counts`` of ``n`` are the chances.

    Exact for the bootstrap: with p_i = counts_i / n a bin stays empty with chance q_i = (1 - p_i)^n, two with
    (1 - p_i - p_j)^n. Told to a hundredth of a bin.
    """
    chances = counts[counts > 0].astype(np.float64) / n
    empty = (1 - chances) ** n
    both = np.clip(1 - chances[:, None] - chances, 0.0, 1.0) ** n
    np.fill_diagonal(both, empty)
    return round(math.sqrt(max(0.0, float(both.sum() - empty.sum() ** 2))), 2)
