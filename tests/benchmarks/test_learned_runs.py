"""Runs of benchmarks/learned on points, which take no network; crashes, killed runs; the table."""

import csv
import json
import sys
from dataclasses import replace
from io import StringIO
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from benchmarks.command import run_app
from benchmarks.learned.__main__ import app
from benchmarks.learned.results import Check, Measured, Result, read_result, read_results, write_result
from benchmarks.learned.run import How, run_all
from benchmarks.learned.table import shrink, write_table
from benchmarks.learned.trials import Threshold, Trial, choose_trials
from genbench.contracts import Silence
from genbench.errors import BadInput
from zoo import MODELS, checkpoint
from zoo.gan.gan import GAN
from zoo.journal import read_log
from zoo.runs import open_trained

RING = choose_trials("gan:ring")[0]


class Broken(GAN):
    """Its second update raises."""

    def train_step(self, draw, run):
        if run.step == 1:
            raise ZeroDivisionError("planted")
        return super().train_step(draw, run)


class Exploding(GAN):
    """Its second update gives NaN."""

    def train_step(self, draw, run):
        logs = super().train_step(draw, run)
        return logs | {"critic": logs["critic"] * float("nan")} if run.step == 1 else logs


@pytest.fixture
def broken():
    models = {"broken": Broken, "exploding": Exploding}
    for name, model in models.items():
        MODELS.add(name, model)
    yield [Trial(name, "ring", RING.thresholds) for name in models]
    for name in models:
        del MODELS._targets[name]


# ------------------------------------------------------------------------------------------------ runs


def test_a_run_leaves_its_numbers(tmp_path):
    (result,) = run_all([RING], [3], How(tmp_path, steps=6, command="python -m benchmarks.learned run"))
    assert read_result(tmp_path / "gan-ring-3") == result
    assert (result.model, result.preset, result.seed, result.data) == ("gan", "ring", 3, "ring8")
    assert (result.steps, result.images) == (6, 6 * 256)
    model, _ = open_trained(tmp_path / "gan-ring-3" / "run")
    sizes = {part: sum(weight.numel() for weight in getattr(model, part).parameters()) for part in result.parameters}
    assert result.parameters == sizes
    assert sizes["critic"] == (2 + 1) * 128 + 2 * (128 + 1) * 128 + 129
    assert [check.name for check in result.checks] == [threshold.measure for threshold in RING.thresholds]
    assert result.distances == {}  # of points there are none
    assert not result.passed
    assert (tmp_path / "gan-ring-3" / result.picture).is_file()
    assert result.environment["threads"] == 1
    assert result.training_seconds > 0
    assert len(checkpoint.found(tmp_path / "gan-ring-3" / "run")) == 6
    covered, _ = result.checks[0].note.split(", well")
    assert len(json.loads(covered)) == 5  # the last five of them


def test_a_crash_and_a_divergence_are_rows_and_the_others_go_on(tmp_path, broken):
    told = []
    results = run_all([*broken, RING], [0], How(tmp_path, steps=2), told.append)
    assert told == results
    crashed, diverged, fine = results
    assert crashed.error == "ZeroDivisionError: planted"
    assert diverged.error.startswith("Diverged: model 'exploding': training diverged")
    assert fine.error is None
    assert not crashed.passed
    assert "planted" in (tmp_path / "broken-ring-0" / "traceback.txt").read_text()
    write_table(read_results(tmp_path), tmp_path / "report")
    text = (tmp_path / "report" / "README.md").read_text()
    assert "FAIL, crashed: ZeroDivisionError: planted" in text
    assert "| gan | ring | ring8 | 0 |" in text


def test_a_crashed_run_is_tried_again(tmp_path, broken, monkeypatch):
    how = How(tmp_path, steps=2)
    assert run_all(broken[:1], [0], how)[0].error
    monkeypatch.setattr(Broken, "train_step", GAN.train_step)
    assert run_all(broken[:1], [0], how)[0].error is None


def test_an_unknown_model_is_a_row(tmp_path):
    (result,) = run_all([Trial("no-such-model", "small", ())], [0], How(tmp_path))
    assert result.error.startswith("UnknownName")
    assert not result.passed


class Killer(Silence):
    """Stops the process, as Ctrl-C does, after some updates; counts them."""

    def __init__(self, after=None):
        self.after, self.done = after, 0

    def advance(self, steps):
        self.done += steps
        if self.done == self.after:
            raise KeyboardInterrupt


