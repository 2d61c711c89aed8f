"""Random numbers that depend on a seed and on names, never on the order of calls."""

import hashlib

import numpy as np


def derive(seed: int, *names: str | int) -> int:
    """Return a 63-bit seed that is a function of ``seed`` and ``names`` alone."""
    text = "/".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """Return a NumPy generator for ``seed`` and ``names``."""
    return np.random.default_rng(derive(seed, *names))
