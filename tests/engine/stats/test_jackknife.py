import numpy as np
import pytest

from genbench.stats.jackknife import blocks, standard_error


def test_blocks_are_balanced_and_seeded():
    ids = blocks(103, 0, "real")
    assert sorted(set(np.bincount(ids))) == [5, 6]
    assert np.bincount(ids).size == 20
    assert np.array_equal(ids, blocks(103, 0, "real"))
    assert not np.array_equal(ids, blocks(103, 0, "fake"))
    assert not np.array_equal(ids, blocks(103, 1, "real"))


def test_few_images_are_blocks_of_their_own():
    assert sorted(blocks(7, 0, "real")) == list(range(7))
    assert blocks(0, 0, "real").shape == (0,)


def test_of_a_mean_it_is_the_usual_standard_error():
    x = np.random.default_rng(0).normal(size=30)
    leave = np.array([np.delete(x, i).mean() for i in range(30)])
    assert standard_error(leave) == pytest.approx(x.std(ddof=1) / np.sqrt(30), rel=1e-12)


def test_independent_sides_add_in_square():
    a, b = np.random.default_rng(0).normal(size=(2, 20))
    assert standard_error(a, b[:13]) == pytest.approx(np.hypot(standard_error(a), standard_error(b[:13])))
    assert standard_error(np.full(20, 0.5)) == 0
