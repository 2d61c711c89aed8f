"""Every registered metric, held to what its own record says. A new metric is tested the day it is registered."""

import importlib
import math
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from genbench.contracts import Features, Metric, Need
from genbench.metrics import METRICS
from genbench.stats.pair import Pair

NAMES = list(METRICS)
COUNT, WIDTH = 60, 12
LOOSE = 1e-5  # relative; float32 features against float64 ones
TIGHT = 1e-9  # relative; the same numbers added in another order
ROUNDING = 1e-12  # relative; the same, block by block


LAYERS = ("pooled", "spatial", "logits")


def features(rows, dtype=np.float32):
    """All layers hold the same rows, so that one recipe serves metrics of features and of logits; two classes."""
    rows = np.asarray(rows, dtype)
    names = tuple(f"{i:06d}" for i in range(len(rows)))
    return Features(dict.fromkeys(LAYERS, rows), names, labels=np.arange(len(rows)) // 2 % 2)


def shuffled(one, rng):
    order = rng.permutation(one.count)
    names = tuple(one.names[i] for i in order)
    layers = {layer: rows[order] for layer, rows in one.layers.items()}
    return replace(one, layers=layers, names=names, labels=one.labels[order])


def pair_of(real, fake, seed=0, train=None):
    return Pair(features(real), features(fake), None if train is None else features(train), seed)


def compute(metric, pair):
    """Compute, with a training set where one is needed and the pair has none."""
    if "train" in metric.needs and pair.train is None:
        train = np.random.default_rng(7).normal(size=(50, pair.fake.pooled.shape[1]))
        pair = replace(pair, train=features(train))
    return metric.compute(pair)


@pytest.fixture(params=NAMES)
def metric(request) -> Metric:
    return METRICS.get(request.param)


@pytest.fixture
def sets(rng, metric):
    count = max(COUNT, metric.min_count + 7)
    return rng.normal(size=(count, WIDTH)), rng.normal(0.3, 1.2, size=(count - 7, WIDTH))


def test_the_record_is_complete(metric, request):
    assert metric.name == request.node.callspec.params["metric"]
    assert metric.label
    assert metric.source
    assert metric.summary == metric.summary.strip()
    assert metric.range[0] < metric.range[1]
    assert metric.min_count >= 2
    assert set(metric.needs) <= set(get_args(Need))
    assert not metric.instead or METRICS.get(metric.instead).min_count < metric.min_count
    module = importlib.import_module(metric.compute.__module__)
    assert "arXiv" in (module.__doc__ or "") or "et al." in (module.__doc__ or "")
    assert "Returns:" in metric.compute.__doc__


def test_the_result_is_finite_in_range_and_has_an_error(metric, sets):
    found = compute(metric, pair_of(*sets))
    assert math.isfinite(found.value)
    assert metric.range[0] <= found.value <= metric.range[1]
    assert found.stderr is not None
    assert 0 <= found.stderr < math.inf


def test_the_same_seed_gives_the_same_bytes(metric, sets):
    first, second = (compute(metric, pair_of(*sets, seed=3)) for _ in range(2))
    assert (first.value, first.stderr) == (second.value, second.stderr)


def test_the_value_does_not_depend_on_the_seed(metric, sets):
    first, second = (compute(metric, pair_of(*sets, seed=seed)) for seed in (3, 4))
    assert first.value == pytest.approx(second.value, rel=ROUNDING)


def test_the_order_of_images_matters_exactly_where_declared(metric, sets, rng):
    pair = pair_of(*sets)
    other = compute(metric, Pair(shuffled(pair.real, rng), shuffled(pair.fake, rng))).value
    assert (other != pytest.approx(compute(metric, pair).value, rel=TIGHT)) == metric.is_ordered


def test_symmetric_exactly_where_declared(metric, sets):
    real, fake = sets
    there, back = compute(metric, pair_of(real, fake)).value, compute(metric, pair_of(fake, real)).value
    assert (there == pytest.approx(back, rel=1e-7)) == metric.is_symmetric


def test_real_images_matter_exactly_where_declared(metric, sets, rng):
    real, fake = sets
    other = compute(metric, pair_of(real + rng.normal(1, 1, size=real.shape), fake))
    found = compute(metric, pair_of(real, fake))
    assert ((other.value, other.details) != (found.value, found.details)) == metric.uses_real


def test_train_images_matter_exactly_where_declared(metric, sets, rng):
    real, fake = sets
    with_train = compute(metric, pair_of(real, fake, train=rng.normal(size=(50, WIDTH)))).value
    assert (with_train != compute(metric, pair_of(real, fake)).value) == metric.uses_train


def test_moments_are_enough_exactly_where_declared(metric, sets):
    """The reference by its Gaussian alone: the same value, or a refusal."""
    real, fake = sets
    whole = pair_of(real, fake)
    by_moments = Pair(features(np.empty((0, WIDTH))), whole.fake, fitted={"real": whole.gaussians[0]})
    if metric.uses_real and not metric.works_from_moments:
        with pytest.raises(ValueError, match="only mean and covariance are known"):
            compute(metric, by_moments)
        return
    assert compute(metric, by_moments).value == pytest.approx(compute(metric, whole).value, rel=TIGHT)


@pytest.mark.parametrize("name", [name for name in NAMES if METRICS.get(name).works_from_moments])
def test_moments_of_the_fakes_are_enough_exactly_where_declared(name, rng):
    """What a training loop keeps of many updates: their Gaussian, and some of the rows."""
    metric, whole = METRICS.get(name), pair_of(*rng.normal(size=(2, COUNT, WIDTH)))
    by_moments = Pair(whole.real, features(whole.fake.pooled[:20]), fitted={"fake": whole.gaussians[1]})
    if metric.needs_fake_rows:
        with pytest.raises(ValueError, match="fake: only mean and covariance are known"):
            compute(metric, by_moments)
        return
    assert compute(metric, by_moments).value == pytest.approx(compute(metric, whole).value, rel=TIGHT)


@pytest.mark.parametrize("name", [name for name in NAMES if "labels" in METRICS.get(name).needs])
def test_labels_are_asked_for_where_they_are_needed(name, rng):
    whole = pair_of(*rng.normal(size=(2, COUNT, WIDTH)))
    for side in ("real", "fake"):
        lacking = replace(whole, **{side: replace(getattr(whole, side), labels=None)})
        with pytest.raises(ValueError, match=f"{name}: {side} has no labels"):
            compute(METRICS.get(name), lacking)


@pytest.mark.parametrize("name", [name for name in NAMES if "train" in METRICS.get(name).needs])
def test_a_training_set_is_asked_for_where_it_is_needed(name, rng):
    with pytest.raises(ValueError, match=f"{name}: no training set"):
        METRICS.get(name).compute(pair_of(*rng.normal(size=(2, COUNT, WIDTH))))


@pytest.mark.parametrize("name", [n for n in NAMES if METRICS.get(n).better != "none" and METRICS.get(n).uses_real])
def test_worse_images_score_worse(name, rng):
    """Fakes drawn from the reference's own distribution beat fakes far from it."""
    metric = METRICS.get(name)
    count = max(200, metric.min_count)
    real, good = rng.normal(size=(2, count, 4))
    bad = rng.normal(2.0, 0.3, size=(count, 4))
    good_value, bad_value = (compute(metric, pair_of(real, fake)).value for fake in (good, bad))
    assert (good_value < bad_value) == (metric.better == "lower")


def test_numbers_of_single_images_go_with_the_fakes(metric, sets, rng):
    pair = pair_of(*sets)
    order = rng.permutation(pair.fake.count)
    moved = features(pair.fake.pooled[order])
    found, other = (compute(metric, Pair(pair.real, fake)).per_image for fake in (pair.fake, moved))
    assert found.keys() == other.keys()
    for name, values in found.items():
        assert (values.dtype, values.shape) == (np.float32, (pair.fake.count,))
        np.testing.assert_allclose(other[name], values[order], rtol=1e-5)


def test_inputs_are_not_changed(metric, sets):
    pair = pair_of(*sets)
    before = pair.real.pooled.copy(), pair.fake.pooled.copy()
    compute(metric, pair)
    np.testing.assert_array_equal(pair.real.pooled, before[0])
    np.testing.assert_array_equal(pair.fake.pooled, before[1])


def test_the_smallest_allowed_sets_score(metric, rng):
    n = metric.min_count
    found = compute(metric, pair_of(rng.normal(size=(n, 5)), rng.normal(size=(n, 5))))
    assert math.isfinite(found.value)


@pytest.mark.parametrize("name", [name for name in NAMES if METRICS.get(name).uses_real])
def test_widths_that_differ_are_refused(name, rng):
    with pytest.raises(ValueError, match="width"):
        compute(METRICS.get(name), pair_of(rng.normal(size=(30, 5)), rng.normal(size=(30, 6))))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_that_are_not_numbers_are_refused(metric, sets, bad):
    real, fake = sets
    fake = fake.copy()
    fake[3, 2] = bad
    with pytest.raises(ValueError, match="finite"):
        compute(metric, pair_of(real, fake))


def test_details_are_json_safe(metric, sets):
    import json

    json.dumps(dict(compute(metric, pair_of(*sets)).details), allow_nan=False)


def test_float64_features_agree(metric, sets):
    real, fake = (np.asarray(x, np.float32) for x in sets)
    wide = Pair(*(features(x, np.float64) for x in (real, fake)))
    assert compute(metric, wide).value == pytest.approx(compute(metric, pair_of(real, fake)).value, rel=LOOSE)


def test_every_property_is_declared_both_ways():
    metrics = [METRICS.get(name) for name in NAMES]
    facts = ("is_symmetric", "uses_real", "uses_train", "works_from_moments", "needs_fake_rows", "is_ordered", "needs")
    for fact in facts:
        assert {bool(getattr(metric, fact)) for metric in metrics} == {True, False}, fact
