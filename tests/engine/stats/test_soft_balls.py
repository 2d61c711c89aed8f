"""Soft balls against plain loops: values to rounding, leave-outs to second order in the change of the radius."""

import numpy as np
import pytest

from genbench.stats.distances import Points
from genbench.stats.jackknife import blocks
from genbench.stats.neighbours import nearest_others
from genbench.stats.soft_balls import SoftBalls, soft_covers
from tests.reference import manifold, probabilistic

K, SCALE = 4, 1.2


def points(rows, name, number=20):
    rows = np.asarray(rows, np.float32)
    return Points.of(rows, blocks(len(rows), 0, name, number), name)


def covers(real, fake, tile=None):
    return soft_covers(*(SoftBalls(nearest_others(side, K, tile), K, SCALE) for side in (real, fake)), tile)


def normal(rng, n, m, d):
    return rng.normal(size=(n, d)), 0.8 * rng.normal(size=(m, d)) + 0.2


def with_copies(rng, n, m, d):
    """A third of the fakes are copies, a third near-copies."""
    real, fake = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    third = m // 3
    fake[:third] = real[:third]
    fake[third : 2 * third] = real[:third] * (1 + 1e-5)
    return real, fake


def far_from_zero(rng, n, m, d):
    return rng.normal(size=(n, d)) + 1000, rng.normal(size=(m, d)) + 1000


def far_apart(rng, n, m, d):
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) + 100


DATA = [normal, with_copies, far_from_zero, far_apart]


@pytest.mark.parametrize("tile", [None, 11])
@pytest.mark.parametrize(("n", "m", "d"), [(9, 7, 3), (40, 33, 1), (30, 50, 300)])
@pytest.mark.parametrize("data", DATA)
def test_values_are_those_of_plain_loops(data, n, m, d, tile):
    real, fake = data(np.random.default_rng(n), n, m, d)
    real, fake = points(real, "real"), points(fake, "fake")
    among = {side.name: manifold.table(side.features, side.features) for side in (real, fake)}
    for found, centres, others in zip(covers(real, fake, tile), (real, fake), (fake, real), strict=True):
        across = manifold.table(centres.features, others.features)
        expected = probabilistic.probabilities(
            among[centres.name], across, range(centres.count), range(others.count), K, SCALE
        )
        np.testing.assert_allclose(found.inside(), expected, rtol=1e-9, atol=1e-9)


def test_leaving_out_a_block_is_leaving_it_out(rng):
    real, fake = (points(rows, name, 10) for rows, name in zip(normal(rng, 60, 50, 6), ("real", "fake"), strict=True))
    found = covers(real, fake)[0]
    among, across = (manifold.table(real.features, other.features) for other in (real, fake))
    assert found.inside().std() > 0.1  # neither all inside nor all outside
    for block in range(10):
        kept = np.flatnonzero(real.blocks != block).tolist()
        expected = np.array(probabilistic.probabilities(among, across, kept, range(50), K, SCALE))
        error = np.linalg.norm(found.inside_without()[:, block] - expected)
        assert error < 0.1 * np.linalg.norm(expected - found.inside())


def test_equal_images_support_themselves_alone():
    same, other = np.ones((8, 2)), np.vstack([np.ones((4, 2)), np.full((4, 2), 2.0)])
    found = covers(points(same, "real"), points(other, "fake"))[0]
    assert found.inside().tolist() == [1] * 4 + [0] * 4
    assert found.inside_without().max(axis=1).tolist() == [1] * 4 + [0] * 4


def test_too_few_to_leave_any_out():
    rows = np.random.default_rng(0).normal(size=(5, 3))
    assert covers(points(rows, "real"), points(rows, "fake"))[0].inside_without() is None
