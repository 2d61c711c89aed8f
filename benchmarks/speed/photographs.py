"""Folders of real-looking JPEG pictures that anyone can make again: crops of scikit-learn's two photographs."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

SIDE_PX = 256
QUALITY = 92


def write_crops(folder: Path, count: int, seed: int, *, blur_px: float = 0.0) -> Path:
    """Write ``count`` random crops, 256 x 256 JPEG, mirrored and dimmed at random, and return the folder."""
    from sklearn.datasets import load_sample_images

    photographs = [Image.fromarray(picture) for picture in load_sample_images().images]
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        crop = _crop(photographs[i % len(photographs)], rng)
        if blur_px:
            crop = crop.filter(ImageFilter.GaussianBlur(blur_px))
        crop.save(folder / f"{i:05d}.jpg", quality=QUALITY)
    return folder


def _crop(photograph: Image.Image, rng: np.random.Generator) -> Image.Image:
    side = int(rng.integers(96, 400))
    left, top = (int(rng.integers(0, length - side + 1)) for length in photograph.size)
    crop = photograph.crop((left, top, left + side, top + side)).resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
    if rng.random() < 0.5:
        crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    gain = float(rng.uniform(0.6, 1.0))
    return Image.eval(crop, lambda level: int(level * gain))
