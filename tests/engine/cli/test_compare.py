"""``genbench compare`` as a user runs it."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from genbench.cli.compare import parse_models
from genbench.errors import BadInput


@pytest.fixture
def folders(tmp_path, rng):
    for name, level in (("a", 100), ("b", 100), ("c", 150), ("real", 100)):
        (tmp_path / name).mkdir()
        for i in range(24):
            noise = np.clip(rng.normal(level, 30, (8, 8, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(noise).save(tmp_path / name / f"{i}.png")
    return tmp_path


def run(*words, cwd):
    words = [sys.executable, "-m", "genbench", "compare", *words, "--extractor", "pixels"]
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=120)


def test_it_prints_tables_and_writes_the_comparison(folders):
    done = run("runs=a,b", "far=c", "--real", "real", "--metrics", "kd,precision", "--out", "x.json", cwd=folders)
    assert done.returncode == 0, done.stderr
    assert "runs - far" in done.stdout
    assert "runs better" in done.stdout
    found = json.loads((folders / "x.json").read_text())
    assert found["version"] == "genbench.comparison/1"
    assert found["models"] == ["runs", "far"]
    assert len(found["scores"][0]["runs"]) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a", "--real", "real"], "two models or more"),
        (["a", "b", "--real", "real", "--alpha", "2"], "between 0 and 1"),
        (["a", "nowhere", "--real", "real"], "nowhere"),
        (["x=a", "x=b", "--real", "real"], "two models of one name"),
        (["a", "b", "--real", "real", "--out", "none/x.json"], "Make it first"),
    ],
)
def test_input_errors_are_one_message_and_exit_code_2(folders, words, message):
    done = run(*words, "--metrics", "kd", cwd=folders)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_models_are_parsed(tmp_path):
    assert parse_models(["A=x,y", "b/"]) == {"A": ["x", "y"], "b/": ["b/"]}
    (tmp_path / "step=3,new").mkdir()
    path = str(tmp_path / "step=3,new")
    assert parse_models([path, f"n={tmp_path}"]) == {path: [path], "n": [str(tmp_path)]}
    for wrong in ("A=", "=x", "A=x,,y"):
        with pytest.raises(BadInput, match="not a model"):
            parse_models([wrong])
