"""Images compared two by two by a whole scoring: what is matched, refused, kept and computed again."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

import genbench
from genbench.errors import BadInput, MissingWeights, UnreadableImages
from genbench.features.store import Store, default_cache

COUNT, SIDE_PX = 12, 24
PIXELWISE = ["l1", "psnr", "ssim", "ms-ssim"]
QUIET = {"extractor": "pixels", "floor": False}


def save(path, pixels):
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


@pytest.fixture
def folders(tmp_path, rng):
    """Real images, and fakes of the same names that are a little brighter, as another kind of file."""
    for name in ("fake", "real"):
        (tmp_path / name / "cats").mkdir(parents=True)
    for i in range(COUNT):
        pixels = rng.integers(0, 200, (SIDE_PX, SIDE_PX + 2, 3))
        save(tmp_path / "real" / "cats" / f"{i:03d}.png", pixels)
        save(tmp_path / "fake" / "cats" / f"{i:03d}.bmp", pixels + 1 + i)
    return tmp_path / "fake", tmp_path / "real"


@pytest.fixture(autouse=True)
def _cache_of_one_test(tmp_path, monkeypatch):
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path / "cache"))


def score(folders, metrics, **options):
    return genbench.score(fake=folders[0], real=folders[1], metrics=metrics, **(QUIET | options))


def test_images_of_one_name_are_compared(folders):
    card = score(folders, PIXELWISE)
    steps = (1 + np.arange(COUNT)) / 255
    assert card["l1"].value == pytest.approx(steps.mean(), rel=1e-5)
    assert card["psnr"].value == pytest.approx(np.mean(-20 * np.log10(steps)), rel=1e-5)
    assert [one.label for one in card.scores] == ["L1", "PSNR", "SSIM", "MS-SSIM"]
    assert card["ms-ssim"].details == {"scales": {"2": COUNT}}
    assert (card["l1"].n_real, card["l1"].n_fake, card["l1"].extractor) == (COUNT, COUNT, "l1")
    assert card.provenance["others"]["mse"]["formula"] == "mean (a - b)^2, RGB in [0, 1]"


def test_a_second_run_compares_nothing(folders):
    first, second = score(folders, PIXELWISE), score(folders, PIXELWISE)
    assert first.provenance["features"]["pairs"] == {"computed": 4 * COUNT, "recalled": 0}
    assert "pairs" not in second.provenance["features"]
    assert [one.model_dump() for one in first.scores] == [one.model_dump() for one in second.scores]


def test_only_new_pairs_are_compared(folders, rng):
    score(folders, ["l1"])
    save(folders[0] / "cats" / "003.bmp", rng.integers(0, 256, (SIDE_PX, SIDE_PX + 2, 3)))
    again = score(folders, ["l1"])
    assert again.provenance["features"]["pairs"] == {"computed": 1, "recalled": COUNT - 1}


def test_batch_size_does_not_change_a_score(folders, tmp_path):
    values = [
        score(folders, ["ssim"], batch_size=size, cache=tmp_path / str(size))["ssim"].value for size in (None, 1, 5)
    ]
    assert len(set(values)) == 1


def test_pairs_of_several_sizes(folders, rng):
    for i in range(0, COUNT, 3):
        pixels = rng.integers(0, 200, (40, 30, 3))
        save(folders[1] / "cats" / f"{i:03d}.png", pixels)
        save(folders[0] / "cats" / f"{i:03d}.bmp", pixels + 1 + i)
    assert score(folders, ["l1"])["l1"].value == pytest.approx((1 + np.arange(COUNT)).mean() / 255, rel=1e-5)


def test_names_on_one_side_only_stop_before_any_work(folders):
    (folders[0] / "cats" / "003.bmp").rename(folders[0] / "cats" / "other.bmp")
    with pytest.raises(BadInput, match=r"l1: compares images of one name.*got 2 on one side only, such as cats/003"):
        score(folders, ["fd", "l1"])
    assert_nothing_was_done()


def test_one_name_twice_stops_before_any_work(folders, rng):
    save(folders[0] / "cats" / "003.png", rng.integers(0, 256, (8, 8, 3)))
    with pytest.raises(BadInput, match="cats/003 twice in fake"):
        score(folders, ["l1"])


def test_sizes_that_differ_stop_before_any_work(folders, rng):
    save(folders[0] / "cats" / "003.bmp", rng.integers(0, 256, (9, 8, 3)))
    with pytest.raises(
        BadInput, match=r"l1: images 'cats/003\.bmp' and 'cats/003\.png' differ in size.*got 8x9 and 26x24"
    ):
        score(folders, ["fd", "l1"])
    assert_nothing_was_done()


def test_images_too_small_stop_before_any_work(folders, rng):
    for folder, ending in zip(folders, ("bmp", "png"), strict=True):
        save(folder / "cats" / f"003.{ending}", rng.integers(0, 256, (10, 30, 3)))
    with pytest.raises(BadInput, match=r"ssim: image 'cats/003\.bmp' is too small; expected 11 pixels"):
        score(folders, ["fd", "l1", "ssim"])
    assert_nothing_was_done()


def assert_nothing_was_done():
    """No network ran and no pair was compared."""
    with Store(default_cache()) as store:
        assert store.info().extractors == ()


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({}, MissingWeights, "--perceptual lite0"),
        ({"perceptual": "ssim"}, BadInput, "--perceptual: no perceptual distance"),
        ({"perceptual": "lpips"}, BadInput, "unknown backbone"),
    ],
)
@pytest.mark.parametrize("metric", ["lpips", "lpips-diversity"])
def test_a_perceptual_distance_that_cannot_be_had_stops_before_any_work(folders, metric, options, error, words):
    with pytest.raises(error, match=words):
        score(folders, [metric, "fd"], **options)
    assert not default_cache().exists()


@pytest.mark.slow
def test_another_perceptual_distance_goes_by_its_own_name(folders):
    card = score(folders, ["lpips", "lpips-diversity"], perceptual="lite0", runtime="torch")
    assert [one.label for one in card.scores] == ["perceptual[lite0]", "perceptual diversity[lite0]"]
    assert 0 < card["lpips"].value < card["lpips-diversity"].value


def test_statistics_are_no_images(folders, tmp_path):
    np.savez(tmp_path / "s.npz", mu=np.zeros(3072), sigma=np.eye(3072))
    with pytest.raises(BadInput, match=r"l1: the reference .* is statistics"):
        score((folders[0], tmp_path / "s.npz"), ["l1"])


def test_a_generator_is_compared_by_number(tmp_path, rng):
    reals = rng.integers(0, 256, (30, 16, 16, 3), dtype=np.uint8)
    np.savez(tmp_path / "real.npz", reals)
    (tmp_path / "gen.py").write_text(
        "import torch\n\ndef f(n, generator):\n    return torch.rand(n, 3, 16, 16, generator=generator)\n"
    )
    card = genbench.score(
        fake=f"{tmp_path}/gen.py:f", real=tmp_path / "real.npz", metrics=["l1"], output_range=(0, 1), **QUIET
    )
    assert card["l1"].value == pytest.approx(1 / 3, abs=0.02)  # of independent uniform numbers


@pytest.mark.slow
def test_killed_half_way_it_goes_on(tmp_path, rng):
    """kill -9 in the middle of a comparison; what was finished is not computed again."""
    for name in ("fake", "real"):
        (tmp_path / name).mkdir()
        for i in range(300):
            save(tmp_path / name / f"{i:03d}.png", rng.integers(0, 256, (8, 8, 3)))
    folders = tmp_path / "fake", tmp_path / "real"
    code = (
        "import sys, time, genbench\n"
        "from genbench.pairs.differences import MeanAbsolute\n"
        "run = MeanAbsolute.__call__\n"
        "def slowly(self, *images):\n    time.sleep(0.2)\n    return run(self, *images)\n"
        "MeanAbsolute.__call__ = slowly\n"
        "genbench.score(fake=sys.argv[1], real=sys.argv[2], metrics=['l1'], batch_size=4)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, folders)])
    with Store(default_cache()) as store:
        deadline = time.monotonic() + 120
        while sum(row.images for row in store.info().extractors) < 40:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with Store(default_cache()) as store:
        kept = sum(row.images for row in store.info().extractors)
    assert 40 <= kept < 300
    assert score(folders, ["l1"]).provenance["features"]["pairs"] == {"computed": 300 - kept, "recalled": kept}


@pytest.mark.slow
def test_a_reference_of_statistics_leaves_the_fakes_to_be_compared(folders, tmp_path):
    """Where no metric looks at features, nothing asks which extractor the statistics are of."""
    np.savez(tmp_path / "s.npz", mu=np.zeros(3072), sigma=np.eye(3072))
    with pytest.raises(MissingWeights, match="alexnet"):
        score((folders[0], tmp_path / "s.npz"), ["lpips-diversity"])
    options = {"perceptual": "lite0", "runtime": "torch"}
    assert score((folders[0], tmp_path / "s.npz"), ["lpips-diversity"], **options)["lpips-diversity"].value > 0


@pytest.mark.slow
def test_a_round_of_drawn_images_draws_them_once(tmp_path, rng):
    import torch

    drawn = []

    def draw(n, generator):
        drawn.append(n)
        return torch.rand(n, 3, 16, 16, generator=generator)

    reals = rng.integers(0, 256, (200, 16, 16, 3), dtype=np.uint8)
    options = {"perceptual": "lite0", "runtime": "torch", "output_range": (0, 1)}
    card = genbench.score(fake=draw, real=reals, metrics=["lpips-diversity"], **options, **QUIET)
    assert card["lpips-diversity"].n_fake == 200
    assert len(drawn) <= 2 + 4 + 4  # opening twice; four chunks to look at them, four to compare them


def test_a_file_that_changes_while_it_is_read_poisons_nothing(folders, monkeypatch):
    from genbench.sources.folder import FolderSource

    victim, other = (folders[0] / "cats" / f"00{i}.bmp" for i in (0, 1))
    original, read, calls = victim.read_bytes(), FolderSource.read, []

    def read_later(self, entries):
        if len(calls) == 2:  # both sides have been checked
            victim.write_bytes(other.read_bytes())
        calls.append(1)
        return read(self, entries)

    with monkeypatch.context() as patch:
        patch.setattr(FolderSource, "read", read_later)
        with pytest.raises(UnreadableImages, match=r"000\.bmp: changed while it was being read"):
            score(folders, ["l1"])
    stat = victim.stat()
    victim.write_bytes(original)
    os.utime(victim, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert score(folders, ["l1"])["l1"].value == pytest.approx((1 + np.arange(COUNT)).mean() / 255, rel=1e-5)


def test_metrics_with_extractors_of_their_own_beside_the_chosen_one(folders):
    card = score(folders, ["fwd", "spectrum", "fd"])
    assert [one.label for one in card.scores] == ["FWD[wavelet:64]", "spectrum gap, dB", "FD[pixels]"]
    assert card.provenance["extractor"]["extractor"] == "pixels v1"
    assert set(card.provenance["others"]) == {"wavelet:64", "spectrum"}


def test_the_user_may_choose_the_size_of_a_metrics_own_extractor(folders):
    card = score(folders, ["fwd", "fd"], extractor="wavelet:16")
    assert [one.label for one in card.scores] == ["FWD[wavelet:16]", "FD[wavelet:16]"]
    assert card.provenance["others"] == {}
