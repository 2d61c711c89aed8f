"""Occupancy grids of six kinds of things, and their projections as pictures."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.seeds import generator
from zoo.data.contracts import Examples
from zoo.data.raster import Mask, snapped
from zoo.data.splits import count_of, refuse_argument

SIDE = 16
CLASSES = ("box", "sphere", "torus", "cross", "chair", "table")
CANDIDATES = 7200
HELD_OUT = 51  # of 256 values of a hash's first byte: a fifth
FADE = 160  # grey levels from the nearest to the farthest
Along = NDArray[np.float32]  # [n, 16, 1, 1] or with the 16 elsewhere: where voxels' centres lie from the thing's own


def load_voxels16(argument: str, split: str) -> Examples:
    """Grids of 16^3 voxels: box, sphere, torus, cross, chair, table, in random sizes, places and quarter turns.

    uint8 [n, 1, 16, 16, 16] of 0 and 1, axes depth, height (downwards) and width; 4,000 in train, 1,000 in test, no
    grid twice. As whole numbers of voxels repeat, a hash of the grid itself decides on its split. Labels are the kinds.
    """
    refuse_argument("voxels16", argument)
    grids, labels = _candidates()
    packed = np.packbits(grids.reshape(len(grids), -1), axis=1)
    _, first = np.unique(packed, axis=0, return_index=True)
    first.sort()
    is_test = np.array([hashlib.sha256(packed[row].tobytes()).digest()[0] < HELD_OUT for row in first])
    rows = first[is_test == (split == "test")][: count_of(split)]
    return Examples(
        name="",
        split="",
        x=grids[rows][:, None].view(np.uint8),
        levels=2,
        native=True,
        labels=labels[rows],
        classes=CLASSES,
        partner=None,
        is_paired=False,
        truth={},
        can_flip=True,
    )


def project(voxels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return views from the front, the left and above, side by side, lighter where the thing is nearer.

    Args:
        voxels: [n, 1, s, s, s], depth, height (downwards), width; occupied where 1/2 or more.

    Returns:
        uint8 [n, 1, s, 3 s]: 0 where a ray meets nothing, else 255 less 160 k / s, rounded half up, for the first
        occupied voxel k along it.
    """
    is_full = np.asarray(voxels)[:, 0] >= 0.5
    views = [is_full, is_full.transpose(0, 3, 2, 1), is_full.transpose(0, 2, 1, 3)[:, :, ::-1]]
    return np.concatenate([_nearness(view) for view in views], axis=2)[:, None]


def _nearness(view: Mask) -> NDArray[np.uint8]:
    """Return how near the first occupied voxel along axis 1 is, uint8 [n, s, s]."""
    side = view.shape[1]
    faded = (2 * FADE * view.argmax(axis=1) + side) // (2 * side)
    return np.where(view.any(axis=1), 255 - faded, 0).astype(np.uint8)


