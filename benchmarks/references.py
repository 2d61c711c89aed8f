"""What likelihoods of small digits are read against: two models that know next to nothing."""

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from zoo.data import Examples, open_data
from zoo.levels import from_levels, levels_of

DATA = "digits8"


class IndependentLevels:
    """Each pixel has grey levels of its own, whatever the others have; satisfies ``HasLikelihood`` and ``Sampler``.

    Args:
        shares: probability of each level of each pixel, float64 [c, h, w, levels].
    """

    kind: ClassVar = "exact"
    dequantisation: ClassVar = "none"

    def __init__(self, shares: np.ndarray) -> None:
        self._shares = torch.from_numpy(shares)
        self.image_shape, self.levels = tuple(shares.shape[:3]), shares.shape[3]

    def log_prob(self, x: Tensor, labels: Any = None) -> Tensor:
        """Return nats float64 [n] of images [n, c, h, w], level k being k / (levels - 1)."""
        levels = levels_of(x, self.levels)[..., None]
        found = self._shares.log().expand(len(x), *self._shares.shape).gather(-1, levels)
        return found.flatten(1).sum(1)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return n images float32 [n, c, h, w] in [0, 1]."""
        pixels = self._shares.flatten(0, 2)
        drawn = torch.multinomial(pixels, n, replacement=True, generator=generator).T
        return from_levels(drawn.reshape(n, *self.image_shape), self.levels)


def uniform() -> IndependentLevels:
    """Every level of every pixel as likely: log2 of the levels, in bits a pixel value."""
    examples = open_data(DATA)
    return IndependentLevels(np.full((*examples.x.shape[1:], _levels(examples)), 1 / _levels(examples)))


def independent_pixels() -> IndependentLevels:
    """Each pixel's levels as often as in the training split, counted with one more of each (Laplace)."""
    examples = open_data(DATA)
    counts = np.stack([(examples.x == level).sum(axis=0) for level in range(_levels(examples))], axis=-1) + 1.0
    return IndependentLevels(counts / counts.sum(axis=-1, keepdims=True))


def _levels(examples: Examples) -> int:
    assert examples.levels is not None, "digits have grey levels"
    return examples.levels
