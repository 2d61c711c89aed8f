"""Real photographs: do the scores say what a person would say? Needs GENBENCH_TEST_DATA (CIFAR-10 as JPEG)."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image, ImageFilter

import genbench
from genbench.sources.memory import ArraySource

COUNT = 250
METRICS = ["fd", "precision", "recall"]

pytestmark = pytest.mark.slow


def photographs(archive, *, only=""):
    """The first COUNT photographs of each tenth member, or of one class."""
    with zipfile.ZipFile(archive) as held:
        names = sorted(name for name in held.namelist() if name.endswith(".jpg") and only in name)
        chosen = names[:: len(names) // COUNT][:COUNT]
        return [Image.open(io.BytesIO(held.read(name))).convert("RGB") for name in chosen]


@pytest.fixture(scope="module")
def sets(test_data):
    held_out = photographs(test_data / "cifar10_jpg_test_10k.zip")
    return {
        "real": photographs(test_data / "cifar10_jpg_train_10k.zip"),
        "held-out": held_out,
        "blurred": [image.filter(ImageFilter.GaussianBlur(1)) for image in held_out],
        "horses": photographs(test_data / "cifar10_jpg_test_10k.zip", only="horse"),
    }


@pytest.fixture(scope="module")
def cards(sets, tmp_path_factory):
    cache = tmp_path_factory.getbasetemp() / "cache"
    sources = {name: ArraySource(np.stack([np.asarray(i) for i in images]), name) for name, images in sets.items()}
    return {
        name: genbench.score(
            fake=sources[name], real=sources["real"], metrics=METRICS, extractor="efficientnet-lite0", cache=cache
        )
        for name in ("held-out", "blurred", "horses")
    }


def gap(cards, name, metric):
    """Difference from the held-out photographs, in standard errors."""
    one, floor = cards[name][metric], cards["held-out"][metric]
    return (one.value - floor.value) / np.hypot(one.stderr, floor.stderr)


def test_blurred_photographs_are_further_away(cards):
    assert gap(cards, "blurred", "fd") > 5


def test_one_class_keeps_precision_and_loses_recall(cards):
    assert gap(cards, "horses", "precision") > -3
    assert gap(cards, "horses", "recall") < -3
    assert gap(cards, "horses", "fd") > 5
