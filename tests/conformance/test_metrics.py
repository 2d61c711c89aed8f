"""Every registered metric, held to what its own record says. A new metric is tested the day it is registered."""

import importlib
import math

import numpy as np
import pytest

from genbench.contracts import Features, Metric
from genbench.metrics import METRICS
from genbench.stats.pair import Pair

NAMES = list(METRICS)
COUNT, WIDTH = 60, 12
LOOSE = 1e-5  # relative; float32 features against float64 ones
TIGHT = 1e-9  # relative; the same numbers added in another order


def features(rows):
    """Both layers hold the same rows, so that one recipe serves metrics of features and of logits."""
    rows = np.asarray(rows, np.float32)
    return Features({"pooled": rows, "logits": rows}, tuple(f"{i:06d}" for i in range(len(rows))))


def pair_of(real, fake, seed=0, train=None):
    return Pair(features(real), features(fake), None if train is None else features(train), seed)


@pytest.fixture
def sets(rng):
    return rng.normal(size=(COUNT, WIDTH)), rng.normal(0.3, 1.2, size=(COUNT - 7, WIDTH))


@pytest.fixture(params=NAMES)
def metric(request) -> Metric:
    return METRICS.get(request.param)


def test_the_record_is_complete(metric, request):
    assert metric.name == request.node.callspec.params["metric"]
    assert metric.label
    assert metric.source
    assert metric.summary == metric.summary.strip()
    assert metric.range[0] < metric.range[1]
    assert metric.min_count >= 2
    module = importlib.import_module(metric.compute.__module__)
    assert "arXiv" in (module.__doc__ or "") or "et al." in (module.__doc__ or "")
    assert "Returns:" in metric.compute.__doc__


def test_the_result_is_finite_in_range_and_has_an_error(metric, sets):
    found = metric.compute(pair_of(*sets))
    assert math.isfinite(found.value)
    assert metric.range[0] <= found.value <= metric.range[1]
    assert found.stderr is not None
    assert 0 <= found.stderr < math.inf


def test_the_same_seed_gives_the_same_bytes(metric, sets):
    first, second = (metric.compute(pair_of(*sets, seed=3)) for _ in range(2))
    assert (first.value, first.stderr) == (second.value, second.stderr)


def test_the_value_does_not_depend_on_the_seed(metric, sets):
    first, second = (metric.compute(pair_of(*sets, seed=seed)) for seed in (3, 4))
    assert first.value == second.value


def test_the_order_of_images_does_not_matter(metric, sets, rng):
    real, fake = sets
    shuffled = pair_of(rng.permutation(real), rng.permutation(fake))
    assert metric.compute(shuffled).value == pytest.approx(metric.compute(pair_of(real, fake)).value, rel=TIGHT)


def test_symmetric_exactly_where_declared(metric, sets):
    real, fake = sets
    there, back = metric.compute(pair_of(real, fake)).value, metric.compute(pair_of(fake, real)).value
    assert (there == pytest.approx(back, rel=1e-7)) == metric.is_symmetric


def test_real_images_matter_exactly_where_declared(metric, sets, rng):
    real, fake = sets
    other = metric.compute(pair_of(real + rng.normal(1, 1, size=real.shape), fake)).value
    assert (other != metric.compute(pair_of(real, fake)).value) == metric.uses_real


def test_train_images_matter_exactly_where_declared(metric, sets, rng):
    real, fake = sets
    with_train = metric.compute(pair_of(real, fake, train=rng.normal(size=(50, WIDTH)))).value
    assert (with_train != metric.compute(pair_of(real, fake)).value) == metric.uses_train


def test_moments_are_enough_exactly_where_declared(metric, sets):
    """The reference by its Gaussian alone: the same value, or a refusal."""
    real, fake = sets
    whole = pair_of(real, fake)
    by_moments = Pair(features(np.empty((0, WIDTH))), whole.fake, fitted={"real": whole.gaussians[0]})
    if metric.uses_real and not metric.works_from_moments:
        with pytest.raises(ValueError, match="only mean and covariance are known"):
            metric.compute(by_moments)
        return
    assert metric.compute(by_moments).value == pytest.approx(metric.compute(whole).value, rel=TIGHT)


@pytest.mark.parametrize("name", [n for n in NAMES if METRICS.get(n).better != "none" and METRICS.get(n).uses_real])
def test_worse_images_score_worse(name, rng):
    """Fakes drawn from the reference's own distribution beat fakes far from it."""
    metric = METRICS.get(name)
    real, good = rng.normal(size=(2, 200, 4))
    bad = rng.normal(2.0, 0.3, size=(200, 4))
    good_value, bad_value = (metric.compute(pair_of(real, fake)).value for fake in (good, bad))
    assert (good_value < bad_value) == (metric.better == "lower")


def test_inputs_are_not_changed(metric, sets):
    pair = pair_of(*sets)
    before = pair.real.pooled.copy(), pair.fake.pooled.copy()
    metric.compute(pair)
    np.testing.assert_array_equal(pair.real.pooled, before[0])
    np.testing.assert_array_equal(pair.fake.pooled, before[1])


def test_the_smallest_allowed_sets_score(metric, rng):
    n = metric.min_count
    found = metric.compute(pair_of(rng.normal(size=(n, 5)), rng.normal(size=(n, 5))))
    assert math.isfinite(found.value)


@pytest.mark.parametrize("name", [name for name in NAMES if METRICS.get(name).uses_real])
def test_widths_that_differ_are_refused(name, rng):
    with pytest.raises(ValueError, match="width"):
        METRICS.get(name).compute(pair_of(rng.normal(size=(30, 5)), rng.normal(size=(30, 6))))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_that_are_not_numbers_are_refused(metric, sets, bad):
    real, fake = sets
    fake = fake.copy()
    fake[3, 2] = bad
    with pytest.raises(ValueError, match="finite"):
        metric.compute(pair_of(real, fake))


def test_details_are_json_safe(metric, sets):
    import json

    json.dumps(dict(metric.compute(pair_of(*sets)).details), allow_nan=False)


def test_float64_features_agree(metric, sets):
    real, fake = (np.asarray(x, np.float32) for x in sets)
    wide = Pair(*(Features({"pooled": x.astype(np.float64), "logits": x.astype(np.float64)}) for x in (real, fake)))
    assert metric.compute(wide).value == pytest.approx(metric.compute(pair_of(real, fake)).value, rel=LOOSE)


def test_every_property_is_declared_both_ways():
    metrics = [METRICS.get(name) for name in NAMES]
    for fact in ("is_symmetric", "uses_real", "uses_train", "works_from_moments"):
        assert {getattr(metric, fact) for metric in metrics} == {True, False}, fact
