"""Short fingerprints of a picture: one that only the same pixels share, and one that similar pictures nearly share."""

import hashlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from genbench.contracts import Pixels

HASH_COLUMNS, HASH_ROWS = 9, 8


def pixel_digest(image: Pixels) -> str:
    """Return the SHA-256 of the shape and the pixels; the same for the same picture in another file format."""
    shape = "x".join(map(str, image.shape))
    return hashlib.sha256(f"{shape}/".encode() + image.tobytes(order="C")).hexdigest()


def difference_hash(image: Pixels) -> np.uint64:
    """Return the 64-bit difference hash: of the picture as 9 x 8 greys, which are darker than their right neighbour.

    Greys are ITU-R 601, reduced by the mean over fields, row by row from the top left, the first bit the highest. Of
    two pictures the number of bits that differ is small where one is the other with less quality or another size.
    Source: Krawetz 2013, "Kind of like that".
    """
    grey = Image.fromarray(image).convert("L").convert("F").resize((HASH_COLUMNS, HASH_ROWS), Image.Resampling.BOX)
    values = np.asarray(grey)
    bits = (values[:, :-1] < values[:, 1:]).ravel()
    return np.uint64(int.from_bytes(np.packbits(bits).tobytes(), "big"))


def bits_apart(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Return how many of 64 bits differ, elementwise."""
    return np.asarray(np.bitwise_count(one ^ other))


def is_blank(image: Pixels) -> bool:
    """Whether all pixels are one colour: such pictures are equal without anyone having copied."""
    return bool((image == image[0, 0]).all())
