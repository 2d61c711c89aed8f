"""Resizing, each filter under a name that says whose it is. Tools differ in their filters, and so in their numbers.

Every function takes one uint8 RGB [h, w, 3] image to [side_px, side_px, 3]; the aspect is not kept. ``resize_pil`` and
``resize_clean`` are Pillow's arithmetic, the others numpy's; none loads torch. Source and destination pixels are
counted from 0; a "scale" is source / destination length.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from genbench.contracts import Pixels

Resized = NDArray[np.float32]  # float32 [side, side, 3] in [0, 255]
Grid = Literal["half-pixel", "corner"]
FILTERS = {"box": Image.Resampling.BOX, "bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def resize_pil(image: Pixels, side_px: int, filter_name: Literal["box", "bilinear", "bicubic"]) -> Pixels:
    """Resize by Pillow: 8-bit in and out, antialiased.

    Args:
        image: uint8 RGB [h, w, 3].
        side_px: height and width of the result.
        filter_name: Pillow's filter.

    Returns:
        uint8 [side_px, side_px, 3].
    """
    if image.shape[:2] == (side_px, side_px):
        return np.ascontiguousarray(image)
    return np.asarray(Image.fromarray(image).resize((side_px, side_px), FILTERS[filter_name]))


def resize_half_pixel(image: Pixels, side_px: int) -> Resized:
    """Resize bilinearly between pixel centres, not antialiased: pytorch-fid, dgm-eval.

    Destination i reads the source at max(0, (i + 1/2) scale - 1/2). Equals torch's ``interpolate(mode="bilinear",
    align_corners=False)`` within 1e-6 of 255.

    Args:
        image: uint8 RGB [h, w, 3].
        side_px: height and width of the result.

    Returns:
        float32 [side_px, side_px, 3] in [0, 255].
    """
    return _separable(image, side_px, partial(_between, "half-pixel"))


def resize_tf1(image: Pixels, side_px: int) -> Resized:
    """Resize bilinearly from pixel corners, not antialiased: TensorFlow 1, torch-fidelity.

    Destination i reads the source at i scale, so the picture moves by up to half a source pixel. Equals
    torch-fidelity's ``interpolate_bilinear_2d_like_tensorflow1x`` within 1e-6 of 255.

    Args:
        image: uint8 RGB [h, w, 3].
        side_px: height and width of the result.

    Returns:
        float32 [side_px, side_px, 3] in [0, 255].
    """
    return _separable(image, side_px, partial(_between, "corner"))


def resize_clean(image: Pixels | Resized, side_px: int) -> Resized:
    """Resize by Pillow's bicubic filter on floats, antialiased, cut to [0, 255]: clean-fid's "clean", bit for bit.

    Args:
        image: RGB [h, w, 3] in [0, 255], uint8 or floats.
        side_px: height and width of the result.

    Returns:
        float32 [side_px, side_px, 3] in [0, 255].
    """
    channels = [Image.fromarray(channel) for channel in image.transpose(2, 0, 1).astype(np.float32)]
    resized = [channel.resize((side_px, side_px), FILTERS["bicubic"]) for channel in channels]
    return np.stack([np.asarray(channel) for channel in resized], axis=2).clip(0, 255)


def resize_antialiased(image: Pixels, side_px: int) -> Resized:
    """Resize by the triangle filter, as wide as the scale: torchmetrics' default.

    Equals torch's ``interpolate(mode="bilinear", align_corners=False, antialias=True)`` within 1e-6 of 255.

    Args:
        image: uint8 RGB [h, w, 3].
        side_px: height and width of the result.

    Returns:
        float32 [side_px, side_px, 3] in [0, 255].
    """
    return _separable(image, side_px, _mean_of_taps)


def _separable(image: Pixels, side_px: int, resize_axis: Callable[..., Resized]) -> Resized:
    """Resize across, then down; down first where that leaves fewer pixels.

    Args:
        image: uint8 RGB [h, w, 3].
        side_px: height and width of the result.
        resize_axis: (rows [h, w, c], axis, side_px) -> rows with that axis ``side_px`` long.
    """
    height, width = image.shape[:2]
    if (height, width) == (side_px, side_px):
        return image.astype(np.float32)
    rows: NDArray[Any] = image
    for axis in (0, 1) if height > side_px else (1, 0):
        rows = resize_axis(rows, axis, side_px)
    return rows


class _Taps(NamedTuple):
    """Between which two source pixels every destination pixel lies, all [side]."""

    low: NDArray[np.intp]
    high: NDArray[np.intp]
    share: NDArray[np.float32]  # of ``high``, in [0, 1]


@lru_cache(maxsize=64)
def _taps(length: int, side_px: int, grid: Grid) -> _Taps:
    """Return the taps of one axis. Positions are rounded to float32 where the peers round them."""
    if grid == "corner":
        at = np.arange(side_px, dtype=np.float32) * np.float32(length / side_px)
    else:  # torch fuses the multiplication and the subtraction: one rounding
        scale = np.float64(np.float32(length) / np.float32(side_px))
        at = np.maximum(((np.arange(side_px) + 0.5) * scale - 0.5).astype(np.float32), 0)
    low = np.minimum(at.astype(np.intp), length - 1)
    return _Taps(low, np.minimum(low + 1, length - 1), at - low.astype(np.float32))


def _between(grid: Grid, rows: NDArray[Any], axis: int, side_px: int) -> Resized:
    """Return ``rows`` [h, w, 3] interpolated between two neighbours along ``axis``."""
    taps = _taps(rows.shape[axis], side_px, grid)
    low, high = (_pick(rows, at, axis) for at in (taps.low, taps.high))
    high -= low
    high *= _beside(taps.share, axis)
    low += high
    return low


@lru_cache(maxsize=64)
def _triangle(length: int, side_px: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return (positions, shares), both [taps, side]: what every destination pixel is a weighted mean of.

    In float32 throughout, as torch computes them.
    """
    scale = np.float32(length) / np.float32(side_px)
    support = max(scale, np.float32(1))
    centre = (np.arange(side_px, dtype=np.float32) + np.float32(0.5)) * scale
    first = np.maximum((centre - support + np.float32(0.5)).astype(np.intp), 0)
    end = np.minimum((centre + support + np.float32(0.5)).astype(np.intp), length)
    at = first + np.arange(int((end - first).max()))[:, None]
    distance = (at.astype(np.float32) - centre + np.float32(0.5)) / support
    shares = np.where(at < end, np.maximum(1 - np.abs(distance), 0), 0).astype(np.float32)
    return np.minimum(at, length - 1), shares / shares.sum(axis=0)


def _mean_of_taps(rows: NDArray[Any], axis: int, side_px: int) -> Resized:
    """Return ``rows`` [h, w, 3] as triangle-weighted means along ``axis``."""
    shape = list(rows.shape)
    shape[axis] = side_px
    total = np.zeros(shape, np.float32)
    for at, share in zip(*_triangle(rows.shape[axis], side_px), strict=True):
        part = _pick(rows, at, axis)
        part *= _beside(share, axis)
        total += part
    return total


def _pick(rows: NDArray[Any], at: NDArray[np.intp], axis: int) -> Resized:
    """Return ``rows.take(at, axis)`` as float32, a copy."""
    if axis == 0:
        picked: Resized = rows[at].astype(np.float32, copy=False)
        return picked
    height, width, channels = rows.shape
    inner = (at[:, None] * channels + np.arange(channels)).ravel()  # single numbers are picked faster than pixels
    picked = rows.reshape(height, width * channels).take(inner, axis=1).astype(np.float32, copy=False)
    return picked.reshape(height, len(at), channels)


def _beside(share: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    return share[:, None, None] if axis == 0 else share[None, :, None]
