"""Samples, modes, references: against closed forms and against the engine."""

import math
from itertools import product

import numpy as np
import pytest
import torch

from benchmarks.contracts import Record
from benchmarks.home import Job, folder_of
from benchmarks.judging.counts import occupancy_error
from benchmarks.judging.images import judge_images, look_for_copies
from benchmarks.judging.likelihood import judge_likelihood
from benchmarks.judging.modes import judge_points, judge_stacked, measures, stacked_pixels
from benchmarks.judging.samples import draw_samples, keep_samples, take_samples
from benchmarks.references import IndependentLevels, independent_pixels, uniform
from benchmarks.run import Ended
from benchmarks.telling import in_a_line
from genbench.contracts import SourceOptions
from genbench.errors import BadInput
from genbench.sources import open_source
from genbench.stats.jackknife import blocks
from zoo import MODELS
from zoo.data import open_data
from zoo.data.digits import enlarged
from zoo.data.modes import mode_report
from zoo.deck import describe
from zoo.levels import levels_of


def job(judge="images", data="digits32", **changes):
    given = {"metrics": ["fd"], "extractor": "pixels", "count": 100, "contestant": "x", "suite": "s"}
    return Job(**{**given, "judge": judge, "judged_by": data, **changes})


def built(name, preset="smoke", data=None):
    chosen = MODELS.get(name).presets[preset]
    torch.manual_seed(0)
    return MODELS.get(name).make(describe(open_data(data or chosen.data)), chosen.config).eval()


# ------------------------------------------------------------------------------------------------ samples


@pytest.mark.parametrize("name", ["gan", "cgan", "3d-gan"])
def test_samples_are_those_that_the_engine_draws(name):
    model = built(name)
    ours, speed = draw_samples(model, job(count=70, seed=5))
    source = open_source(model, SourceOptions(seed=5))
    theirs = list(source.read(source.entries(70)))
    assert ours.dtype == np.uint8
    assert ours.shape[0] == 70
    assert ours.shape[3] == 3
    assert all(np.array_equal(a, np.broadcast_to(b, a.shape)) for a, b in zip(ours, theirs, strict=True))
    assert speed > 0


def test_small_digits_are_enlarged_as_the_data_were():
    model = built("realnvp")
    large, _ = draw_samples(model, job(count=64))
    small = model.sample(64, torch.Generator().manual_seed(_seed_of_chunk(0)))
    levels = levels_of(small[:, 0], 17).numpy().astype(np.uint8)
    assert large.shape == (64, 32, 32, 3)
    assert np.array_equal(large[..., 1], enlarged(levels))
    plain, _ = draw_samples(model, job(data="digits8", judge="likelihood", count=64))
    assert plain.shape == (64, 8, 8, 3)


def _seed_of_chunk(chunk):
    from genbench.seeds import derive

    return derive(0, "sample", chunk)


def test_the_data_come_out_as_they_are_when_small_digits_are_perfect():
    """What enlarges samples gives the data where samples are data."""
    small, large = open_data("digits8", "test"), open_data("digits32", "test")
    assert np.array_equal(enlarged(small.x[:, 0]), large.x[:, 0])


def test_kept_samples_are_a_source(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (70, 9, 7, 3), np.uint8)
    keep_samples(images, tmp_path)
    source = open_source(str(tmp_path / "samples.npz"))
    assert np.array_equal(np.stack(list(source.read(source.entries()))), images)
    assert (tmp_path / "grid.png").is_file()
    first = (tmp_path / "samples.npz").read_bytes()
    keep_samples(images, tmp_path)
    assert (tmp_path / "samples.npz").read_bytes() == first
    keep_samples(np.zeros((5, 2), np.float32), tmp_path)
    assert np.load(tmp_path / "samples.npz")["points"].shape == (5, 2)


def test_an_outsider_gives_as_many_samples_of_one_size(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (120, 6, 6, 3), np.uint8)
    np.savez(tmp_path / "a.npz", images)
    taken = take_samples(job(source=str(tmp_path / "a.npz")))
    assert taken.shape == (100, 6, 6, 3)
    rows = {image.tobytes() for image in images}
    assert all(image.tobytes() in rows for image in taken)
    with pytest.raises(BadInput, match="too few samples; expected 121, as many as of the others, got 120"):
        take_samples(job(source=str(tmp_path / "a.npz"), count=121))
    from PIL import Image

    (tmp_path / "mixed").mkdir()
    for place, side in enumerate((4, 5)):
        Image.new("RGB", (side, 4)).save(tmp_path / "mixed" / f"{place}.png")
    with pytest.raises(BadInput, match="several sizes; expected one size, as a model gives, got 4x4, 5x4"):
        take_samples(job(source=str(tmp_path / "mixed"), count=2))


