"""Whole benches: children that train, are killed, crash, diverge; outsiders; the same rows again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.cli import app
from benchmarks.contracts import Record
from benchmarks.home import locked, read_bench, read_record, read_records, write_record
from benchmarks.run import settled
from genbench.sources import open_source
from zoo import MODELS, checkpoint
from zoo.runs import read_recipe

PLANTED = """
import os, signal
from zoo.gan.gan import GAN

class Broken(GAN):
    def train_step(self, draw, run):
        if run.step == 1 and "MENDED" not in os.environ:
            raise ZeroDivisionError("planted")
        return super().train_step(draw, run)

class Exploding(GAN):
    def train_step(self, draw, run):
        logs = super().train_step(draw, run)
        return logs | {"critic": logs["critic"] * float("nan")} if run.step == 1 else logs

class Dying(GAN):
    def train_step(self, draw, run):
        if run.step == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().train_step(draw, run)

class Leaving(GAN):
    def train_step(self, draw, run):
        os._exit(7)
"""
POINTS = ("run", "modes-ring8", "--count", 200)


def said(*words):
    done = CliRunner().invoke(app, [str(word) for word in words])
    return SimpleNamespace(code=done.exit_code, out=" ".join(done.output.split()), error=done.exception)


def ran(home, *words, code=0):
    done = said(*words, "--out", home)
    assert done.code == code, (done.out, done.error)
    return done.out


def numbers(home):
    """Folder -> what does not hang on the clock."""
    found = {}
    for folder, record in read_records(home):
        card = record.scorecard
        told = [] if card is None else [(score.metric, score.value, score.stderr) for score in card.scores]
        found[folder.name] = (record.status, record.error, record.steps, record.images, record.parameters, told)
    return found


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """Models of another package, which the children find as any user's."""
    package = tmp_path / "site"
    (package / "planted-0.dist-info").mkdir(parents=True)
    (package / "planted.py").write_text(PLANTED)
    names = ("broken", "exploding", "dying", "leaving")
    points = "".join(f"{name} = planted:{name.title()}\n" for name in names)
    (package / "planted-0.dist-info" / "entry_points.txt").write_text(f"[zoo.models]\n{points}")
    (package / "planted-0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 0\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")]).rstrip(":"))
    monkeypatch.syspath_prepend(package)
    monkeypatch.setattr(MODELS, "_outside", None)
    yield
    for name in names:
        MODELS._targets.pop(name, None)
    MODELS._outside = None
    sys.modules.pop("planted", None)


@pytest.mark.slow
def test_what_fails_is_a_row_and_the_others_go_on(tmp_path, planted, monkeypatch):
    home = tmp_path / "home"
    words = (*POINTS, "--steps", 4, "--seeds", 1)
    out = ran(home, *words, "--models", "broken:ring,exploding:ring,dying:ring,leaving:ring,gan:ring", code=1)
    records = {record.contestant: record for _, record in read_records(home)}
    assert {name: record.status for name, record in records.items()} == {
        "broken:ring": "crashed",
        "exploding:ring": "diverged",
        "dying:ring": "crashed",
        "leaving:ring": "crashed",
        "gan:ring": "done",
    }
    assert records["broken:ring"].error == "ZeroDivisionError: planted"
    assert records["exploding:ring"].error.startswith("model 'exploding': training diverged")
    assert records["dying:ring"].error == "killed by signal 9 (SIGKILL); out of memory?"
    assert records["leaving:ring"].error.startswith("ended with exit code 7 and no record")
    assert 'raise ZeroDivisionError("planted")' in (home / "broken-ring-0" / "log.txt").read_text()
    assert "4 of 5 runs failed: broken-ring-0, exploding-ring-0, dying-ring-0, leaving-ring-0" in out
    assert "[3/5] dying:ring seed 0: crashed: killed by signal 9" in out
    readme = (home / "README.md").read_text()
    assert all(name in readme for name in records)
    # what failed stands until it is asked to be tried again; what is done stands in any case
    before = (home / "gan-ring-0" / "record.json").read_bytes()
    monkeypatch.setenv("MENDED", "1")
    out = ran(home, *words, "--models", "broken:ring,gan:ring", code=1)
    assert "crashed: ZeroDivisionError: planted (kept; --retry tries it again)" in out
    assert "1 of 2 runs failed: broken-ring-0" in out
    ran(home, *words, "--models", "broken:ring,gan:ring", "--retry")
    assert read_record(home / "broken-ring-0").status == "done"
    assert (home / "gan-ring-0" / "record.json").read_bytes() == before


