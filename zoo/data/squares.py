"""Pictures of any size as squares of one size."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.errors import BadInput

SIDE = 32


def split_side(argument: str) -> tuple[str, int]:
    """Return (what comes before "@", side in pixels) of "photos@64"; without a number after an "@", the side is 32."""
    before, at, after = argument.rpartition("@")
    if not at or not after.isdigit():
        return argument, SIDE
    if not int(after):
        raise BadInput(
            f"data set {argument!r}: no size; expected a side of at least 1 pixel, got 0. Write {before}@32."
        )
    return before, int(after)


def squared(image: Any, side: int, mode: str = "RGB") -> NDArray[np.uint8]:
    """Return a PIL image as a square, uint8 [c, side, side].

    Its shorter side is resized to ``side`` by Pillow's bicubic filter, which widens with the reduction (antialiased),
    the longer one in proportion, rounded; then the middle is cut out. What has the right shorter side is only cut.
    Conversion is ``convert(mode)`` as it is when images are scored: alpha is dropped, a rotation in EXIF is ignored.

    Args:
        image: PIL image.
        side: pixels.
        mode: "RGB", or "L" for grey.
    """
    from PIL import Image

    image.info.pop("transparency", None)  # convert would warn of what is documented
    image = image.convert(mode)
    shorter = min(image.size)
    if shorter != side:
        width, height = (max(side, round(length * side / shorter)) for length in image.size)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    pixels = np.asarray(image.crop((left, top, left + side, top + side)))
    return np.atleast_3d(pixels).transpose(2, 0, 1)


@dataclass(frozen=True)
class Squares:
    """Image files as squares of one size.

    Attributes:
        images: uint8 [n, 3, side, side].
        sizes: width and height of each file, pixels.
    """

    images: NDArray[np.uint8]
    sizes: list[tuple[int, int]]

    @property
    def is_grey(self) -> bool:
        """Red, green and blue are equal in every pixel, whatever the files' modes."""
        return all(bool((image == image[0]).all()) for image in self.images)

    @property
    def shorter_sides(self) -> set[int]:
        """Lengths of the files' shorter sides, pixels."""
        return {min(size) for size in self.sizes}


def read_squares(paths: Iterable[Path], side: int) -> Squares:
    """Return image files as RGB squares, decoded in threads; one that cannot be decoded raises ``BadInput``."""
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda path: _read(path, side), paths))
    images = np.array([square for square, _ in found], np.uint8).reshape(-1, 3, side, side)
    return Squares(images, [size for _, size in found])


def _read(path: Path, side: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    from PIL import Image

    try:
        with Image.open(path) as image:
            size = image.size
            return squared(image, side), size
    except Exception as error:  # what Pillow's plug-ins raise on broken files is of any kind
        raise undecodable(path, error) from error


def undecodable(path: Path, error: Exception) -> BadInput:
    """Return the error that names a file which Pillow cannot read."""
    return BadInput(
        f"image {str(path)!r}: cannot be decoded; expected an image file that Pillow reads, got "
        f"{type(error).__name__}: {' '.join(str(error).split())}. Remove or replace the file."
    )
