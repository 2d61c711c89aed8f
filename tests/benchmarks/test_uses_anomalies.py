"""Odd images as they are described; areas recomputed plainly of models that are known exactly; the known failure."""

import math
import zlib
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score

from benchmarks.references import IndependentLevels, independent_pixels
from benchmarks.uses import oddities
from benchmarks.uses.anomalies import tell_anomalies
from benchmarks.uses.area import area
from benchmarks.uses.bits import model_bits, png_bits
from genbench import score
from genbench.errors import BadInput
from zoo.data import open_data
from zoo.data.source import ExamplesSource, pictures
from zoo.levels import levels_of

SIDE, LEVELS, COUNT = 16, 16, 150


class SmoothChain:
    """Pixels in raster order: the first uniform, each next near the last, P(k | j) as exp(-|k - j|); sums to 1."""

    kind, dequantisation, levels, image_shape = "exact", "none", LEVELS, (1, SIDE, SIDE)

    def __init__(self):
        gap = torch.arange(LEVELS)[:, None] - torch.arange(LEVELS)[None]
        self.steps = torch.softmax(-gap.abs().double(), dim=1)

    def log_prob(self, x, labels=None):
        k = levels_of(x, LEVELS).flatten(1)
        return self.steps[k[:, :-1], k[:, 1:]].log().sum(1) - math.log(LEVELS)

    def examples(self, split, seed):
        rng = np.random.default_rng(seed)
        rows = np.empty((COUNT, SIDE**2), np.uint8)
        rows[:, 0] = rng.integers(LEVELS, size=COUNT)
        below = self.steps.cumsum(1).numpy()
        for place in range(1, SIDE**2):
            rows[:, place] = (below[rows[:, place - 1], :-1] <= rng.random(COUNT)[:, None]).sum(1)
        x = rows.reshape(COUNT, 1, SIDE, SIDE)
        return replace(open_data("digits8"), name="chain", split=split, x=x, levels=LEVELS, labels=None, classes=())


def by_name(verdict):
    return {kind.name: kind for kind in verdict.kinds}


@pytest.fixture(scope="module")
def digits():
    return open_data("digits8:no-9"), open_data("digits8:no-9", "test")


# ------------------------------------------------------------------------------------------------ what is odd


def test_odd_images_are_as_described(digits):
    x = digits[1].x
    assert np.array_equal(oddities.invert(x, 17, 0) + x, np.full_like(x, 16))
    shuffled = oddities.shuffle(x, 17, 0)
    assert np.array_equal(np.sort(shuffled.reshape(len(x), -1)), np.sort(x.reshape(len(x), -1)))
    assert (shuffled != x).any((1, 2, 3)).all()
    noisy = oddities.noise(x, 17, 0)
    assert np.bincount(noisy.ravel(), minlength=17) / noisy.size == pytest.approx(1 / 17, abs=0.01)
    changed = (oddities.speckle(x, 17, 0) != x).mean()
    assert changed == pytest.approx(0.1 * 16 / 17, abs=0.01)
    assert np.array_equal(oddities.constant(x, 17, 0), np.arange(17)[:, None, None, None] + np.zeros((1, 1, 8, 8), int))
    assert not oddities.blank(x, 17, 0).any()
    halved = oddities.halve(x, 17, 0)
    assert np.array_equal(halved[..., :4, :], x[..., :4, :])
    assert x[..., 4:, :].any()
    assert not halved[..., 4:, :].any()


def test_colours_of_a_pixel_stay_together(rng):
    x = rng.integers(256, size=(2, 3, 4, 4), dtype=np.uint8)
    shuffled = oddities.shuffle(x, 256, 0)
    for before, after in zip(x, shuffled, strict=True):
        assert sorted(map(tuple, before.reshape(3, -1).T)) == sorted(map(tuple, after.reshape(3, -1).T))


