"""VGG16 against torch-fidelity's extractor, with the same random weights of torchvision's format."""

import numpy as np
import pytest
import torch
from PIL import Image

from genbench.errors import BadInput, MissingWeights
from genbench.features import open_extractor
from genbench.features.runtime import Setup, choose_place
from genbench.features.vgg16 import VGG16
from genbench.features.weights import published
from tests.reference.random_weights import vgg16_file

SIZES = [(8, 8), (224, 224), (300, 100)]
FLOAT32 = 3e-5  # of the largest value; a sum runs over 25,088 numbers
slow = pytest.mark.slow


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return vgg16_file(tmp_path_factory.mktemp("vgg16") / "random.pth")


@pytest.fixture
def opened(weights, networks_kept):
    return lambda runtime="auto": open_extractor(
        "vgg16", Setup(choose_place("cpu", runtime, networks_kept), weights=weights)
    )


def picture(size, rng):
    noise = Image.fromarray(rng.integers(0, 256, (6, 4, 3), dtype=np.uint8))
    return np.array(noise.resize(size[::-1], Image.Resampling.BILINEAR))


@slow
@torch.no_grad()
def test_is_torch_fidelitys(opened, weights, rng):
    from torch_fidelity.feature_extractor_vgg16 import FeatureExtractorVGG16

    theirs = FeatureExtractorVGG16("vgg16", ["fc2_relu"], feature_extractor_weights_path=str(weights))
    ours = opened("torch")
    for size in SIZES:
        images = [picture(size, rng) for _ in range(2)]
        (expected,) = theirs(torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2))
        found = ours(np.stack([ours.prepare(image) for image in images]))["pooled"]
        largest = expected.abs().max().item()
        np.testing.assert_allclose(found, expected, atol=FLOAT32 * largest)
        assert np.abs(found[0] - found[1]).max() > 1000 * FLOAT32 * largest  # the random network tells pictures apart


def test_prepare_is_torch_fidelitys_resize(opened, rng):
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    extractor = opened()
    for size in SIZES:
        image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        planes = torch.from_numpy(image).permute(2, 0, 1)[None].float()
        expected = interpolate_bilinear_2d_like_tensorflow1x(planes, (224, 224), align_corners=False)
        ready = extractor.prepare(image)
        assert ready.dtype == np.float32
        np.testing.assert_allclose(ready, expected[0].permute(1, 2, 0), atol=1e-3)  # of 255
    assert "torch-fidelity" in extractor.facts["resize"]
    assert "not the published file" in extractor.facts["weights"]


def test_the_published_file_is_torchvisions():
    from torchvision.models import VGG16_Weights

    assert published("vgg16").url == VGG16_Weights.IMAGENET1K_V1.url
    assert published("vgg16").sha256[:8] in VGG16_Weights.IMAGENET1K_V1.url
    bytes_of_tensors = 4 * VGG16_Weights.IMAGENET1K_V1.meta["num_params"]
    assert 0 < published("vgg16").size - bytes_of_tensors < 10_000


def test_without_weights_or_with_others_it_stops(networks_kept, weights, tmp_path):
    place = choose_place("cpu", "auto", networks_kept)
    with pytest.raises(MissingWeights, match=published("vgg16").url):
        open_extractor("vgg16", Setup(place))
    tensors = torch.load(weights, weights_only=True)
    torch.save(tensors | {"classifier.3.bias": torch.zeros(4095)}, tmp_path / "other.pth")
    with pytest.raises(BadInput, match=r"expected classifier\.3\.bias of shape \(4096,\), got \(4095,\)"):
        open_extractor("vgg16", Setup(place, weights=tmp_path / "other.pth"))
    with pytest.raises(BadInput, match="takes no argument"):
        open_extractor("vgg16:fc1", Setup(place, weights=weights))


def test_building_draws_no_random_numbers(weights):
    before = torch.get_rng_state()
    VGG16.build(weights)
    assert torch.equal(torch.get_rng_state(), before)