def test_a_killed_run_goes_on_and_a_finished_one_is_left_alone(tmp_path):
    trial = replace(RING, checkpoints=4)
    with pytest.raises(KeyboardInterrupt):
        run_all([trial], [0], How(tmp_path, steps=8, watch=Killer(after=5)))
    assert read_result(tmp_path / "gan-ring-0") is None
    log = [row for row in read_log(tmp_path / "gan-ring-0" / "run") if row["step"] <= 4]
    (result,) = run_all([trial], [0], How(tmp_path, steps=8))
    assert result.steps == 8
    assert read_log(tmp_path / "gan-ring-0" / "run")[: len(log)] == log  # not trained anew
    again = Killer(after=1)
    assert run_all([trial], [0], How(tmp_path, steps=8, watch=again)) == [result]
    assert again.done == 0
    (whole,) = run_all([trial], [0], How(tmp_path / "whole", steps=8))
    assert whole.checks == result.checks


def test_a_run_that_was_judged_by_nobody_is_not_trained_again(tmp_path):
    (result,) = run_all([RING], [0], How(tmp_path, steps=2))
    (tmp_path / "gan-ring-0" / "result.json").unlink()
    watch = Killer(after=3)
    (judged,) = run_all([RING], [0], How(tmp_path, steps=2, watch=watch))
    assert judged.checks == result.checks
    assert judged.training_seconds == pytest.approx(result.training_seconds, abs=0.5)


def test_a_run_of_other_settings_is_not_taken_for_this_one(tmp_path):
    run_all([RING], [0], How(tmp_path, steps=2))
    (result,) = run_all([RING], [0], How(tmp_path, steps=3))
    assert "its steps is another; expected 3, got 2" in result.error
    (result,) = run_all([RING], [0], How(tmp_path, steps=2))  # the first one is still there
    assert result.error is None
    assert result.steps == 2


@pytest.mark.slow
def test_images_are_scored_before_and_after(tmp_path, networks_kept):
    assert networks_kept
    (trial,) = choose_trials("gan:small", "smoke")
    (result,) = run_all([trial], [0], How(tmp_path))
    assert result.error is None
    assert result.count == 360
    floor, before, after = (result.distances[name] for name in ("floor", "untrained", "trained"))
    assert 0 < floor.value < 0.1 * before.value
    assert after.value == pytest.approx(before.value, rel=0.1)  # two updates
    assert before.value != after.value
    assert all(score.stderr > 0 for score in (floor, before, after))
    assert not any(check.passed for check in result.checks)
    assert not any(check.note.startswith("crashed") for check in result.checks)


# ------------------------------------------------------------------------------------------------ the table


def written(home, seed, *, passed, **changes):
    """Write a result by hand."""
    folder = home / f"dcgan-small-{seed}"
    (folder / "run").mkdir(parents=True)
    pixels = np.zeros((40, 40 + seed, 3), np.uint8)
    pixels[:20] = 200
    Image.fromarray(pixels).save(folder / "run" / "grid.png")
    checks = [
        Check(
            name="distance ratio",
            value=0.2 if passed else 0.625,
            threshold=0.35,
            better="lower",
            passed=passed,
            section="6.1",
        ),
        Check(name="classes covered", value=0.9, threshold=0.8, better="higher", passed=True, section="5"),
    ]
    result = Result(
        model="dcgan",
        preset="small",
        seed=seed,
        data="digits32",
        steps=1500,
        images=96_000,
        training_seconds=210,
        judging_seconds=20,
        parameters={"critic": 42_000, "generator": 107_000},
        count=360,
        extractor="efficientnet-lite0",
        distances={
            "floor": Measured(value=3.75, stderr=0.25),
            "untrained": Measured(value=200, stderr=1.5),
            "trained": Measured(value=40.25, stderr=2.25),
        },
        checks=checks,
        picture="run/grid.png",
        command="python -m benchmarks.learned run --out DIR",
        environment={"platform": "Linux-x", "cpus": 2, "threads": 1, "device": "cpu", "created": "2026-11-22T01:00:00"},
    )
    write_result(result.model_copy(update=changes), folder)


@pytest.fixture
def report(tmp_path):
    written(tmp_path / "runs", 0, passed=True)
    written(tmp_path / "runs", 1, passed=False)
    out = tmp_path / "report"
    done = CliRunner().invoke(app, ["table", str(tmp_path / "runs"), "-o", str(out)])
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader(StringIO((out / "table.csv").read_text(encoding="utf-8"))))
    return SimpleNamespace(out=out, text=(out / "README.md").read_text(encoding="utf-8"), rows=rows, said=done.output)


def test_the_table_says_pass_and_fail(report):
    start = "| dcgan | small | digits32 |"
    numbers = "critic 42,000, generator 107,000 | 3.5 | 200.0 -/+ 1.5 -> 40.2 -/+ 2.2 | 3.8 -/+ 0.2"
    assert f"{start} 0 | {numbers} | 2 of 2 | pass |" in report.text
    assert f"{start} 1 | {numbers} | 1 of 2 | FAIL |" in report.text
    assert "| dcgan | small | distance ratio | <= 0.35 | 0.2: pass | 0.625: FAIL |" in report.text
    assert "| dcgan | small | classes covered | >= 0.8 | 0.9: pass | 0.9: pass |" in report.text
    assert "1 of 2 runs passed" in report.said


