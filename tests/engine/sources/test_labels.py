"""Class folders: which image is of which class, and that the scorecard counts them."""

import shutil

import numpy as np
import pytest
from PIL import Image

import genbench
from genbench.contracts import SourceOptions
from genbench.errors import BadInput
from genbench.sources import open_source

FOLDERS = SourceOptions(labels="folders")
IMAGES = {"cat/a.png", "cat/b.png", "dog/old/a.png", "ant/a.png"}


@pytest.fixture
def place(tmp_path, rng):
    for name in IMAGES:
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(path)
    return tmp_path


def pack(place, suffix, wrapped):
    form = {"zip": "zip", "tar": "tar", "tar.gz": "gztar"}[suffix]
    root, base = (place, "set") if wrapped else (place / "set", None)
    return shutil.make_archive(str(place / "packed"), form, root, base)


def classes_of(source):
    return {entry.name: source.classes[source.labels[entry.index]] for entry in source.entries()}


def test_sub_folders_are_classes(place):
    source = open_source(place / "set", FOLDERS)
    assert source.classes == ("ant", "cat", "dog")
    assert source.labels.dtype == np.int64
    assert classes_of(source) == {name: name.partition("/")[0] for name in IMAGES}
    assert open_source(place / "set").labels is None


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("suffix", ["zip", "tar", "tar.gz"])
def test_folders_in_archives_are_classes_whatever_holds_them(place, suffix, wrapped):
    found = classes_of(open_source(pack(place, suffix, wrapped), FOLDERS))
    assert {name.removeprefix("set/"): label for name, label in found.items()} == {
        name: name.partition("/")[0] for name in IMAGES
    }


def test_images_outside_of_class_folders_are_refused(place):
    shutil.copy(place / "set/cat/a.png", place / "set/lost.png")
    with pytest.raises(BadInput, match=r"1 image outside of any sub-folder; .*got 'lost\.png'"):
        open_source(place / "set", FOLDERS)


def test_the_scorecard_counts_them(place, rng, tiny_extractor):
    options = {"metrics": ["fd"], "extractor": tiny_extractor, "cache": place / "cache"}
    fake = rng.integers(0, 256, (9, 8, 8, 3), np.uint8)
    card = genbench.score(fake=fake, real=place / "set", labels="folders", **options)
    assert card.provenance["sources"]["real"]["classes"] == {"ant": 1, "cat": 2, "dog": 1}
    assert card.provenance["sources"]["fake"]["classes"] == {}
    few = genbench.score(fake=fake, real=place / "set", labels="folders", count=3, **options)
    assert sum(few.provenance["sources"]["real"]["classes"].values()) == 3
    digits = genbench.score(fake=fake, real="sklearn:digits", **options).provenance["sources"]["real"]["classes"]
    assert list(digits) == list("0123456789")
    assert sum(digits.values()) == 1797
    with pytest.raises(BadInput, match="--labels: unknown; expected folders, got 'files'"):
        genbench.score(fake=fake, real=place / "set", labels="files", **options)
