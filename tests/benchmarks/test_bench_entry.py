"""Outsiders: what cannot be judged leaves nothing behind; whose names are taken."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from benchmarks.cli import app
from benchmarks.entry import other_size
from benchmarks.home import Bench, Job, folder_of, open_bench, put_job, read_bench, read_record, read_records
from benchmarks.judging.samples import keep_samples
from genbench.errors import BadInput

COUNT = 50
POINTS = np.random.default_rng(0).normal(size=(COUNT, 2)).astype(np.float32)


def added(home, source, name, *words):
    given = ("add", home, source, "--name", name, *words)
    done = CliRunner().invoke(app, [str(word) for word in given])
    return SimpleNamespace(code=done.exit_code, out=" ".join(done.output.split()), error=done.exception)


@pytest.fixture
def home(tmp_path):
    open_bench(tmp_path / "home", Bench(suite="modes-ring8", steps=2, count=COUNT))
    return tmp_path / "home"


def files(home):
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_what_cannot_be_judged_leaves_nothing_and_is_entered_once_mended(home, tmp_path):
    source, before = tmp_path / "mine.npy", files(home)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(pictures / "0.png")
    holed = POINTS.copy()
    holed[3] = np.nan
    for points, reason in ((POINTS[:10], "too few samples; expected 50"), (holed, "points are not finite")):
        np.save(source, points)
        done = added(home, source, "mine")
        assert isinstance(done.error, BadInput)
        assert "--name 'mine': is not entered" in str(done.error)
        assert reason in str(done.error)
        assert files(home) == before
    for given in (pictures, tmp_path / "missing.npy"):
        done = added(home, given, "mine")
        assert isinstance(done.error, BadInput)
        assert "no points; expected a .npy" in str(done.error)
    assert [path.name for path in home.iterdir() if path.is_dir()] == []
    np.save(source, POINTS)
    done = added(home, source, "mine")
    assert done.code == 0, done.error
    assert "[1/1] mine seed 0: mode-distance" in done.out
    assert read_bench(home).contestants == ["mine"]
    assert [(record.contestant, record.status) for _, record in read_records(home)] == [("mine", "done")]
    # as before: kept; of another source: not under this name and seed
    assert "(kept)" in added(home, source, "mine").out
    np.save(tmp_path / "other.npy", POINTS + 1)
    done = added(home, tmp_path / "other.npy", "mine")
    assert "is entered already with seed 0" in str(done.error)
    assert "--out" not in str(done.error)
    assert read_record(folder_of(home, "mine", 0)).source == "samples.npz"


def test_images_of_another_size_are_said(tmp_path):
    job = Job(suite="digits", contestant="mine", source="x.npy", judged_by="digits32", judge="images", metrics=["fd"],
              extractor="pixels", count=COUNT)  # fmt: skip
    keep_samples(np.zeros((COUNT, 48, 64, 3), np.uint8), tmp_path)
    assert other_size(job, tmp_path).startswith("warning: images of mine are 64 x 48, those of digits32 32 x 32;")
    for samples in (np.zeros((COUNT, 32, 32, 3), np.uint8), POINTS):
        keep_samples(samples, tmp_path)
        assert other_size(job, tmp_path) == ""


@pytest.mark.parametrize("name", ["a/b", "a <b>", "a|b", "..", "", " a", "a ", "-a", "a\n", "gan:ring", "gan-ring"])
def test_names_that_a_folder_or_a_table_cannot_bear_are_refused(home, name):
    before = files(home)
    done = added(home, "mine.npy", name)
    assert isinstance(done.error, BadInput)
    reason = "that of 'gan:ring' or of its folder" if name.startswith("gan") else "not a name; expected letters"
    assert reason in str(done.error)
    assert files(home) == before


def test_the_folder_of_a_model_outside_the_suite_is_taken_too(home):
    job = Job(suite="modes-ring8", contestant="gan:mine", model="gan", judged_by="ring8", judge="points", metrics=[],
              extractor="pixels", count=COUNT)  # fmt: skip
    put_job(job, folder_of(home, "gan:mine", 3))
    for name in ("gan:mine", "gan-mine"):
        assert "got that of 'gan:mine' or of its folder" in str(added(home, "mine.npy", name).error)


def test_the_references_of_a_suite_have_their_names(tmp_path):
    open_bench(tmp_path, Bench(suite="likelihood", steps=2, count=COUNT))
    assert "got that of 'uniform' or of its folder" in str(added(tmp_path, "mine.npy", "uniform", "--seed", 4).error)