def test_the_table_names_command_machine_and_date(report):
    assert report.text.count("    python -m benchmarks.learned run --out DIR\n") == 1
    assert "Linux-x, 2 CPUs, 1 thread(s) a run on cpu" in report.text
    assert "2026-11-22" in report.text


def test_the_csv_has_every_number(report):
    ours = {row["what"]: row for row in report.rows if row["seed"] == "1"}
    assert (ours["distance ratio"]["value"], ours["distance ratio"]["passed"]) == ("0.625", "False")
    assert (ours["fd trained"]["value"], ours["fd trained"]["stderr"]) == ("40.25", "2.25")
    assert ours["training minutes"]["value"] == "3.5"
    assert ours["parameters of generator"]["value"] == "107000"


def test_the_grid_of_the_first_seed_is_kept_small(report):
    with Image.open(report.out / "dcgan-small.png") as picture:
        assert picture.mode == "L"
        assert picture.size == (40, 40)
    assert "![dcgan small](dcgan-small.png)" in report.text
    assert [path.name for path in sorted(report.out.iterdir())] == ["README.md", "dcgan-small.png", "table.csv"]


def test_colours_are_kept(tmp_path):
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[:4, :, 0], pixels[4:, :, 2] = 250, 120
    Image.fromarray(pixels).save(tmp_path / "a.png")
    shrink(tmp_path / "a.png", tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as picture:
        assert np.array_equal(np.asarray(picture.convert("RGB")), pixels)


def test_a_seed_that_was_not_run_and_a_crash_show(tmp_path):
    written(tmp_path, 0, passed=True)
    written(tmp_path, 1, passed=True, error="Diverged: a | b", checks=[], picture=None)
    write_result(Result(model="gan", preset="ring", seed=2, error="OSError: gone"), tmp_path / "gan-ring-2")
    write_table(read_results(tmp_path), tmp_path / "report")
    text = (tmp_path / "report" / "README.md").read_text()
    assert "| distance ratio | <= 0.35 | 0.2: pass | no number: FAIL | not run |" in text
    assert "FAIL, crashed: Diverged: a / b" in text
    assert "| gan | ring |  | 2 |" in text
    assert "error" in (tmp_path / "report" / "table.csv").read_text()


def test_a_bound_is_marked(tmp_path):
    check = Check(name="b", value=1.0, threshold=2, better="lower", passed=True, section="5.4", is_bound=True)
    written(tmp_path, 0, passed=True, checks=[check])
    write_table(read_results(tmp_path), tmp_path / "report")
    assert "| b (bound) | <= 2 | 1: pass |" in (tmp_path / "report" / "README.md").read_text()


def test_a_run_without_checks_has_not_passed():
    assert not Result(model="gan", preset="small", seed=0).passed


def test_a_result_of_something_else_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "result.json").write_text(json.dumps({"model": "gan"}))
    with pytest.raises(BadInput, match="cannot be read"):
        read_results(tmp_path)
    with pytest.raises(BadInput, match="no results there"):
        read_results(tmp_path / "a")


def test_numbers_that_are_none_survive_the_file(tmp_path):
    passed = Threshold("a", 1, "lower", "").passes(np.nan)
    check = Check(name="a", value=None, threshold=1, better="lower", passed=passed, section="")
    result = Result(model="gan", preset="small", seed=0, checks=[check])
    write_result(result, tmp_path)
    assert read_result(tmp_path) == result
    assert not result.passed


# ------------------------------------------------------------------------------------------------ the command line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "--models", "nonsense"], "--models 'nonsense': no such trial"),
        (["run", "--seeds", "a"], "--seeds: not whole numbers"),
        (["table", "no-such-folder"], "no results there"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_exit_2(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.setattr(sys, "argv", ["learned", *words, "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as ended:
        run_app(app)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_command_runs_a_trial(tmp_path):
    words = ["run", "--models", "gan:ring", "--seeds", "0,1", "--steps", "1", "--out", str(tmp_path)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "gan:ring seed 1: FAIL (modes covered" in done.output
    assert [result.seed for _, result in read_results(tmp_path)] == [0, 1]


def test_sheets_in_the_folder_are_shown(tmp_path):
    (tmp_path / "sheet-complete-gated-pixelcnn.png").write_bytes(b"png")
    write_table([], tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert "![complete gated-pixelcnn](sheet-complete-gated-pixelcnn.png)" in text
    (tmp_path / "sheet-complete-gated-pixelcnn.png").unlink()
    write_table([], tmp_path)
    assert "Sheets" not in (tmp_path / "README.md").read_text()
