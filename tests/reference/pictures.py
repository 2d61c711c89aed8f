"""Smooth random pictures: no two alike, and copies of one recognisable."""

import numpy as np
from PIL import Image


def smooth_pictures(rng, count, side=32):
    """Return uint8 [count, side, side, 3]: 8 x 8 random colours each, enlarged bicubically."""
    coarse = rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((side, side), Image.Resampling.BICUBIC)) for one in coarse])
