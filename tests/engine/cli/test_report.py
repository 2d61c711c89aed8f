"""``genbench report`` as a user runs it."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from genbench.cli.report import choose_form
from genbench.errors import BadInput


def run(*words):
    words = [sys.executable, "-m", "genbench", *map(str, words)]
    return subprocess.run(words, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """A folder with a scorecard, and its images."""
    folder, rng = tmp_path_factory.mktemp("scored"), np.random.default_rng(7)
    for name in ("fake", "real"):
        (folder / name).mkdir()
        for i in range(24):
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(folder / name / f"{i}.png")
    sides = folder / "fake", "--real", folder / "real"
    more = "--metrics", "fd,kd", "--extractor", "pixels", "--out", folder / "card.json", "--cache", folder / "cache"
    assert run("score", *sides, *more).returncode == 0
    return folder


def test_a_page_with_pictures(scored, tmp_path):
    done = run("report", scored / "card.json", "-o", tmp_path / "report.html")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Nearest neighbours" in text
    assert text.count("<img") > 50
    assert "No pictures" not in text


def test_a_page_without(scored, tmp_path):
    done = run("report", scored / "card.json", "-o", tmp_path / "report.html", "--no-pictures")
    assert done.returncode == 0, done.stderr
    assert "<img" not in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("ending", "start"), [("md", "|  | fake |"), ("tex", r"\begin{tabular}"), ("csv", "fake,real,metric")]
)
def test_tables(scored, tmp_path, ending, start):
    out = tmp_path / f"table.{ending}"
    assert run("report", scored / "card.json", "-o", out).returncode == 0
    assert out.read_text(encoding="utf-8").startswith(start)


def test_a_table_goes_to_the_terminal_unchanged(scored, tmp_path):
    run("report", scored / "card.json", scored / "card.json", "-o", tmp_path / "table.md")
    done = run("report", scored / "card.json", scored / "card.json", "--format", "markdown")
    assert done.stdout == (tmp_path / "table.md").read_text(encoding="utf-8")
    assert done.stdout.startswith("|  | fake | fake |")


def test_forms():
    from pathlib import Path

    assert choose_form(None, Path("x.HTML")) == "html"
    assert choose_form("latex", Path("x.txt")) == "latex"
    assert choose_form("csv", None) == "csv"
    for form, out, said in ((None, None, "-o report.html"), (None, Path("x.pdf"), "x.pdf"), ("pdf", None, "'pdf'")):
        with pytest.raises(BadInput, match=said):
            choose_form(form, out)
    with pytest.raises(BadInput, match=r"-o report\.html"):
        choose_form("html", None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "the file: Invalid JSON"),
        (json.dumps({"version": "genbench.ladder/1"}), "version: Input should be"),
        (None, "No such file"),
    ],
)
def test_what_is_no_scorecard_is_refused(tmp_path, text, said):
    path = tmp_path / "card.json"
    if text is not None:
        path.write_text(text)
    done = run("report", path, "--format", "csv")
    assert done.returncode == 2
    assert "cannot be read; expected a JSON file of `genbench score --out`" in done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
