"""Realism and rarity of every image against plain loops, with blocks left out, near-copies and ties."""

import numpy as np
import pytest

from genbench.stats.balls import Balls
from genbench.stats.best_balls import best_balls
from genbench.stats.distances import Points
from genbench.stats.jackknife import blocks
from genbench.stats.neighbours import nearest_others
from tests.reference import manifold, per_image

K = 3


def points(rows, name, number=20):
    rows = np.asarray(rows, np.float32)
    return Points.of(rows, blocks(len(rows), 0, name, number), name)


def normal(rng, n, m, d):
    return rng.normal(size=(n, d)), 0.8 * rng.normal(size=(m, d)) + 0.2


def with_duplicates(rng, n, m, d):
    """Some real images four times and more, so that balls have no radius; fakes that equal them and others."""
    pool = rng.normal(size=(n, d))
    return pool[np.minimum(rng.integers(0, 2 * n, n), n // 2)], np.concatenate([pool, rng.normal(size=(m, d))])[:m]


def far_from_zero(rng, n, m, d):
    return rng.normal(size=(n, d)) + 1000, rng.normal(size=(m, d)) + 1000


def near_copies(rng, n, m, d):
    modes = rng.normal(size=(3, d))
    return tuple(modes[rng.integers(0, 3, size)] * (1 + 1e-4 * rng.normal(size=(size, d))) for size in (n, m))


def lattice(rng, n, m, d):
    return rng.integers(0, 3, (n, d)), rng.integers(0, 4, (m, d))


DATA = [normal, with_duplicates, far_from_zero, near_copies, lattice]


@pytest.mark.parametrize("tile", [None, 11])
@pytest.mark.parametrize(("n", "m", "d"), [(7, 9, 3), (41, 33, 1), (30, 50, 100)])
@pytest.mark.parametrize("data", DATA)
def test_both_are_those_of_brute_force(data, n, m, d, tile):
    real, fake = data(np.random.default_rng(n), n, m, d)
    real, fake = points(real, "real"), points(fake, "fake")
    among, across = manifold.table(real.features, real.features), manifold.table(real.features, fake.features)
    found = best_balls(Balls(nearest_others(real, K, tile), K, True), fake, tile)
    for name in ("realism", "rarity"):
        expected = getattr(per_image, name)(among, across, range(n), range(m), K)
        np.testing.assert_allclose(getattr(found, name), expected, rtol=1e-12, err_msg=name)


def test_leaving_out_a_block_is_leaving_it_out(rng):
    real, fake = normal(rng, 60, 40, 4)
    real, fake = points(real, "real", 10), points(fake, "fake", 10)
    among, across = manifold.table(real.features, real.features), manifold.table(real.features, fake.features)
    found = best_balls(Balls(nearest_others(real, K), K, True), fake, tile=13)
    for block in range(10):
        kept = np.flatnonzero(real.blocks != block).tolist()
        for name in ("realism", "rarity"):
            expected = getattr(per_image, name)(among, across, kept, range(40), K)
            np.testing.assert_allclose(getattr(found, f"{name}_without")[:, block], expected, rtol=1e-4, err_msg=name)


def test_realism_is_at_least_one_exactly_inside_the_small_balls():
    real = points(np.array([[0], [1], [2], [3], [10], [20], [40.0]]), "real")
    fake = points(np.array([[-2], [-2.5], [1.5], [40], [40.5]]), "fake")
    found = best_balls(Balls(nearest_others(real, K), K, True), fake)  # radii 3, 2, 2, 3, 9, 18, 37: four are kept
    assert (found.realism >= 1).tolist() == [True, True, True, False, False]
    np.testing.assert_allclose(found.realism, [3 / 2, 3 / 2.5, 4, 3 / 37, 3 / 37.5])
    np.testing.assert_allclose(found.rarity, [3, 3, 2, 37, 37])


def test_where_all_balls_are_points_nothing_is_realistic_but_equal_images_are_held():
    found = best_balls(
        Balls(nearest_others(points(np.ones((8, 2)), "real"), K), K, True), points(np.eye(2) + 1, "fake")
    )
    assert found.realism.tolist() == [0, 0]
    assert np.isnan(found.rarity).all()
