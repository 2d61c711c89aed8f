"""Factors of shapes: distances against closed forms, the reader against the renderer, scores against both."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from benchmarks.home import Job
from benchmarks.judging import factors as reading
from benchmarks.judging.factors import NONE, READ, errors_of, kept_reader, reader_of_shapes, truth_of
from benchmarks.judging.samples import keep_samples
from benchmarks.judging.shapes import AXES, OWN, PAIRS, bins_of, distances, histograms, judge_shapes, recognised
from genbench.errors import BadInput, GenbenchError
from genbench.stats.jackknife import blocks
from zoo import MODELS
from zoo.data import open_data
from zoo.data.renderer import FACTORS, GREYS, HUES, KINDS, render_shapes
from zoo.data.shapes import PLACES, SIZES, UNIT
from zoo.deck import describe
from zoo.pictures import as_bytes

EXACT = 1e-12
COUNT = 1000
slow = pytest.mark.slow


def job(**changes):
    given = {"suite": "shapes", "contestant": "x", "judge": "shapes", "judged_by": "shapes", "extractor": "pixels",
             "metrics": ["fd", *OWN], "count": COUNT}  # fmt: skip
    return Job(**{**given, **changes})


def drawn(seed, count=COUNT):
    """Independent factors as the data have them, but for their steps: float64 [count, 7]."""
    rng = np.random.default_rng(seed)
    low, high = [0, 0, SIZES[0], PLACES[0], PLACES[0], 0, 0], [1, 1, SIZES[1], PLACES[1], PLACES[1], 1, 1]
    factors = rng.uniform(low, high, (count, 7))
    factors[:, 0] = rng.permutation(count) % len(KINDS)
    return factors


def pictures_of(factors):
    return render_shapes(factors).transpose(0, 2, 3, 1)


def shares_of(read):
    return histograms(bins_of(read)) / len(read)


def chance(bins, n):
    """The mean total variation between two sets of n draws from as many equally frequent bins."""
    return math.sqrt((bins - 1) / (math.pi * n))


# ------------------------------------------------------------------------------------------------ distances


def test_bins_are_equally_frequent_in_the_data():
    """Every value that the data may have, once: eighths, but for the one more that a closed range has."""
    values = {
        "kind": np.arange(4),
        "hue": np.arange(HUES) / HUES,
        "size": np.arange(SIZES[0] * UNIT, SIZES[1] * UNIT + 1) / UNIT,
        "x": np.arange(PLACES[0] * UNIT, PLACES[1] * UNIT + 1) / UNIT,
        "y": np.arange(PLACES[0] * UNIT, PLACES[1] * UNIT + 1) / UNIT,
        "background": np.arange(GREYS) / GREYS,
    }
    assert tuple(values) == READ
    for name, every in values.items():
        factors = np.tile(drawn(0, 1), (len(every), 1))
        factors[:, FACTORS.index(name)] = every
        counts = histograms(bins_of(truth_of(factors)))[AXES.index(name)]
        filled = counts[: 4 if name == "kind" else 8]
        assert filled.sum() == len(every), name
        assert filled.max() - filled.min() <= 1, name
    pairs = np.array([[kind, (hue + 0.5) / 8, 8, 15, 15, 0.5] for kind in range(4) for hue in range(8)])
    assert np.array_equal(histograms(bins_of(pairs))[-1], [1] * PAIRS + [0])


def test_what_lies_beyond_a_range_is_in_its_last_bin():
    read = np.array([[0, 1.0, 5.0, 10.0, 21.0, -0.1], [3, 0.0, 10.5, 20.0, 11.0, 1.1]])
    assert bins_of(read).tolist() == [[0, 7, 0, 0, 7, 0, 7], [3, 0, 7, 7, 0, 7, 24]]


def test_no_shape_is_a_bin_of_its_own_in_every_factor():
    read = np.array([[NONE, 0.3, 8, 15, 15, 0.5]])
    assert bins_of(read).tolist() == [[PAIRS] * 7]


def test_distances_by_hand():
    even = truth_of(drawn(0))
    shares = shares_of(even)
    assert distances(histograms(bins_of(even)), shares) == dict.fromkeys(AXES, 0)
    half = even.copy()
    half[::2, 0] = NONE
    found = distances(histograms(bins_of(half)), shares)
    assert found["kind"] == pytest.approx(0.5, abs=EXACT)  # what every kind lacks is none
    assert recognised(histograms(bins_of(half))) == 0.5
    nothing = np.full_like(even, NONE)
    assert distances(histograms(bins_of(nothing)), shares) == pytest.approx(dict.fromkeys(AXES, 1), abs=EXACT)
    assert recognised(histograms(bins_of(nothing))) == 0
    discs = even.copy()
    discs[:, 0] = 0
    found = distances(histograms(bins_of(discs)), shares)
    assert found["kind"] == pytest.approx(0.75, abs=EXACT)
    assert {found[name] for name in READ[1:]} == {0}


def test_pairs_see_what_single_factors_do_not():
    """Each kind has two hues of its own: kinds and hues are as frequent as before, three pairs in four are missing."""
    every = np.array([[kind, (hue + 0.5) / 8, 8, 15, 15, 0.5] for kind in range(4) for hue in range(8)])
    tied = every[[8 * kind + hue for kind in range(4) for hue in (2 * kind, 2 * kind + 1)]]
    found = distances(histograms(bins_of(tied)), shares_of(every))
    assert (found["kind"], found["hue"]) == (0, 0)
    assert found["pairs"] == pytest.approx(0.75, abs=EXACT)


def test_distances_are_those_of_a_plain_rewrite():
    ours, theirs = truth_of(drawn(1, 300)), truth_of(drawn(2, 200))
    ours[:40, 0] = NONE
    found = distances(histograms(bins_of(ours)), shares_of(theirs))
    for column, name in enumerate(AXES):
        one, other = (Counter(bins_of(read)[:, column].tolist()) for read in (ours, theirs))
        expected = sum(abs(one[place] / 300 - other[place] / 200) for place in one | other) / 2
        assert found[name] == pytest.approx(expected, abs=EXACT)


def test_errors_of_reading_are_shares_of_a_range_and_of_a_circle():
    truth = np.array([[0, 0.99, 6, 11, 11, 0.0], [1, 0.5, 10, 20, 20, 0.5]])
    found = np.array([[0, 0.01, 7, 11, 12.8, 0.1], [NONE, 0.5, 10, 20, 20, 0.5]])
    expected = {"kind": 0.5, "hue": 0.01, "size": 0.125, "x": 0, "y": 0.1, "background": 0.05}
    assert errors_of(found, truth) == pytest.approx(expected, abs=EXACT)


# ------------------------------------------------------------------------------------------------ the reader


def test_an_unfit_reader_judges_nobody(monkeypatch):
    monkeypatch.setattr(reading, "STEPS", 1)
    with pytest.raises(GenbenchError, match=r"reader of 'shapes': not fit to judge; expected errors of at most 5%"):
        reader_of_shapes.__wrapped__()


def test_the_reader_is_the_same_again(monkeypatch):
    monkeypatch.setattr(reading, "STEPS", 3)
    monkeypatch.setattr(reading, "MOST_WRONG", 1e9)
    once, again = (reader_of_shapes.__wrapped__() for _ in range(2))
    for one, other in zip(once.net.state_dict().values(), again.net.state_dict().values(), strict=True):
        assert torch.equal(one, other)


@slow
def test_the_reader_reads_shapes_that_it_never_saw():
    reader = reader_of_shapes()
    factors = drawn(3)
    found = reader.read(pictures_of(factors))
    errors = errors_of(found, truth_of(factors))
    assert errors["kind"] < 0.03
    assert max(errors.values()) < 0.06
    assert errors == pytest.approx(dict(reader.errors), abs=0.015)
    assert (found[:, 0] != NONE).mean() > 0.97
    assert reader.recognised > 0.97
    assert "kind right in 9" in reader.describe()


@slow
def test_a_bench_keeps_its_reader(tmp_path):
    trained, kept, again = reader_of_shapes(), kept_reader(tmp_path), kept_reader(tmp_path)
    assert kept is trained
    assert (again.errors, again.recognised) == (trained.errors, trained.recognised)
    shapes = pictures_of(drawn(11, 50))
    assert np.array_equal(again.read(shapes), trained.read(shapes))
    assert [path.name for path in tmp_path.iterdir()] == ["reader.safetensors"]


def test_a_reader_that_cannot_be_used_is_refused(tmp_path):
    (tmp_path / reading.FILE).write_bytes(b"nothing")
    with pytest.raises(BadInput, match=r"cannot be used; expected one that this version wrote, got .* Remove it"):
        kept_reader(tmp_path)
    save_file({"0.weight": torch.zeros(3)}, tmp_path / reading.FILE)
    with pytest.raises(BadInput, match=r"cannot be used; .*Missing key"):
        kept_reader(tmp_path)
    untrained = reading._build()
    save_file(untrained.state_dict(), tmp_path / reading.FILE)
    with pytest.raises(GenbenchError, match="not fit to judge"):
        kept_reader(tmp_path)


@slow
def test_what_is_no_shape_is_not_recognised():
    reader, rng = reader_of_shapes(), np.random.default_rng(4)
    shapes = pictures_of(drawn(5, 200))
    noise = rng.integers(0, 256, (200, 32, 32, 3), np.uint8)
    blocks_of_8 = noise[:, :4, :4].repeat(8, axis=1).repeat(8, axis=2)
    blank = np.broadcast_to(noise[:, :1, :1], noise.shape)
    quarters = np.roll(shapes, 16, axis=(1, 2))
    digits = open_data("digits32", "test").x[:200, 0, :, :, None].repeat(3, axis=-1)
    other = shapes[::-1]
    spliced = np.concatenate([shapes[:, :, :16], other[:, :, 16:]], axis=2)
    for junk in (noise, blocks_of_8, blank, quarters, digits, spliced):
        assert (reader.read(junk)[:, 0] != NONE).mean() < 0.1


@slow
@pytest.mark.parametrize("name", ["gan", "dcgan", "stylegan2"])
def test_an_untrained_generator_draws_no_shapes(name):
    model = MODELS.get(name).make(describe(open_data("shapes")), MODELS.get(name).presets["small"].config).eval()
    images = as_bytes(model.sample(100, torch.Generator().manual_seed(0))).permute(0, 2, 3, 1).numpy()
    assert (reader_of_shapes().read(images)[:, 0] != NONE).mean() < 0.1


# ------------------------------------------------------------------------------------------------ the judge


def judged(tmp_path, samples, **changes):
    folder = tmp_path / "x-0"
    folder.mkdir(exist_ok=True)
    keep_samples(samples, folder)
    return judge_shapes(job(count=len(samples), **changes), folder, samples)


def test_pictures_of_another_size_are_refused(tmp_path):
    with pytest.raises(BadInput, match=r"samples of 'x': not of the data's size; expected \[32, 32, 3\], got \[64, 64"):
        judged(tmp_path, np.zeros((3, 64, 64, 3), np.uint8))


@slow
def test_shapes_as_the_data_are_at_the_floor(tmp_path):
    card = judged(tmp_path, pictures_of(drawn(6)))
    assert [score.metric for score in card.scores] == ["fd", *OWN]
    assert (card.fake, card.real) == ("samples.npz", "data:shapes/test")
    assert card["recognised"].value > 0.97
    expected = (chance(4, COUNT) / math.sqrt(2) + 5 * chance(8, COUNT)) / 6  # kinds are equally frequent there
    assert card["factors"].value == pytest.approx(expected, abs=0.025)
    assert card["factors"].floor == pytest.approx(expected, abs=0.025)
    assert card["pairs"].value == pytest.approx(chance(PAIRS, COUNT), abs=0.05)
    assert card["pairs"].floor == pytest.approx(chance(PAIRS, COUNT), abs=0.05)
    assert card["recognised"].floor > 0.97
    assert {score.n_real for score in card.scores} == {1000}
    assert {score.floor_count for score in card.scores[1:]} == {COUNT}
    assert [score.better for score in card.scores[1:]] == ["higher", "lower", "lower"]


@slow
def test_a_factor_that_is_distributed_wrong_is_found_and_the_others_are_not(tmp_path):
    factors = drawn(7)
    factors[:, 1] /= 2
    found = judged(tmp_path, pictures_of(factors))["factors"].details
    assert found["distances"]["hue"] == pytest.approx(0.5, abs=0.05)
    assert max(found["distances"][name] for name in READ if name != "hue") < 0.12
    factors = drawn(8)
    factors[:, 0] %= 2  # discs and squares
    card = judged(tmp_path, pictures_of(factors))
    found = card["factors"].details
    assert found["distances"]["kind"] == pytest.approx(0.5, abs=0.02)
    assert max(found["distances"][name] for name in READ if name != "kind") < 0.12
    assert card["factors"].value == pytest.approx(np.mean([found["distances"][name] for name in READ]), abs=EXACT)
    assert card["pairs"].value == found["distances"]["pairs"]
    assert found["recognised"] == card["recognised"].value
    assert found["reader"] == card["factors"].warnings[0] == reader_of_shapes().describe()


@slow
def test_noise_has_no_factors(tmp_path):
    card = judged(tmp_path, np.random.default_rng(9).integers(0, 256, (100, 32, 32, 3), np.uint8))
    assert (card["recognised"].value, card["factors"].value, card["pairs"].value) == pytest.approx((0, 1, 1), abs=0.02)
    assert (card["factors"].stderr, card["pairs"].stderr) == (0, 0), "without any shape nothing varies"
    assert card["recognised"].stderr > 0


@slow
def test_errors_leave_out_one_of_20_blocks_and_that_of_the_share_is_binomial(tmp_path):
    samples = pictures_of(drawn(10, 200))
    samples[:50] = 128
    card = judged(tmp_path, samples, seed=3, metrics=["fd", "recognised", "factors"])
    share = card["recognised"].value
    assert share == pytest.approx(0.75, abs=0.03)
    assert card["recognised"].stderr == pytest.approx(math.sqrt(share * (1 - share) / 200), rel=EXACT)
    reader, test = reader_of_shapes(), open_data("shapes", "test")
    shares, read = shares_of(reader.read(test.x.transpose(0, 2, 3, 1))), reader.read(samples)
    block = blocks(200, 3, "fake")
    left = [distances(histograms(bins_of(read[block != b])), shares) for b in range(20)]
    means = [np.mean([one[name] for name in READ]) for one in left]
    expected = math.sqrt(19 / 20 * np.sum((np.array(means) - np.mean(means)) ** 2))
    assert card["factors"].stderr == pytest.approx(expected, rel=1e-6)
