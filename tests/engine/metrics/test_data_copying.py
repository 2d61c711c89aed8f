"""ct: dgm-eval's numbers, a plain rewrite with cells, principal components, ties, a uniform p-value, refusals."""

import numpy as np
import pytest
from scipy.stats import kstest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from genbench.contracts import Features
from genbench.errors import BadInput
from genbench.metrics import METRICS
from genbench.metrics.data_copying import data_copying
from genbench.parameters import bind
from genbench.stats.pair import Pair
from genbench.stats.running import content_order


def estimate(test, fake, train, seed=0, **how):
    sides = (Features({"pooled": np.asarray(rows, np.float32)}) for rows in (test, fake, train))
    return data_copying(Pair(*sides, seed), **{"permutations": 19} | how)


def normal(seed, *shape):
    return np.random.RandomState(seed).randn(*shape)


def z_by_loops(fake, test):
    u = np.sum(fake[:, None] > test) + np.sum(fake[:, None] == test) / 2
    pooled = np.concatenate([fake, test])
    ranks = [np.sum(pooled < x) + (np.sum(pooled == x) + 1) / 2 for x in pooled]
    m, n = len(fake), len(test)
    return (u - (m * n / 2 - 0.5)) / np.sqrt(m * n / (m + n) * np.var(ranks, ddof=1))


def by_loops(test, fake, train, cells=3, components=64, tau=None):
    test, fake, train = (np.asarray(rows, np.float32) for rows in (test, fake, train))
    train = train[content_order(train)]
    if train.shape[1] > components:
        pca = PCA(components, svd_solver="full").fit(train.astype(float))
        test, fake, train = (pca.transform(rows.astype(float)).astype(np.float32) for rows in (test, fake, train))
    kmeans = KMeans(cells, n_init=10, random_state=0).fit(train)
    of_test, of_fake, of_train = (kmeans.predict(rows) for rows in (test, fake, train))
    total = weight = 0.0
    for cell in range(cells):
        there = train[of_train == cell].astype(float)
        far_fake, far_test = (
            np.array([np.linalg.norm(there - one, axis=1).min() for one in rows[at == cell].astype(float)])
            for rows, at in ((fake, of_fake), (test, of_test))
        )
        if len(far_fake) / len(fake) > (20 / len(fake) if tau is None else tau) and len(far_test):
            total += len(far_test) * z_by_loops(far_fake, far_test)
            weight += len(far_test)
    return total / weight


@pytest.mark.parametrize(
    ("n", "m", "d", "shift", "scale", "expected"),
    [
        (1000, 1000, 16, 0, 1, 0.9012115990858288),
        (1000, 800, 16, 0.5, 1.2, 24.57938914475817),
        (500, 500, 64, 0.3, 0.5, -27.36138660475863),
    ],
)
def test_one_cell_agrees_with_dgm_eval(n, m, d, shift, scale, expected):
    found = estimate(normal(0, n, d), normal(1, m, d) * scale + shift, normal(2, n, d), cells=1)
    assert found.value == pytest.approx(expected, rel=1e-12)


def test_copies_agree_with_dgm_eval_too():
    test, honest, train = normal(0, 1000, 16), normal(1, 1000, 16), normal(2, 1000, 16)
    copying = np.concatenate([train[:250] + 1e-3 * normal(3, 250, 16), honest[:250]])
    found, clean = (estimate(test, fake, train, cells=1) for fake in (copying, honest[:500]))
    assert found.value == pytest.approx(-15.534318424209355, rel=1e-12)
    assert clean.value == pytest.approx(0.19934679139088604, rel=1e-12)
    assert found.details["p_value"] == 1 / 20


def test_ten_below_ten_as_worked_out_by_hand():
    low, high = np.linspace(0.1, 0.2, 10)[:, None], np.linspace(5, 6, 10)[:, None]
    zeros = np.zeros((2, 1))
    assert estimate(high, low, zeros, tau=0).value == pytest.approx(-3.7418482828, rel=1e-9)
    assert estimate(low, high, zeros, tau=0).value == pytest.approx(3.8174411775, rel=1e-9)


