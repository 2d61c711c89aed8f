"""The record every data set of the zoo comes in."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.seeds import generator

OF_PARTNER = "of_partner_"


@dataclass(frozen=True)
class Examples:
    """One split of a data set, held in memory.

    Arrays of ``truth`` with as many rows as ``x`` belong to its rows; those of an unpaired set whose name starts with
    "of_partner_" to the rows of ``partner``; all others describe the set ("centres", "factor_names").

    Attributes:
        name: as it was asked for: "digits32", "biased_shapes:0.9".
        split: "train", "test" or "all".
        x: uint8 grey levels [n, c, h, w], of voxels [n, 1, d, h, w] (h points down, as in pictures); float32 [n, 2]
            of points.
        levels: number of grey levels in ``x``: 256, 17 (digits8), 2 (voxels); None for points.
        native: the levels are what was measured or drawn, not interpolated: likelihoods make sense.
        labels: class of each example, int64 [n]; None where there are none.
        classes: names of the classes, () without.
        partner: the other domain, uint8 [m, c', h, w]: of a paired set row i belongs to ``x[i]``; of an unpaired one
            the order says nothing. None where there is one domain only.
        is_paired: whether the rows of ``partner`` are those of ``x``.
        truth: what is known of the examples, for scoring only, never for training: factors, masks, edges, oracles.
        can_flip: a mirror image is as likely.
        native_as: how to ask for the set at the size that its pictures have: "folder:photos@64"; "" if they have many,
            or it cannot be asked for at another.
    """

    name: str
    split: str
    x: NDArray[Any]
    levels: int | None
    native: bool
    labels: NDArray[np.int64] | None
    classes: tuple[str, ...]
    partner: NDArray[Any] | None
    is_paired: bool
    truth: Mapping[str, NDArray[Any]]
    can_flip: bool
    native_as: str = ""


def join(first: Examples, second: Examples) -> Examples:
    """Return two splits of one data set as one: the rows of ``first``, then those of ``second``."""
    truth = {}
    for key, part in first.truth.items():
        is_of_rows = key.startswith(OF_PARTNER) or (part.ndim > 0 and len(part) == len(first.x))
        truth[key] = np.concatenate([part, second.truth[key]]) if is_of_rows else part
    return replace(
        first,
        x=np.concatenate([first.x, second.x]),
        native=first.native and second.native,
        labels=_joined(first.labels, second.labels),
        partner=_joined(first.partner, second.partner),
        truth=truth,
    )


def shuffle_partner(examples: Examples, seed: int) -> Examples:
    """Return ``examples`` with the partners of an unpaired set in an order that depends on ``seed`` alone."""
    if examples.partner is None or examples.is_paired:
        return examples
    order = generator(seed, "partner").permutation(len(examples.partner))
    truth = {key: part[order] if key.startswith(OF_PARTNER) else part for key, part in examples.truth.items()}
    return replace(examples, partner=examples.partner[order], truth=truth)


def _joined(first: NDArray[Any] | None, second: NDArray[Any] | None) -> NDArray[Any] | None:
    return None if first is None or second is None else np.concatenate([first, second])
