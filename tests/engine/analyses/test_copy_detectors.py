"""Numbers of sets chosen from a pool are those of the registered metrics on the same sets."""

import numpy as np
import pytest

from genbench.analyses.copy_detectors import DETECTORS, Pool
from genbench.contracts import Features
from genbench.metrics import METRICS
from genbench.parameters import bind
from genbench.stats.pair import Pair


@pytest.fixture
def pool(rng):
    rows, train = rng.normal(size=(400, 5)).astype(np.float32), rng.normal(size=(150, 5)).astype(np.float32)
    rows[300:] = train[:100] + 1e-3 * rows[300:]
    return Pool(rows, train, np.arange(150))


def metric(name, pool, chosen, test, **how):
    sides = (Features({"pooled": rows}) for rows in (pool.rows[test], pool.rows[chosen], pool.train))
    return bind(METRICS.get(name), how).compute(Pair(*sides))


def test_values_are_those_of_the_metrics(pool, rng):
    chosen, test = rng.permutation(400)[:120], rng.permutation(300)[:90]
    found = {name: pool.value(name, chosen, test) for name in DETECTORS}
    nn = metric("nn", pool, chosen, test)
    assert found["nn"] == pytest.approx(nn.value * nn.details["median_among_train"], rel=1e-9)
    assert found["ct"] == pytest.approx(metric("ct", pool, chosen, test, permutations=1).value, rel=1e-9)
    assert found["authpct"] == pytest.approx(metric("authpct", pool, chosen, test).value, rel=1e-9)
    mifid = metric("mifid", pool, chosen, test).details["memorization_distance"]
    assert found["mifid"] == pytest.approx(mifid, rel=1e-9)
    gap = metric("fld", pool, chosen, test).details["generalisation_gap"]
    assert found["fld"] == pytest.approx(gap, rel=1e-9)


@pytest.mark.parametrize("detector", DETECTORS)
def test_copies_lower_every_detector(pool, detector):
    clean, copying = np.arange(100), np.arange(300, 400)
    honest = np.arange(100, 200)
    assert pool.value(detector, copying, honest) < pool.value(detector, clean, honest)


def test_a_set_without_a_cell_that_counts_has_no_c_t(pool):
    assert np.isnan(pool.value("ct", np.arange(10), np.arange(100, 200)))


def test_rows_of_zeros_are_far_in_direction(pool):
    rows = pool.rows.copy()
    rows[0] = 0
    assert Pool(rows, pool.train, pool.fitted).per_picture["mifid"][0] == 1
    assert (Pool(rows, 0 * pool.train, pool.fitted).per_picture["mifid"] == 1).all()


def test_fld_looks_at_the_training_pictures_it_is_told_of(pool):
    chosen, test = np.arange(100), np.arange(100, 200)
    some = Pool(pool.rows, pool.train, np.arange(40, 140))
    trained = Pool(pool.rows, pool.train[40:140], np.arange(100))
    assert some.value("fld", chosen, test) == trained.value("fld", chosen, test)
