"""Torchvision's sets, from files laid out as torchvision downloads them; nothing is downloaded here."""

import hashlib
import pickle
import struct

import numpy as np
import pytest

from genbench.errors import BadInput, UnknownName
from zoo.data import open_data
from zoo.data.published import KNOWN

COUNT = 7
PIXELS = np.random.default_rng(0).integers(0, 256, (COUNT, 28, 28), dtype=np.uint8)
COLOURED = np.random.default_rng(1).integers(0, 256, (COUNT, 3, 32, 32), dtype=np.uint8)


@pytest.fixture
def mnist(tmp_path, monkeypatch):
    monkeypatch.setenv("GENBENCH_DATA", str(tmp_path))
    raw = tmp_path / "MNIST/raw"
    raw.mkdir(parents=True)
    for part, shift in (("train", 0), ("t10k", 1)):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(
            struct.pack(">4i", 0x803, *PIXELS.shape) + (PIXELS ^ shift).tobytes()
        )
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 0x801, COUNT) + bytes(range(COUNT)))
    return tmp_path


@pytest.fixture
def cifar10(tmp_path, monkeypatch):
    """The pickles of CIFAR-10, with their checksums put in place of the published ones."""
    from torchvision.datasets import CIFAR10

    monkeypatch.setenv("GENBENCH_DATA", str(tmp_path))
    folder = tmp_path / CIFAR10.base_folder
    folder.mkdir()

    def write(name, content):
        (folder / name).write_bytes(pickle.dumps(content))
        return [name, hashlib.md5((folder / name).read_bytes()).hexdigest()]

    for attribute, files in (("train_list", CIFAR10.train_list), ("test_list", CIFAR10.test_list)):
        flat = COLOURED.reshape(COUNT, -1) ^ (attribute == "test_list")
        listed = [write(name, {"data": flat, "labels": list(range(COUNT))}) for name, _ in files]
        monkeypatch.setattr(CIFAR10, attribute, listed)
    name, digest = write("batches.meta", {"label_names": [f"class {index}" for index in range(10)]})
    monkeypatch.setattr(CIFAR10, "meta", {"filename": name, "key": "label_names", "md5": digest})


def test_grey_pictures_keep_one_channel_and_their_size_where_asked(mnist):
    train, test = (open_data("torchvision:MNIST@28", split) for split in ("train", "test"))
    assert np.array_equal(train.x[:, 0], PIXELS)
    assert np.array_equal(test.x[:, 0], PIXELS ^ 1)
    assert train.labels.tolist() == list(range(COUNT))
    assert (train.native, train.can_flip, len(train.classes), train.name) == (True, False, 10, "torchvision:MNIST@28")


def test_they_are_resized_to_32_otherwise(mnist):
    found = open_data("torchvision:MNIST", "all")
    assert found.x.shape == (2 * COUNT, 1, 32, 32)
    assert not found.native
    assert found.x[:COUNT].mean() == pytest.approx(PIXELS.mean(), abs=2)


def test_coloured_pictures_are_native_at_their_size(cifar10):
    found = open_data("torchvision:CIFAR10")
    assert np.array_equal(found.x, np.tile(COLOURED, (5, 1, 1, 1)))
    assert np.array_equal(open_data("torchvision:CIFAR10", "test").x, COLOURED ^ 1)
    assert (found.native, found.can_flip, found.classes[3]) == (True, True, "class 3")
    assert found.labels.tolist() == list(range(COUNT)) * 5


def test_every_name_is_torchvisions():
    import inspect

    from torchvision import datasets

    for name, facts in KNOWN.items():
        taken = inspect.signature(getattr(datasets, name).__init__).parameters
        made = inspect.signature(datasets.MNIST.__init__).parameters if "kwargs" in taken else taken
        assert ("train" if facts.by_train else "split") in made
        assert "download" in made


def test_what_cannot_be_had_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("GENBENCH_DATA", str(tmp_path))
    with pytest.raises(BadInput) as told:
        open_data("torchvision:SVHN")
    message = str(told.value)
    assert message.startswith(f"data set 'torchvision:SVHN': cannot be had; expected its files in {tmp_path}, got ")
    assert "GENBENCH_OFFLINE is 1: unset it to download them. Put them there as torchvision lays them out" in message
    assert "\n" not in message


def test_a_download_that_fails_is_told(tmp_path, monkeypatch):
    from torchvision import datasets

    monkeypatch.setenv("GENBENCH_DATA", str(tmp_path))
    monkeypatch.delenv("GENBENCH_OFFLINE")
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["file:///nowhere/"])
    with pytest.raises(BadInput, match=r"cannot be had; .* got RuntimeError: Error downloading") as told:
        open_data("torchvision:MNIST")
    assert "GENBENCH_OFFLINE" not in str(told.value)


def test_unknown_names_are_refused():
    with pytest.raises(UnknownName, match="data set 'torchvision:Mnist': no such data set; expected one of MNIST, "):
        open_data("torchvision:Mnist")
