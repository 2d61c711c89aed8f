"""Two disjoint parts of one set: what a metric says of them is what an honest generator could reach at best."""

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Features
from genbench.scratch import take_rows
from genbench.seeds import generator


def split_off(features: Features, size: int, seed: int) -> tuple[Features, Features]:
    """Draw a part at random; it and the rest keep the order of the set.

    Args:
        features: of n images.
        size: images of the part, at most n // 2.
        seed: of the draw.

    Returns:
        (rest, part), with their rows, names and classes.
    """
    assert 2 * size <= features.count, "the rest is no smaller than the part"
    drawn = generator(seed, "split off").permutation(features.count)
    rest, part = (_take(features, np.sort(places)) for places in (drawn[size:], drawn[:size]))
    return rest, part


def _take(features: Features, chosen: NDArray[np.int64]) -> Features:
    return Features(
        {layer: take_rows(rows, chosen) for layer, rows in features.layers.items()},
        tuple(features.names[i] for i in chosen) if features.names else (),
        None if features.labels is None else features.labels[chosen],
        features.classes,
    )