def _candidates() -> tuple[Mask, NDArray[np.int64]]:
    """Return more grids than are needed, bool [n, 16, 16, 16], and their kinds in turn."""
    draws = generator(0, "voxels16")
    makers = (_boxes, _spheres, _tori, _crosses, _chairs, _tables)
    made = [make(draws, CANDIDATES // len(makers)) for make in makers]
    labels = np.tile(np.arange(len(makers)), CANDIDATES // len(makers))
    return np.stack(made, axis=1).reshape(-1, SIDE, SIDE, SIDE), labels


def _axes(centre: NDArray[Any]) -> tuple[Along, Along, Along]:
    """Return depth, height and width of every voxel's centre relative to ``centre`` [n, 3], ready to broadcast."""
    place = np.arange(SIDE, dtype=np.float32) + np.float32(0.5)
    away = place - centre.astype(np.float32)[:, :, None]
    return away[:, 0, :, None, None], away[:, 1, None, :, None], away[:, 2, None, None, :]


def _one(values: NDArray[Any]) -> NDArray[Any]:
    return values[:, None, None, None]


def _boxes(draws: np.random.Generator, count: int) -> Mask:
    size = draws.integers(5, 14, (count, 3))
    low = draws.integers(0, SIDE + 1 - size)
    within = [np.abs(away) < _one(size[:, axis]) / 2 for axis, away in enumerate(_axes(low + size / 2))]
    inside: Mask = within[0] & within[1] & within[2]
    return inside


def _spheres(draws: np.random.Generator, count: int) -> Mask:
    radius = snapped(draws.uniform(3, 7, count))
    slack = draws.uniform(-1, 1, (count, 3)) * (SIDE / 2 - radius[:, None])
    depth, height, width = _axes(snapped(SIDE / 2 + slack))
    inside: Mask = depth * depth + height * height + width * width <= _one(radius * radius)
    return inside


def _tori(draws: np.random.Generator, count: int) -> Mask:
    ring, tube = snapped(draws.uniform(3.5, 5.25, count)), snapped(draws.uniform(1.25, 2.25, count))
    slack = draws.uniform(-1, 1, (count, 3)) * (SIDE / 2 - ring - tube)[:, None]
    square = np.stack([away * away + np.zeros((1, SIDE, SIDE, SIDE), np.float32) for away in _axes(snapped(8 + slack))])
    axle = square[draws.integers(3, size=count), np.arange(count)]
    whole = square[0] + square[1] + square[2]
    reach = whole + _one(ring * ring - tube * tube)
    inside: Mask = reach * reach <= _one(4 * ring * ring) * (whole - axle)
    return inside


def _crosses(draws: np.random.Generator, count: int) -> Mask:
    thick, lengths = draws.integers(2, 5, count), draws.integers(5, 8, (count, 3))
    away = _axes(SIDE / 2 + draws.integers(-1, 2, (count, 3)) + thick[:, None] % 2 / 2)
    is_thin = [np.abs(one) < _one(thick) / 2 for one in away]
    is_near = [np.abs(one) < _one(lengths[:, axis]) for axis, one in enumerate(away)]
    arms = [is_near[a] & is_thin[(a + 1) % 3] & is_thin[(a + 2) % 3] for a in range(3)]
    inside: Mask = arms[0] | arms[1] | arms[2]
    return inside


def _chairs(draws: np.random.Generator, count: int) -> Mask:
    size = draws.integers([7, 7], [12, 12], (count, 2))  # depth, width
    low = draws.integers(0, SIDE + 1 - size)
    top, seat, thick = draws.integers(0, 3, count), draws.integers(7, 10, count), draws.integers(1, 3, count)
    depth, height, width, grid = _stand(low, size, draws.integers(1, 3, count), seat, thick)
    back = (depth >= 0) & (depth < _one(thick)) & (width >= 0) & (width < _one(size[:, 1]))
    grid |= back & (height >= _one(top)) & (height < _one(seat))
    return _turned(grid, draws.integers(4, size=count))


def _tables(draws: np.random.Generator, count: int) -> Mask:
    size = draws.integers([8, 8], [16, 16], (count, 2))
    low = draws.integers(0, SIDE + 1 - size)
    top, thick = draws.integers(2, 8, count), draws.integers(1, 4, count)
    return _stand(low, size, draws.integers(1, 4, count), top, thick)[3]


def _stand(
    low: NDArray[np.int64],
    size: NDArray[np.int64],
    leg: NDArray[np.int64],
    top: NDArray[np.int64],
    thick: NDArray[np.int64],
) -> tuple[Along, Along, Along, Mask]:
    """Return depth, height and width of voxels from a corner, and slabs on four legs that reach the floor.

    Args:
        low: the corner's depth and width, [n, 2].
        size: of the slab, depth and width, [n, 2].
        leg: side of a leg, [n].
        top: height index of the slab's upper face, [n].
        thick: of the slab, [n].
    """
    corner = np.stack([low[:, 0], np.zeros_like(leg), low[:, 1]], axis=1)
    depth, height, width = _axes(corner)
    long, wide = _one(size[:, 0]), _one(size[:, 1])
    is_over = (depth >= 0) & (depth < long) & (width >= 0) & (width < wide)
    is_slab = (height >= _one(top)) & (height < _one(top + thick))
    at_end = (depth < _one(leg)) | (depth >= long - _one(leg))
    at_side = (width < _one(leg)) | (width >= wide - _one(leg))
    return depth, height, width, is_over & (is_slab | (at_end & at_side & (height >= _one(top))))


def _turned(grids: Mask, quarters: NDArray[np.int64]) -> Mask:
    """Return grids turned about the vertical axis by 0 to 3 quarters."""
    return np.stack([np.rot90(grid, k, axes=(0, 2)) for grid, k in zip(grids, quarters, strict=True)])
