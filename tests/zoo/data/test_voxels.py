from functools import cache

import numpy as np
import pytest
from scipy.ndimage import label

from zoo.data import open_data
from zoo.data.voxels import CLASSES, project

opened = cache(open_data)


def of(kind):
    found = opened("voxels16", "test")
    return found.x[found.labels == CLASSES.index(kind), 0].astype(bool)


def extents(grids):
    """Number of occupied slices along depth, height and width, [n, 3]."""
    return np.stack([grids.any(axis=axes).sum(axis=1) for axes in ((2, 3), (1, 3), (1, 2))], axis=1)


def test_every_grid_is_one_connected_thing():
    found = opened("voxels16", "test").x[:, 0]
    assert {label(grid)[1] for grid in found} == {1}


def test_boxes_fill_their_extents():
    grids = of("box")
    assert np.array_equal(grids.sum(axis=(1, 2, 3)), extents(grids).prod(axis=1))


def test_spheres_have_the_volume_of_their_extent():
    grids = of("sphere")
    size = extents(grids)
    assert (np.ptp(size, axis=1) <= 1).all()
    assert np.mean(grids.sum(axis=(1, 2, 3)) / (np.pi / 6 * size.prod(axis=1))) == pytest.approx(1, abs=0.05)


def test_tori_have_a_hole_along_their_axle():
    grids = of("torus")
    size = extents(grids)
    axle = size.argmin(axis=1)
    assert set(axle) == {0, 1, 2}
    for grid, axis in zip(grids, axle, strict=True):
        shadow = np.pad(grid.any(axis=int(axis)), 1)
        assert label(~shadow)[1] == 2  # around it, and in it


def test_crosses_have_three_arms_of_one_thickness():
    for grid in of("cross"):
        sections = [grid.sum(axis=axes) for axes in ((1, 2), (0, 2), (0, 1))]
        assert len({section[section > 0].min() for section in sections}) == 1


@pytest.mark.parametrize("kind", ["chair", "table"])
def test_furniture_stands_on_four_legs(kind):
    for grid in of(kind):
        assert label(grid[:, -1])[1] == 4
        assert np.array_equal(grid[:, -1], grid[:, -2])


def test_a_chair_has_a_back_on_one_side_and_a_table_has_none():
    backs = []
    for grid in of("chair"):
        top = grid[:, grid.any(axis=(0, 2)).argmax()]
        where = np.argwhere(grid.any(axis=1))
        low, high = where.min(axis=0), where.max(axis=0)
        at = np.argwhere(top)
        sides = [at[:, 0].max() <= low[0] + 1, at[:, 0].min() >= high[0] - 1]
        sides += [at[:, 1].max() <= low[1] + 1, at[:, 1].min() >= high[1] - 1]
        assert sum(sides) == 1
        backs.append(sides.index(True))
    assert np.bincount(backs, minlength=4).min() > len(backs) / 6
    for grid in of("table"):
        top = grid[:, grid.any(axis=(0, 2)).argmax()]
        assert np.array_equal(top, grid.any(axis=1))


def test_projections_of_one_voxel():
    voxels = np.zeros((1, 1, 16, 16, 16), np.uint8)
    voxels[0, 0, 3, 5, 9] = 1  # depth, height, width
    views = project(voxels)
    assert views.shape == (1, 1, 16, 48)
    front, left, above = np.split(views[0, 0], 3, axis=1)
    assert np.argwhere(front).tolist() == [[5, 9]]
    assert front[5, 9] == 255 - 30
    assert np.argwhere(left).tolist() == [[5, 3]]
    assert left[5, 3] == 255 - 90
    assert np.argwhere(above).tolist() == [[12, 9]]  # the front is at the bottom
    assert above[12, 9] == 255 - 50


def test_the_nearest_voxel_counts_and_probabilities_are_cut_at_a_half():
    voxels = np.zeros((1, 1, 4, 4, 4), np.float32)
    voxels[0, 0, :, 0, 0] = [0.49, 0.5, 0.9, 0.1]
    assert project(voxels)[0, 0, 0, 0] == 255 - 40
    assert (project(voxels) > 0).sum() == 1 + 2 + 2


def test_projections_show_what_is_there():
    found = opened("voxels16", "test").x
    views = project(found)
    for place, axes in enumerate([2, 4, 3]):
        shown = (views[:, 0, :, 16 * place : 16 * place + 16] > 0).sum(axis=(1, 2))
        assert np.array_equal(shown, found.any(axis=axes).sum(axis=(1, 2, 3)))
