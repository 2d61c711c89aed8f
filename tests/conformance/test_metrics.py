"""Every registered metric, held to what its own record says. A new metric is tested the day it is registered."""

import importlib
import math
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch

from genbench.contracts import Features, Metric, Need
from genbench.metrics import METRICS
from genbench.metrics.wavelets import PACKETS
from genbench.requirements import judges_model
from genbench.stats.pair import Pair

NAMES = list(METRICS)
COUNT, WIDTH = 60, 12
LOOSE = 1e-5  # relative; float32 features against float64 ones
TIGHT = 1e-9  # relative; the same numbers added in another order
ROUNDING = 1e-12  # relative; the same, block by block


LAYERS = ("pooled", "spatial", "logits")
SPREAD = 16.0  # of numbers of a row, over which a pixel goes from black to white
SIMILARITIES = ("ssim", "ms-ssim")  # measures that are 1 for equal images


def features(rows, dtype=np.float32):
    """All layers hold the same rows, so that one recipe serves metrics of features and of logits; two classes."""
    rows = np.asarray(rows, dtype)
    names = tuple(f"{i:06d}" for i in range(len(rows)))
    half = len(rows) // 2 if len(rows) >= 4 else len(rows)  # two of a class, at least
    labels = np.argsort(np.argsort(rows[:, 0])) >= half  # of class 1 is the half whose first number is larger
    return Features(dict.fromkeys(LAYERS, rows), names, labels=labels.astype(np.int64))


def shuffled(one, rng):
    return reordered(one, rng.permutation(one.count))


def reordered(one, order):
    names = tuple(one.names[i] for i in order)
    layers = {layer: rows[order] for layer, rows in one.layers.items()}
    return replace(one, layers=layers, names=names, labels=one.labels[order])


def pair_of(real, fake, seed=0, train=None):
    return Pair(features(real), features(fake), None if train is None else features(train), seed)


def compare_rows(metric, pair):
    """Let mean absolute differences of rows, cut to [0, 1), stand for what a measure says of images."""
    real, fake = pair.real, pair.fake
    if metric.pairs == "matched":
        partner = {name: place for place, name in enumerate(real.names)}
        mine = [place for place, name in enumerate(fake.names) if name in partner]
        theirs = [partner[fake.names[place]] for place in mine]
        difference = fake.pooled[mine] - real.pooled[theirs]
    else:
        theirs = np.roll(np.arange(fake.count), -1)
        difference = fake.pooled - fake.pooled[theirs]
    if not len(difference):
        return pair
    distance = np.abs(difference).mean(axis=1)
    distance /= 1 + distance
    measured = 1 - distance if metric.measure in SIMILARITIES else distance
    return replace(pair, measured=measured, partners=np.array(theirs, int), sizes=[(200, 150)] * len(theirs))


class Generator:
    """Draws grey pictures of one row of pixels; each number of a row is drawn by mean and deviation of the fakes."""

    geometry, kind, dequantisation, levels = "gaussian", "exact", "uniform", 256

    def __init__(self, rows):
        ordered = np.sort(np.asarray(rows, np.float64), axis=0)  # the same whatever the order
        self.mean, self.deviation = (torch.from_numpy(x.round(3)) for x in (ordered.mean(0), ordered.std(0)))
        self.image_shape = (1, 1, rows.shape[1])

    def prior(self, n, generator):
        return torch.randn(n, len(self.mean), generator=generator)

    def decode(self, z, labels=None):
        return (0.5 + (self.mean + self.deviation * z) / SPREAD).float()[:, None, None]

    def log_prob(self, x, labels=None):
        density = torch.distributions.Normal(0.5 + self.mean / SPREAD, self.deviation / SPREAD)
        return density.log_prob(x.double()).flatten(1).sum(1)


class SquaredDifference:
    """The measure of metrics that compare what a model draws."""

    name, batch_size = "squared", 50

    def __call__(self, first, second):
        return np.square(first.astype(np.float64) - second).mean((1, 2, 3)).astype(np.float32)


