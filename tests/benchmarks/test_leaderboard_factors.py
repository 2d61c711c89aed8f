"""Scores that are counted stand beside those of images in all that a leaderboard writes, without places."""

import csv
import io
import json
import shutil
import statistics
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from benchmarks.cli import app
from benchmarks.home import read_records, write_record
from benchmarks.judging.shapes import OWN
from benchmarks.leaderboard import check_leaderboard, read_leaderboard, write_leaderboard
from benchmarks.standing import Outcome, compare_jobs
from benchmarks.suites import SUITES
from genbench.contracts import Score
from tests.benchmarks.leaderboards import COUNT, METRICS, TOY, registered
from zoo.checkpoint import found as checkpoints
from zoo.data import open_data

COUNTED = ("recognised", "factors")
SUITE = replace(TOY, judge="shapes", metrics=(*METRICS, *COUNTED))


@pytest.fixture(autouse=True)
def _toy(tmp_path_factory, monkeypatch):
    with registered(tmp_path_factory.getbasetemp() / "cache"):
        monkeypatch.setitem(SUITES._targets, "toy", SUITE)
        yield


def counted(metric, value, better):
    return Score(metric=metric, fake="samples.npz", extractor="", label=f"{metric}'s", value=value, stderr=0.01,
                 ci95=None, better=better, n_real=100, n_fake=COUNT, floor=0.0625, floor_count=COUNT)  # fmt: skip


@pytest.fixture
def home(toy_home, tmp_path):
    """The bench of toys, whose scorecards have two scores more."""
    copy = shutil.copytree(toy_home, tmp_path / "home")
    for place, (folder, record) in enumerate(read_records(copy)):
        if record.scorecard is not None:
            more = [counted("recognised", 0.9 - place / 50, "higher"), counted("factors", 0.1 + place / 50, "lower")]
            card = record.scorecard.model_copy(update={"scores": [*record.scorecard.scores, *more]})
            write_record(record.model_copy(update={"scorecard": card}), folder)
    return copy


@pytest.fixture
def written(home, tmp_path):
    write_leaderboard(home, tmp_path / "report")
    return tmp_path / "report"


def test_counted_scores_are_means_without_places_and_images_are_compared_as_ever(home):
    outcomes = [Outcome(*pair) for pair in read_records(home)]
    found, images = (compare_jobs(outcomes, "shapes", metrics) for metrics in (SUITE.metrics, METRICS))
    assert [one for one in found.scores if one.metric in METRICS] == images.scores
    assert found.differences == images.differences
    assert {one.metric for one in found.scores} == set(SUITE.metrics)
    for one in found.scores[len(images.scores) :]:
        told = [job.card[one.metric].value for job in outcomes if job.record.contestant == one.model
                and job.record.status == "done"]  # fmt: skip
        assert one.runs == told
        assert one.value == pytest.approx(statistics.fmean(told), rel=1e-12)
        assert one.stderr > 0
        assert one.rank is None
        assert one.floor == 0.0625


def test_they_are_in_every_file(written):
    assert check_leaderboard(written) == []
    board = read_leaderboard(written)
    assert board.metrics == list(SUITE.metrics)
    first, *_ = csv.DictReader(io.StringIO((written / "leaderboard.csv").read_text()))
    assert float(first["factors"]) == board.rows[0].scores["factors"].value
    assert float(first["factors_stderr"]) > 0
    text, page = (written / "README.md").read_text(), (written / "index.html").read_text()
    for head in ("recognised's ↑", "factors's ↓"):
        assert f"| {head} |" in text
    for label in ("recognised", "factors"):
        assert f"{label}&#39;s" in page
    assert "as many examples of the data themselves: recognised's = 0.0625; factors's = 0.0625." in text
    assert "paired by the images of the reference" in text


def test_a_number_that_is_changed_is_noticed(written):
    table = (written / "leaderboard.csv").read_text()
    first, *_ = csv.DictReader(io.StringIO(table))
    (written / "leaderboard.csv").write_text(table.replace(first["factors"], "0.01", 1))
    (told,) = check_leaderboard(written)
    assert told.startswith("leaderboard.csv, line 2: expected")


@pytest.mark.parametrize(("field", "value"), [("value", 0.01), ("stderr", 0.5), ("rank", [1, 1])])
def test_a_counted_score_that_does_not_follow_from_the_scorecards_is_noticed(written, field, value):
    kept = json.loads((written / "comparison.json").read_text())
    next(one for one in kept["scores"] if one["metric"] == "factors")[field] = value
    (written / "comparison.json").write_text(json.dumps(kept))
    (told,) = check_leaderboard(written)
    assert told.startswith("comparison.json:")


# ------------------------------------------------------------------------------------------------ in earnest


def said(*words):
    done = CliRunner().invoke(app, [str(word) for word in words])
    return SimpleNamespace(code=done.exit_code, out=" ".join(done.output.split()), error=done.exception)


@pytest.mark.slow
def test_shapes_from_training_to_the_table(tmp_path, networks_kept, monkeypatch):
    """A model after two updates, and held-out shapes as an outsider's folder; then the model is judged again.

    The real suite, but for copies: who looks for them reads all training pictures, for minutes.
    """
    assert networks_kept
    monkeypatch.setitem(SUITES._targets, "shapes", replace(SUITES.get("shapes"), looks_for_copies=False))
    monkeypatch.setattr(sys, "argv", ["genbench", "bench", "run", "shapes"])
    home, folder = tmp_path / "home", tmp_path / "shapes"
    words = ("run", "shapes", "--models", "gan:smoke", "--seeds", 1, "--full", "--count", 100, "--out", home)
    folder.mkdir()
    for place, picture in enumerate(open_data("shapes", "test").x[:120]):
        Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0))).save(folder / f"{place}.png")
    assert said(*words).code == 0
    assert said("add", home, folder, "--name", "real").code == 0
    scores = _scores(home)
    assert list(scores["gan-smoke-0"]) == ["fd", "kd", "precision", "recall", "density", "coverage", *OWN]
    assert scores["gan-smoke-0"]["recognised"] < 0.1
    assert scores["gan-smoke-0"]["factors"] > 0.9
    assert scores["real-0"]["recognised"] > 0.95
    assert scores["real-0"]["factors"] < 0.3
    assert said("table", home, "-o", tmp_path / "report").code == 0
    assert said("table", tmp_path / "report", "--check").code == 0
    weights = {path: path.stat().st_mtime_ns for one in checkpoints(home / "gan-smoke-0" / "run")
               for path in one.rglob("*")}  # fmt: skip
    assert weights
    reader = (home / "reader.safetensors").stat().st_mtime_ns
    (home / "gan-smoke-0" / "record.json").unlink()
    assert said(*words).code == 0
    assert {path: path.stat().st_mtime_ns for path in weights} == weights  # judged again, not trained
    assert (home / "reader.safetensors").stat().st_mtime_ns == reader
    assert _scores(home) == scores


def _scores(home):
    return {
        folder.name: {score.metric: score.value for score in record.scorecard.scores}
        for folder, record in read_records(home)
    }
