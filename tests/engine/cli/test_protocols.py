"""`--protocol`, `protocols`, `diff` and `--rerun`, run as a user runs them."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def folders(tmp_path, rng):
    for name in ("fake", "real"):
        (tmp_path / name).mkdir()
        for i in range(12):
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(tmp_path / name / f"{i}.png")
    return tmp_path


def run(folder, *words):
    return subprocess.run(
        [sys.executable, "-m", "genbench", *words], capture_output=True, text=True, timeout=120, cwd=folder
    )


def scored(folder, out, *words):
    done = run(folder, "score", "fake", "--real", "real", "--extractor", "pixels", "--out", out, *words)
    assert done.returncode == 0, done.stderr
    return done


def test_a_protocol_is_scored_printed_repeated_and_told_apart(folders):
    done = scored(folders, "a.json", "--protocol", "prdc")
    assert "protocol prdc: prdc 0.2" in done.stdout
    card = json.loads((folders / "a.json").read_text())
    assert [score["metric"] for score in card["scores"]] == ["precision", "recall", "density", "coverage"]
    assert card["provenance"]["protocol"]["parameters"]["recall"] == {"k": 5, "is_closed": False}
    again = run(folders, "score", "--rerun", "a.json", "--out", "b.json")
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("equal") == 4
    same = run(folders, "diff", "a.json", "b.json")
    assert (same.returncode, same.stdout.count("not comparable")) == (0, 0)
    scored(folders, "c.json", "--metrics", "recall,coverage")
    apart = run(folders, "diff", "a.json", "c.json")
    assert apart.returncode == 1
    assert "other parameters" in " ".join(apart.stdout.split())
    assert "only the first has it" in apart.stdout


def test_a_repetition_that_is_not_one_exits_with_1(folders):
    scored(folders, "a.json", "--metrics", "fd,kd")
    text = json.loads((folders / "a.json").read_text())
    text["scores"][0]["value"] *= 1.001
    (folders / "a.json").write_text(json.dumps(text))
    done = run(folders, "score", "--rerun", "a.json")
    assert done.returncode == 1
    assert "1.0e-03 apart" in done.stdout
    assert "equal" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["score", "fake", "--real", "real", "--protocol", "clean-fid", "--extractor", "inception"],
            "sets the extractor",
        ),
        (["score", "fake", "--real", "real", "--protocol", "pytorch-fid", "--metrics", "kd"], "has no kd"),
        (["score", "fake", "--real", "real", "--protocol", "pytorch-fid"], "inception: its weights are not on this"),
        (["score", "fake", "--real", "real", "--protocol", "prd"], "Did you mean 'prdc'"),
        (["score", "fake"], "expected FAKE and --real REAL, or --rerun"),
        (["score", "fake", "--rerun", "a.json"], "expected no option but --out and --cache, got fake"),
        (["score", "--seed", "0", "--rerun", "a.json"], "got seed"),
        (["score", "--rerun", "a.json"], "scorecard 'a.json': cannot be read"),
        (["diff", "fake/0.png", "fake/1.png"], "cannot be read; expected a JSON file"),
        (["protocols", "fake", "--real", "real"], "none could be run; expected the weights of one network"),
        (["protocols", "fake", "--real", "real", "--weights", "f.pth"], "expected NETWORK=FILE"),
    ],
)
def test_mistakes_are_told_in_one_line(folders, words, message):
    done = run(folders, *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_file_that_is_no_scorecard_is_refused(folders):
    (folders / "a.json").write_text('{"version": "genbench.scorecard/1", "fake": "f"}')
    done = run(folders, "diff", "a.json", "a.json")
    assert done.returncode == 2
    assert "cannot be read; expected a JSON file of `genbench score --out`, got real: Field required" in done.stderr


def test_protocols_are_listed(folders):
    done = run(folders, "list", "protocols")
    assert done.returncode == 0
    for name in ("pytorch-fid", "stylegan3", "held in parts", "proven"):
        assert name in done.stdout
