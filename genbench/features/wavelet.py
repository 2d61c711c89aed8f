"""No network: Haar wavelet packets, which split an image into 256 bands of frequency and keep where in it they are.

Veeramacheneni et al. 2024, arXiv:2312.15289. Their published code: Haar, level 4, images in [0, 1] at 256 x 256.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray

from genbench.contracts import Pixels
from genbench.errors import BadInput
from genbench.features.runtime import Setup, refuse_options
from genbench.images.resize import resize_pil

NAME = "wavelet"
LEVEL = 4
PACKETS = 4**LEVEL
PUBLISHED_PX, SMALLEST_PX, LARGEST_PX = 256, 2**LEVEL, 1024
Packets = NDArray[np.float32]


class WaveletPackets:
    """No network: Haar wavelet packets of level 4 at 256 x 256; `wavelet:SIDE` at SIDE x SIDE, a multiple of 16.

    Layer "pooled" is float32 [n, 3 SIDE^2]: 256 packets one after the other, each c, h, w of SIDE/16 x SIDE/16 places.
    The transform is orthonormal: it keeps lengths.

    Pillow's 8-bit bilinear filter (antialiased) brings every image to SIDE x SIDE. At 256 an image is 0.8 MB of
    features, at 64 it is 49 kB.

    Args:
        setup: SIDE as its argument; it takes no weights.

    Raises:
        BadInput: for an argument that is no such number.
    """

    batch_size = 16
    widths: Mapping[str, int] = {"pooled": 3 * PUBLISHED_PX**2}

    def __init__(self, setup: Setup) -> None:
        self.name = f"{NAME}:{setup.argument}" if setup.argument else NAME
        self._side_px = _side(setup)
        refuse_options(NAME, Setup(setup.place, weights=setup.weights))
        self.widths = {"pooled": 3 * self._side_px**2}
        self.labels = {"fwd": "FWD (PyTorch-FWD)"} if self._side_px == PUBLISHED_PX else {}
        self.facts: Mapping[str, str] = {
            "extractor": f"{NAME} v1",
            "network": f"haar packets of level {LEVEL}, images in [0, 1]",
            "weights": "none",
            "resize": f"pillow {PIL.__version__} bilinear uint8 {self._side_px}x{self._side_px}",
            "decode": f"pillow {PIL.__version__} convert RGB",
            "dtype": "float32",
            "runtime": "numpy",
        }

    def prepare(self, image: Pixels) -> NDArray[np.uint8]:
        """Return the image as uint8 RGB [SIDE, SIDE, 3]."""
        return resize_pil(image, self._side_px, "bilinear")

    def __call__(self, batch: NDArray[Any]) -> dict[str, Packets]:
        """Return "pooled" float32 [n, 3 SIDE^2] for uint8 [n, SIDE, SIDE, 3]."""
        packets = batch.transpose(0, 3, 1, 2)[:, None].astype(np.float32) / np.float32(255)
        for _ in range(LEVEL):
            packets = split(packets)
        return {"pooled": packets.reshape(len(batch), -1)}


def split(packets: Packets) -> Packets:
    """Split every packet into four of half the size: [n, p, c, h, w] -> [n, 4 p, c, h/2, w/2].

    They are the means (a), the differences of rows (h), of columns (v) and of both (d), of 2 x 2 coefficients, halved;
    the four of a packet follow each other.
    """
    top, low = packets[..., 0::2, :], packets[..., 1::2, :]
    bands = []
    for rows in (top + low, top - low):
        bands.append((rows[..., 0::2] + rows[..., 1::2]) / 2)
        bands.append((rows[..., 0::2] - rows[..., 1::2]) / 2)
    average, columns, rows_apart, both = bands
    joined: Packets = np.stack([average, rows_apart, columns, both], axis=2)
    return joined.reshape(len(packets), -1, *joined.shape[3:])


def _side(setup: Setup) -> int:
    text = setup.argument or str(PUBLISHED_PX)
    side = int(text) if text.isdecimal() else 0
    if side % SMALLEST_PX or not SMALLEST_PX <= side <= LARGEST_PX:
        raise BadInput(
            f"{NAME}: no size; expected a multiple of {SMALLEST_PX} from {SMALLEST_PX} to {LARGEST_PX} as in "
            f"{NAME}:64, got {NAME + ':' + text!r}."
        )
    return side
