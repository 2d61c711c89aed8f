"""Which examples are held out: decided by a hash of the example's own index or name, never by a seed."""

import os
from collections.abc import Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

from genbench.errors import BadInput
from genbench.seeds import derive

TRAIN_COUNT, TEST_COUNT = 4000, 1000  # of sets that are drawn
DIGITS_SHARE = 0.2
ONE_IN = 10  # names are held out


def count_of(split: str) -> int:
    """Return how many examples a drawn set has in "train" or "test"."""
    return {"train": TRAIN_COUNT, "test": TEST_COUNT}[split]


def indices_of(split: str, name: str, count: int) -> NDArray[np.int64]:
    """Return the sorted indices of a finite set's split: test is the fifth (rounded up) with the smallest hashes."""
    by_hash = sorted(range(count), key=lambda index: derive(0, "split", name, index))
    cut = ceil(DIGITS_SHARE * count)
    return np.array(sorted(by_hash[:cut] if split == "test" else by_hash[cut:]), np.int64)


def names_of(split: str, names: Sequence[str]) -> list[str]:
    """Return the names that are in "train" or "test": one in ten is held out, whatever other names there are."""
    return [name for name in names if (derive(0, "split", _printable(name)) % ONE_IN == 0) == (split == "test")]


def refuse_argument(name: str, argument: str) -> None:
    """Raise ``BadInput`` if a set that takes no argument is given one."""
    if argument:
        raise BadInput(f"data set '{name}:{argument}': it takes no argument; expected {name!r}. Write it so.")


def _printable(name: str) -> str:
    """Return a file's name as text that can be hashed, whatever its bytes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
