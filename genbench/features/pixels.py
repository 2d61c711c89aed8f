"""No network: the pixels themselves, at 32 x 32."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray

from genbench.contracts import Pixels
from genbench.features.runtime import Setup, refuse_options
from genbench.images.resize import resize_pil

NAME = "pixels"
SIDE_PX = 32


class PixelValues:
    """No network: the pixels themselves, at 32 x 32.

    Layer "pooled" is the image at 32 x 32 RGB in [0, 1], float32 [n, 3072] in h, w, c order.

    Pillow's 8-bit box filter brings every image to 32 x 32: exact repetition for 8 x 8 and 16 x 16, area means above.

    Args:
        setup: there is nothing to run; it takes no argument and no weights.
    """

    name = NAME
    widths: Mapping[str, int] = {"pooled": SIDE_PX * SIDE_PX * 3}
    batch_size = 256

    def __init__(self, setup: Setup) -> None:
        refuse_options(NAME, setup)
        self.facts: Mapping[str, str] = {
            "extractor": f"{NAME} v1",
            "network": "none",
            "weights": "none",
            "resize": f"pillow {PIL.__version__} box uint8 {SIDE_PX}x{SIDE_PX}",
            "decode": f"pillow {PIL.__version__} convert RGB",
            "dtype": "float32",
            "runtime": "numpy",
        }

    def prepare(self, image: Pixels) -> NDArray[np.uint8]:
        """Return the image as uint8 RGB [32, 32, 3]."""
        return resize_pil(image, SIDE_PX, "box")

    def __call__(self, batch: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        """Return "pooled" float32 [n, 3072] in [0, 1] for uint8 [n, 32, 32, 3]."""
        return {"pooled": batch.reshape(len(batch), -1).astype(np.float32) / np.float32(255)}
