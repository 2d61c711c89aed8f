"""Pixels against pixels: mean absolute and mean squared difference of two images."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from genbench.features.runtime import Setup, refuse_options

Images = NDArray[np.float32]
OF_PIXELS = (1, 2, 3)  # all axes but the first


class MeanAbsolute:
    """Mean absolute difference over pixels and channels, range [0, 1]: 0 for equal images, 1 for black and white.

    Args:
        setup: there is nothing to run; it takes no argument and no weights.
    """

    name = "l1"
    labels: Mapping[str, str] = {"l1": "L1"}
    facts: Mapping[str, str] = {"extractor": "l1 v1", "formula": "mean |a - b|, RGB in [0, 1]", "dtype": "float64"}
    batch_size = 64

    def __init__(self, setup: Setup) -> None:
        refuse_options(self.name, setup)

    def __call__(self, first: Images, second: Images) -> Images:
        """Return float32 [n] of images float32 [n, h, w, 3] in [0, 1]."""
        difference = np.abs(first.astype(np.float64) - second)
        return np.asarray(difference.mean(axis=OF_PIXELS), np.float32)


class MeanSquare:
    """Mean squared difference over pixels and channels, range [0, 1]; PSNR is made of it.

    Args:
        setup: there is nothing to run; it takes no argument and no weights.
    """

    name = "mse"
    labels: Mapping[str, str] = {"psnr": "PSNR"}
    facts: Mapping[str, str] = {"extractor": "mse v1", "formula": "mean (a - b)^2, RGB in [0, 1]", "dtype": "float64"}
    batch_size = 64

    def __init__(self, setup: Setup) -> None:
        refuse_options(self.name, setup)

    def __call__(self, first: Images, second: Images) -> Images:
        """Return float32 [n] of images float32 [n, h, w, 3] in [0, 1]."""
        difference = np.square(first.astype(np.float64) - second)
        return np.asarray(difference.mean(axis=OF_PIXELS), np.float32)
