"""Structural similarity, at one scale and at several.

Wang et al. 2004 (doi 10.1109/TIP.2003.819861) and Wang et al. 2003 (doi 10.1109/ACSSC.2003.1292216). Conventions are
those that scikit-image (Gaussian weights) and pytorch-msssim share: window 11 x 11 of sigma 1.5, K1 = .01, K2 = .03,
variances with the window's own weights, every channel of RGB alone and then their mean, windows that lie wholly inside
the image. torchmetrics also counts windows over a border that it mirrors, and so differs in the third digit.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from genbench.features.runtime import Setup, refuse_options

Images = NDArray[np.float32]
Array = NDArray[np.float64]
WINDOW_PX, SIGMA = 11, 1.5
C1, C2 = 0.01**2, 0.03**2
SCALES = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])  # weights, finest first; as published, sum 1.0001
REACH = WINDOW_PX // 2
BELL = np.exp(-(np.arange(-REACH, REACH + 1.0) ** 2) / (2 * SIGMA**2))
WINDOW = BELL / BELL.sum()
CONVENTION = {
    "window": f"gaussian {WINDOW_PX}x{WINDOW_PX}, sigma {SIGMA}, inside the image",
    "constants": "K1 0.01, K2 0.03, range 1",
    "channels": "RGB, each alone, mean",
    "dtype": "float64",
}


class StructuralSimilarity:
    """SSIM of two images, range [-1, 1], 1 for equal ones; both sides 11 px or more.

    Args:
        setup: there is nothing to run; it takes no argument and no weights.
    """

    name = "ssim"
    labels: Mapping[str, str] = {"ssim": "SSIM"}
    facts: Mapping[str, str] = {"extractor": "ssim v1", **CONVENTION}
    batch_size = 16
    fewest_px = WINDOW_PX

    def __init__(self, setup: Setup) -> None:
        refuse_options(self.name, setup)

    def __call__(self, first: Images, second: Images) -> Images:
        """Return float32 [n] of images float32 [n, h, w, 3] in [0, 1]."""
        luminance, contrast = compare_windows(first.astype(np.float64), second.astype(np.float64))
        return np.asarray((luminance * contrast).mean(axis=(1, 2, 3)), np.float32)


class MultiscaleSimilarity:
    """MS-SSIM of two images, range [0, 1], 1 for equal ones: SSIM's contrast at five scales, luminance at the last.

    A scale is half the one before (means of 2 x 2 pixels, an odd row or column left out). Images whose shorter side is
    below 176 px have fewer scales, as the last must hold the window: their weights are made to sum to 1. A channel's
    negative mean contrast at a scale counts as 0, as its fractional power is no number; pytorch-msssim does so too.

    Args:
        setup: there is nothing to run; it takes no argument and no weights.
    """

    name = "ms-ssim"
    labels: Mapping[str, str] = {"ms-ssim": "MS-SSIM"}
    facts: Mapping[str, str] = {"extractor": "ms-ssim v1", **CONVENTION, "scales": f"up to 5, weights {SCALES}"}
    batch_size = 8
    fewest_px = WINDOW_PX

    def __init__(self, setup: Setup) -> None:
        refuse_options(self.name, setup)

    @staticmethod
    def scales(shorter_px: int) -> int:
        """Return how many scales an image has whose shorter side is ``shorter_px`` >= 11."""
        return min(len(SCALES), (shorter_px // WINDOW_PX).bit_length())

    def __call__(self, first: Images, second: Images) -> Images:
        """Return float32 [n] of images float32 [n, h, w, 3] in [0, 1]."""
        number = self.scales(min(first.shape[1:3]))
        weights = SCALES if number == len(SCALES) else SCALES[:number] / SCALES[:number].sum()
        pair = first.astype(np.float64), second.astype(np.float64)
        product: Array = np.ones((len(first), first.shape[3]))
        for scale, weight in enumerate(weights):
            luminance, contrast = compare_windows(*pair)
            factor = luminance * contrast if scale == number - 1 else contrast
            product *= np.maximum(factor.mean(axis=(1, 2)), 0) ** weight
            pair = _halve(pair[0]), _halve(pair[1])
        return np.asarray(product.mean(axis=1), np.float32)


def compare_windows(first: Array, second: Array) -> tuple[Array, Array]:
    """Return the luminance and the contrast-structure term of every window, [n, h - 10, w - 10, 3], of [n, h, w, 3]."""
    mean_first, mean_second = _smooth(first), _smooth(second)
    product = mean_first * mean_second
    squares = mean_first**2 + mean_second**2
    variances = _smooth(first**2 + second**2) - squares
    covariance = _smooth(first * second) - product
    return (2 * product + C1) / (squares + C1), (2 * covariance + C2) / (variances + C2)


def _smooth(images: Array) -> Array:
    for axis in (1, 2):
        images = correlate1d(images, WINDOW, axis=axis)
    return images[:, REACH:-REACH, REACH:-REACH]


def _halve(images: Array) -> Array:
    count, height, width, channels = images.shape
    even = images[:, : height // 2 * 2, : width // 2 * 2]
    return np.asarray(even.reshape(count, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4)))
