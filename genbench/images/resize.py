"""Resizing, each filter under a name that says whose it is. Tools differ in their filters."""

from typing import Literal

import numpy as np
from PIL import Image

from genbench.contracts import Pixels

FILTERS = {"box": Image.Resampling.BOX, "bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def resize_pil(image: Pixels, side_px: int, filter_name: Literal["box", "bilinear", "bicubic"]) -> Pixels:
    """Resize uint8 RGB [h, w, 3] to [side_px, side_px, 3] by Pillow: 8-bit in and out, antialiased, aspect not kept.

    Args:
        image: uint8 RGB [h, w, 3].
        side_px: height and width of the result.
        filter_name: Pillow's filter.
    """
    if image.shape[:2] == (side_px, side_px):
        return np.ascontiguousarray(image)
    return np.asarray(Image.fromarray(image).resize((side_px, side_px), FILTERS[filter_name]))
