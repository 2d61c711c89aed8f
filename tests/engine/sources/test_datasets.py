import os
import struct
import subprocess
import sys

import numpy as np
import pytest

import genbench
from genbench.contracts import SourceOptions
from genbench.errors import BadInput
from genbench.images.decode import decode
from genbench.sources import open_source
from genbench.sources.datasets import open_sklearn


def test_digits_are_all_there_with_their_labels():
    from sklearn.datasets import load_digits

    source = open_sklearn("digits", SourceOptions())
    blobs = np.stack(list(source.read(source.entries())))
    truth = load_digits()
    assert blobs.shape == (1797, 8, 8, 1)
    assert (source.labels == truth.target).all()
    table = [0, 16, 32, 48, 64, 80, 96, 112, 128, 143, 159, 175, 191, 207, 223, 239, 255]  # 255 v / 16, half up
    assert (blobs[..., 0] == np.array(table)[truth.images.astype(int)]).all()
    assert decode(blobs[0]).shape == (8, 8, 3)
    assert source.notes == []


def test_stamps_are_known_without_reading():
    stamps = [entry.stamp for entry in open_source("sklearn:digits").entries()]
    assert len(set(stamps)) == 1797
    assert all(stamp.startswith("sklearn:digits|") for stamp in stamps)


def test_other_sets_are_refused():
    with pytest.raises(BadInput, match=r"sklearn:faces': no such data set; expected sklearn:digits"):
        open_source("sklearn:faces")


# ------------------------------------------------------------------------------------------------------ torchvision


@pytest.fixture
def mnist(tmp_path, monkeypatch, rng):
    """A tiny MNIST in torchvision's layout: 30 images to train, 20 to test."""
    monkeypatch.setenv("GENBENCH_DATA", str(tmp_path / "data"))
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    sets = {"train": rng.integers(0, 256, (30, 28, 28), np.uint8), "t10k": rng.integers(0, 256, (20, 28, 28), np.uint8)}
    for part, pixels in sets.items():
        (raw / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">4i", 0x803, *pixels.shape) + pixels.tobytes())
        labels = bytes(i % 10 for i in range(len(pixels)))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 0x801, len(labels)) + labels)
    return sets


@pytest.mark.parametrize(("text", "part"), [("MNIST", "train"), ("MNIST/train", "train"), ("MNIST/test", "t10k")])
def test_torchvision_sets_are_read_from_the_disk(mnist, text, part):
    source = open_source(f"torchvision:{text}")
    assert (source.name, source.kind) == (f"torchvision:{text}", "torchvision")
    np.testing.assert_array_equal(np.stack(list(source.read(source.entries()))), mnist[part])
    np.testing.assert_array_equal(source.labels, np.arange(len(mnist[part])) % 10)
    assert source.classes[3] == "3 - three"


def test_they_are_scored_and_their_classes_counted(mnist, tiny_extractor, tmp_path):
    options = {"metrics": ["fd"], "extractor": tiny_extractor, "cache": tmp_path / "cache"}
    card = genbench.score(fake="torchvision:MNIST/test", real="torchvision:MNIST/train", **options)
    assert (card["fd"].n_fake, card["fd"].n_real) == (20, 30)
    assert card.provenance["sources"]["fake"]["classes"]["3 - three"] == 2


def test_a_set_of_no_files_and_no_labels():
    source = open_source("torchvision:FakeData")
    assert len(source.entries()) == 1000
    first, again = (next(iter(source.read(source.entries()[7:8]))) for _ in range(2))
    assert first.shape == (224, 224, 3)
    np.testing.assert_array_equal(first, again)
    assert (source.labels, source.classes) == (None, ())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("MNIST/tst", "expected train or test, got 'tst'"),
        ("FakeData/train", "which has no splits, got 'train'"),
        ("SVHN/foo", r"expected a split that it has.*ValueError: Unknown value 'foo'"),
        ("CIFAR11", r"such as CIFAR10, .*Did you mean 'CIFAR100?'"),
        ("ImageFolder", "no such data set"),
        ("utils", "no such data set"),
        ("ImageNet", r"cannot be had; .*does not download it\. Put them there .*GENBENCH_DATA"),
        ("", "no such data set"),
    ],
)
def test_wrong_names_and_splits_are_refused(text, words, tmp_path, monkeypatch):
    monkeypatch.setenv("GENBENCH_DATA", str(tmp_path))
    with pytest.raises(BadInput, match=words):
        open_source(f"torchvision:{text}")


@pytest.mark.slow
def test_without_a_network_one_message_says_where_the_files_belong(tmp_path):
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    environment = os.environ | nowhere | {"GENBENCH_DATA": str(tmp_path / "data"), "no_proxy": ""}
    words = ("score", "torchvision:CIFAR10/test", "--real", "sklearn:digits", "--extractor", "pixels")
    command = [sys.executable, "-m", "genbench", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 2
    assert f"cannot be had; expected its files in {tmp_path / 'data'} (or a network)" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
