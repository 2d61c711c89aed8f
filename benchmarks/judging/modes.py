"""Which modes of a known mixture samples reach: of points, and of three digits stacked as colours.

    mode-distance   total variation between the samples and equally frequent modes, 0..1; a sample that is not of high
                    quality is of none. It sees what the others see one by one: missing and unequal modes, and poor
                    samples; noise everywhere reaches all modes and has nearly 1.
    modes           how many have a sample of high quality (Metz et al. 2016, arXiv:1611.02163)
    high-quality    share of such samples (VEEGAN, Srivastava et al. 2017, arXiv:1705.07761)
    mode-divergence KL divergence in nats of the modes of these from the uniform distribution, 0..log k

A point is of high quality within 3 standard deviations of a centre, a picture if a classifier finds a digit in each of
its colours. The floor is of as many examples of the data, drawn with replacement: of 5,000 draws from 1,000 modes about
993 are reached, the divergence is about (k - 1) / 2n, and the distance of n >> k about sqrt(k / 2 pi n).
"""

import math
from pathlib import Path

import numpy as np

from benchmarks.home import SAMPLES, Job
from benchmarks.judging.counts import Count, Counts, Measured, occupancy_error, score_counts
from genbench.contracts import Scorecard
from genbench.provenance import describe_environment
from zoo.data import Examples, open_data
from zoo.data.modes import mode_report

DIGITS = "digits32"  # of which stacked digits are made
STACKED = 1000  # modes
AT_ONCE = 512


def judge_points(job: Job, folder: Path, samples: np.ndarray) -> Scorecard:
    """Judge points, float32 [n, 2], by the centres of the mixture."""
    real = open_data(job.judged_by, "all")
    centres, sigma = real.truth["centres"], float(real.truth["sigma"])
    return _judge(job, samples, real.x, lambda points: mode_report(points, centres, sigma).counts, len(centres), [])


def judge_stacked(job: Job, folder: Path, samples: np.ndarray) -> Scorecard:
    """Judge pictures of three digits, uint8 [n, 32, 32, 3], by a classifier of digits."""
    from benchmarks.learned.classifier import classifier_of

    judge = classifier_of(DIGITS)
    real = stacked_pixels(open_data(job.judged_by, "all"))
    return _judge(job, samples, real, lambda pixels: _count_stacked(judge, pixels), STACKED, [judge.describe()])


def stacked_pixels(examples: Examples) -> np.ndarray:
    """Return pictures as samples are kept, uint8 [n, h, w, 3]."""
    return examples.x.transpose(0, 2, 3, 1)


def measures(k: int) -> list[Measured]:
    """Return what is measured of a mixture of ``k`` modes."""
    return [
        Measured("mode-distance", "distance of modes", "lower", 1.0, _distance),
        Measured("modes", f"modes of {k:,}", "higher", k, lambda counts, n: (counts > 0).sum(), error=occupancy_error),
        Measured("high-quality", "high quality", "higher", 1.0, lambda counts, n: counts.sum() / n, is_share=True),
        Measured("mode-divergence", "KL of modes", "lower", math.log(k), lambda counts, n: _divergence(counts)),
    ]


def _judge(job: Job, samples: np.ndarray, real: np.ndarray, count: Count, k: int, warnings: list[str]) -> Scorecard:
    """Return the scorecard; counted are samples of high quality in each of ``k`` modes."""
    scores = score_counts(
        job,
        samples,
        real,
        count,
        measures(k),
        tell=lambda counts, n: {"modes": k, "counts": counts.tolist()},
        warnings=warnings,
    )
    return Scorecard(fake=SAMPLES, real=job.real, scores=scores, provenance=describe_environment())


def _count_stacked(judge: "Classifier", pixels: np.ndarray) -> Counts:  # noqa: F821
    import torch

    planes = torch.from_numpy(pixels.transpose(0, 3, 1, 2).reshape(-1, 1, *pixels.shape[1:3])).float() / 255
    found = torch.cat([judge.classify(part) for part in planes.split(AT_ONCE)]).view(-1, 3).numpy()
    known = found[(found < judge.classes).all(axis=1)]
    return np.bincount(known @ [100, 10, 1], minlength=STACKED).astype(np.int64)


def _distance(counts: Counts, n: int) -> float:
    return float(np.abs(counts / n - 1 / len(counts)).sum() + 1 - counts.sum() / n) / 2


def _divergence(counts: Counts) -> float:
    """Return the divergence; log k, the largest there is, where no sample is of high quality."""
    if not counts.sum():
        return math.log(len(counts))
    shares = counts[counts > 0] / counts.sum()
    return float((shares * np.log(shares * len(counts))).sum())
