"""Images that a model has no reason to expect, made of held-out ones: row i depends on (seed, i) alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genbench.seeds import generator

Levels = NDArray[np.uint8]
FEW = 0.1  # share of the values that is replaced by noise


@dataclass(frozen=True)
class Oddity:
    """A kind of odd images.

    Attributes:
        make: (grey levels [n, c, h, w], number of levels, seed) -> grey levels [m, c, h, w].
        is_paired: row i is made of row i.
        note: what is done, in a few words.
    """

    make: Callable[[Levels, int, int], Levels]
    is_paired: bool
    note: str


def invert(x: Levels, levels: int, seed: int) -> Levels:
    """Return black for white."""
    return (levels - 1 - x).astype(np.uint8)


def shuffle(x: Levels, levels: int, seed: int) -> Levels:
    """Return the same pixels at other places, each image in an order of its own; colours of a pixel stay together."""
    flat = x.reshape(*x.shape[:2], -1)
    orders = (generator(seed, "shuffle", row).permutation(flat.shape[2]) for row in range(len(x)))
    return np.stack([image[:, order] for image, order in zip(flat, orders, strict=True)]).reshape(x.shape)


def speckle(x: Levels, levels: int, seed: int) -> Levels:
    """Return images of which each value is replaced, with probability 1/10, by a level drawn uniformly."""
    rngs = [generator(seed, "speckle", row) for row in range(len(x))]
    is_hit = np.stack([rng.random(x.shape[1:]) < FEW for rng in rngs])
    return np.where(is_hit, np.stack([_uniform(rng, x, levels) for rng in rngs]), x)


def noise(x: Levels, levels: int, seed: int) -> Levels:
    """Return as many images of which every value is a level drawn uniformly."""
    return np.stack([_uniform(generator(seed, "noise", row), x, levels) for row in range(len(x))])


def constant(x: Levels, levels: int, seed: int) -> Levels:
    """Return one image a level, that level everywhere."""
    grey = np.arange(levels, dtype=np.uint8).reshape(-1, *[1] * (x.ndim - 1))
    return np.broadcast_to(grey, (levels, *x.shape[1:])).copy()


def halve(x: Levels, levels: int, seed: int) -> Levels:
    """Return images whose lower half is erased: it has the commonest level of ``x`` everywhere."""
    halved = x.copy()
    halved[..., x.shape[-2] // 2 :, :] = _commonest(x)
    return halved


def blank(x: Levels, levels: int, seed: int) -> Levels:
    """Return the one image that has the commonest level of ``x`` everywhere: paper that nobody wrote on."""
    return np.full((1, *x.shape[1:]), _commonest(x), np.uint8)


def _commonest(x: Levels) -> np.uint8:
    return np.uint8(np.bincount(x.ravel()).argmax())


def _uniform(rng: np.random.Generator, x: Levels, levels: int) -> Levels:
    return rng.integers(levels, size=x.shape[1:], dtype=np.uint8)


ODDITIES = {
    "inverted": Oddity(invert, True, "black for white"),
    "shuffled": Oddity(shuffle, True, "pixels in another order, of each image its own"),
    "speckled": Oddity(speckle, True, "a tenth of the values replaced by uniform noise"),
    "halved": Oddity(halve, True, "the lower half erased"),
    "noise": Oddity(noise, False, "every value uniform noise"),
    "constant": Oddity(constant, False, "one level everywhere, an image a level"),
    "blank": Oddity(blank, False, "the commonest level everywhere, one image"),
}
