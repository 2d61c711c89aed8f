"""Frechet distance divided by how far fakes are, in direction, from training images, where that is very near.

MiFID of Bai et al. 2021 (arXiv:2106.03062), first the score of a Kaggle contest in 2019: below a mean distance of tau
the Frechet distance is divided by it, above it stays as it is. So it reacts only to copying at large, and for a given
tau hangs on the features; blur and lost diversity bring images near in direction too.
"""

import math
from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from genbench.contracts import Estimate, Metric
from genbench.errors import BadInput
from genbench.stats.cosine import nearest_directions, with_direction
from genbench.stats.jackknife import blocks, error_across
from genbench.stats.pair import Pair

Direction = Literal["generated", "torchmetrics"]
Positive = Annotated[float, Field(gt=0)]
TAU, EPSILON = 0.1, 1e-14  # of the contest, and of torchmetrics
NOTHING = 1e-8  # a Frechet distance up to this counts as none
NEAR_TAU = 2.0  # standard errors


def memorization_informed(
    pair: Pair, *, direction: Direction = "generated", tau: Positive = TAU, eps: Positive = EPSILON
) -> Estimate:
    """Frechet distance / (m' + eps), m' = m if m < tau else 1, unit feature^2, range [0, inf), lower is better.

    m is the mean, over images of one set, of the smallest 1 - |cos| to an image of the other. Rows of zeros, which have
    no direction, are left out of m. A Frechet distance of 1e-8 or less makes the value 0.

    Args:
        pair: pooled features float32 of the reference (``real``, [n, d]), of fakes [m, d] and of the training set
            (``train``, [l, d]; the reference stands for it where there is none).
        direction: whose mean m is: "generated", of fakes to the nearest training image, as in the paper and the
            contest; "torchmetrics", of training images to the nearest fake, as that library has it.
        tau: mean distance from which on nothing is divided.
        eps: added to m'.

    Returns:
        The quotient. Standard error: the relative errors of the two factors added up, as they hang on the same images;
        that of m of its mean over images, and where the other set is not a given training set, from its 20-block
        jackknife too. Details: "fd", "memorization_distance" m, its "memorization_stderr", and "multiplier",
        1 / (m' + eps).

    Raises:
        MismatchedFeatures: if the widths differ.
        BadInput: if all features of a set are 0.
    """
    real, fake = pair.rows()
    train = real if pair.train is None else pair.training_rows("mifid", 1)
    distance, distance_error = _mean_distance(pair, train, fake, direction)
    is_near = distance < tau
    multiplier = 1 / ((distance if is_near else 1.0) + eps)
    fd, fd_error, _, parts = pair.frechet
    fd = fd if fd > NOTHING else 0.0
    error = None
    if fd_error is not None:
        error = fd_error * multiplier + (fd * multiplier**2 * distance_error if is_near else 0.0)
    return Estimate(
        fd * multiplier,
        error,
        tuple(_warnings(pair, distance, distance_error, tau)),
        {
            "fd": fd,
            "memorization_distance": distance,
            "memorization_stderr": distance_error,
            "multiplier": multiplier,
        },
        parts={} if is_near else {side: part.scaled(multiplier) for side, part in parts.items()},
    )


def _mean_distance(
    pair: Pair, train: NDArray[np.float32], fake: NDArray[np.float32], direction: Direction
) -> tuple[float, float]:
    """Return m and its standard error."""
    side = "real" if pair.train is None else "train"
    sets = {"fake": _with_direction("fake", fake), side: _with_direction(side, train)}
    averaged, searched = ("fake", side) if direction == "generated" else (side, "fake")
    is_given = searched == "train"  # then no luck of a draw is in it
    rows = sets[searched]
    split = np.zeros(len(rows), np.int64) if is_given else blocks(len(rows), pair.seed, searched)
    by_block = nearest_directions(sets[averaged], rows, split)
    nearest = by_block.min(axis=1)
    error = 0.0 if len(nearest) < 2 else math.sqrt(nearest.var(ddof=1) / len(nearest))
    if by_block.shape[1] > 1 and len(nearest) > 1:
        without = [np.delete(by_block, block, axis=1).min(axis=1) for block in range(by_block.shape[1])]
        error = math.hypot(error, error_across(np.stack(without, axis=1)))
    return float(nearest.mean()), error


def _with_direction(side: str, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    kept = with_direction(rows)
    if not len(kept):
        raise BadInput(
            f"mifid: {side} features have no direction; expected some that are not 0, got {len(rows)} rows of zeros. "
            "Choose another --extractor, or leave mifid out: the other scores are kept."
        )
    return kept


def _warnings(pair: Pair, distance: float, error: float, tau: float) -> Iterator[str]:
    if pair.train is None:
        yield "no --train given: compared with the reference"
    if abs(distance - tau) < NEAR_TAU * error:
        yield f"mean distance {distance:.4g} is at the threshold {tau:g}: another draw may be divided, or not"


MIFID = Metric(
    name="mifid",
    label="MiFD",
    summary="fd divided by how near in direction fakes are to --train, if very near; lost diversity and blur count too",
    compute=memorization_informed,
    better="lower",
    range=(0.0, float("inf")),
    source="Bai et al. 2021, arXiv:2106.03062",
    uses_train=True,
)
