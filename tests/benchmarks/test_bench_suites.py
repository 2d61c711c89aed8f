"""What suites ask for is there; who takes part; the commands."""

import shlex
import subprocess
import sys
from importlib import import_module
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from benchmarks.cli import app
from benchmarks.contracts import Contestant, Suite
from benchmarks.home import Bench
from benchmarks.judging import JUDGES
from benchmarks.judging.modes import measures
from benchmarks.judging.shapes import OWN
from benchmarks.lineup import choose_contestants, jobs_of, outsider
from benchmarks.suites import SUITES, suites_of
from genbench.errors import BadInput, MissingWeights, UnknownName
from genbench.features import EXTRACTORS
from genbench.metrics import METRICS
from genbench.request import make_request
from zoo import MODELS
from zoo.data import DATA
from zoo.model import choose_preset

ASKED = "digits", "modes", "shapes", "voxels", "memorize", "cifar10", "mnist", "celeba64", "ffhq", "likelihood"
ON_GPU = {"cifar10", "mnist", "celeba64", "ffhq"}
ALL = list({suite.name: suite for name in SUITES for suite in suites_of(name)}.values())
DIGITS = SUITES.get("digits")


def test_all_suites_are_there():
    assert set(ASKED) <= set(SUITES)
    for name in SUITES:
        found = SUITES.get(name)
        assert isinstance(found, tuple) or found.name == name


@pytest.mark.parametrize("suite", ALL, ids=lambda suite: suite.name)
def test_what_a_suite_asks_for_exists(suite):
    assert suite.data.partition(":")[0] in DATA
    assert suite.judge in JUDGES
    assert suite.extractor.partition(":")[0] in EXTRACTORS
    counted = {one.metric for one in measures(8)} if suite.judge in ("points", "stacked") else set(METRICS)
    assert set(suite.metrics) <= counted | set(OWN if suite.judge == "shapes" else ())
    assert len({one.name for one in suite.contestants}) == len(suite.contestants) > 0
    for one in suite.contestants:
        preset = choose_preset(MODELS.get(one.model), one.preset)
        assert (one.data or suite.data).partition(":")[0] in DATA
        assert bool(preset.gpus) == (suite.name in ON_GPU)
    assert suite.shows
    assert suite.cannot


@pytest.mark.parametrize("suite", ALL, ids=lambda suite: suite.name)
def test_the_convention_of_a_suite_has_its_metrics_and_extractor(suite):
    assert (suite.protocol is not None) == (suite.name in ON_GPU)
    asked = {"metrics": suite.metrics, "extractor": suite.extractor, "protocol": suite.protocol}
    assert make_request(asked).protocol == suite.protocol  # refuses what departs from it


def test_suites_that_were_never_run_say_so():
    assert {suite.name for suite in ALL if not suite.is_tested} == ON_GPU


@pytest.mark.parametrize("suite", ALL, ids=lambda suite: suite.name)
def test_its_file_says_what_it_costs_and_what_to_expect(suite):
    text = import_module(f"benchmarks.suites.{suite.name.partition('-')[0]}").__doc__
    assert "Cost:" in text
    assert "Expected" in text
    assert ("NEVER RUN HERE" in text) == (not suite.is_tested)


def test_a_file_of_a_suite_runs_it():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.suites.likelihood", "--models", "nonsense"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "no such model" in done.stderr


# ------------------------------------------------------------------------------------------------ who takes part


def names(found):
    return [one.name for one in found]


def test_contestants_by_name_by_model_and_from_outside_the_suite():
    ring = SUITES.get("modes-ring8")
    assert names(choose_contestants(ring, "gan")) == ["gan:ring", "gan:ring+minimax"]
    assert names(choose_contestants(ring, "gan:ring+minimax, gan")) == ["gan:ring+minimax", "gan:ring"]
    assert choose_contestants(DIGITS, None) == list(DIGITS.contestants)
    assert choose_contestants(DIGITS, "gan:smoke") == [Contestant("gan", "smoke")]


@pytest.mark.parametrize("text", ["nonsense", "gan:nonsense", "gan:small+nonsense", ""])
def test_who_is_not_there_is_refused(text):
    with pytest.raises(UnknownName):
        choose_contestants(DIGITS, text)


TINY = Suite(
    name="tiny",
    title="",
    data="digits32",
    contestants=(Contestant("gan"), Contestant("realnvp", data="digits8")),
    metrics=("fd",),
    extractor="pixels",
    count=30,
    subset=64,
    outsiders={"noise": "noise.npz"},
)


def test_jobs_hold_all_that_they_are_carried_out_from():
    bench = Bench(suite="tiny", minutes=2, count=20, threads=2)
    gan, flow, again, _, noise = jobs_of(TINY, bench, TINY.contestants, [0, 7], "genbench bench run tiny")
    assert (gan.contestant, gan.seed, again.contestant, again.seed) == ("gan", 0, "gan", 7)
    assert (gan.data, flow.data) == ("few:64:digits32", "few:64:digits8")
    assert gan.copied_from == flow.copied_from == noise.copied_from == "data:few:64:digits32/train"
    assert gan.real == flow.real == noise.real == "data:digits32/test"
    assert (gan.minutes, gan.steps, gan.count, gan.threads, gan.device) == (2, None, 20, 2, "cpu")
    assert (noise.model, noise.source, noise.data) == ("", "noise.npz", "")


