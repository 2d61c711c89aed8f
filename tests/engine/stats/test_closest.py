"""Nearest over several views equals brute force; the two calibrated distances equal their formulas."""

import numpy as np
import pytest

from genbench.errors import NotEnoughImages
from genbench.stats.closest import closest, local_nearness, nearness, spacing
from genbench.stats.distances import Points
from tests.reference.copying import nearest


def points(rows):
    return Points.of(rows, np.zeros(len(rows), np.int64), "train")


@pytest.mark.parametrize("tile", [None, 7])
def test_it_equals_brute_force(rng, tile):
    centres, views = rng.normal(size=(40, 5)).astype(np.float32), rng.normal(size=(3, 30, 5)).astype(np.float32)
    views[1, 4] = centres[9]  # a copy that only the second view shows
    found = closest(iter(views), points(centres), 6, tile=tile)
    index, distance, view = nearest(views, centres, 6)
    np.testing.assert_array_equal(found.index, index)
    np.testing.assert_allclose(found.distance, distance, rtol=1e-12)
    np.testing.assert_array_equal(found.view, view)
    assert (found.index[4, 0], found.distance[4, 0], found.view[4, 0]) == (9, 0.0, 1)


def test_a_point_is_its_own_neighbour_in_no_view(rng):
    rows = rng.normal(size=(25, 4)).astype(np.float32)
    rows[3] = rows[17]  # but its equal is
    views = np.stack([rows, rows[:, ::-1]])
    found = closest(views, points(rows), 5, own=0)
    index, distance, _ = nearest(views, rows, 5, is_self=True)
    np.testing.assert_array_equal(found.index, index)
    np.testing.assert_allclose(found.distance, distance, rtol=1e-12)
    assert (found.index[3, 0], found.distance[3, 0]) == (17, 0.0)
    later = closest(views[:, 10:], points(rows), 5, own=10)
    np.testing.assert_array_equal(later.index, found.index[10:])


def test_integers_tie_without_a_centre_twice(rng):
    rows, centres = rng.integers(0, 2, (20, 3)).astype(np.float32), rng.integers(0, 2, (30, 3)).astype(np.float32)
    found = closest([rows, rows], points(centres), 30)
    assert (np.sort(found.index, axis=1) == np.arange(30)).all()
    assert (found.view == 0).all()
    np.testing.assert_allclose(found.distance, np.sort(nearest([rows], centres, 30)[1], axis=1))


def test_the_calibrated_distances_are_their_formulas(rng):
    rows, centres = rng.normal(size=(8, 3)).astype(np.float32), rng.normal(size=(12, 3)).astype(np.float32)
    found, unit = closest([rows], points(centres), 4), spacing(points(centres), 4)
    to_centres = np.sort(np.linalg.norm(rows[:, None].astype(float) - centres, axis=2), axis=1)
    np.testing.assert_allclose(nearness(found), to_centres[:, 0] / to_centres[:, :4].mean(1), rtol=1e-6)
    among = np.sort(np.linalg.norm(centres[:, None].astype(float) - centres, axis=2), axis=1)
    np.testing.assert_allclose(unit, among[:, 1:5].mean(1), rtol=1e-6)
    np.testing.assert_allclose(local_nearness(found, unit), to_centres[:, 0] / unit[found.index[:, 0]], rtol=1e-6)


def test_a_copy_among_copies_is_at_0():
    centres = np.zeros((6, 2), np.float32)
    found = closest([np.array([[0, 0], [3, 4]], np.float32)], points(centres), 3)
    assert nearness(found).tolist() == [0.0, 1.0]
    assert local_nearness(found, spacing(points(centres), 3)).tolist() == [0.0, np.inf]


def test_too_few_centres_are_refused():
    with pytest.raises(NotEnoughImages):
        closest([np.zeros((2, 2), np.float32)], points(np.ones((3, 2), np.float32)), 3, own=0)
