"""Third parties add schemes by entry point; here a package that is nothing but two files on the path."""

import os
import subprocess
import sys

import pytest

MODULE = '''
import numpy as np
from genbench.sources.memory import ArraySource

def open_toy(rest, options):
    """Grey squares of another package."""
    pixels = np.random.default_rng(options.seed).integers(0, 256, (int(rest), 8, 8, 3), np.uint8)
    return ArraySource(pixels, "toy", "toy")
'''


@pytest.fixture
def run(tmp_path):
    """Run the command line where ``toy_images`` is installed."""
    site = tmp_path / "site"
    (site / "toy_images-1.0.dist-info").mkdir(parents=True)
    (site / "toy_images.py").write_text(MODULE)
    (site / "toy_images-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: toy-images\nVersion: 1.0\n"
    )
    points = "[genbench.sources]\ntoy = toy_images:open_toy\nlost = no_such_module:open\nblank = toy_images:nothing\n"
    (site / "toy_images-1.0.dist-info" / "entry_points.txt").write_text(points)

    def run(*words):
        environment = os.environ | {
            "PYTHONPATH": str(site),
            "GENBENCH_CACHE": str(tmp_path / "cache"),
            "COLUMNS": "200",
        }
        command = [sys.executable, "-m", "genbench", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)

    return run


def test_a_scheme_of_another_package_is_listed_and_scored(run):
    listed = run("list", "sources")
    assert listed.returncode == 0, listed.stderr
    assert "Grey squares of another package." in listed.stdout
    done = run("score", "toy:50", "--real", "toy:40", "--extractor", "pixels", "--metrics", "kd", "--seed", "3")
    assert done.returncode == 0, done.stderr
    assert "toy:50 (50 images) against toy:40 (40 images)" in done.stdout


def test_one_that_cannot_be_loaded_is_named(run):
    assert "lost" in run("list", "sources").stdout, "and does not keep the others from being listed"
    for name, reason in (("lost", "no_such_module"), ("blank", "nothing")):
        done = run("score", f"{name}:5", "--real", "toy:40", "--extractor", "pixels", "--metrics", "kd")
        assert done.returncode == 2
        assert f"source {name!r}: cannot be loaded" in done.stderr
        assert reason in done.stderr
        assert "Traceback" not in done.stderr
