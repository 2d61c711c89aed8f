"""Which modes of a known mixture samples reach: of points, and of three digits stacked as colours.

    modes           how many have a sample of high quality (Metz et al. 2016, arXiv:1611.02163)
    high-quality    share of such samples (VEEGAN, Srivastava et al. 2017, arXiv:1705.07761)
    mode-divergence KL divergence in nats of the modes of these from the uniform distribution, 0..log k

A point is of high quality within 3 standard deviations of a centre, a picture if a classifier finds a digit in each of
its colours. The floor is of as many examples of the data, drawn with replacement: of 5,000 draws from 1,000 modes about
993 are reached, and the divergence is about (k - 1) / 2n.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.home import SAMPLES, Job
from genbench.contracts import Direction, Score, Scorecard
from genbench.evaluate import Z95
from genbench.provenance import describe_environment
from genbench.seeds import generator
from genbench.stats.jackknife import blocks, share_error_at_edge, standard_error
from zoo.data import Examples, open_data
from zoo.data.modes import mode_report

DIGITS = "digits32"  # of which stacked digits are made
AT_ONCE = 512
Counts = NDArray[np.int64]  # samples of high quality in each mode, [k]
Count = Callable[[np.ndarray], Counts]


@dataclass(frozen=True)
class Measured:
    """One number of a set of samples.

    Attributes:
        metric: id.
        label: as tables have it.
        better: direction.
        most: largest possible value.
        of: the number, from the counts of the modes and the number of samples.
    """

    metric: str
    label: str
    better: Direction
    most: float
    of: Callable[[Counts, int], float]


def judge_points(job: Job, folder: Path, samples: np.ndarray) -> Scorecard:
    """Judge points, float32 [n, 2], by the centres of the mixture."""
    real = open_data(job.judged_by, "all")
    centres, sigma = real.truth["centres"], float(real.truth["sigma"])
    return _judge(job, samples, real.x, lambda points: mode_report(points, centres, sigma).counts, [])


def judge_stacked(job: Job, folder: Path, samples: np.ndarray) -> Scorecard:
    """Judge pictures of three digits, uint8 [n, 32, 32, 3], by a classifier of digits."""
    from benchmarks.learned.classifier import classifier_of

    judge = classifier_of(DIGITS)
    real = stacked_pixels(open_data(job.judged_by, "all"))
    return _judge(job, samples, real, lambda pixels: _count_stacked(judge, pixels), [judge.describe()])


def stacked_pixels(examples: Examples) -> np.ndarray:
    """Return pictures as samples are kept, uint8 [n, h, w, 3]."""
    return examples.x.transpose(0, 2, 3, 1)


def measures(k: int) -> list[Measured]:
    """Return what is measured of a mixture of ``k`` modes."""
    return [
        Measured("modes", f"modes of {k:,}", "higher", k, lambda counts, n: float((counts > 0).sum())),
        Measured("high-quality", "high quality", "higher", 1.0, lambda counts, n: float(counts.sum() / n)),
        Measured("mode-divergence", "KL of modes", "lower", math.log(k), lambda counts, n: _divergence(counts)),
    ]


def _judge(job: Job, samples: np.ndarray, real: np.ndarray, count: Count, warnings: list[str]) -> Scorecard:
    """Return the scorecard; standard errors by leaving out one of 20 blocks of samples, of the share binomial."""
    n, block = len(samples), blocks(len(samples), job.seed, "fake")
    parts = [count(samples[block == b]) for b in range(block.max() + 1)]
    drawn = generator(0, "floor", job.judged_by).integers(len(real), size=n)
    whole, floor = sum(parts), count(real[drawn])
    sizes = np.bincount(block)
    scores = []
    for one in measures(len(whole)):
        left_out = np.array([one.of(whole - part, n - size) for part, size in zip(parts, sizes, strict=True)])
        value = one.of(whole, n)
        error = _binomial(value, n) if one.metric == "high-quality" else standard_error(left_out)
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
                n_real=0,
                n_fake=n,
                warnings=warnings,
                details={"modes": len(whole), "counts": whole.tolist()},
                floor=one.of(floor, n),
                floor_count=n,
            )
        )
    return Scorecard(fake=SAMPLES, real=job.real, scores=scores, provenance=describe_environment())


def _count_stacked(judge: "Classifier", pixels: np.ndarray) -> Counts:  # noqa: F821
    import torch

    planes = torch.from_numpy(pixels.transpose(0, 3, 1, 2).reshape(-1, 1, *pixels.shape[1:3])).float() / 255
    found = torch.cat([judge.classify(part) for part in planes.split(AT_ONCE)]).view(-1, 3).numpy()
    known = found[(found < judge.classes).all(axis=1)]
    return np.bincount(known @ [100, 10, 1], minlength=1000).astype(np.int64)


def _divergence(counts: Counts) -> float:
    """Return the divergence; log k, the largest there is, where no sample is of high quality."""
    if not counts.sum():
        return math.log(len(counts))
    shares = counts[counts > 0] / counts.sum()
    return float((shares * np.log(shares * len(counts))).sum())


def _binomial(share: float, n: int) -> float:
    return share_error_at_edge(n) if share in (0.0, 1.0) else math.sqrt(share * (1 - share) / n)