@pytest.mark.slow
def test_a_killed_bench_goes_on_and_ends_where_an_unbroken_one_does(tmp_path):
    words = [*POINTS, "--models", "gan:ring,wgan-gp:ring", "--seeds", "1", "--steps", "120"]
    command = [sys.executable, "-m", "genbench", "bench", *map(str, words), "--out", str(tmp_path / "killed")]
    second = tmp_path / "killed" / "wgan-gp-ring-0"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as run:
        _wait(lambda: checkpoint.found(second / "run"))
        os.killpg(run.pid, signal.SIGKILL)
    assert read_record(tmp_path / "killed" / "gan-ring-0").status == "done"
    assert read_record(second) is None
    (*_, newest) = checkpoint.found(second / "run")
    assert 0 < int(newest.name) < 120
    _wait(lambda: _is_free(second))
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "killed" / "gan-ring-0").rglob("*.safetensors")}
    out = ran(tmp_path / "killed", *words)
    assert "[1/2] gan:ring seed 0: mode-distance" in out
    assert "(kept)" in out
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    ran(tmp_path / "whole", *words)
    assert numbers(tmp_path / "killed") == numbers(tmp_path / "whole")
    assert len(numbers(tmp_path / "whole")) == 2
    samples = [np.load(tmp_path / name / "wgan-gp-ring-0" / "samples.npz")["points"] for name in ("killed", "whole")]
    assert np.array_equal(*samples)


LONG = [*map(str, POINTS), "--models", "gan:ring", "--seeds", "1", "--minutes-per-model", "10"]


def _began(home):
    """A bench that trains for long, once it has a checkpoint; and the process of its job."""
    command = [sys.executable, "-m", "genbench", "bench", *LONG, "--out", str(home)]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    _wait(lambda: (home / "gan-ring-0" / "run" / "run.json").exists())
    (worker,) = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
    return run, int(worker)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the child in /proc")
def test_the_process_of_a_job_dies_with_the_one_that_started_it(tmp_path):
    run, worker = _began(tmp_path)
    with run:
        run.kill()
    _wait(lambda: not _is_alive(worker), seconds=30)
    assert read_record(tmp_path / "gan-ring-0") is None
    assert _is_free(tmp_path / "gan-ring-0")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the child in /proc")
def test_a_job_that_somebody_stopped_is_a_row_and_goes_on_unasked(tmp_path):
    run, worker = _began(tmp_path)
    with run:
        os.kill(worker, signal.SIGTERM)
        out, _ = run.communicate()
    assert run.returncode == 1
    folder = tmp_path / "gan-ring-0"
    assert "gan:ring seed 0: crashed: killed by signal 15 (SIGTERM)" in " ".join(out.split())
    assert read_record(folder).error == "killed by signal 15 (SIGTERM)"
    assert "killed by signal 15" in (tmp_path / "README.md").read_text()
    assert settled(folder, retry=False) is None
    killed = "killed by signal 9 (SIGKILL); out of memory?"
    write_record(Record(suite="modes-ring8", contestant="gan:ring", status="crashed", error=killed), folder)
    assert settled(folder, retry=False) is not None
    assert settled(folder, retry=True) is None


def _is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _wait(is_so, seconds=400):
    ends = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.005)


def _is_free(folder):
    with locked(folder) as lock:
        return lock is not None