def with_model(pair):
    """Let a model stand beside the fakes that draws such rows, and pictures beside the rows of the real side."""
    grey = np.rint(255 * (0.5 + pair.real.pooled / SPREAD)).astype(np.uint8)
    return replace(
        pair,
        model=Generator(pair.fake.pooled),
        measure=SquaredDifference(),
        images={"real": lambda: (np.repeat(row[None, :, None], 3, axis=2) for row in grey)},
        extract=lambda pictures: (SPREAD * (pictures.mean((1, 3)) - 0.5)).astype(np.float32),
    )


def in_packets(one):
    """A third of the columns, for speed, in each of the packets of the wavelet transform."""
    width = one.pooled.shape[1] // 3
    return replace(one, layers={layer: np.tile(rows[:, :width], PACKETS) for layer, rows in one.layers.items()})


def compute(metric, pair):
    """Compute, with a training set where one is needed and the pair has none; what is compared is there too."""
    if metric.pairs:
        pair = compare_rows(metric, pair)
    if metric.extractor.startswith("wavelet"):
        pair = replace(pair, real=in_packets(pair.real), fake=in_packets(pair.fake))
    if judges_model(metric):
        pair = with_model(pair)
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


def test_the_value_depends_on_the_seed_only_where_a_model_draws(metric, sets):
    first, second = (compute(metric, pair_of(*sets, seed=seed)) for seed in (3, 4))
    assert (first.value == pytest.approx(second.value, rel=ROUNDING)) != judges_model(metric)  # that draws by the seed


def test_the_order_of_images_matters_exactly_where_declared(metric, sets, rng):
    pair = pair_of(*sets)
    other = compute(metric, Pair(shuffled(pair.real, rng), shuffled(pair.fake, rng))).value
    assert (other != pytest.approx(compute(metric, pair).value, rel=TIGHT)) == metric.is_ordered


def test_symmetric_exactly_where_declared(metric, sets, rng):
    real, fake = (rows + 5 for rows in sets)  # so near in direction that mifid minds it
    train = rng.normal(5, 1, size=(50, WIDTH)) if "train" in metric.needs else None
    there, back = (compute(metric, pair_of(*sides, train=train)).value for sides in ((real, fake), (fake, real)))
    assert (there == pytest.approx(back, rel=1e-7)) == metric.is_symmetric


def test_real_images_matter_exactly_where_declared(metric, sets, rng):
    real, fake = sets
    other = compute(metric, pair_of(real + rng.normal(1, 1, size=real.shape), fake))
    found = compute(metric, pair_of(real, fake))
    assert ((other.value, other.details) != (found.value, found.details)) == metric.uses_real


def test_train_images_matter_exactly_where_declared(metric, sets, rng):
    real, fake = sets
    found = compute(metric, pair_of(real, fake))
    other = compute(metric, pair_of(real, fake, train=rng.normal(size=(50, WIDTH))))
    assert ((other.value, other.details) != (found.value, found.details)) == metric.uses_train


def test_moments_are_enough_exactly_where_declared(metric, sets):
    """The reference by its Gaussian alone: the same value, or a refusal."""
    real, fake = sets
    whole = pair_of(real, fake)
    by_moments = Pair(features(np.empty((0, WIDTH))), whole.fake, fitted={"real": whole.gaussians[0]})
    if metric.uses_real and not metric.works_from_moments:
        with pytest.raises(ValueError, match=r"only mean and covariance are known|no images were compared|no pictures"):
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


def tells_good_from_bad(metric):
    is_of_latents = "latents" in metric.needs  # how they lie says nothing of the images
    return metric.better != "none" and metric.uses_real and not is_of_latents


@pytest.mark.parametrize("name", [name for name in NAMES if tells_good_from_bad(METRICS.get(name))])
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
    moved = reordered(pair.fake, order)
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


@pytest.mark.parametrize("name", [n for n in NAMES if METRICS.get(n).uses_real and METRICS.get(n).layer])
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