@pytest.mark.parametrize("name", ["shuffled", "speckled", "noise"])
def test_an_odd_image_depends_on_its_row_and_seed_alone(digits, name):
    x, make = digits[1].x, oddities.ODDITIES[name].make
    assert np.array_equal(make(x[:5], 17, 3), make(x, 17, 3)[:5])
    assert not np.array_equal(make(x, 17, 3), make(x, 17, 4))
    twice = make(x[[7, 7]], 17, 3)
    assert not np.array_equal(*twice)  # each image has its own


# ------------------------------------------------------------------------------------------------ what it costs


@pytest.mark.parametrize("name", ["pixelcnn", "realnvp", "vae"])
def test_bits_have_the_mean_of_the_metric(name, digits):
    from zoo.runs import build, plan

    recipe, _ = plan(name, "smoke", data="digits8")
    model, test = build(recipe).eval(), replace(digits[1], x=digits[1].x[:100], labels=digits[1].labels[:100])
    bits = model_bits(model, test.x, seed=5)
    told = score(
        fake=model,
        real=ExamplesSource(test, "test"),
        metrics=("likelihood",),
        extractor="pixels",
        count=100,
        seed=5,
        device="cpu",
    )["likelihood"]
    assert bits.mean() == pytest.approx(told.value, rel=1e-6)
    assert bits.std(ddof=1) / 10 == pytest.approx(told.stderr, rel=1e-6)


def test_a_png_is_counted_whole_and_keeps_the_image(digits):
    shown = pictures(digits[1])[:9]
    for picture, bits in zip(shown, png_bits(shown), strict=True):
        file = BytesIO()
        Image.fromarray(picture[0]).save(file, "PNG", optimize=True)
        assert bits == len(file.getvalue()) * 8 / 64
        assert np.array_equal(np.asarray(Image.open(file)), picture[0])
    coloured = png_bits(np.zeros((1, 3, 32, 32), np.uint8))[0] * 3 * 32 * 32 / 8
    assert 40 < coloured < 57 + 40 + len(zlib.compress(bytes(32 * 97), 9))


def test_what_a_bound_draws_depends_on_the_seed_and_the_row_alone(digits):
    class Noise:
        kind, dequantisation, levels, image_shape = "lower_bound", "none", 17, (1, 8, 8)

        def log_prob(self, x, labels=None):
            return -torch.rand(len(x)).flip(0)  # the last image draws first

    x = digits[1].x
    first = model_bits(Noise(), x[:3], seed=5)
    assert np.array_equal(first, model_bits(Noise(), x[:70], seed=5)[:3])
    assert not np.array_equal(first, model_bits(Noise(), x[:3], seed=6))
    assert len(set(model_bits(Noise(), x[[0, 0, 0]]))) == 3  # each has its own noise


# ------------------------------------------------------------------------------------------------ areas


def test_areas_of_independent_pixels_recomputed_plainly(digits):
    train, test = digits
    verdict = tell_anomalies(independent_pixels(), train, test, seed=2)
    whole = open_data("digits8")
    shares = np.stack([(whole.x == k).sum(0) + 1 for k in range(17)], -1) / (len(whole.x) + 17)

    def bits(x):
        grid = np.indices(x.shape[1:])
        return np.array([-np.log2(shares[*grid, image]).sum() / 64 for image in x])

    normal = bits(test.x[test.labels != 9])
    assert verdict.count == len(normal)
    assert verdict.bits == pytest.approx(normal.mean())
    assert verdict.training_bits == pytest.approx(bits(train.x).mean())
    odd = {"left out": test.x[test.labels == 9], "inverted": 16 - test.x[test.labels != 9]}
    for name, x in odd.items():
        truth = np.repeat([1, 0], [len(x), len(normal)])
        both = np.concatenate([bits(x), normal])
        areas = by_name(verdict)[name].areas
        assert areas["likelihood"] == pytest.approx(roc_auc_score(truth, both), abs=1e-9)
        far = np.abs(both - bits(train.x).mean())
        assert areas["typicality"] == pytest.approx(roc_auc_score(truth, far), abs=1e-9)
        sizes = png_bits(pictures(replace(test, x=np.concatenate([x, test.x[test.labels != 9]]))))
        assert areas["ratio"] == pytest.approx(roc_auc_score(truth, both - sizes), abs=1e-9)


