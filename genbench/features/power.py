"""No network: how much of an image there is at each frequency, whatever the direction.

Durall et al. 2020, arXiv:2003.01826: the azimuthal average of the power of the discrete Fourier transform, in which
up-convolutions of generators leave their traces at high frequencies.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray

from genbench.contracts import Pixels
from genbench.errors import BadInput
from genbench.features.runtime import Setup, refuse_options

NAME = "spectrum"
RINGS_A_CYCLE = 32  # per pixel: an image of 32 pixels or more has a frequency in every ring but the first
RINGS = 23  # up to the corner of the spectrum, half a cycle in both directions
LUMA = np.array([0.299, 0.587, 0.114])
ROUNDING = 1 / 12  # power of rounding to 8 bits: a flat image has that much at every frequency
Spectrum = NDArray[np.float32]


class PowerSpectrum:
    """No network: power of the grey image in 23 rings of frequency, in decibels, at the image's own size.

    Layer "pooled" is float32 [n, 23]: 10 log10 of the mean power of the ring from k/32 to (k + 1)/32 cycles a pixel,
    k = 0 .. 22, corners included: what upsampling leaves is there. Grey is .299 R + .587 G + .114 B in 0..255 less its
    mean, the power |DFT|^2 / pixels (white noise has its variance), plus 1/12, the power of rounding to 8 bits. No
    window is applied. A ring without a frequency, as small images have some, gets the value between its neighbours'.

    Nothing is resized, as that would change what is measured: an image at another size has another spectrum.

    Args:
        setup: there is nothing to run; it takes no argument and no weights.
    """

    name = NAME
    widths: Mapping[str, int] = {"pooled": RINGS}
    batch_size = 64
    labels: Mapping[str, str] = {"spectrum": "spectrum gap, dB"}

    def __init__(self, setup: Setup) -> None:
        refuse_options(NAME, setup)
        self.facts: Mapping[str, str] = {
            "extractor": f"{NAME} v1",
            "network": f"power of the grey image in {RINGS} rings of 1/{RINGS_A_CYCLE} cycle a pixel, dB",
            "weights": "none",
            "resize": "none",
            "decode": f"pillow {PIL.__version__} convert RGB",
            "dtype": "float32",
            "runtime": "numpy",
        }

    def prepare(self, image: Pixels) -> Spectrum:
        """Return the spectrum of the image, float32 [23], in dB; refuses one of a single pixel."""
        grey = image @ LUMA
        power = np.square(np.abs(np.fft.rfft2(grey - grey.mean()))) / grey.size
        ring, weight = _rings(*grey.shape)
        size = np.bincount(ring, weight, RINGS)
        if not size.any():
            raise BadInput("has a single pixel, and so no frequencies; expected 2 pixels or more")
        total = np.bincount(ring, weight * power.ravel(), RINGS)
        is_there = size > 0
        level = 10 * np.log10(total[is_there] / size[is_there] + ROUNDING)
        return np.asarray(np.interp(np.arange(RINGS), np.flatnonzero(is_there), level), np.float32)

    def __call__(self, batch: NDArray[Any]) -> dict[str, Spectrum]:
        """Return "pooled" float32 [n, 23] for n spectra stacked."""
        return {"pooled": np.asarray(batch, np.float32)}


def _rings(height: int, width: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the ring of each coefficient of ``rfft2``, and how often the whole transform holds it: 0 for the mean."""
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    ring = (np.hypot(down, across) * RINGS_A_CYCLE).astype(np.intp)
    weight = np.where((across == 0) | (across == 0.5), 1.0, 2.0) * np.ones_like(down)  # the other half is its mirror
    weight[0, 0] = 0
    return ring.ravel(), weight.ravel()