@pytest.mark.parametrize("name", ["p.npy", "p.npz"])
def test_an_outsider_of_points_is_an_array(tmp_path, name):
    points = np.random.default_rng(0).normal(size=(120, 2))
    (np.save if name.endswith("y") else np.savez)(tmp_path / name, points)
    taken = take_samples(job("points", "ring8", source=str(tmp_path / name)))
    assert np.array_equal(taken, points[:100].astype(np.float32))
    (np.save if name.endswith("y") else np.savez)(tmp_path / name, points[:, :1])
    with pytest.raises(BadInput, match=r"expected floats \[n, 2\]"):
        take_samples(job("points", "ring8", source=str(tmp_path / name)))
    with pytest.raises(BadInput, match="no points"):
        take_samples(job("points", "ring8", source="data:digits32"))


# ------------------------------------------------------------------------------------------------ images


def test_images_are_scored_by_the_test_split_under_a_name_without_a_place(tmp_path):
    real = open_data("digits32", "test").x[:, 0]
    keep_samples(np.repeat(real[:, :, :, None], 3, axis=3), tmp_path)
    card = judge_images(job(count=360), tmp_path, real)
    assert (card.fake, card.real) == ("samples.npz", "data:digits32/test")
    assert card["fd"].value == pytest.approx(0, abs=1e-6)
    assert str(tmp_path) not in card.to_json()
    first, other = (judge_images(job(count=300, seed=seed), tmp_path, real) for seed in (0, 8))
    assert (first["fd"].n_real, first["fd"].n_fake) == (300, 300)
    assert first.scores == other.scores  # all runs meet the same reference images


@pytest.mark.slow
def test_copies_are_found(tmp_path):
    few = open_data("few:64:digits32").x[:, 0]
    keep_samples(np.repeat(np.tile(few, (2, 1, 1))[:100, :, :, None], 3, axis=3), tmp_path)
    found = look_for_copies(job(copied_from="data:few:64:digits32/train"), tmp_path, ["pixels"])
    assert found.is_copied
    assert found.exact == 100
    assert found.words[0].startswith("COPIED: 100 of 100")
    assert (tmp_path / "memorization.json").is_file()


# ------------------------------------------------------------------------------------------------ modes


def test_a_perfect_sampler_reaches_all_modes(tmp_path):
    points = np.concatenate([open_data("ring8").x, open_data("ring8", "test").x])
    card = judge_points(job("points", "ring8", count=5000), tmp_path, points)
    assert card["modes"].value == 8
    assert card["high-quality"].value == pytest.approx(1 - math.exp(-4.5), abs=0.006)
    assert card["high-quality"].stderr == pytest.approx(math.sqrt(0.989 * 0.011 / 5000), rel=0.2)
    assert 0 < card["mode-divergence"].value < 5 * 7 / (2 * 5000)
    assert [card[name].better for name in ("modes", "high-quality", "mode-divergence")] == ["higher", "higher", "lower"]
    assert card["modes"].floor == 8
    assert card["mode-divergence"].floor == pytest.approx(card["mode-divergence"].value, abs=0.003)
    report = mode_report(points, open_data("ring8").truth["centres"], 0.02)
    assert card["high-quality"].value == pytest.approx(report.share_high_quality, abs=1e-12)
    assert card["mode-divergence"].value == pytest.approx(report.reverse_kl, abs=1e-12)


def test_one_mode_and_none(tmp_path):
    centre = open_data("grid25").truth["centres"][7].astype(np.float32)
    one = judge_points(job("points", "grid25"), tmp_path, np.tile(centre, (100, 1)))
    assert [score.value for score in one.scores] == [pytest.approx(24 / 25), 1, 1, pytest.approx(math.log(25))]
    none = judge_points(job("points", "grid25"), tmp_path, np.full((100, 2), 50, np.float32))
    assert [score.value for score in none.scores] == [1, 0, 0, pytest.approx(math.log(25))]
    assert none["high-quality"].ci95[0] == 0
    assert one["high-quality"].stderr > 0


def test_errors_are_the_plain_jackknife_of_20_blocks(tmp_path):
    data = open_data("grid25")
    points = data.x[:600].copy()
    points[::3] += 1
    card = judge_points(job("points", "grid25", seed=4), tmp_path, points)
    centres, sigma, block = data.truth["centres"], 0.05, blocks(600, 4, "fake")
    left = [mode_report(points[block != b], centres, sigma) for b in range(20)]
    for metric, values in {
        "mode-distance": [
            np.abs(one.counts / one.counts.sum() * one.share_high_quality - 1 / 25).sum() / 2
            + (1 - one.share_high_quality) / 2
            for one in left
        ],
        "mode-divergence": [one.reverse_kl for one in left],
    }.items():
        expected = math.sqrt(19 / 20 * np.sum((np.array(values) - np.mean(values)) ** 2))
        assert card[metric].stderr == pytest.approx(expected, rel=1e-12)


def test_uneven_modes_have_the_divergence_of_their_shares():
    divergence = next(one for one in measures(4) if one.metric == "mode-divergence")
    counts = np.array([60, 30, 10, 0])
    expected = sum(p * math.log(p / 0.25) for p in (0.6, 0.3, 0.1))
    assert divergence.of(counts, 200) == pytest.approx(expected, rel=1e-12)


