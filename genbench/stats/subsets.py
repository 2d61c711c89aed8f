"""Random subsets of two sets of images, drawn as published tools draw them, number by number."""

from typing import Literal

import numpy as np

from genbench.stats.kernels import Members

Draw = Literal["numpy, fake first", "numpy, real first", "torch, real first"]


def draw_subsets(counts: tuple[int, int], subsets: int, size: int, draw: Draw, seed: int) -> tuple[Members, Members]:
    """Return which images are in each subset.

    Args:
        counts: real and fake images, n and m.
        subsets: how many, s.
        size: images a side of each, without replacement.
        draw: the generator, and whose images it draws first.
        seed: of the generator.

    Returns:
        bool [n, s] and [m, s].
    """
    real, fake = (np.zeros((count, subsets), np.bool_) for count in counts)
    places = _Torch(seed) if draw.startswith("torch") else _Numpy(seed)
    order = (fake, real) if draw.endswith("fake first") else (real, fake)
    for subset in range(subsets):
        for members in order:
            members[places(len(members), size), subset] = True
    return real, fake


class _Numpy:
    """``choice`` without replacement, of the generator that ``numpy.random.seed`` seeds."""

    def __init__(self, seed: int) -> None:
        self._source = np.random.RandomState(seed)

    def __call__(self, count: int, size: int) -> list[int]:
        chosen: list[int] = self._source.choice(count, size, replace=False).tolist()
        return chosen


class _Torch:
    """The first of ``randperm``, of the generator that ``torch.manual_seed`` seeds."""

    def __init__(self, seed: int) -> None:
        import torch

        self._source = torch.Generator().manual_seed(seed)

    def __call__(self, count: int, size: int) -> list[int]:
        import torch

        chosen: list[int] = torch.randperm(count, generator=self._source)[:size].tolist()
        return chosen
