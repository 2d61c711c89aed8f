"""Statistics as the reference, from images to a score: equal to scoring against the images."""

import numpy as np
import pytest

import genbench
from genbench.analyses.reference import write_reference
from genbench.contracts import SourceOptions
from genbench.errors import BadInput, MismatchedFeatures, NotEnoughImages, NotPositive
from genbench.features.store import Store, default_cache
from genbench.request import Request
from genbench.sources import open_source


@pytest.fixture(autouse=True)
def _fresh_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def sets(rng):
    return {name: rng.integers(0, high, (count, 6, 6, 3), np.uint8) for name, high, count in
            (("fake", 256, 90), ("real", 200, 120), ("few", 200, 8))}  # fmt: skip


def stated(path, real, extractor, form="pytorch-fid"):
    write_reference(real, path, form, Request(metrics=("fd",), extractor=extractor))
    return path


@pytest.mark.parametrize(("real", "relative"), [("real", 1e-9), ("few", 1e-6)], ids=["n>d", "n<=d"])
def test_fd_against_the_file_equals_fd_against_the_images(tmp_path, sets, tiny_extractor, real, relative):
    path = stated(tmp_path / "ref.npz", sets[real], tiny_extractor)
    by_file, by_images = (
        genbench.score(fake=sets["fake"], real=one, metrics=["fd"], extractor=tiny_extractor)
        for one in (path, sets[real])
    )
    ours, theirs = by_file["fd"], by_images["fd"]
    assert ours.value == pytest.approx(theirs.value, rel=relative)
    assert (ours.n_real, ours.n_fake) == (len(sets[real]), 90)
    assert 0 < ours.stderr < theirs.stderr
    assert any("reference taken as fixed" in warning for warning in ours.warnings)
    assert not any("fixed" in warning for warning in theirs.warnings)
    described = by_file.provenance["sources"]["real"]
    assert (described["kind"], described["count"]) == ("statistics", len(sets[real]))
    assert by_file.real == str(path)


def test_the_error_is_that_of_the_fake_side(tmp_path, sets, tiny_extractor, rng):
    path = stated(tmp_path / "ref.npz", sets["real"], tiny_extractor)
    draws = rng.integers(0, 256, (60, 90, 6, 6, 3), np.uint8)
    scores = [genbench.score(fake=d, real=path, metrics=["fd"], extractor=tiny_extractor)["fd"] for d in draws]
    assert np.mean([s.stderr for s in scores]) == pytest.approx(np.std([s.value for s in scores]), rel=0.3)


def test_kept_scores_follow_the_file(tmp_path, sets, tiny_extractor):
    path = stated(tmp_path / "ref.npz", sets["real"], tiny_extractor)
    one = genbench.score(fake=sets["fake"], real=path, metrics=["fd"], extractor=tiny_extractor)
    stated(path, sets["few"], tiny_extractor)
    other = genbench.score(fake=sets["fake"], real=path, metrics=["fd"], extractor=tiny_extractor)
    assert one["fd"].value != other["fd"].value


def test_metrics_that_need_images_are_refused_together_before_any_work(tmp_path, sets, tiny_extractor):
    np.savez(tmp_path / "ref.npz", mu=np.zeros(12), sigma=np.eye(12))
    asked = {"fake": sets["fake"], "real": tmp_path / "ref.npz", "extractor": tiny_extractor}
    with pytest.raises(
        BadInput,
        match=r"^kd, precision: the reference .* carry no images; .*\(fd, fd-infinity\)\. Give --metrics fd,fd-inf",
    ):
        genbench.score(metrics=["fd", "kd", "precision"], **asked)
    with Store(default_cache()) as store:
        assert store.info().extractors == ()
    card = genbench.score(metrics=["fd", "is"], **asked)
    assert any("cannot be checked" in warning for warning in card["fd"].warnings)
    assert not any("cannot be checked" in warning for warning in card["is"].warnings), "is looks at no reference"
    assert card["fd"].n_real == 0


