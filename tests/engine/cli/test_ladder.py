"""``genbench ladder`` as a user runs it."""

import subprocess
import sys

import pytest
from PIL import Image
from typer.testing import CliRunner

from genbench.cli.app import app
from genbench.cli.ladder import parse_severities
from genbench.errors import BadInput, GenbenchError
from genbench.report.ladder import Ladder


def run(*words):
    return subprocess.run([sys.executable, "-m", "genbench", *words], capture_output=True, text=True, timeout=120)


def test_it_prints_the_audit_and_writes_ladder_and_sheet(tmp_path):
    out, sheet = tmp_path / "ladder.json", tmp_path / "ladder.png"
    words = ["--extractor", "pixels", "--count", "60", "--metrics", "kd,precision", "--corruptions", "contrast,jpeg"]
    done = run("ladder", "sklearn:digits", *words, "--severities", "3,5", "-o", str(out), "--sheet", str(sheet))
    assert done.returncode == 0, done.stderr
    assert "30 reference, 30 clean pictures" in done.stdout
    assert "50% … 10%" in done.stdout
    found = Ladder.model_validate_json(out.read_text())
    assert [rung.label for rung in found.of("jpeg", "kd")] == ["JPEG 50", "JPEG 10"]
    with Image.open(sheet) as picture:
        assert picture.width > 400


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--corruptions", "blurr"], "'blurr': no such corruption; expected one of blur, noise"),
        (["--severities", "1,six"], "--severities: not severities"),
        (["--sheet", "nowhere/x.png"], "--sheet: no folder"),
        (["--sheet", "x.txt"], "--sheet: not a .png file"),
        (["--sheet", "x.png", "--corruptions", "dropped-modes"], "--sheet: no picture to show"),
        (["--metrics", "kd", "--count", "10"], "too few pictures for two halves"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(words, message):
    done = CliRunner().invoke(app, ["ladder", "sklearn:digits", "--extractor", "pixels", *words])
    assert isinstance(done.exception, GenbenchError)
    assert message in str(done.exception)
    assert "\n" not in str(done.exception)


def test_severities_are_parsed():
    assert parse_severities("1, 3,5") == [1, 3, 5]
    with pytest.raises(BadInput, match=r"got '1\.5'"):
        parse_severities("1.5")
