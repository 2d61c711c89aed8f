"""``genbench stats`` as a user types it."""

import numpy as np
import pytest

from genbench.cli import main


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line in this process (which knows the tiny extractor): exit code, stdout and stderr unwrapped."""

    def run(*words):
        monkeypatch.setattr("sys.argv", ["genbench", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *(" ".join(text.split()) for text in capsys.readouterr())

    return run


def test_stats_then_score_against_them(run, tmp_path, rng, tiny_extractor):
    for name in ("real", "fake"):
        np.save(tmp_path / f"{name}.npy", rng.integers(0, 256, (40, 8, 8, 3), np.uint8))
    real, fake, ref = (str(tmp_path / name) for name in ("real.npy", "fake.npy", "ref.npz"))
    with_tiny = ("--extractor", tiny_extractor, "--cache", str(tmp_path / "cache"))
    assert run("stats", real, "-o", ref, *with_tiny, "--count", "30")[:2] == (
        0,
        f"{ref}: pytorch-fid's form, 30 images, tiny",
    )
    code, out, _ = run("score", fake, "--real", ref, "--metrics", "fd", *with_tiny)
    assert code == 0
    assert "FD[tiny]" in out
    assert "(30 images)" in out
    assert "reference taken as fixed" in out
    np.savez(tmp_path / "foreign.npz", mu=np.zeros(12), sigma=np.eye(12))
    code, out, _ = run("score", fake, "--real", str(tmp_path / "foreign.npz"), "--metrics", "fd", *with_tiny)
    assert code == 0
    assert "statistics of an unknown number of images" in out
    assert "cannot be checked" in out
    code, out, err = run("score", fake, "--real", ref, *with_tiny)
    assert (code, out) == (2, "")
    assert "kd, precision, recall, density, coverage: the reference" in err


def test_bad_targets_exit_with_2(run, tmp_path):
    code, _, err = run("stats", "sklearn:digits", "-o", str(tmp_path / "ref.txt"), "--extractor", "pixels")
    assert code == 2
    assert "a name ending in .npz" in err