def test_other_extractors_and_widths_are_refused_before_any_work(tmp_path, sets, tiny_extractor):
    np.savez(tmp_path / "wide.npz", mu=np.zeros(13), sigma=np.eye(13))
    with pytest.raises(MismatchedFeatures, match="expected 12 features as tiny has, got 13"):
        genbench.score(fake="nowhere/", real=tmp_path / "wide.npz", metrics=["fd"], extractor=tiny_extractor)
    np.savez(tmp_path / "odd.npz", mu=np.zeros(12), sigma=-np.eye(12))
    with pytest.raises(NotPositive, match=r"statistics '.*odd\.npz': .*eigenvalues"):
        genbench.score(fake="nowhere/", real=tmp_path / "odd.npz", metrics=["fd"], extractor=tiny_extractor)
    from genbench.features import EXTRACTORS

    path = stated(tmp_path / "ref.npz", sets["real"], tiny_extractor)

    class Other(EXTRACTORS.get(tiny_extractor)):
        def __init__(self, setup):
            super().__init__(setup)
            self.facts["resize"] = "other"

    EXTRACTORS.add("other", Other)
    with pytest.raises(MismatchedFeatures, match="resize 'tiny' instead of 'other'"):
        genbench.score(fake="nowhere/", real=path, metrics=["fd"], extractor="other")
    del EXTRACTORS._targets["other"]


def test_a_file_with_images_and_statistics_is_images_unless_told(tmp_path, sets, tiny_extractor):
    np.savez(tmp_path / "adm.npz", arr_0=sets["real"], mu=np.zeros(12), sigma=np.eye(12))
    options = {"metrics": ["fd"], "extractor": tiny_extractor, "fake": sets["fake"]}
    by_images = genbench.score(real=tmp_path / "adm.npz", **options)
    by_moments = genbench.score(real=f"statistics:{tmp_path / 'adm.npz'}", **options)
    assert (by_images["fd"].n_real, by_moments["fd"].n_real) == (120, 0)
    assert by_images["fd"].value != by_moments["fd"].value


def test_a_generator_gives_as_many_images_as_the_file_says(tmp_path, sets, tiny_extractor):
    def draw(n, generator):
        import torch

        return torch.rand(n, 3, 6, 6, generator=generator)

    path = stated(tmp_path / "ref.npz", sets["real"], tiny_extractor)
    options = {"metrics": ["fd"], "extractor": tiny_extractor, "output_range": (0, 1)}
    assert genbench.score(fake=draw, real=path, **options)["fd"].n_fake == 120
    np.savez(tmp_path / "foreign.npz", mu=np.zeros(12), sigma=np.eye(12))
    with pytest.raises(BadInput, match="expected --count N"):
        genbench.score(fake=draw, real=tmp_path / "foreign.npz", **options)


def test_statistics_are_no_fake(tmp_path):
    np.savez(tmp_path / "ref.npz", mu=np.zeros(12), sigma=np.eye(12))
    with pytest.raises(BadInput, match="for the reference only"):
        open_source(tmp_path / "ref.npz", SourceOptions())


def test_the_store_keeps_the_layers_of_the_form(tmp_path, sets, tiny_extractor):
    for form, width in (("pytorch-fid", 12), ("guided-diffusion", 12 + 27)):
        stated(tmp_path / f"{form}.npz", sets["real"], tiny_extractor, form)
        with Store(default_cache()) as store:
            assert [(one.images, one.bytes) for one in store.info().extractors] == [(120, 120 * width * 4)]


def test_guided_diffusion_s_form_has_the_spatial_layer(tmp_path, sets, tiny_extractor):
    path = stated(tmp_path / "ref.npz", sets["real"], tiny_extractor, "guided-diffusion")
    with np.load(path) as arrays:
        assert arrays["mu_s"].shape == (27,)
        assert arrays["sigma_s"].shape == (27, 27)
    assert genbench.score(fake=sets["fake"], real=path, metrics=["fd"], extractor=tiny_extractor)["fd"].value > 0
    with pytest.raises(BadInput, match=r"needs the layer 'spatial'.*or --form pytorch-fid"):
        stated(tmp_path / "ref.npz", sets["real"], "pixels", "guided-diffusion")


@pytest.mark.parametrize(
    ("name", "form", "words"),
    [
        ("ref.npz", "tf", "expected one of pytorch-fid, guided-diffusion, got 'tf'"),
        ("ref.npy", "pytorch-fid", r"a name ending in \.npz"),
        ("no/ref.npz", "pytorch-fid", "Make it first"),
    ],
)
def test_targets_are_checked_before_any_work(tmp_path, name, form, words):
    with pytest.raises(BadInput, match=words):
        write_reference("nowhere/", tmp_path / name, form)


def test_one_image_has_no_covariance(tmp_path, sets, tiny_extractor):
    with pytest.raises(NotEnoughImages, match="at least 2"):
        stated(tmp_path / "ref.npz", sets["few"][:1], tiny_extractor)
    assert not (tmp_path / "ref.npz").exists()