@pytest.mark.parametrize("how", [{}, {"cells": 5}, {"tau": 0.3}, {"components": 3}, {"components": 2, "cells": 2}])
def test_cells_and_components_as_by_loops(rng, how):
    test, fake, train = rng.normal(size=(90, 6)), rng.normal(0.2, 1, size=(150, 6)), rng.normal(size=(120, 6))
    stretched = np.array([5, 3, 2, 1, 1, 1])
    sides = [rows * stretched for rows in (test, fake, train)]
    assert estimate(*sides, **how).value == pytest.approx(by_loops(*sides, **how), rel=1e-6)


def test_ties_as_by_loops(rng):
    test, fake, train = (rng.integers(0, 3, size=(n, 4)) for n in (80, 130, 60))
    assert estimate(test, fake, train).value == pytest.approx(by_loops(test, fake, train), rel=1e-9)


def test_cells_are_told_of(rng):
    test, fake, train = rng.normal(size=(3, 100, 4))
    found = estimate(test, fake, train)
    cells = found.details["cells"]
    assert [sum(cell[side] for cell in cells) for side in ("train", "test", "fake")] == [100, 100, 100]
    counted = [cell for cell in cells if cell["counts"]]
    assert all(cell["fake"] > 20 for cell in counted)
    assert found.value == pytest.approx(np.average([c["z"] for c in counted], weights=[c["test"] for c in counted]))


def test_the_p_value_is_uniform_where_fakes_are_like_test_images(rng):
    """Of 200 p-values of an exact test on a grid of 1/20 the distribution is within .1 of the uniform one."""
    train = rng.normal(size=(60, 3))
    found = [estimate(*rng.normal(size=(2, 70, 3)), train, cells=2) for _ in range(200)]
    p_values = np.array([one.details["p_value"] for one in found])
    assert kstest(p_values - rng.random(200) / 20, "uniform").pvalue > 0.001
    assert np.mean([abs(one.value) for one in found]) < 1.5  # Z of two cells, averaged


def test_the_p_value_is_of_the_statistic_and_not_of_the_order(rng):
    test, fake, train = rng.normal(size=(3, 80, 3))
    one, other = (estimate(test[::step], fake[::step], train[::step], permutations=99) for step in (1, -1))
    assert (one.value, one.details["p_value"]) == pytest.approx((other.value, other.details["p_value"]))


def test_too_near_is_below_and_too_far_above(rng):
    test, fake, train = rng.normal(size=(3, 200, 5))
    near, far = (estimate(test, images, train, permutations=99) for images in (train + 0.01 * fake, 2 * fake))
    assert near.value < -8
    assert far.value > 4
    assert near.details["p_value"] == 0.01
    assert far.details["p_value"] == 1


def test_the_error_is_the_spread_over_draws(rng):
    """Of 60 draws the spread is known to 9 %."""
    train = rng.normal(size=(80, 3))
    found = [estimate(rng.normal(size=(90, 3)), rng.normal(0.4, 1, size=(90, 3)), train, cells=1) for _ in range(60)]
    spread = np.std([one.value for one in found], ddof=1)
    assert np.mean([one.stderr for one in found]) == pytest.approx(spread, rel=0.3)


def test_duplicates_in_training_make_fewer_cells(rng):
    train = np.repeat(rng.normal(size=(2, 3)), 10, axis=0)
    found = estimate(*rng.normal(size=(2, 70, 3)), train)
    assert len(found.details["cells"]) == 2


def test_no_cell_that_counts_is_refused(rng):
    test, fake, train = rng.normal(size=(3, 30, 3))
    with pytest.raises(BadInput, match="ct: no cell holds test images and enough fakes"):
        estimate(test, fake[:20], train)


def test_few_images_are_enough_for_few_cells():
    assert bind(METRICS.get("ct"), {"cells": 1}).min_count < METRICS.get("ct").min_count
    assert bind(METRICS.get("ct"), {"tau": 0.0}).min_count == 2
