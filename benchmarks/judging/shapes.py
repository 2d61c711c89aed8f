"""Coloured shapes: genbench's metrics of images, and whether samples are shapes with every factor distributed right.

    recognised  share of samples in which a reader of factors finds a shape
    factors     total variation between the distribution of a factor in samples and in held-out pictures, mean of six
    pairs       the same of kind and hue together: whether a model combines what it has learned of each

The same reader reads samples and held-out pictures, so that what it gets wrong in both cancels. A kind is a bin of its
own; the ranges of hue, size, x, y and background are cut into eight that are equally frequent in the data. A sample
without a shape is in a bin of its own, "none", in every factor: where nothing is recognised all distances are 1. Turns
are not compared, as a disc shows none.

A total variation between two sets of n draws each from the same k equally frequent bins is not 0 but about
sqrt((k - 1) / (pi n)): with 1,000 samples of eight bins 0.047, of the 32 pairs 0.099. That is what the floor shows, of
as many training pictures. Standard errors are of drawing the samples alone: all runs meet the same held-out pictures.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.home import Job
from benchmarks.judging.counts import Counts, Measured, score_counts
from benchmarks.judging.factors import HIGH, LOW, NONE, READ, Reader, kept_reader
from benchmarks.judging.images import judge_images
from genbench.contracts import Scorecard
from genbench.errors import BadInput
from zoo.data import open_data
from zoo.data.renderer import SIDE

OWN = ("recognised", "factors", "pairs")  # metrics that are not genbench's
BINS = 8  # of every factor but the kind
PAIRS = NONE * BINS  # kinds x hues; the last bin of all histograms is of samples without a shape
AXES = (*READ, "pairs")


def judge_shapes(job: Job, folder: Path, samples: np.ndarray) -> Scorecard:
    """Judge pictures, uint8 [n, 32, 32, 3], beside held-out ones by genbench's metrics and by their factors.

    The reader is kept beside the folder.

    Raises:
        BadInput: if the pictures are of another size, or the reader kept cannot be read.
        GenbenchError: if the reader of factors is not fit to judge.
    """
    if samples.shape[1:] != (SIDE, SIDE, 3):
        raise BadInput(
            f"samples of {job.contestant!r}: not of the data's size; expected [{SIDE}, {SIDE}, 3], got "
            f"{list(samples.shape[1:])}. Resize them."
        )
    reader = kept_reader(folder.parent)
    ours = [metric for metric in job.metrics if metric not in OWN]
    card = judge_images(job.model_copy(update={"metrics": ours}), folder, samples)
    train, test = (open_data(job.judged_by, split).x.transpose(0, 2, 3, 1) for split in ("train", "test"))
    shares = histograms(bins_of(reader.read(test))) / len(test)
    told = score_counts(
        job,
        samples,
        train,
        lambda pictures: histograms(bins_of(reader.read(pictures))),
        [one for one in measures(shares) if one.metric in job.metrics],
        tell=_details_of(reader, shares),
        warnings=[reader.describe()],
        n_real=len(test),
    )
    return card.model_copy(update={"scores": [*card.scores, *told]})


def measures(shares: NDArray[np.float64]) -> list[Measured]:
    """Return what is measured beside held-out pictures with ``shares`` in each bin, as ``histograms`` has them."""
    return [
        Measured("recognised", "recognised", "higher", 1.0, lambda counts, n: recognised(counts), is_share=True),
        Measured("factors", "factors' distance", "lower", 1.0, lambda counts, n: _mean_distance(counts, shares)),
        Measured("pairs", "pairs' distance", "lower", 1.0, lambda counts, n: distances(counts, shares)["pairs"]),
    ]


def bins_of(read: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bin of each sample, int64 [n, 7], from its factors, [n, 6], as ``READ`` has them.

    Columns are those of ``READ``, and pairs of kind and hue. What lies beyond a range is in its last bin on that side;
    ``PAIRS`` in all columns: no shape.
    """
    kind = read[:, :1].astype(np.int64)
    others = np.clip(np.floor(BINS * (read[:, 1:] - LOW) / (HIGH - LOW)), 0, BINS - 1).astype(np.int64)
    bins = np.hstack([kind, others, kind * BINS + others[:, :1]])
    return np.where(kind == NONE, PAIRS, bins)


def histograms(bins: NDArray[np.int64]) -> Counts:
    """Return how many samples are in each bin, int64 [7, 33]; factors with fewer bins leave those in between empty."""
    return np.stack([np.bincount(column, minlength=PAIRS + 1) for column in bins.T])


def recognised(counts: Counts) -> float:
    """Return the share of samples with a shape."""
    return float(1 - counts[0, PAIRS] / counts[0].sum())


def distances(counts: Counts, shares: NDArray[np.float64]) -> dict[str, float]:
    """Return factor, or "pairs" -> total variation: half the sum over bins of the differences of shares, 0..1."""
    gaps = np.abs(counts / counts.sum(axis=1, keepdims=True) - shares).sum(axis=1) / 2
    return {name: float(gap) for name, gap in zip(AXES, gaps, strict=True)}


def _mean_distance(counts: Counts, shares: NDArray[np.float64]) -> float:
    found = distances(counts, shares)
    return float(np.mean([found[name] for name in READ]))


def _details_of(reader: Reader, shares: NDArray[np.float64]) -> Callable[[Counts, int], dict[str, Any]]:
    return lambda counts, n: {
        "distances": distances(counts, shares),
        "recognised": recognised(counts),
        "reader": reader.describe(),
    }
