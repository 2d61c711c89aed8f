"""The command line, run as a user runs it: exit codes, one-line messages, no traceback."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from genbench.cli.score import parse_latent, parse_limits, parse_range, parse_settings
from genbench.contracts import Scorecard
from genbench.errors import BadInput


@pytest.fixture
def folders(tmp_path, rng):
    for name in ("fake", "real"):
        (tmp_path / name).mkdir()
        for i in range(12):
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(tmp_path / name / f"{i}.png")
    return str(tmp_path / "fake"), str(tmp_path / "real")


def run(*words):
    return subprocess.run([sys.executable, "-m", "genbench", *words], capture_output=True, text=True, timeout=120)


def test_score_prints_a_table_and_writes_the_scorecard(folders, tmp_path):
    out = tmp_path / "scores.json"
    done = run("score", folders[0], "--real", folders[1], "--extractor", "pixels", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert "FD[pixels]" in done.stdout
    card = json.loads(out.read_text())
    assert card["version"] == "genbench.scorecard/1"
    assert [score["metric"] for score in card["scores"]] == ["fd", "kd", "precision", "recall", "density", "coverage"]
    fields = {"metric", "extractor", "label", "value", "stderr", "ci95", "better", "n_real", "n_fake", "warnings"}
    assert fields <= set(card["scores"][0])


@pytest.mark.parametrize(
    ("limit", "code"), [("--fail-above=fd=0.001", 1), ("--fail-above=fd=1e9", 0), ("--fail-below=fd=1e9", 1)]
)
def test_thresholds_set_the_exit_code_after_the_output(folders, tmp_path, limit, code):
    out = tmp_path / "scores.json"
    done = run(
        "score", folders[0], "--real", folders[1], "--extractor", "pixels", "--metrics", "fd", "--out", str(out), limit
    )
    assert done.returncode == code
    assert out.exists()
    assert ("threshold crossed: fd" in done.stderr) == (code == 1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere/", "--real", "REAL"], "nowhere"),
        (["FAKE", "--real", "REAL", "--metrics", "fdd"], "Did you mean 'fd'"),
        (["FAKE", "--real", "REAL", "--fail-above", "fd"], "expected METRIC=NUMBER"),
        (["FAKE", "--real", "REAL", "--fail-above", "kid=3"], "a metric of --metrics"),
        (["FAKE", "--real", "REAL", "--out", "/no/such/folder/x.json"], "Make it first"),
        (["FAKE", "--real", "REAL", "--latent", "big"], "expected 128 or 100x1x1"),
        (["FAKE", "--real", "REAL", "--range=1,-1"], "--range=-1,1"),
        (["FAKE", "--real", "REAL", "--metrics", "is"], "needs the layer 'logits'"),
        (["FAKE", "--real", "REAL", "--set", "k=5"], "expected METRIC.PARAMETER=VALUE"),
        (["FAKE", "--real", "REAL", "--set", "fd.k=5"], "fd: no parameter 'k'"),
        (["FAKE", "--real", "REAL", "--set", "precision.k=five"], "precision: parameter k does not fit"),
    ],
)
def test_input_errors_are_one_message_and_exit_code_2(folders, words, message):
    words = [{"FAKE": folders[0], "REAL": folders[1]}.get(word, word) for word in words]
    done = run("score", *words, "--extractor", "pixels")
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_unknown_option_is_refused(folders):
    done = run("score", folders[0], "--real", folders[1], "--extracter", "pixels")
    assert done.returncode == 2
    assert "--extracter" in done.stderr


def test_parsers():
    assert parse_latent("100x1x1") == (100, 1, 1)
    assert parse_range("-1,1") == (-1.0, 1.0)
    assert parse_limits(["fd=20", "kd=-0.5"], "--fail-above", ["fd", "kd"]) == {"fd": 20.0, "kd": -0.5}
    with pytest.raises(BadInput):
        parse_limits(["fd=nan"], "--fail-above", ["fd"])


def test_parameters_of_metrics_are_set(folders, tmp_path):
    assert parse_settings(["precision.k=5", "precision.is_closed=false", "ppl.space=w"]) == {
        "precision": {"k": 5, "is_closed": False},
        "ppl": {"space": "w"},
    }
    values = []
    for k in (1, 9):
        out = tmp_path / f"{k}.json"
        words = ("--extractor", "pixels", "--metrics", "recall", "--set", f"recall.k={k}", "--out", out)
        assert run("score", folders[0], "--real", folders[1], *words).returncode == 0
        values.append(Scorecard.model_validate_json(out.read_text())["recall"].value)
    assert values[0] < values[1]


def test_lists_name_everything_registered():
    from genbench.features import EXTRACTORS
    from genbench.metrics import METRICS
    from genbench.sources import SOURCES

    for what, names in (("metrics", METRICS), ("extractors", EXTRACTORS), ("sources", SOURCES)):
        done = run("list", what)
        assert done.returncode == 0, done.stderr
        assert all(name in done.stdout for name in names)


def test_cache_commands(folders, tmp_path):
    cache = ["--cache", str(tmp_path / "cache")]
    run("score", folders[0], "--real", folders[1], "--extractor", "pixels", "--metrics", "fd", *cache)
    assert "pixels v1" in run("cache", "info", *cache).stdout
    assert "48 rows" in (checked := run("cache", "verify", *cache)).stdout or checked.returncode == 0
    assert run("cache", "prune", *cache).returncode == 2
    assert "freed" in run("cache", "prune", "--all", *cache).stdout
    assert "pixels v1" not in run("cache", "info", *cache).stdout


def test_settings_are_read_as_the_list_of_metrics_writes_them(folders, tmp_path):
    out = tmp_path / "scores.json"
    words = ["--extractor", "pixels", "--metrics", "precision", "--set", "precision.is_closed=False", "--out", str(out)]
    done = run("score", folders[0], "--real", folders[1], *words)
    assert done.returncode == 0, done.stderr
    assert json.loads(out.read_text())["provenance"]["metrics"]["precision"]["parameters"]["is_closed"] is False
