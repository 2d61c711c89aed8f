"""Two disjoint parts of one set: what a metric says of them is what an honest generator could reach at best."""

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Features
from genbench.scratch import take_rows
from genbench.seeds import generator


def halves(features: Features, size: int, seed: int) -> tuple[Features, Features]:
    """Draw two disjoint parts at random, in the order of the set.

    Args:
        features: of n images.
        size: images of a part, at most n // 2.
        seed: of the draw.

    Returns:
        Two parts with their rows, names and classes.
    """
    assert 2 * size <= features.count, "two parts need as many images"
    drawn = generator(seed, "halves").permutation(features.count)[: 2 * size]
    first, second = (_take(features, np.sort(part)) for part in (drawn[:size], drawn[size:]))
    return first, second


def _take(features: Features, chosen: NDArray[np.int64]) -> Features:
    return Features(
        {layer: take_rows(rows, chosen) for layer, rows in features.layers.items()},
        tuple(features.names[i] for i in chosen) if features.names else (),
        None if features.labels is None else features.labels[chosen],
        features.classes,
    )
