"""Metrics that need more than features: refused before any work, and given what they need."""

import numpy as np
import pytest
from PIL import Image

import genbench
from genbench.contracts import Entry, Features
from genbench.errors import BadInput, NotEnoughImages
from genbench.features.store import Store, default_cache
from genbench.metrics.frechet import frechet
from genbench.stats.pair import Pair

CLASSES = ("ant", "cat")


@pytest.fixture(autouse=True)
def _fresh_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path / "cache"))


def write_classes(folder, rng, counts):
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for i in range(count):
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(folder / name / f"{i:03d}.png")
    return folder


@pytest.fixture
def folders(tmp_path, rng):
    return tuple(write_classes(tmp_path / side, rng, {"ant": 9, "cat": 12}) for side in ("fake", "real"))


def pooled(folder):
    """What the tiny extractor makes of a folder: means of 2 x 2 fields."""
    images = np.stack([np.asarray(Image.open(file)) for file in sorted(folder.iterdir())])
    fields = [images[:, i : i + 4, j : j + 4].mean((1, 2)) for i in (0, 4) for j in (0, 4)]
    return Features({"pooled": (np.concatenate(fields, axis=1) / 255).astype(np.float32)})


def test_class_folders_are_scored_class_by_class(folders, tiny_extractor):
    fake, real = folders
    card = genbench.score(fake=fake, real=real, labels="folders", metrics=["fd-class", "fd"], extractor=tiny_extractor)
    expected = {name: frechet(Pair(pooled(real / name), pooled(fake / name))).value for name in CLASSES}
    assert card["fd-class"].details["classes"] == pytest.approx(expected, rel=1e-6)
    assert card["fd-class"].value == pytest.approx(np.mean(list(expected.values())), rel=1e-6)


def test_a_score_is_not_remembered_across_other_classes(folders, tiny_extractor, tmp_path, rng):
    """The same pictures under the same names, dealt into classes in another way by their source."""

    class Labelled:
        kind, seeded, is_endless, notes = "test", True, False, ()

        def __init__(self, labels):
            self.name, self.labels = "pictures", np.array(labels)

        def entries(self, count=None):
            return [Entry(i, f"{i}") for i in range(len(pictures))]

        def read(self, entries):
            return (pictures[entry.index] for entry in entries)

    pictures = rng.integers(0, 256, (40, 8, 8, 3), np.uint8)
    options = {"real": Labelled(np.arange(40) % 2), "metrics": ["fd-class"], "extractor": tiny_extractor}
    first = genbench.score(fake=Labelled(np.arange(40) % 2), **options)["fd-class"].value
    second = genbench.score(fake=Labelled(np.arange(40) // 20), **options)["fd-class"].value
    assert first == pytest.approx(0, abs=1e-9)
    assert second > 0.01


@pytest.mark.parametrize("side", ["fake", "real"])
def test_a_side_without_labels_is_refused_before_any_work(folders, tiny_extractor, side):
    given = (
        {"fake": folders[0], "real": "sklearn:digits"}
        if side == "fake"
        else {"fake": "sklearn:digits", "real": folders[1]}
    )
    with pytest.raises(BadInput, match=f"fd-class: {side} has no labels; expected .* --labels folders"):
        genbench.score(**given, metrics=["fd", "fd-class"], extractor=tiny_extractor)
    with Store(default_cache()) as store:
        assert store.info().extractors == ()


def test_classes_that_do_not_match_are_refused_before_any_work(folders, tiny_extractor, tmp_path, rng):
    other = write_classes(tmp_path / "other", rng, {"ant": 9, "dog": 3})
    few = write_classes(tmp_path / "few", rng, {"ant": 9, "cat": 1})
    options = {"real": folders[1], "labels": "folders", "metrics": ["fd-class"], "extractor": tiny_extractor}
    with pytest.raises(BadInput, match=r"fd-class: .*cat only in real \(1\); dog only in fake \(1\)"):
        genbench.score(fake=other, **options)
    with pytest.raises(NotEnoughImages, match=r"fd-class: too few images of class 'cat'; .* got 1 in fake"):
        genbench.score(fake=few, **options)
    with Store(default_cache()) as store:
        assert store.info().extractors == ()


def test_updates_of_a_training_loop_carry_no_labels(folders, tiny_extractor):
    with pytest.raises(BadInput, match="fd-class: needs labels, which updates do not carry"):
        genbench.Evaluator("sklearn:digits", metrics=["fd", "fd-class"], extractor=tiny_extractor)


def test_too_few_images_for_a_metric_name_one_that_takes_fewer(folders, tiny_extractor):
    with pytest.raises(NotEnoughImages, match=r"kd-subsets: .*at least 1000 on each side, got 21 .*; kd takes fewer\."):
        genbench.score(fake=folders[0], real=folders[1], metrics=["kd-subsets"], extractor=tiny_extractor)


def test_fd_infinity_takes_statistics_as_the_reference(folders, tiny_extractor, tmp_path, rng):
    from genbench.analyses.reference import write_reference
    from genbench.request import Request

    write_reference("sklearn:digits", tmp_path / "ref.npz", request=Request(extractor=tiny_extractor))
    options = {"fake": folders[0], "metrics": ["fd-infinity"], "extractor": tiny_extractor}
    by_images, by_file = (
        genbench.score(real=real, **options)["fd-infinity"] for real in ("sklearn:digits", tmp_path / "ref.npz")
    )
    assert by_file.value == pytest.approx(by_images.value, rel=1e-9)
    assert by_file.n_real == by_images.n_real == 1797


@pytest.mark.parametrize("names", [("fd", "fd-infinity"), ("mind", "cmmd", "sfd")], ids=",".join)
def test_an_evaluator_keeps_the_rows_that_a_metric_needs(tiny_extractor, rng, names):
    fake = rng.integers(0, 256, (150, 8, 8, 3), np.uint8)
    evaluator = genbench.Evaluator("sklearn:digits", metrics=names, extractor=tiny_extractor)
    evaluator.update(fake)
    ours = evaluator.compute()
    theirs = genbench.score(fake=fake, real="sklearn:digits", metrics=names, extractor=tiny_extractor)
    for name in names:
        assert ours[name].value == pytest.approx(theirs[name].value, rel=1e-9)


def test_an_evaluator_that_keeps_moments_for_fd_has_all_spatial_rows_for_sfd(tiny_extractor, rng):
    fake = rng.integers(0, 256, (150, 8, 8, 3), np.uint8)
    evaluator = genbench.Evaluator("sklearn:digits", metrics=("fd", "sfd"), extractor=tiny_extractor)
    evaluator.update(fake)
    assert evaluator._moments is not None
    theirs = genbench.score(fake=fake, real="sklearn:digits", metrics=("fd", "sfd"), extractor=tiny_extractor)
    assert evaluator.compute()["sfd"].value == pytest.approx(theirs["sfd"].value, rel=1e-9)
