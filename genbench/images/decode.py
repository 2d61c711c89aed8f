"""From one blob to pixels, exactly as the peers do it: ``PIL.Image.open(...).convert("RGB")``.

Alpha is dropped (not composited), 16-bit values are clipped (not scaled), an EXIF rotation is ignored, and of an
animation the first frame is taken. ``check.inspect`` says which of these happens to an image.
"""

import io
import re
import struct
import zlib

import numpy as np
from PIL import Image

from genbench.contracts import Blob, Pixels
from genbench.errors import BadInput

# Pillow loads its plug-ins at the first unusual file; two threads doing so at once can miss one. So: now.
Image.init()

# A literal set, so that what counts as an image does not depend on how Pillow was built. Left out of what Pillow
# opens: documents and programs (.eps .ps .wmf .emf .pdf), videos (.mpg) and scientific containers (.h5 .fits .grib).
# fmt: off
IMAGE_EXTENSIONS = frozenset((
    ".apng", ".avif", ".avifs", ".blp", ".bmp", ".bw", ".cur", ".dcx", ".dds", ".dib", ".flc", ".fli", ".ftc",
    ".ftu", ".gbr", ".gif", ".icb", ".icns", ".ico", ".im", ".j2c", ".j2k", ".jfif", ".jp2", ".jpc", ".jpe",
    ".jpeg", ".jpf", ".jpg", ".jpx", ".mpo", ".msp", ".pbm", ".pcd", ".pcx", ".pfm", ".pgm", ".png", ".pnm",
    ".ppm", ".psd", ".pxr", ".qoi", ".ras", ".rgb", ".rgba", ".sgi", ".tga", ".tif", ".tiff", ".vda", ".vst",
    ".webp", ".xbm", ".xpm",
))
# fmt: on

# What Pillow's plug-ins raise on broken files; a Warning only where the program turned warnings into errors.
REFUSALS = (
    Image.DecompressionBombError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    Warning,
    struct.error,
    zlib.error,
)
CHANNELS = (1, 3, 4)


def decode(blob: Blob) -> Pixels:
    """Return the pixels of one image; safe in worker threads.

    Args:
        blob: an encoded image file, or uint8 [h, w], [h, w, 1] (repeated), [h, w, 3], [h, w, 4] (alpha dropped).

    Returns:
        uint8 RGB [h, w, 3], C order, possibly read-only.

    Raises:
        BadInput: if it cannot be decoded; the message has Pillow's reason.
    """
    if isinstance(blob, np.ndarray):
        return _decode_array(blob)
    try:
        with Image.open(io.BytesIO(blob)) as image:
            image.load()
            image.info.pop("transparency", None)  # convert would warn of what Facts already says
            return np.asarray(image.convert("RGB"))
    except REFUSALS as error:
        raise BadInput(
            f"image: cannot be decoded; expected an image file that Pillow reads, got {reason(error)}. "
            "Remove or replace the file."
        ) from error


def reason(error: BaseException) -> str:
    """Return Pillow's reason on one line, without memory addresses: "OSError: image file is truncated"."""
    text = re.sub(r"\s*<_io\.BytesIO object at 0x[0-9a-f]+>", "", " ".join(str(error).split()))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def array_problem(array: Pixels) -> str | None:
    """Return why ``array`` is not one image, None when it is: uint8 [h, w] or [h, w, 1 | 3 | 4], not empty."""
    has_image_shape = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in CHANNELS)
    if array.dtype == np.uint8 and has_image_shape and array.size:
        return None
    return f"expected uint8 [h, w], [h, w, 1], [h, w, 3] or [h, w, 4], got {array.dtype} {list(array.shape)}"


def _decode_array(array: Pixels) -> Pixels:
    problem = array_problem(array)
    if problem:
        raise BadInput(f"image: not an image; {problem}. Convert it first.")
    if array.ndim == 2:
        array = array[:, :, None]
    if array.shape[2] == 1:
        array = np.repeat(array, 3, axis=2)
    return np.ascontiguousarray(array[:, :, :3])
