"""``genbench weights`` and the messages of a network without weights, as a user meets them."""

import subprocess
import sys

import pytest

from genbench.features.weights import PUBLISHED

RECORD = PUBLISHED["inception"]


@pytest.fixture(autouse=True)
def _own_places(tmp_path, monkeypatch):
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def run(*words):
    done = subprocess.run([sys.executable, "-m", "genbench", *words], capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr
    return done


def test_missing(tmp_path):
    assert "missing" in run("weights", "list").stdout
    assert run("weights", "verify").returncode == 0
    named = run("weights", "verify", "inception")
    assert named.returncode == 1
    assert RECORD.url in named.stdout
    assert run("weights", "verify", "nonsense").returncode == 2
    done = run("score", "fake/", "--real", "real/")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.strip().splitlines()) == 1
    for part in (RECORD.url, RECORD.sha256, str(tmp_path / "cache" / "weights"), "--extractor efficientnet-lite0"):
        assert part in done.stderr
    assert not (tmp_path / "cache").exists()


def test_a_wrong_file(tmp_path):
    file = tmp_path / "cache" / "weights" / RECORD.file
    file.parent.mkdir(parents=True)
    file.write_bytes(b"wrong")
    assert "WRONG" in run("weights", "list").stdout
    done = run("weights", "verify", "inception")
    assert done.returncode == 1
    assert f"expected SHA-256 {RECORD.sha256}" in done.stdout
    done = run("score", "fake/", "--real", "real/")
    assert done.returncode == 2
    assert f"--weights {file}" in done.stderr


def test_importing_another_file_is_refused(tmp_path):
    file = tmp_path / "random.pth"
    file.write_bytes(b"random")
    done = run("weights", "import", str(file))
    assert done.returncode == 2
    assert RECORD.sha256 in done.stderr
    assert f"--weights {file}" in done.stderr
    assert not (tmp_path / "cache" / "weights" / RECORD.file).exists()
