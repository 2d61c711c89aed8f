"""``genbench memorization`` as a user runs it."""

import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from genbench.cli.app import app
from genbench.errors import BadInput
from tests.reference.pictures import smooth_pictures


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    pictures = smooth_pictures(np.random.default_rng(4), 130)
    sets = {"train": pictures[:60], "test": pictures[60:100], "fake": np.concatenate([pictures[100:], pictures[:10]])}
    for name, images in sets.items():
        np.save(folder / f"{name}.npy", images)
    sides = ["--train", str(folder / "train.npy"), "--test", str(folder / "test.npy")]
    return [str(folder / "fake.npy"), *sides, "--spaces", "pixels", "--alpha", "0.05"]


def test_it_prints_the_verdict_and_writes_three_files(words, tmp_path):
    command = [sys.executable, "-m", "genbench", "memorization", *words, "--out", str(tmp_path / "report")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "COPIED: 10 of 40 pictures are training pictures, pixel for pixel." in done.stdout
    assert "\nFlagged" in done.stdout
    assert sorted(file.name for file in (tmp_path / "report").iterdir()) == [
        "images.csv",
        "index.html",
        "memorization.json",
    ]


def test_a_threshold_that_is_crossed_exits_1(words):
    crossed = CliRunner().invoke(app, ["memorization", *words, "--fail-above", "flagged-share=0.1"])
    assert crossed.exit_code == 1
    assert "threshold crossed: flagged-share 0." in crossed.stderr
    kept = CliRunner().invoke(app, ["memorization", *words, "--fail-above", "flagged-share=0.6"])
    assert kept.exit_code == 0


@pytest.mark.parametrize("text", ["flagged-share", "flagged-share=2", "fd=20", "flagged-share=nan"])
def test_what_is_no_threshold_is_refused(words, text):
    done = CliRunner().invoke(app, ["memorization", *words, "--fail-above", text])
    assert isinstance(done.exception, BadInput)
    assert "--fail-above: cannot be checked" in str(done.exception)
