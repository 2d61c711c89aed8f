"""Anti-aliased drawing on many small pictures at once, with the same bytes on every machine.

A region is tested at 4 x 4 points a pixel. Positions and directions are multiples of 2^-6 and 2^-12, and all that is
done with them is elementwise addition, multiplication, division, comparison and square roots, each of which IEEE 754
rounds in one way: no long sums of floats, no matrix products; sines are rounded, so that libraries that differ in their
last bit agree. Colours are blended in whole numbers.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]
Cover = NDArray[np.uint8]  # 0..FULL: how many sixteenths of a pixel are covered

PER_PIXEL = 4
FULL = PER_PIXEL**2
UNIT = 64  # positions are multiples of 1/64 pixel
DIRECTION = 4096  # sines of 1/4096


def positions(side: int) -> NDArray[np.float32]:
    """Return where points are tested along an axis of ``side`` pixels, float32 [4 side]; pixel i spans i to i + 1."""
    return (np.arange(side * PER_PIXEL, dtype=np.float32) + np.float32(0.5)) / np.float32(PER_PIXEL)


def snapped(values: Floats) -> NDArray[np.float32]:
    """Return positions or lengths in pixels rounded half up to 1/64, float32."""
    return (np.floor(np.asarray(values, np.float64) * UNIT + 0.5) / UNIT).astype(np.float32)


def direction(angle: Floats) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (cosine, sine) of angles in radians, rounded half up to 1/4096, float32."""
    table = [np.floor(f(angle) * DIRECTION + 0.5) / DIRECTION for f in (np.cos, np.sin)]
    return table[0].astype(np.float32), table[1].astype(np.float32)


def spread(values: Floats) -> Floats:
    """Return one value a picture, [n], as [n, 1, 1]."""
    return values[:, None, None]


def coverage(inside: Mask) -> Cover:
    """Return how much of each pixel is inside, uint8 [n, h, w] in 0..16, from tests [n, 4 h, 4 w]."""
    n, height, width = inside.shape
    cells: Cover = inside.reshape(n, height // PER_PIXEL, PER_PIXEL, width // PER_PIXEL, PER_PIXEL).view(np.uint8)
    down = cells[:, :, 0] + cells[:, :, 1] + cells[:, :, 2] + cells[:, :, 3]
    cover: Cover = down[..., 0] + down[..., 1] + down[..., 2] + down[..., 3]
    return cover


def ellipse(side: int, centre: Floats, radii: Floats) -> Mask:
    """Return which points lie in axis-parallel ellipses, bool [n, 4 side, 4 side].

    Args:
        side: of the picture, pixels.
        centre: x and y, [n, 2], pixels.
        radii: along x and y, [n, 2], pixels, above 0.
    """
    at = positions(side)
    across, down = ((at - centre[:, axis, None]) / radii[:, axis, None] for axis in (0, 1))
    return (across * across)[:, None, :] + (down * down)[:, :, None] <= 1


def line(side: int, start: Floats, end: Floats, width: float) -> Cover:
    """Return round-ended lines, uint8 [n, h, w] in 0..16, from the distance of each pixel's centre.

    Args:
        side: of the picture, pixels.
        start: x and y, [n, 2], pixels.
        end: likewise.
        width: of the line, pixels.
    """
    at = np.arange(side, dtype=np.float32) + np.float32(0.5)
    across, down = (at - start[:, 0, None])[:, None, :], (at - start[:, 1, None])[:, :, None]
    along_x, along_y = spread(end[:, 0] - start[:, 0]), spread(end[:, 1] - start[:, 1])
    length = along_x * along_x + along_y * along_y
    share = (across * along_x + down * along_y) / np.maximum(length, np.float32(1 / UNIT**2))
    share = np.clip(share, 0, 1)
    across, down = across - share * along_x, down - share * along_y
    distance = np.sqrt(across * across + down * down)
    near = np.clip(np.float32(width / 2 + 0.5) - distance, 0, 1)
    cover: Cover = np.floor(near * FULL + np.float32(0.5)).astype(np.uint8)
    return cover


def paint(canvas: NDArray[np.uint16], colour: NDArray[np.integer[Any]], cover: Cover) -> None:
    """Lay ``colour`` over ``canvas`` in place, rounding half up.

    Args:
        canvas: uint16 [n, c, h, w] of values 0..255.
        colour: values 0..255 that broadcast to it: [n, c, 1, 1], [c, 1, 1].
        cover: uint8 [n, h, w] in 0..16.
    """
    amount = cover[:, None].astype(np.uint16)
    canvas *= FULL - amount
    canvas += colour.astype(np.uint16) * amount + FULL // 2
    canvas >>= 4
