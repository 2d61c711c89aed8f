"""A metric of every checkpoint: the same numbers as scoring each by hand."""

import csv
import json
import shutil

import pytest
from PIL import Image
from typer.testing import CliRunner

import genbench
from benchmarks.cli import app
from benchmarks.curve import Curve, draw_curve, to_png
from benchmarks.home import Job, put_job
from benchmarks.judging.images import judge_images
from benchmarks.judging.samples import draw_samples, keep_samples
from genbench.errors import BadInput
from tests.benchmarks.leaderboards import registered
from zoo import training
from zoo.checkpoint import found
from zoo.runs import open_trained, plan, start

COUNT = 40


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("job") / "run"
    recipe, examples = plan("gan", "smoke", data="digits8", steps=6, settings={"checkpoints": 3})
    start(recipe, directory)
    training.train(recipe, examples, directory, training.open_fabric("cpu"))
    return directory


@pytest.fixture(scope="module")
def drawn(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("curve")
    with registered(tmp_path_factory.getbasetemp() / "cache"):
        told = draw_curve(run, out, extractor="patches", count=COUNT)
    assert Curve.model_validate_json((out / "curve.json").read_text()) == told
    return out


def test_the_points_are_the_scores_of_the_checkpoints(run, drawn, tmp_path_factory):
    curve = Curve.model_validate_json((drawn / "curve.json").read_text())
    assert [point.step for point in curve.points] == [int(path.name) for path in found(run)] == [2, 4, 6]
    with registered(tmp_path_factory.getbasetemp() / "cache"):
        for point in curve.points:
            card = genbench.score(fake=f"zoo:{run}@{point.step}", real="data:digits8/test", metrics=["fd"],
                                  extractor="patches", count=COUNT, seed=0)  # fmt: skip
            assert (point.value, point.stderr) == (card["fd"].value, card["fd"].stderr)
            state = json.loads((run / "checkpoints" / f"{point.step:08d}" / "state.json").read_text())
            assert point.images == state["counters"]["images"]
    assert curve.floor == card["fd"].floor
    assert curve.n_fake == COUNT


def test_the_csv_holds_the_points(drawn):
    curve = Curve.model_validate_json((drawn / "curve.json").read_text())
    rows = list(csv.DictReader((drawn / "curve.csv").read_text().splitlines()))
    assert [(int(row["images"]), float(row["fd"]), float(row["low95"])) for row in rows] == [
        (point.images, point.value, point.ci95[0]) for point in curve.points
    ]
    assert {float(row["floor"]) for row in rows} == {curve.floor}


def test_the_picture_shows_intervals_and_the_floor(drawn):
    curve = Curve.model_validate_json((drawn / "curve.json").read_text())
    with Image.open(drawn / "curve.png") as picture:
        assert picture.size == (840, 504)
    whole = to_png(curve)
    assert (drawn / "curve.png").read_bytes() == whole
    bare = [point.model_copy(update={"ci95": None, "stderr": None}) for point in curve.points]
    assert to_png(curve.model_copy(update={"points": bare})) != whole
    assert to_png(curve.model_copy(update={"floor": None})) != whole
    assert curve.model == "gan:smoke"
    assert to_png(curve.model_copy(update={"model": "other"})) != whole, "the title names the model"


def test_of_a_job_the_convention_is_its_own(run, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    job = Job(suite="toy", contestant="gan", model="gan", data="digits8", judged_by="digits8", judge="images",
              metrics=["fd"], extractor="pixels", protocol="adm", count=COUNT)  # fmt: skip
    put_job(job, tmp_path)
    with pytest.raises(BadInput, match="protocol 'adm'"):  # which wants another extractor
        draw_curve(tmp_path)


def test_of_a_job_the_last_point_is_the_score_of_its_samples(run, tmp_path_factory):
    """Drawn by the same seeds, judged by the same images, as many."""
    folder = run.parent
    job = Job(suite="toy", contestant="gan", model="gan", data="digits8", judged_by="digits8", judge="images",
              metrics=["fd"], extractor="patches", count=COUNT)  # fmt: skip
    put_job(job, folder)
    samples, _ = draw_samples(open_trained(run)[0], job)
    keep_samples(samples, folder)
    with registered(tmp_path_factory.getbasetemp() / "cache"):
        card = judge_images(job, folder, samples)
        done = CliRunner().invoke(app, ["curve", str(folder)])
    assert done.exit_code == 0, done.exception
    curve = Curve.model_validate_json((folder / "curve.json").read_text())
    first, *_, last = curve.points
    out = " ".join(done.output.split())
    assert f"gan:smoke: {curve.label} {first.value:.4g} at {first.images:,} images -> {last.value:.4g} at" in out
    assert f"written: {folder}/curve.png" in done.output
    assert last.value == pytest.approx(card["fd"].value, rel=1e-9)
    assert last.stderr == pytest.approx(card["fd"].stderr, rel=1e-9)


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no trained model there"):
        draw_curve(tmp_path)
    recipe, _ = plan("gan", "smoke", data="digits8", steps=6)
    start(recipe, tmp_path / "run")
    with pytest.raises(BadInput, match="nothing trained yet"):
        draw_curve(tmp_path / "run")
