"""The whole way from sources to a scorecard, on small real sets, with the extractor that needs no network."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from functools import partial

import numpy as np
import pytest
from PIL import Image

import genbench
from genbench.contracts import Scorecard
from genbench.errors import BadInput, NotEnoughImages, UnknownName, UnreadableImages
from genbench.evaluate import extract_sides, open_run, survey_sides
from genbench.features.store import FILE, Store, default_cache
from genbench.request import Request

PIXELS = {"extractor": "pixels"}


def write_folder(folder, count, rng, start=0):
    folder.mkdir(exist_ok=True)
    for i in range(start, start + count):
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(folder / f"{i:03d}.png")
    return folder


@pytest.fixture
def folders(tmp_path, rng):
    return write_folder(tmp_path / "fake", 40, rng), write_folder(tmp_path / "real", 50, rng)


@pytest.fixture(autouse=True)
def _fresh_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path / "cache"))


def computed(card):
    return {side: tally["computed"] for side, tally in card.provenance["features"].items()}


def test_equals_the_metrics_on_the_pixels_themselves(folders):
    card = genbench.score(fake=folders[0], real=folders[1], metrics=["fd", "kd"], **PIXELS)
    fake, real = (
        np.stack([np.asarray(Image.open(f).resize((32, 32), 0)) for f in sorted(d.iterdir())]).reshape(-1, 3072) / 255
        for d in folders
    )
    gap = ((real.mean(0) - fake.mean(0)) ** 2).sum()
    real, fake = ((x - x.mean(0)) / np.sqrt(len(x) - 1) for x in (real, fake))
    squares = np.linalg.eigvalsh(real @ fake.T @ fake @ real.T)  # tr (S1 S2)^1/2 by the Gram matrix of either side
    expected = gap + (real**2).sum() + (fake**2).sum() - 2 * np.sqrt(np.maximum(squares, 0)).sum()
    assert card["fd"].value == pytest.approx(expected, rel=1e-5)
    assert (card["fd"].n_real, card["fd"].n_fake) == (50, 40)
    low, high = card["kd"].ci95
    assert low < card["kd"].value < high


def test_the_scorecard_tells_what_made_it(folders):
    card = genbench.score(fake=folders[0], real=folders[1], metrics=["fd"], seed=5, **PIXELS)
    made_by = card.provenance
    assert made_by["request"]["seed"] == made_by["seed"] == 5
    assert (made_by["device"], made_by["dtype"], made_by["weights"]) == ("cpu", "float32", "none")
    assert made_by["extractor"]["resize"].endswith("box uint8 32x32")
    assert made_by["sources"]["fake"]["sizes"] == {"8x8": 40}
    assert made_by["genbench"] == genbench.__version__
    assert {"check", "features", "metrics"} == set(made_by["seconds"])
    assert len(made_by["sources"]["fake"]["fingerprint"]) == 64
    assert Scorecard.model_validate_json(card.to_json()) == card
    assert list(card.to_pandas()["metric"]) == ["fd"]
    assert json.loads(card.to_json())["scores"][0]["label"] == "FD[pixels]"


def test_a_second_run_computes_nothing_and_opens_no_image(folders):
    first = genbench.score(fake=folders[0], real=folders[1], metrics=["fd", "precision"], **PIXELS)
    for file in folders[0].iterdir():  # the same size and time, other bytes: only --verify would notice
        stat = file.stat()
        file.write_bytes(b"x" * stat.st_size)
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    second = genbench.score(fake=folders[0], real=folders[1], metrics=["fd", "precision"], **PIXELS)
    assert computed(first) == {"fake": 40, "real": 50}
    assert computed(second) == {"fake": 0, "real": 0}
    assert [s.model_dump() for s in first.scores] == [s.model_dump() for s in second.scores]
    with pytest.raises(UnreadableImages, match="40 of 40"):
        genbench.score(fake=folders[0], real=folders[1], metrics=["fd"], verify=True, **PIXELS)


def test_only_added_and_changed_images_are_computed(folders, rng):
    genbench.score(fake=folders[0], real=folders[1], metrics=["fd"], **PIXELS)
    write_folder(folders[0], 3, rng, start=100)
    Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)).save(folders[0] / "000.png")
    shutil.copy(folders[0] / "001.png", folders[0] / "copy.png")
    again = genbench.score(fake=folders[0], real=folders[1], metrics=["fd"], **PIXELS)
    assert computed(again) == {"fake": 4, "real": 0}
    assert again["fd"].n_fake == 44


def test_names_and_order_on_disk_do_not_matter(folders, tmp_path):
    shutil.copytree(folders[0], tmp_path / "renamed")
    for i, file in enumerate(sorted((tmp_path / "renamed").iterdir(), reverse=True)):
        file.rename(file.with_name(f"n{i:04d}.png"))
    first, second = (
        genbench.score(fake=fake, real=folders[1], **PIXELS) for fake in (folders[0], tmp_path / "renamed")
    )
    assert computed(second)["fake"] == 0
    for one, other in zip(first.scores, second.scores, strict=True):
        assert one.value == pytest.approx(other.value, rel=1e-9)


def test_batch_size_does_not_change_a_score(folders, tmp_path):
    values = [
        genbench.score(
            fake=folders[0], real=folders[1], metrics=["fd"], batch_size=size, cache=tmp_path / str(size), **PIXELS
        )["fd"].value
        for size in (1, 7, 64)
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-9) == pytest.approx(values[2], rel=1e-9)


def test_count_depends_on_seed_and_names_alone(folders, rng):
    few = genbench.score(fake=folders[0], real=folders[1], metrics=["fd"], count=20, **PIXELS)
    same = genbench.score(fake=folders[0], real=folders[1], metrics=["fd"], count=20, **PIXELS)
    other = genbench.score(fake=folders[0], real=folders[1], metrics=["fd"], count=20, seed=1, **PIXELS)
    assert few["fd"].n_fake == few["fd"].n_real == 20
    assert few["fd"].value == same["fd"].value != other["fd"].value


def test_broken_files_stop_before_any_work_and_can_be_left_out(folders):
    (folders[0] / "broken.png").write_bytes((folders[0] / "000.png").read_bytes()[:60])
    with pytest.raises(UnreadableImages, match=r"1 of 41 images.*--skip-unreadable"):
        genbench.score(fake=folders[0], real=folders[1], metrics=["fd"], **PIXELS)
    with Store(default_cache()) as store:
        assert store.info().extractors == ()
    card = genbench.score(fake=folders[0], real=folders[1], metrics=["fd"], skip_unreadable=True, **PIXELS)
    assert card["fd"].n_fake == 40
    assert card.provenance["sources"]["fake"]["skipped"] == ["broken.png"]


def test_damage_that_only_decoding_shows_keeps_what_was_computed(folders):
    """A PNG whose checksums are right and whose data are not."""
    import struct
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"no zlib stream") + chunk(b"IEND", b"")
    (folders[0] / "late.png").write_bytes(data)
    with pytest.raises(UnreadableImages, match=r"late\.png"):
        genbench.score(fake=folders[0], real=folders[1], metrics=["fd"], **PIXELS)
    (folders[0] / "late.png").unlink()
    assert computed(genbench.score(fake=folders[0], real=folders[1], metrics=["fd"], **PIXELS)) == {
        "fake": 0,
        "real": 0,
    }


def test_conversions_are_counted(folders):
    Image.new("RGBA", (8, 8), (1, 2, 3, 4)).save(folders[0] / "alpha.png")
    card = genbench.score(fake=folders[0], real=folders[1], metrics=["fd"], **PIXELS)
    assert card.provenance["sources"]["fake"]["conversions"] == {"alpha dropped": 1}
    assert card.provenance["sources"]["real"]["conversions"] == {}


def test_images_shared_by_both_sides_are_counted(folders):
    shutil.copy(folders[1] / "004.png", folders[0] / "stolen.png")
    card = genbench.score(fake=folders[0], real=folders[1], metrics=["nn"], **PIXELS)
    assert card.provenance["shared_images"] == {"fake and real": 1}
    first = card["nn"].details["pairs"][0]
    assert (first["fake"], first["nearest"], first["distance"]) == ("stolen.png", "004.png", 0)


def test_a_metric_that_needs_a_training_set_is_refused_without_one_before_any_work(folders, tmp_path, rng):
    with pytest.raises(BadInput, match="fld: no training set") as caught:
        genbench.score(fake=folders[0], real=folders[1], metrics=["fld", "fd"], **PIXELS)
    assert "--train" in str(caught.value)
    train = write_folder(tmp_path / "train", 30, rng)
    card = genbench.score(fake=folders[0], real=folders[1], train=train, metrics=["fld"], **PIXELS)
    assert np.isfinite(card["fld"].value)


def test_numbers_of_single_images_stay_out_of_the_scorecard(folders):
    card = genbench.score(fake=folders[0], real=folders[1], metrics=["realism"], **PIXELS)
    assert "per_image" not in card.to_json()


def test_train_is_what_nn_looks_at(folders, tmp_path, rng):
    train = write_folder(tmp_path / "train", 30, rng)
    card = genbench.score(fake=train, real=folders[1], train=train, metrics=["nn", "fd"], **PIXELS)
    assert card["nn"].value == 0
    assert genbench.score(fake=train, real=folders[1], metrics=["nn"], **PIXELS)["nn"].value > 0.5


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"metrics": ["fdd"]}, UnknownName, "Did you mean 'fd'"),
        ({"metrics": ["fdd"]}, UnknownName, r"expected one of .*, sfd, spectrum, ssim, vendi\."),
        ({"extractor": "pixel"}, UnknownName, "Did you mean 'pixels'"),
        ({"metrics": []}, BadInput, "at least one"),
        ({"metrics": ["is"]}, BadInput, "needs the layer 'logits'"),
        ({"count": 1}, BadInput, "expected 2 or more, got 1"),
        ({"count": 3, "metrics": ["precision"]}, NotEnoughImages, "expected at least 6"),
        ({"device": "tpu"}, BadInput, "expected auto, cpu, cuda"),
        ({"runtime": "tensorrt"}, BadInput, "expected auto, onnxruntime or torch"),
        ({"batch_size": 0}, BadInput, "expected 1 or more"),
        ({"extractr": "pixels"}, BadInput, "unknown argument 'extractr'"),
    ],
)
def test_a_request_that_cannot_be_carried_out_stops_before_work(folders, options, error, words):
    with pytest.raises(error, match=words):
        genbench.score(fake=folders[0], real=folders[1], **(PIXELS | options))


def test_a_generator_gives_as_many_images_as_the_reference_has(folders, tmp_path):
    (tmp_path / "gen.py").write_text(
        "import torch\n\ndef f(n, generator):\n    return torch.rand(n, 3, 8, 8, generator=generator)\n"
    )
    card = genbench.score(fake=f"{tmp_path}/gen.py:f", real=folders[1], metrics=["fd"], output_range=(0, 1), **PIXELS)
    assert card["fd"].n_fake == 50
    more = genbench.score(
        fake=f"{tmp_path}/gen.py:f", real=folders[1], metrics=["fd"], count=45, output_range=(0, 1), **PIXELS
    )
    assert computed(more)["fake"] == 0, "image i depends on the seed and on i alone"
    with pytest.raises(BadInput, match="expected --count N"):
        genbench.score(
            fake=f"{tmp_path}/gen.py:f", real=f"{tmp_path}/gen.py:f", metrics=["fd"], output_range=(0, 1), **PIXELS
        )


def test_killed_half_way_it_goes_on(tmp_path, rng):
    """kill -9 in the middle of an extraction; what was finished is not computed again."""
    fake, real = write_folder(tmp_path / "fake", 600, rng), write_folder(tmp_path / "real", 30, rng)
    code = (
        "import sys, time, genbench\n"
        "from genbench.features.pixels import PixelValues\n"
        "run = PixelValues.__call__\n"
        "def slowly(self, batch):\n    time.sleep(0.05)\n    return run(self, batch)\n"
        "PixelValues.__call__ = slowly\n"
        "genbench.score(fake=sys.argv[1], real=sys.argv[2], metrics=['fd'], extractor='pixels', batch_size=8)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(fake), str(real)])
    with Store(default_cache()) as store:
        deadline = time.monotonic() + 60
        while sum(e.images for e in store.info().extractors) < 100:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with Store(default_cache()) as store:
        kept = sum(e.images for e in store.info().extractors)
    assert 100 <= kept < 630
    card = genbench.score(fake=fake, real=real, metrics=["fd"], **PIXELS)
    assert sum(computed(card).values()) == 630 - kept


def test_a_damaged_row_is_computed_again_and_reported(folders):
    before = genbench.score(fake=folders[0], real=folders[1], metrics=["fd"], **PIXELS)
    with sqlite3.connect(default_cache() / "features.sqlite") as db:
        rowid, vector = db.execute("SELECT rowid, vector FROM features LIMIT 1").fetchone()
        db.execute("UPDATE features SET vector = ? WHERE rowid = ?", (vector[:-1] + bytes([vector[-1] ^ 1]), rowid))
        db.execute("DELETE FROM scores")
    db.close()
    after = genbench.score(fake=folders[0], real=folders[1], metrics=["fd"], **PIXELS)
    assert sum(computed(after).values()) == 1
    assert len(after.provenance["damaged_rows"]) == 1
    assert after["fd"].value == before["fd"].value


def test_a_file_that_changes_while_it_is_read_poisons_nothing(folders, monkeypatch):
    """The digest is of one picture, the pixels of another: its features must not be kept under that digest."""
    from genbench.sources.folder import FolderSource

    victim, other = folders[0] / "000.png", folders[0] / "001.png"
    original = victim.read_bytes()
    read = FolderSource.read
    calls = []

    def read_later(self, entries):
        if len(calls) == 1:  # the check has read the fakes once; now the network's turn
            victim.write_bytes(other.read_bytes())
        calls.append(1)
        return read(self, entries)

    genbench.score(fake=folders[1], real=folders[1], metrics=["fd"], **PIXELS)
    with monkeypatch.context() as patch:
        patch.setattr(FolderSource, "read", read_later)
        with pytest.raises(UnreadableImages, match=r"000\.png: changed while it was being read"):
            genbench.score(fake=folders[0], real=folders[1], metrics=["fd"], **PIXELS)
    victim.write_bytes(original)
    card = genbench.score(fake=folders[0], real=folders[1], metrics=["fd"], **PIXELS)
    assert computed(card) == {"fake": 1, "real": 0}


def test_a_dangling_link_is_an_unreadable_image(folders):
    (folders[0] / "gone.png").symlink_to(folders[0] / "nowhere.png")
    with pytest.raises(UnreadableImages, match=r"gone\.png"):
        genbench.score(fake=folders[0], real=folders[1], metrics=["fd"], **PIXELS)
    assert genbench.score(fake=folders[0], real=folders[1], skip_unreadable=True, **PIXELS)["fd"].n_fake == 40


def test_arguments_may_be_text_and_numbers_must_be_numbers(folders, tmp_path):
    card = genbench.score(
        fake=str(folders[0]), real=str(folders[1]), metrics="fd,kd", cache=str(tmp_path / "text"), **PIXELS
    )
    assert [score.metric for score in card.scores] == ["fd", "kd"]
    for wrong in ({"count": "5"}, {"count": 5.5}, {"seed": "x"}):
        with pytest.raises(BadInput, match="expected an int"):
            genbench.score(fake=folders[0], real=folders[1], **wrong, **PIXELS)


def test_an_iterator_without_end_gives_as_many_as_the_reference(folders, rng):
    def images():
        while True:
            yield rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)

    assert genbench.score(fake=images(), real=folders[1], metrics=["fd"], **PIXELS)["fd"].n_fake == 50


# -------------------------------------------------------------------------------------------- what the store keeps


def kept():
    """Return layer -> how many images the store holds it of."""
    count = "SELECT name, COUNT(*) FROM features JOIN layers ON layers.id = layer GROUP BY name"
    with closing(sqlite3.connect(default_cache() / FILE)) as store:
        return dict(store.execute(count))


def test_only_the_layers_that_a_metric_reads_are_kept(folders, tiny_extractor):
    """40 fakes, 50 real ones; fd reads "pooled" of both, is "logits" of the fakes."""
    score = partial(genbench.score, fake=folders[0], real=folders[1], extractor=tiny_extractor)
    assert computed(score(metrics=["fd"])) == {"fake": 40, "real": 50}
    assert kept() == {"pooled": 90}
    later = score(metrics=["fd", "is"])
    assert computed(later) == {"fake": 40, "real": 0}
    assert kept() == {"pooled": 90, "logits": 40}
    assert computed(score(metrics=["kd", "is", "precision"])) == {"fake": 0, "real": 0}
    with Store(default_cache()) as store:
        [held] = store.info().extractors
    assert (held.images, held.bytes) == (90, 4 * (90 * 12 + 40 * 3))


def test_a_layer_that_is_added_later_gives_the_number_it_would_have_given(folders, tiny_extractor, tmp_path):
    score = partial(genbench.score, fake=folders[0], real=folders[1], extractor=tiny_extractor)
    score(metrics=["fd"])
    added, at_once = score(metrics=["fd", "is"]), score(metrics=["fd", "is"], cache=tmp_path / "other")
    assert added.scores == at_once.scores


def test_a_store_that_holds_all_layers_is_read_as_it_is(folders, tiny_extractor):
    """As versions before wrote it."""
    with open_run(Request(extractor=tiny_extractor)) as run:
        parts = survey_sides(run, {"fake": folders[0], "real": folders[1]})
        extract_sides(run, parts, {side: list(run.extractor.widths) for side in parts})
    assert kept() == {"pooled": 90, "spatial": 90, "logits": 90}
    card = genbench.score(fake=folders[0], real=folders[1], metrics=["fd", "is"], extractor=tiny_extractor)
    assert computed(card) == {"fake": 0, "real": 0}


def test_a_side_that_no_metric_reads_is_not_run(folders, tiny_extractor):
    score = partial(genbench.score, fake=folders[0], real=folders[1], extractor=tiny_extractor)
    card = score(metrics=["is"], train=folders[1])
    assert card.provenance["features"] == {
        "fake": {"computed": 40, "recalled": 0},
        "real": {"computed": 0, "recalled": 0},
        "train": {"computed": 0, "recalled": 0},
    }
    assert (card["is"].n_fake, card["is"].n_real) == (40, 50)
    assert computed(score(metrics=["precision"], train=folders[1])) == {"fake": 40, "real": 50, "train": 0}


def test_mapped_features_give_the_same_scores(folders, tiny_extractor, tmp_path, monkeypatch):
    names = ["fd", "kd", "is", "precision", "recall", "density", "coverage", "nn"]
    score = partial(genbench.score, fake=folders[0], real=folders[1], metrics=names, extractor=tiny_extractor)
    in_memory = score()
    monkeypatch.setattr("genbench.scratch.IN_MEMORY", 0)
    assert score(cache=tmp_path / "mapped").scores == in_memory.scores
