"""The renderer of the shapes: from factors to pictures, masks and edges. It is the oracle of every set made with it."""

import numpy as np
from numpy.typing import NDArray

from zoo.data.raster import FULL, Cover, Floats, Mask, coverage, direction, ellipse, paint, positions, snapped, spread

SIDE = 32
KINDS = ("disc", "square", "triangle", "star")
FACTORS = ("kind", "hue", "size", "x", "y", "rotation", "background")
REGIONS = ("background", "shape", "shadow")

HUES, TURNS = 1536, 256  # steps of a colour wheel, and of the angle after which a shape repeats
DARKEST, GREYS = 112, 128  # of the background
SHADOW = 2  # pixels to the right and down
BEHIND = 64  # grey level of a full shadow
STRIPE = 2  # pixels
AT_ONCE = 128
# sides, direction of the first one's normal, its distance from the centre in sizes, sides a point may be beyond
SIDES = {
    1: (4, 0.0, 0.70710678, 0),
    2: (3, np.pi / 2, 0.5, 0),
    3: (5, -np.pi / 2, 0.30901699, 1),  # a pentagram: beyond one line at most
}


def render_shapes(factors: Floats, *, is_striped: bool = False) -> NDArray[np.uint8]:
    """Return pictures of shapes with a shadow on a grey ground.

    Args:
        factors: [n, 7] in the order of ``FACTORS``: kind 0..3, an index into ``KINDS``; hue in [0, 1), a full circle of
            colours from red over green and blue; size, the radius of the circle around the shape, pixels; x and y of
            its centre, pixels from the left and the top; rotation in [0, 1), of the angle after which the shape repeats
            (square 90, triangle 120, star 72 degrees; a disc shows none); background in [0, 1), its grey.
        is_striped: draw with the opposite hue and light diagonal stripes: the other domain of ``shapes_ab``.

    Returns:
        uint8 [n, 3, 32, 32]. Positions are rounded to 1/64 pixel, rotations to 1/256, hues to 1/1536.
    """
    factors = np.asarray(factors, np.float64)
    canvas = np.empty((len(factors), 3, SIDE, SIDE), np.uint16)
    grey = np.clip(np.floor(factors[:, 6] * GREYS + 0.5), 0, GREYS - 1)
    canvas[:] = (DARKEST + grey)[:, None, None, None]
    cover = silhouettes(factors)
    paint(canvas, np.array([BEHIND])[:, None, None], shadows(cover) // 2)
    hue = _steps(factors[:, 1], HUES) + (HUES // 2 if is_striped else 0)
    colour = _colours(hue)[:, :, None, None]
    if is_striped:
        rows, columns = np.indices((SIDE, SIDE))
        is_light = (rows + columns) // STRIPE % 2 == 0
        colour = np.where(is_light, (colour + 2 * 255) // 3, colour)
    paint(canvas, colour, cover)
    return canvas.astype(np.uint8)


def masks_of(factors: Floats) -> NDArray[np.uint8]:
    """Return the region of each pixel, an index into ``REGIONS``, uint8 [n, 32, 32]: what covers half of it or more."""
    cover = silhouettes(np.asarray(factors, np.float64))
    behind = np.where(shadows(cover) >= FULL // 2, np.uint8(2), np.uint8(0))
    return np.where(cover >= FULL // 2, np.uint8(1), behind)


def silhouettes(factors: Floats) -> Cover:
    """Return how much of each pixel the shape covers, uint8 [n, 32, 32] in 0..16."""
    cover = np.zeros((len(factors), SIDE, SIDE), np.uint8)
    for kind in range(len(KINDS)):
        rows = np.flatnonzero(factors[:, 0].astype(np.int64) == kind)
        for start in range(0, len(rows), AT_ONCE):
            part = rows[start : start + AT_ONCE]
            cover[part] = coverage(_inside(kind, factors[part]))
    return cover


def shadows(cover: Cover) -> Cover:
    """Return the shapes' coverage moved to where their shadows fall."""
    moved = np.zeros_like(cover)
    moved[:, SHADOW:, SHADOW:] = cover[:, :-SHADOW, :-SHADOW]
    return moved


def _inside(kind: int, factors: Floats) -> Mask:
    size, x, y = (snapped(factors[:, column]) for column in (2, 3, 4))
    if kind == 0:
        return ellipse(SIDE, np.stack([x, y], axis=1), np.stack([size, size], axis=1))
    sides, first, nearness, may_miss = SIDES[kind]
    distance = snapped(size * nearness)
    across, down = positions(SIDE) - x[:, None], positions(SIDE) - y[:, None]
    beyond = np.zeros((len(factors), across.shape[1], across.shape[1]), np.uint8)
    turn = _steps(factors[:, 5], TURNS) / TURNS
    for side in range(sides):
        normal_x, normal_y = direction(first + 2 * np.pi * (turn + side) / sides)
        beyond += (across * normal_x[:, None])[:, None, :] + (down * normal_y[:, None])[:, :, None] > spread(distance)
    return beyond <= may_miss


def _colours(hue: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the colours of hues in steps of 1/1536 of the wheel, int64 [n, 3] of 30..225."""
    place = (hue[:, None] + np.array([HUES // 2, HUES // 6, 5 * HUES // 6])) % HUES  # red, green, blue: full at 1/2
    ramp = np.clip(np.minimum(place, HUES - place) - HUES // 6, 0, HUES // 6)
    colours: NDArray[np.int64] = 30 + ramp * 195 // (HUES // 6)
    return colours


def _steps(values: Floats, steps: int) -> NDArray[np.int64]:
    """Return values on a circle, in [0, 1), as whole steps, rounded half up; 1 is 0 again."""
    whole: NDArray[np.int64] = np.floor(values * steps + 0.5).astype(np.int64)
    return whole % steps
