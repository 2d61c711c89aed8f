"""Pictures that the user gives to a trained model."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from genbench.errors import BadInput
from zoo.data.folders import image_files
from zoo.data.squares import squared, undecodable

ALPHA = ("RGBA", "RGBa", "LA", "La", "PA")  # modes of Pillow


def read_given(paths: Iterable[Path], shape: Sequence[int], levels: int | None) -> NDArray[np.uint8]:
    """Return picture files, and all those under folders, as a model's grey levels, uint8 [n, c, side, side].

    They become squares as those of a user's data set do (``squares.squared``). What would be lost without a word is
    refused: more than 8 bits a channel, transparency, colours where the model is grey, bytes between its levels. Level
    k of L is the byte 255 k / (L - 1), rounded half up, as scored pictures have it.

    Args:
        paths: in their order; files of a folder in order of names.
        shape: of the model's images, (c, side, side).
        levels: of the model, at most 256; None of a model of points.

    Raises:
        BadInput: if a file is missing, broken, or cannot be had without a loss, or the model's are no square pictures.
    """
    if levels is None or len(shape) != 3 or shape[1] != shape[2]:
        raise BadInput(
            f"--images: the model takes no pictures; expected one of square pictures, got examples of {list(shape)}. "
            "Leave --images out."
        )
    files = [file for path in paths for file in _files(path)]
    bytes_of_levels = (2 * 255 * np.arange(levels) + levels - 1) // (2 * (levels - 1))
    level_of = np.full(256, -1)
    level_of[bytes_of_levels] = np.arange(levels)
    return np.stack([_read(file, shape, level_of) for file in files])


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return [path / name for name in image_files(path, f"--images {path}")]
    if not path.is_file():
        raise BadInput(f"--images {str(path)!r}: not there; expected a picture or a folder of them. Check the path.")
    return [path]


def _read(path: Path, shape: Sequence[int], level_of: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return one file in a model's levels, uint8 [c, side, side]."""
    try:
        with Image.open(path) as image:
            lost, rule, todo = _loss(image)
            pixels = squared(image, shape[1])
    except Exception as error:  # what Pillow's plug-ins raise on broken files is of any kind
        raise undecodable(path, error) from error
    if shape[0] == 1 and not lost and (pixels != pixels[0]).any():
        lost, rule, todo = "colours", "a grey picture as those learned", "Convert it"
    found = level_of[pixels[: shape[0]]]
    if not lost and (found < 0).any():
        known = np.flatnonzero(level_of >= 0)
        lost = f"byte {pixels[: shape[0]][found < 0][0]}"
        rule = f"the {len(known)} grey levels of the model, {', '.join(map(str, known[:3]))} to 255"
        todo = f"Give pictures of {shape[2]} x {shape[1]} pixels in these"
    if lost:
        raise BadInput(f"image {str(path)!r}: would lose what it holds; expected {rule}, got {lost}. {todo}.")
    return found.astype(np.uint8)


def _loss(image: Image.Image) -> tuple[str, str, str]:
    """Return what 8 bits of red, green and blue would lose of a picture, what is wanted and what to do; "" if nothing.

    To be asked before the picture is loaded: only then does Pillow tell how many bits the file has.
    """
    is_deep = image.mode[0] in "IF" or ";16" in str(getattr(image, "tile", ""))
    if is_deep:
        return "more", "8 bits a channel", "Convert it"
    if "transparency" in image.info or image.mode in ALPHA:
        lowest, _ = image.convert("RGBA").getchannel("A").getextrema()
        if lowest < 255:
            return "transparency", "a picture without", "Give it a background"
    return "", "", ""
