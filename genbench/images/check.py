"""What is known of an image without its pixels: size, mode, what conversion changes, and whether it can be read."""

import hashlib
import io
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import numpy as np
from PIL import Image

from genbench.contracts import Blob, Facts
from genbench.images.decode import REFUSALS, array_problem, reason

T = TypeVar("T")

ORIENTATION_TAG = 0x0112
JPEG_END, JPEG_END_WITHIN = b"\xff\xd9", 64  # bytes; a file padded by more is loaded to be sure
# Where a PNG may say its orientation; without one of these its EXIF need not be looked for, which loads the image.
PNG_ORIENTATION_MARKS = (b"eXIf", b"Raw profile type exif", b"XML:com.adobe.xmp")

GREYSCALE = ("1", "L", "LA", "La", "I", "F")  # and I;16*
ALPHA = ("RGBA", "RGBa", "LA", "La", "PA")
OTHER_COLOURS = ("CMYK", "YCbCr", "LAB", "HSV")


def inspect(blob: Blob) -> Facts:
    """Return what is known of one image, without decoding it where that is cheap and sure.

    A PNG is believed if its checksums are right, a JPEG if it has its end marker at its end; all else is decoded.
    Nothing that Pillow raises escapes: it becomes ``problem``.

    Args:
        blob: an encoded image file, or uint8 [h, w] or [h, w, 1 | 3 | 4].
    """
    if isinstance(blob, np.ndarray):
        return _inspect_array(blob)
    try:
        with Image.open(io.BytesIO(blob)) as image:
            facts = Facts(image.width, image.height, image.mode, _conversions(image, blob))
            if not _is_surely_whole(image.format, blob):
                _load(blob)
    except REFUSALS as error:
        return Facts(problem=reason(error))
    return facts


def digest(blob: Blob) -> str:
    """Return the SHA-256 of the file's bytes, or of "array/uint8/8x8x3/" and the array's bytes in C order; hex."""
    if isinstance(blob, np.ndarray):
        shape = "x".join(map(str, blob.shape))
        blob = f"array/{blob.dtype}/{shape}/".encode() + blob.tobytes(order="C")
    return hashlib.sha256(blob).hexdigest()


def _inspect_array(array: np.ndarray) -> Facts:
    problem = array_problem(array)
    if problem:
        return Facts(problem=f"not an image; {problem}")
    channels = array.shape[2] if array.ndim == 3 else 1
    conversions = {1: ("greyscale repeated",), 3: (), 4: ("alpha dropped",)}[channels]
    return Facts(array.shape[1], array.shape[0], "RGB", conversions)


def _is_surely_whole(form: str | None, data: bytes) -> bool:
    """Whether a cheap look proves that nothing is missing; False where only decoding tells."""
    if form == "JPEG":
        return JPEG_END in data[-JPEG_END_WITHIN:]
    if form != "PNG":
        return False
    with suppress(*REFUSALS):
        Image.open(io.BytesIO(data)).verify()
        return True
    return False


def _load(data: bytes) -> None:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        image.info.pop("transparency", None)
        image.convert("RGB")


def _conversions(image: Image.Image, data: bytes) -> tuple[str, ...]:
    """Return what ``convert("RGB")`` changes in ``image``, which is open and not yet loaded."""
    mode = image.mode
    found = {
        "palette expanded": mode in ("P", "PA"),
        "greyscale repeated": mode in GREYSCALE or mode.startswith("I;16"),
        "alpha dropped": _has_alpha(image),
        _deep_conversion(image): True,
        f"{mode} converted": mode in OTHER_COLOURS,
        "EXIF rotation ignored": _or(1, lambda: _orientation(image, data)) != 1,
        "first frame of an animation": _or(False, lambda: bool(getattr(image, "is_animated", False))),
    }
    return tuple(name for name, holds in found.items() if name and holds)


def _has_alpha(image: Image.Image) -> bool:
    palette = image.palette.mode if image.palette else ""
    return image.mode in ALPHA or "transparency" in image.info or palette == "RGBA"


def _deep_conversion(image: Image.Image) -> str:
    """Return what happens to more than 8 bits a channel, "" when there are 8.

    Pillow cuts the modes I;16, I and F to 0..255 (F loses its fraction too), and keeps of 16-bit colour the upper 8.
    """
    raw = str([tile[3] for tile in getattr(image, "tile", [])])
    if image.mode == "F":
        return "float clipped"
    if image.mode.startswith("I"):
        is_wide = image.mode == "I" and ";16" not in raw and image.format != "PPM"
        return "32-bit clipped" if is_wide else "16-bit clipped"
    return "16-bit reduced to 8" if ";16" in raw else ""


def _orientation(image: Image.Image, data: bytes) -> int:
    """Return the EXIF orientation, 1 where none is given; 0 counts as none."""
    if image.format == "PNG" and not any(mark in data for mark in PNG_ORIENTATION_MARKS):
        return 1
    value = image.getexif().get(ORIENTATION_TAG, 1)
    return value if value in range(1, 9) else 1


def _or(default: T, look: Callable[[], T]) -> T:
    """Return ``look()``; what is broken beside the first frame's pixels does not keep an image from being read."""
    try:
        return look()
    except REFUSALS:
        return default
