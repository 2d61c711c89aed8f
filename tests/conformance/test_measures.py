"""Every registered measure: what it says of equal images, shapes, dtypes, batch size, and what its key covers.

Backbones whose published weights no test machine has get random ones of their format.
"""

import numpy as np
import pytest

from genbench.features.extract import extractor_key
from genbench.features.runtime import Setup, choose_place
from genbench.pairs import MEASURES, open_measure
from tests.reference import random_weights

TEXTS = [*(name for name in MEASURES if name != "lpips"), "lpips:alex", "lpips:squeeze"]
SLOW = {"lite0", "lpips:alex", "lpips:squeeze"}
SIMILARITIES = {"ssim", "ms-ssim"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of weight files in the published formats."""
    return random_weights.backbone_files(tmp_path_factory.mktemp("weights"), ("alexnet", "squeezenet1_1"))


@pytest.fixture
def measure(text, folder, networks_kept, monkeypatch):
    return open_with(text, folder, networks_kept, monkeypatch)


def open_with(text, folder, networks_kept, monkeypatch):
    random_weights.take_as_published(folder, monkeypatch)
    return open_measure(text, Setup(choose_place("cpu", "auto", networks_kept)))


@pytest.fixture(params=[pytest.param(text, marks=[pytest.mark.slow] * (text in SLOW)) for text in TEXTS])
def text(request):
    return request.param


@pytest.fixture
def couples(rng):
    """Five pairs of smooth images and of the same with noise, as files hold them."""
    coarse = rng.uniform(0, 1, (5, 10, 12, 3)).repeat(5, 1).repeat(5, 2)
    noisy = np.clip(coarse + rng.normal(0, 0.1, coarse.shape), 0, 1)
    return tuple((np.rint(one * 255) / 255).astype(np.float32) for one in (coarse, noisy))


def test_one_number_a_pair(measure, couples):
    found = measure(*couples)
    assert (found.dtype, found.shape) == (np.float32, (5,))
    assert np.isfinite(found).all()
    assert len(set(found.tolist())) == 5


def test_equal_images(measure, text, couples):
    expected = 1 if text in SIMILARITIES else 0
    np.testing.assert_allclose(measure(couples[0], couples[0]), expected, atol=1e-6)
    assert (np.abs(measure(*couples) - expected) > 1e-4).all()


def test_either_image_may_be_the_first(measure, couples):
    np.testing.assert_allclose(measure(*couples), measure(*couples[::-1]), rtol=1e-5)


def test_batch_size_does_not_matter(measure, couples):
    alone = [measure(one[None], other[None])[0] for one, other in zip(*couples, strict=True)]
    np.testing.assert_allclose(measure(*couples), alone, rtol=2e-5)


def test_more_noise_is_further_away(measure, text, couples, rng):
    worse = np.rint(np.clip(couples[1] + rng.normal(0, 0.3, couples[1].shape), 0, 1) * 255) / 255
    near, far = measure(*couples), measure(couples[0], worse.astype(np.float32))
    assert ((far < near) if text in SIMILARITIES else (far > near)).all()


def test_images_are_left_alone(measure, couples):
    before = [one.copy() for one in couples]
    measure(*couples)
    for one, other in zip(couples, before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_smallest_image_it_takes(measure, rng):
    fewest = getattr(measure, "fewest_px", 1)
    one, other = rng.uniform(0, 1, (2, 1, fewest, fewest + 3, 3)).astype(np.float32)
    assert np.isfinite(measure(one, other)).all()
    assert measure.batch_size >= 1


def test_it_goes_by_the_name_that_the_user_wrote_and_has_a_key(measure, text, folder, networks_kept, monkeypatch):
    assert measure.name == text
    assert measure.facts["extractor"].startswith(f"{text} v")
    assert extractor_key(measure) == extractor_key(open_with(text, folder, networks_kept, monkeypatch))


def test_every_key_is_different(folder, networks_kept, monkeypatch):
    keys = {extractor_key(open_with(text, folder, networks_kept, monkeypatch)) for text in TEXTS}
    assert len(keys) == len(TEXTS)