@pytest.mark.slow
def test_stacked_digits_by_the_classifier(tmp_path):
    """Real ones: nearly all modes there are; one digit in all colours: ten modes; noise: none."""
    real = open_data("stacked_digits", "test")
    card = judge_stacked(job("stacked", "stacked_digits"), tmp_path, stacked_pixels(real))
    assert card["modes"].value > 900  # one picture of each
    assert card["high-quality"].value > 0.9
    assert 985 < judge_stacked(job("stacked", "stacked_digits"), tmp_path, _repeated(real, 5))["modes"].floor <= 1000
    grey = open_data("digits32", "test").x[:, 0]
    same = judge_stacked(job("stacked", "stacked_digits"), tmp_path, np.repeat(grey[..., None], 3, axis=3))
    assert same["modes"].value == 10
    assert same["mode-divergence"].value == pytest.approx(math.log(100), abs=0.02)
    noise = np.random.default_rng(0).integers(0, 256, (100, 32, 32, 3), np.uint8)
    assert judge_stacked(job("stacked", "stacked_digits"), tmp_path, noise)["high-quality"].value < 0.1
    assert "classifier right on" in card["modes"].warnings[0]


def _repeated(examples, times):
    return np.tile(stacked_pixels(examples), (times, 1, 1, 1))


# ------------------------------------------------------------------------------------------------ likelihood


def test_references_of_likelihood():
    test = open_data("digits8", "test")
    x = torch.from_numpy(test.x).float() / 16
    bits = -uniform().log_prob(x) / (64 * math.log(2))
    assert bits.numpy() == pytest.approx(math.log2(17), rel=1e-12)
    train, found = open_data("digits8").x, 0.0
    for row, column in product(range(8), range(8)):
        counts = np.bincount(train[:, 0, row, column], minlength=17) + 1
        found -= np.log2(counts[test.x[:, 0, row, column]] / counts.sum()).mean() / 64
    assert float((-independent_pixels().log_prob(x) / (64 * math.log(2))).mean()) == pytest.approx(found, rel=1e-12)


def test_a_reference_is_a_distribution_and_draws_from_itself():
    shares = np.array([0.5, 0.3, 0.2, 0.1, 0.1, 0.8]).reshape(1, 1, 2, 3)
    model = IndependentLevels(shares)
    every = torch.tensor(list(product((0.0, 0.5, 1.0), repeat=2))).reshape(9, 1, 1, 2)
    assert float(model.log_prob(every).exp().sum()) == pytest.approx(1, abs=1e-12)
    drawn = model.sample(20_000, torch.Generator().manual_seed(0))
    assert drawn.shape == (20_000, 1, 1, 2)
    for pixel in range(2):
        seen = [float((drawn[:, 0, 0, pixel] == level).float().mean()) for level in (0, 0.5, 1)]
        assert seen == pytest.approx(shares[0, 0, pixel], abs=0.015)


def test_likelihood_is_judged_on_the_whole_test_split(tmp_path):
    asked = job("likelihood", "digits8", metrics=["likelihood"], source="benchmarks.references:uniform", count=9)
    card = judge_likelihood(asked, tmp_path, np.empty(0))
    assert card["likelihood"].value == pytest.approx(math.log2(17), rel=1e-6)
    assert card["likelihood"].n_real == 360
    assert card.fake == "benchmarks.references:uniform"


# ------------------------------------------------------------------------------------------------ telling


def test_lines_about_jobs(tmp_path):
    asked = job()
    folder = folder_of(tmp_path, "x", 0)
    record = Record(suite="s", contestant="x", status="diverged", error="e" * 500)
    assert in_a_line(Ended(asked, folder, None)) == "x seed 0: another command works on it"
    assert in_a_line(Ended(asked, folder, record)) == f"x seed 0: diverged: {'e' * 160}..."


# ------------------------------------------------------------------------------------------------ counts


def measured(metric, counts):
    return next(one for one in measures(len(counts)) if one.metric == metric)


@pytest.mark.parametrize(
    ("counts", "n", "expected"),
    [
        ([25, 25, 25, 25], 100, 0.0),  # perfect
        ([100, 0, 0, 0], 100, 0.75),  # one mode of four
        ([20, 20, 20, 20], 100, 0.2),  # a fifth is of no mode
        ([0, 0, 0, 0], 100, 1.0),
        ([50, 50, 0, 0], 100, 0.5),
        ([1, 1, 1, 1], 400, 0.99),  # noise that reaches all
    ],
)
def test_the_distance_of_modes_by_hand(counts, n, expected):
    assert measured("mode-distance", counts).of(np.array(counts), n) == pytest.approx(expected)


def test_the_error_of_a_number_of_modes_is_that_of_drawing_again(rng):
    counts, n = np.array([1, 2, 3, 1, 40, 2, 0, 0]), 60
    none = n - counts.sum()
    drawn = rng.multinomial(n, np.append(counts, none) / n, size=40_000)[:, :-1]
    assert occupancy_error(counts, n) == pytest.approx((drawn > 0).sum(axis=1).std(), rel=0.02)
    assert occupancy_error(np.array([30, 30]), 60) == pytest.approx(0, abs=1e-6)
