"""From a generator's numbers to uint8: the one place where floats become pixels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from genbench.errors import BadInput

TOLERANCE = 1e-3  # how far beyond the range, as a part of its width, a value is taken for rounding error


def as_array(images: Any) -> NDArray[Any]:
    """Return images as an array in memory: a tensor's (detached, bfloat16 as float32), a list of equal images stacked.

    Args:
        images: array, torch tensor, PIL image (converted to RGB), or a list or tuple of these.
    """
    if isinstance(images, Image.Image):
        return np.asarray(images.convert("RGB"))
    if isinstance(images, list | tuple):
        parts = [as_array(image) for image in images]
        shapes = sorted({part.shape for part in parts})
        if len(shapes) != 1:
            raise BadInput(f"images: not one batch; expected images of one shape, got {shapes}. Resize them first.")
        return np.stack(parts)
    if hasattr(images, "detach"):
        images = images.detach().cpu()
        if images.is_floating_point() and images.element_size() < 4:
            images = images.float()
        return np.asarray(images.numpy())
    return np.asarray(images)


def channels_last(images: NDArray[Any], who: str = "images") -> NDArray[Any]:
    """Return a view [n, h, w, c] of images [n, h, w], [n, c, h, w] (c 1 or 3) or [n, h, w, c] (c 1, 3 or 4).

    Raises:
        BadInput: if the channels cannot be told from the shape.
    """
    shape = images.shape
    if len(shape) == 3 and shape[2] not in (1, 3, 4):
        return images[..., None]
    if len(shape) == 4:
        is_first, is_last = shape[1] in (1, 3), shape[3] in (1, 3)
        if is_first and not is_last:
            return images.transpose(0, 2, 3, 1)
        if not is_first and (is_last or shape[3] == 4):
            return images
    hint = "Stack single images into a batch first." if len(shape) == 3 else "Transpose them to [n, h, w, 3]."
    raise BadInput(
        f"{who}: unclear which axis holds the channels; expected [n, h, w], [n, 3, h, w] or [n, h, w, 3] "
        f"(1 channel too), got {list(shape)}. {hint}"
    )


def guess_range(lowest: float, highest: float, who: str = "images") -> tuple[float, float]:
    """Return the range that floats seem to have: (-1, 1) if any is below 0 by more than TOLERANCE, else (0, 1).

    Raises:
        BadInput: if they fit neither.
    """
    low, high = (-1.0, 1.0) if lowest < -TOLERANCE else (0.0, 1.0)
    check_range(lowest, highest, (low, high), who)
    return low, high


def check_range(lowest: float, highest: float, allowed: tuple[float, float], who: str = "images") -> None:
    """Raise ``BadInput`` if the extremes of some floats are NaN or beyond ``allowed`` by more than rounding."""
    low, high = allowed
    slack = TOLERANCE * (high - low)
    if low - slack <= lowest and highest <= high + slack:  # false for NaN
        return
    if np.isnan([lowest, highest]).any():
        raise BadInput(
            f"{who}: NaN; expected floats in [{low:g}, {high:g}], got {lowest:g} to {highest:g}. Mend the generator."
        )
    raise BadInput(
        f"{who}: values out of range; expected floats in [{low:g}, {high:g}], got {lowest:g} to {highest:g}. "
        "State the true range (--range=-1,1, in Python output_range=(-1, 1)), or convert to uint8 with 0 to 255."
    )


def extremes(images: NDArray[Any]) -> tuple[float, float]:
    """Return the smallest and the largest value; NaN if any value is NaN."""
    return float(images.min()), float(images.max())


def quantise(images: NDArray[Any], low: float, high: float, who: str = "images") -> NDArray[np.uint8]:
    """Return floats as uint8: 255 (x - low) / (high - low), rounded half up in float64, clamped.

    Args:
        images: float [n, h, w], [n, c, h, w] or [n, h, w, c].
        low: what becomes 0.
        high: what becomes 255.
        who: whose images, for messages.

    Returns:
        uint8 [n, h, w, c].

    Raises:
        BadInput: if they are not floats, or a value is NaN or outside [low, high] by more than TOLERANCE of its width.
    """
    images = channels_last(images, who)
    if images.dtype.kind != "f":
        raise BadInput(f"{who}: not floats; expected float32, got {images.dtype}. Give uint8 with 0 to 255, or floats.")
    if not images.size:
        raise BadInput(f"{who}: empty; expected images of at least 1 pixel, got {list(images.shape)}. Give some.")
    check_range(*extremes(images), (low, high), who)
    out = np.empty(images.shape, np.uint8)
    for index, image in enumerate(images):  # one at a time: float64 is eight times the result
        scaled = (image.astype(np.float64) - low) * (255.0 / (high - low))
        out[index] = np.floor(np.clip(scaled, 0.0, 255.0) + 0.5)
    return out


def as_pixels(images: NDArray[Any], value_range: tuple[float, float], who: str = "images") -> NDArray[np.uint8]:
    """Return uint8 [n, h, w, c]: uint8 images as they are, floats quantised from ``value_range``."""
    if images.dtype == np.uint8:
        return channels_last(images, who)
    return quantise(images, *value_range, who=who)
