"""Nearest-neighbour check for copies: are fake images nearer to training images than those are to each other?

The ratio of two medians, after the distance comparisons of Meehan et al. 2020 (arXiv:2004.05675). 1 is what new images
of the same distribution get, in expectation; well below 1 says that the set is nearer to the training set than that set
is to itself. It also falls when images are few and typical: look at the pairs before you say "copied".
"""

from typing import Any

import numpy as np

from genbench.contracts import Estimate, Metric
from genbench.errors import BadInput
from genbench.stats.jackknife import standard_error
from genbench.stats.neighbours import Neighbours
from genbench.stats.pair import Pair
from genbench.stats.parts import part_of_deletions

LISTED = 100


def nearest(pair: Pair) -> Estimate:
    """Median distance of a fake image to its nearest training image / the same among training images, range [0, inf).

    Args:
        pair: pooled features float32 [m, d] of fakes, and [n, d] of ``train`` (else of ``real``); n, m >= 4.

    Returns:
        The ratio. Standard error: 20-block jackknife of both sides. Details: "pairs", the 100 fakes nearest to a
        training image, nearest first: {"fake", "nearest", "distance", "ratio"}, the ratio of that distance to the
        median among training images.

    Raises:
        MismatchedFeatures: if the widths differ.  NotEnoughImages: if a side has too few.
        BadInput: if half of the training images or more are duplicates of others.
    """
    to_train, among_train = pair.nearest_train
    unit = float(np.median(among_train.distances()[:, 0]))
    if unit == 0:
        raise BadInput(
            "nn: half of the images it compares with (--train, else the reference) or more are duplicates; expected a "
            "median distance above 0 among them, got 0. Leave nn out: the other scores are kept."
        )
    distances = to_train.distances()[:, 0]
    warnings = [] if pair.train is not None else ["no --train given: compared with the reference"]
    leave = _leave_blocks_out(to_train, among_train)
    details = {"pairs": _closest(pair, to_train, unit), "median_among_train": unit}
    if leave is None:
        warnings.append("too few images for a standard error")
    error = None if leave is None else standard_error(*leave)
    parts = dict(zip(("real", "fake"), map(part_of_deletions, leave or ()), strict=False))  # train, where it is given
    return Estimate(float(np.median(distances)) / unit, error, tuple(warnings), details, parts=parts)


def _leave_blocks_out(to_train: Neighbours, among_train: Neighbours) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the ratio with each block of training images left out, and with each block of fakes left out."""
    to_rest, among_rest = to_train.squared_radii_without(1), among_train.squared_radii_without(1)
    fake_blocks = to_train.points.blocks
    if to_rest is None or among_rest is None or fake_blocks.max() == 0:
        return None
    unit = np.median(among_train.squared[:, 0])
    leave_train = np.median(to_rest, axis=0) / np.nanmedian(among_rest, axis=0)
    leave_fake = [np.median(to_train.squared[fake_blocks != b, 0]) / unit for b in range(fake_blocks.max() + 1)]
    return np.sqrt(leave_train), np.sqrt(np.array(leave_fake))


def _closest(pair: Pair, to_train: Neighbours, unit: float) -> list[dict[str, Any]]:
    distances = to_train.distances()[:, 0]
    train = pair.train or pair.real
    return [
        {
            "fake": pair.fake.names[i] if pair.fake.names else str(i),
            "nearest": train.names[to_train.index[i, 0]] if train.names else str(to_train.index[i, 0]),
            "distance": float(distances[i]),
            "ratio": float(distances[i] / unit),
        }
        for i in np.argsort(distances, kind="stable")[:LISTED]
    ]


NN = Metric(
    name="nn",
    label="nn",
    summary="median distance to the nearest training image, 1 as among training images; near 0 copied",
    compute=nearest,
    better="none",
    range=(0.0, float("inf")),
    source="after Meehan et al. 2020, arXiv:2004.05675",
    uses_train=True,
    min_count=4,
)