@pytest.mark.slow
def test_images_from_training_to_the_table(tmp_path, networks_kept, monkeypatch):
    """Two models, two seeds, few images, and two outsiders: the real suite, but for its budget."""
    assert networks_kept
    monkeypatch.setattr(sys, "argv", ["genbench", "bench", "run", "digits"])
    words = ("run", "digits", "--models", "gan:smoke,realnvp:smoke", "--full", "--count", 24, "--threads", 1)
    home = tmp_path / "home"
    ran(home, *words, "--seeds", 1)
    images = np.random.default_rng(0).integers(0, 256, (30, 32, 32), np.uint8)
    np.save(tmp_path / "noise.npy", images)
    done = said("add", home, tmp_path / "noise.npy", "--name", "noise")
    assert done.code == 0
    assert "warning" not in done.out
    (tmp_path / "mine.py").write_text(
        "import torch\ndef draw(n, generator):\n    return torch.rand(n, 1, 40, 40, generator=generator)\n"
    )
    done = said("add", home, f"{tmp_path}/mine.py:draw", "--name", "mine", "--seed", 1)
    assert done.code == 0
    assert "warning: images of mine are 40 x 40, those of digits32 32 x 32" in done.out
    out = ran(home, *words, "--seeds", 2)
    assert "[4/4] realnvp:smoke seed 1: fd" in out
    found = {folder.name: record for folder, record in read_records(home)}
    trained = [f"{name}-smoke-{seed}" for name in ("gan", "realnvp") for seed in (0, 1)]
    assert sorted(found) == sorted([*trained, "mine-1", "noise-0"])
    assert {record.status for record in found.values()} == {"done"}
    for record in found.values():
        assert [score.metric for score in record.scorecard.scores] == [
            *("fd", "kd", "precision", "recall", "density", "coverage")
        ]
        assert {score.n_fake for score in record.scorecard.scores} == {24}
        assert record.copies is not None
        assert record.flagged_share is not None
        assert record.scorecard.fake == "samples.npz"
        assert (home / "gan-smoke-0" / record.picture).is_file()
    gan, mine = found["gan-smoke-1"], found["mine-1"]
    assert (gan.model, gan.preset, gan.seed, gan.data, gan.steps) == ("gan", "smoke", 1, "digits32", 2)
    assert found["realnvp-smoke-0"].data == "digits8"
    assert gan.curves == "run/curves.png"
    assert gan.samples_per_second > 0
    assert gan.environment["threads"] == 1
    assert gan.command == "genbench bench run digits"
    assert (mine.model, mine.seed, mine.curves, mine.parameters) == ("", 1, None, {})
    ours = np.load(home / "gan-smoke-1" / "samples.npz")["images"]
    source = open_source(f"zoo:{home / 'gan-smoke-1' / 'run'}", _seeded(1))
    assert all(np.array_equal(a[..., :1], b) for a, b in zip(ours, source.read(source.entries(24)), strict=True))
    assert read_recipe(home / "gan-smoke-1" / "run").seed == 1
    assert read_bench(home).seeds == [0, 1]
    assert read_bench(home).contestants == ["gan:smoke", "realnvp:smoke", "noise", "mine"]
    assert all(name in (home / "README.md").read_text() for name in ("gan:smoke", "mine", "noise"))
    assert said("table", home, "-o", tmp_path / "report").code == 0
    assert said("table", tmp_path / "report", "--check").code == 0
    # another bench in the same folder
    done = said("run", "digits", "--models", "gan:smoke", "--steps", 3, "--count", 24, "--out", home)
    assert "its steps is another; expected none as before, got 3" in str(done.error)


def _seeded(seed):
    from genbench.contracts import SourceOptions

    return SourceOptions(seed=seed)


@pytest.mark.slow
def test_likelihood_stands_beside_its_references(tmp_path):
    ran(tmp_path, "run", "likelihood", "--models", "realnvp:smoke", "--full", "--seeds", 1, "--count", 10)
    bits = {record.contestant: record.scorecard["likelihood"].value for _, record in read_records(tmp_path)}
    assert bits["uniform"] == pytest.approx(np.log2(17), rel=1e-6)
    assert 2.3 < bits["independent-pixels"] < 2.5
    assert bits["realnvp:smoke"] > bits["independent-pixels"]  # two updates
    assert {record.source for _, record in read_records(tmp_path)} == {"samples.npz"}


def test_a_job_that_another_command_works_on_is_left_to_it(tmp_path):
    folder = tmp_path / "gan-ring-0"
    folder.mkdir()
    with locked(folder) as lock:
        assert lock is not None
        out = ran(tmp_path, *POINTS, "--models", "gan:ring", "--only-seed", 0, "--steps", 2)
    assert "[1/1] gan:ring seed 0: another command works on it" in out
    assert "1 of 1 runs are worked on by another command" in out
    assert not (folder / "record.json").exists()


@pytest.mark.slow
def test_a_printed_line_runs_one_job(tmp_path):
    words = (*POINTS[1:], "--models", "gan:ring", "--seeds", 2, "--steps", 2, "--out", tmp_path)
    _, line = CliRunner().invoke(app, ["jobs", *map(str, words)]).stdout.splitlines()
    program = Path(sys.executable).with_name("genbench")
    subprocess.run(line.replace("genbench", str(program), 1), shell=True, check=True, capture_output=True)
    assert list(numbers(tmp_path)) == ["gan-ring-1"]
    assert not (tmp_path / "README.md").exists()