def test_of_a_model_that_knows_nothing_all_images_tie_and_size_speaks(digits):
    verdict = by_name(tell_anomalies(IndependentLevels(np.full((1, 8, 8, 17), 1 / 17)), *digits))
    for name in ("inverted", "shuffled", "noise", "blank"):
        assert (verdict[name].areas["likelihood"], verdict[name].stderrs["likelihood"]) == (0.5, 0)
    assert verdict["noise"].areas["ratio"] < 0.001
    assert verdict["blank"].areas["ratio"] == 1


def test_images_made_of_held_out_ones_are_paired_with_them(digits):
    train, test = digits
    model, x = independent_pixels(), test.x[test.labels != 9]
    verdict = by_name(tell_anomalies(model, train, test, seed=2))
    normal = model_bits(model, x)
    for name, is_paired in (("speckled", True), ("shuffled", True), ("inverted", True), ("noise", False)):
        odd = model_bits(model, oddities.ODDITIES[name].make(x, 17, 2))
        found = area(odd, normal, is_paired=is_paired)
        assert (verdict[name].areas["likelihood"], verdict[name].stderrs["likelihood"]) == found
    assert (
        verdict["speckled"].stderrs["likelihood"]
        < 0.9 * area(model_bits(model, oddities.speckle(x, 17, 2)), normal).stderr
    )


def test_a_smooth_density_finds_constants_usual_and_both_other_scores_mend_it():
    model = SmoothChain()
    assert model.steps.sum(1).numpy() == pytest.approx(1)
    verdict = tell_anomalies(model, model.examples("train", 1), model.examples("test", 2))
    kinds = by_name(verdict)
    assert "left out" not in kinds
    entropy = -(model.steps * model.steps.log2()).sum(1).numpy()
    assert entropy.min() < verdict.bits < entropy.max()
    for name in ("constant", "blank"):
        assert kinds[name].areas["likelihood"] == 0
        assert kinds[name].fails("likelihood")
        for other in ("ratio", "typicality"):
            assert kinds[name].areas[other] > 0.99
            assert kinds[name].tells(other)
            assert not kinds[name].fails(other)
    assert kinds["noise"].areas["likelihood"] == 1
    assert not kinds["noise"].fails("likelihood")


def test_a_density_is_shifted_by_its_unit_and_no_area_moves(digits):
    """A density of x is that of c x times |c|^D: bits move by log2 c, ranks not at all."""

    class Stretched:
        kind, dequantisation, levels, image_shape = "exact", "uniform", 17, (1, 8, 8)

        def __init__(self, c):
            self.c = c

        def log_prob(self, x, labels=None):
            inside = -(x - 0.3).abs().flatten(1).double().sum(1)
            return inside + 64 * math.log(self.c)

    one, other = (tell_anomalies(Stretched(c), *digits) for c in (1.0, 2.0))
    assert one.bits - other.bits == pytest.approx(1)
    assert [kind.areas for kind in one.kinds] == [pytest.approx(kind.areas) for kind in other.kinds]


# ------------------------------------------------------------------------------------------------ refusals


def test_what_has_no_likelihood_of_these_images_is_refused(digits):
    train, test = digits
    with pytest.raises(BadInput, match=r"object object at .* has no likelihood"):
        tell_anomalies(object(), train, test)
    without = SmoothChain()
    without.kind, without.levels = None, 17
    with pytest.raises(BadInput, match="does not say what its log_prob is"):
        tell_anomalies(without, train, test)
    with pytest.raises(BadInput, match="expected 16 grey levels, got 17"):
        tell_anomalies(SmoothChain(), train, test)
    with pytest.raises(BadInput, match="images of another shape"):
        model_bits(SmoothChain(), test.x)
    impossible = np.zeros((1, 8, 8, 17))
    impossible[..., 3] = 1
    with pytest.raises(BadInput, match="has probability 0"):
        tell_anomalies(IndependentLevels(impossible), train, test)
    with pytest.raises(BadInput, match="log_prob gives NaN for 360 of 360"):
        model_bits(IndependentLevels(impossible * np.nan), test.x)