def test_gpu_presets_want_a_gpu():
    suite = SUITES.get("cifar10")
    (job, *_) = jobs_of(suite, Bench(suite="cifar10", count=9), suite.contestants, [0], "")
    assert (job.device, job.gpus, job.cpus) == ("cuda", 1, 1)
    (job, *_) = jobs_of(suite, Bench(suite="cifar10", count=9, device="cpu"), suite.contestants, [0], "")
    assert job.device == "cpu"


@pytest.mark.parametrize("name", ["gan", "", ".."])
def test_an_outsider_has_a_name_of_its_own(name):
    with pytest.raises(BadInput, match="--name"):
        outsider(TINY, Bench(suite="tiny", count=9), name, "x.npz", 0, "")


# ------------------------------------------------------------------------------------------------ the commands


def said(*words):
    done = CliRunner().invoke(app, [str(word) for word in words])
    return SimpleNamespace(code=done.exit_code, out=done.stdout, said=done.stderr, error=done.exception)


def test_the_list_names_all():
    done = said("list")
    assert done.code == 0
    assert all(name in done.out for name in SUITES)
    assert done.out.count("never") == len(ON_GPU)


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """A model and a suite of another package, which raises when it is imported."""
    (tmp_path / "torn-0.dist-info").mkdir()
    (tmp_path / "torn.py").write_text('raise RuntimeError("torn by its author")\n')
    points = "[zoo.models]\ntorn = torn:Model\n[genbench.suites]\ntorn = torn:SUITE\n"
    (tmp_path / "torn-0.dist-info" / "entry_points.txt").write_text(points)
    (tmp_path / "torn-0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: torn\nVersion: 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    for table in (MODELS, SUITES):
        monkeypatch.setattr(table, "_outside", None)


@pytest.mark.usefixtures("broken")
def test_what_is_broken_by_its_author_is_told(tmp_path):
    done = said("run", "modes-ring8", "--models", "gan:ring,torn", "--out", tmp_path / "out")
    assert isinstance(done.error, BadInput)
    assert "model 'torn': cannot be imported; expected a model, got RuntimeError: torn by its author" in str(done.error)
    assert not (tmp_path / "out").exists()
    done = said("list")
    assert done.code == 0, done.error
    assert "broken: RuntimeError: torn by its author" in " ".join(done.out.split())
    assert all(name in done.out for name in ASKED)


def test_jobs_are_lines_that_run_one_each(tmp_path):
    done = said("jobs", "digits", "--models", "gan,dcgan:small+r1", "--seeds", 2, "--steps", 9, "--out", tmp_path)
    lines = done.out.splitlines()
    assert len(lines) == 4
    assert done.said == f"# then: genbench bench table {shlex.quote(str(tmp_path))}\n"
    assert lines[1] == (
        f"genbench bench run digits --models dcgan:small+r1 --only-seed 0 --steps 9 --out {shlex.quote(str(tmp_path))}"
    )
    assert not (tmp_path / "bench.json").exists()


def test_jobs_of_several_suites_have_folders_of_their_own(tmp_path):
    done = said("jobs", "modes", "--models", "gan", "--seeds", 1, "--full", "--out", tmp_path)
    lines = done.out.splitlines()
    assert [line.split()[3] for line in lines] == ["modes-ring8"] * 2 + ["modes-grid25"] * 2 + ["modes-stacked"]
    assert lines[-1].endswith(f"--full --out {tmp_path / 'stacked_digits'}")
    folders = [tmp_path / name for name in ("ring8", "grid25", "stacked_digits")]
    assert done.said.splitlines() == [f"# then: genbench bench table {folder}" for folder in folders]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["digits", "--full", "--steps", "3"], "more than one budget"),
        (["digits", "--minutes-per-model", "0"], "--minutes-per-model: too little"),
        (["digits", "--count", "-1"], "--count: too little"),
        (["digits", "--seeds", "0"], "--seeds: too few"),
        (["digits", "--device", "tpu"], "--device: unknown device"),
        (["modes", "--models", "biggan"], "none takes part in 'modes'"),
        (["nonsense"], "suite 'nonsense': no such suite"),
    ],
)
def test_slips_are_refused_before_any_work(tmp_path, words, expected):
    done = said("run", *words, "--out", tmp_path / "out")
    assert done.code == 1
    assert expected in str(done.error)
    assert not (tmp_path / "out").exists()


def test_weights_that_judge_are_missed_before_any_training(tmp_path, monkeypatch):
    monkeypatch.setenv("GENBENCH_WEIGHTS", str(tmp_path / "nothing"))
    done = said("run", "cifar10", "--device", "cpu", "--out", tmp_path / "out")
    assert isinstance(done.error, MissingWeights)
    assert not (tmp_path / "out").exists()
