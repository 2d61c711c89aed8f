"""Statistics files: what is read, what is refused, and that others read what is written."""

import json
import os
import stat

import numpy as np
import pytest

from genbench.errors import BadInput, GenbenchError, MismatchedFeatures, NotPositive
from genbench.stats.files import read_statistics, write_statistics
from genbench.stats.gaussian import Gaussian, Moments, frechet_distance

FACTS = {"extractor": "toy v1", "runtime": "numpy"}
MADE_BY = {"extractor": FACTS, "extractor_key": "abc"}


def written(path, rows, form="pytorch-fid", **more):
    write_statistics(path, form, {"pooled": Moments.of(rows), **more}, MADE_BY)
    return read_statistics(str(path), path.name)


@pytest.mark.parametrize(("count", "relative"), [(500, 1e-9), (60, 1e-9), (15, 1e-6)], ids=["n>5d", "n>d", "n<d"])
def test_a_written_file_is_the_gaussian_of_the_rows(tmp_path, rng, count, relative):
    real = rng.normal(1, 2, size=(count, 20)).astype(np.float32)
    fake = Gaussian.of(rng.normal(size=(200, 20)))
    found = written(tmp_path / "ref.npz", real)
    assert found.gaussian.count == count
    expected = frechet_distance(Gaussian.of(real), fake)
    assert frechet_distance(found.gaussian, fake) == pytest.approx(expected, rel=relative)


def test_the_arrays_are_numpy_s_mean_and_cov_and_hold_no_objects(tmp_path, rng):
    pooled, spatial = rng.normal(5, 1, size=(80, 6)), rng.normal(size=(80, 4))
    written(tmp_path / "ref.npz", pooled, "guided-diffusion", spatial=Moments.of(spatial))
    with np.load(tmp_path / "ref.npz", allow_pickle=False) as arrays:
        assert set(arrays.files) == {"mu", "sigma", "mu_s", "sigma_s", "count", "genbench"}
        for suffix, rows in (("", pooled), ("_s", spatial)):
            assert arrays[f"mu{suffix}"].dtype == arrays[f"sigma{suffix}"].dtype == np.float64
            np.testing.assert_allclose(arrays[f"mu{suffix}"], rows.mean(0), rtol=1e-12)
            np.testing.assert_allclose(arrays[f"sigma{suffix}"], np.cov(rows, rowvar=False), rtol=1e-9, atol=1e-12)
        assert json.loads(str(arrays["genbench"]))["extractor"] == FACTS


@pytest.mark.filterwarnings("ignore:The `disp` argument is deprecated:DeprecationWarning")
def test_pytorch_fid_agrees_on_the_written_arrays(tmp_path, rng):
    fid_score = pytest.importorskip("pytorch_fid.fid_score")
    real, fake = rng.normal(size=(300, 16)), rng.normal(0.3, 1.5, size=(250, 16))
    ours = frechet_distance(
        written(tmp_path / "real.npz", real).gaussian, written(tmp_path / "fake.npz", fake).gaussian
    )
    with np.load(tmp_path / "real.npz") as one, np.load(tmp_path / "fake.npz") as other:
        theirs = fid_score.calculate_frechet_distance(one["mu"], one["sigma"], other["mu"], other["sigma"])
    assert ours == pytest.approx(theirs, rel=1e-9)


def test_foreign_files_are_read_and_say_that_they_cannot_be_checked(tmp_path):
    np.savez(
        tmp_path / "adm.npz", mu=np.zeros(3), sigma=np.eye(3), mu_s=np.zeros(5), sigma_s=np.eye(5), arr_0=np.ones(2)
    )
    found = read_statistics(str(tmp_path / "adm.npz"), "adm.npz")
    assert found.count == found.gaussian.count == 0
    assert "cannot be checked" in found.warnings[0]
    assert "how many" in found.describe()["notes"][0]
    found.check_extractor(FACTS, "any", 3)
    with pytest.raises(MismatchedFeatures, match="expected 4 features as toy v1 has, got 3"):
        found.check_extractor(FACTS, "any", 4)


def test_another_extractor_is_refused_with_what_differs(tmp_path, rng):
    found = written(tmp_path / "ref.npz", rng.normal(size=(9, 3)))
    assert found.warnings == ()
    found.check_extractor(FACTS, "abc", 3)
    with pytest.raises(MismatchedFeatures, match=r"got runtime 'numpy' instead of 'torch'\. Make them again"):
        found.check_extractor(FACTS | {"runtime": "torch"}, "abd", 3)


OK = {"mu": np.zeros(3), "sigma": np.eye(3)}


@pytest.mark.parametrize(
    ("arrays", "error", "words"),
    [
        ({"mu": np.zeros(3)}, BadInput, r"expected floats mu \[d\] and sigma \[d, d\], got mu float64 \[3\]"),
        (OK | {"sigma": np.eye(4)}, BadInput, r"sigma float64 \[4, 4\]"),
        (OK | {"mu": np.zeros(3, int)}, BadInput, r"mu int64"),
        (OK | {"mu": np.full(3, np.nan)}, BadInput, "finite"),
        (OK | {"sigma": np.triu(np.ones((3, 3)))}, BadInput, "not symmetric"),
        (OK | {"sigma": -np.eye(3)}, NotPositive, "statistics 'x.npz': .*eigenvalues"),
        (OK | {"sigma": np.array([[{}] * 3] * 3)}, BadInput, "without pickled objects, got ValueError"),
        (OK | {"count": np.array(1)}, BadInput, "expected a whole number of 2 or more, got 1"),
        (OK | {"count": np.array([5, 6])}, BadInput, "no count"),
        (OK | {"genbench": np.array("{}")}, BadInput, "another version of genbench"),
        (OK | {"genbench": np.array("not json")}, BadInput, "another version of genbench"),
    ],
)
def test_what_is_no_statistics_is_refused(tmp_path, arrays, error, words):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(error, match=words):
        assert read_statistics(str(tmp_path / "x.npz"), "x.npz").gaussian


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"\x93NUMPY"])
def test_broken_files_are_refused(tmp_path, content):
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(BadInput, match="file of mu and sigma without pickled objects"):
        read_statistics(str(tmp_path / "x.npz"), "x.npz")


def test_writing_is_whole_or_not_at_all_and_heeds_the_umask(tmp_path, rng, monkeypatch):
    path = tmp_path / "ref.npz"
    written(path, rng.normal(size=(9, 3)))
    before = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) & ~os.umask(os.umask(0)) == stat.S_IMODE(path.stat().st_mode) != 0o600

    def full(*_args, **_kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(GenbenchError, match="disk full"):
        written(path, rng.normal(size=(9, 3)))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["ref.npz"]
