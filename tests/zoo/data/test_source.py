import numpy as np
import pytest
from PIL import Image

import genbench
from genbench.contracts import SourceOptions
from genbench.errors import BadInput, UnknownName
from genbench.sources import SOURCES, open_source
from zoo.data import open_data
from zoo.data.voxels import project


def pixels(text):
    source = open_source(text)
    return np.stack(list(source.read(source.entries())))


def test_the_scheme_is_an_entry_point():
    assert "data" in SOURCES


def test_digits8_are_those_of_sklearn_in_another_order():
    ours = sorted(map(bytes, pixels("data:digits8")[..., 0].reshape(1797, -1)))
    theirs = sorted(map(bytes, pixels("sklearn:digits").reshape(1797, -1)))
    assert ours == theirs


def test_a_split_is_named_or_both_are_there():
    whole, test = open_source("data:digits32"), open_source("data:digits32/test")
    assert (len(whole.entries()), len(test.entries())) == (1797, 360)
    assert np.array_equal(pixels("data:digits32/test"), pixels("data:digits32")[1437:])
    assert np.array_equal(whole.labels, open_data("digits32", "all").labels)
    assert whole.classes == tuple("0123456789")


def test_pictures_are_rgb_last():
    found = open_data("shapes", "test").x
    assert np.array_equal(pixels("data:shapes/test"), found.transpose(0, 2, 3, 1))
    grey = pixels("data:digits32/test")
    assert grey.shape == (360, 32, 32, 3)
    assert (grey == grey[..., :1]).all()


def test_grey_levels_are_scaled_and_rounded_half_up():
    found = open_data("digits8", "test").x[:, 0].astype(float)
    assert np.array_equal(pixels("data:digits8/test")[..., 0], np.floor(255 * found / 16 + 0.5))


def test_voxels_are_shown_as_projections():
    found = pixels("data:voxels16/test")
    assert found.shape == (1000, 16, 48, 3)
    assert np.array_equal(found[..., 1], project(open_data("voxels16", "test").x)[:, 0])


@pytest.mark.parametrize("name", ["ring8", "grid25"])
def test_points_are_refused(name):
    with pytest.raises(BadInput, match=rf"source 'data:{name}': it holds points, not images; .* float32 \[5000, 2\]"):
        open_source(f"data:{name}")


def test_unknown_sets_are_refused():
    with pytest.raises(UnknownName, match="data set 'shape': no such data set"):
        open_source("data:shape")


def test_stamps_follow_the_data(tmp_path):
    for number in range(12):
        Image.new("RGB", (32, 32), (number, 0, 0)).save(tmp_path / f"{number}.png")
    before = open_source(f"data:folder:{tmp_path}").entries()
    assert open_source(f"data:folder:{tmp_path}").entries() == before
    Image.new("RGB", (32, 32), (0, 99, 0)).save(tmp_path / "3.png")
    after = open_source(f"data:folder:{tmp_path}").entries()
    assert [entry.name for entry in after] == [entry.name for entry in before]
    assert {entry.stamp for entry in after}.isdisjoint({entry.stamp for entry in before})


def test_a_folder_called_test_is_told_from_a_split(tmp_path):
    folder = tmp_path / "test"
    folder.mkdir()
    Image.new("RGB", (32, 32)).save(folder / "0.png")
    assert len(open_source(f"data:folder:{folder}/all").entries()) == 1


def test_it_can_be_scored(tiny_extractor):
    sides = {"fake": "data:shapes/test", "real": "data:biased_shapes/test"}
    card = genbench.score(**sides, metrics=["fd"], extractor=tiny_extractor)
    assert card["fd"].value > 0
    assert card.fake == "data:shapes/test"
    assert open_source("data:digits8", SourceOptions(seed=3)).entries() == open_source("data:digits8").entries()
