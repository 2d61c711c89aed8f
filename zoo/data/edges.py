"""Edges: of grey pictures, the true operator between digits and their edges, and of masks."""

import numpy as np
from numpy.typing import NDArray

GAIN = 2  # a digit enlarged four times climbs from black to white over some four pixels


def edges(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return twice the morphological gradient of pictures, cut at 255.

    The gradient is the largest minus the smallest value of a pixel and its neighbours at the four sides; there are none
    beyond the border. Whole numbers throughout: the same bytes on every machine.

    Args:
        images: uint8 [..., h, w]; channels are treated one by one.

    Returns:
        uint8 of the same shape.
    """
    gradient = _extreme(np.maximum, images) - _extreme(np.minimum, images)
    return np.minimum(GAIN * gradient.astype(np.uint16), 255).astype(np.uint8)


def outlines(masks: NDArray[np.uint8], above: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the outer pixels of each region: 255 where a neighbour at one of the four sides lies lower, else 0.

    Args:
        masks: region of each pixel, uint8 [n, h, w].
        above: rank of each region, [k]: the higher covers the lower.

    Returns:
        uint8 [n, h, w].
    """
    rank = above[masks]
    return np.where(rank > _extreme(np.minimum, rank), np.uint8(255), np.uint8(0))


def _extreme(choose: np.ufunc, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the largest or smallest value of each pixel and its neighbours."""
    found = images.copy()
    most, rest = slice(None, -1), slice(1, None)
    for here, there in ((most, rest), (rest, most)):
        choose(found[..., here, :], images[..., there, :], out=found[..., here, :])
        choose(found[..., here], images[..., there], out=found[..., here])
    return found
