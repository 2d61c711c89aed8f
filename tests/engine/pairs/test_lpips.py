"""LPIPS against the package's own forward, with random weights of torchvision's format; what it says without any."""

import warnings

import numpy as np
import pytest
import torch

from genbench.errors import BadInput, MissingWeights
from genbench.features.runtime import Setup, choose_place
from genbench.features.weights import PUBLISHED
from genbench.pairs import open_measure
from genbench.pairs.lpips import BACKBONES, build
from tests.reference import random_weights

FLOAT32 = 1e-6  # relative
CASES = [pytest.param("alex"), pytest.param("squeeze"), pytest.param("vgg", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    names = [backbone.weights for backbone in BACKBONES.values()]
    return random_weights.backbone_files(tmp_path_factory.mktemp("weights"), names)


@pytest.fixture
def setup(networks_kept):
    return Setup(choose_place("cpu", "auto", networks_kept))


def theirs(net, path):
    """The package's network, its backbone filled in by torchvision itself."""
    import lpips
    from torchvision import models

    source = models.get_model({"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}[net])
    source.load_state_dict(torch.load(path, weights_only=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
    for name, slice_ in network.net.named_children():
        assert name.startswith("slice")
        for position, layer in slice_.named_children():
            layer.load_state_dict(source.features[int(position)].state_dict())
    return network.eval()


@pytest.mark.parametrize("net", CASES)
@torch.no_grad()
def test_is_the_packages_own(net, folder, setup, rng, monkeypatch):
    random_weights.take_as_published(folder, monkeypatch)
    ours = open_measure(f"lpips:{net}", setup)
    first, second = rng.uniform(0, 1, (2, 3, 64, 48, 3)).astype(np.float32)
    network = theirs(net, ours._weights.path)
    tensors = (torch.tensor(one).permute(0, 3, 1, 2) * 2 - 1 for one in (first, second))
    expected = network(*tensors).flatten().numpy()
    assert len(set(expected.tolist())) == 3
    np.testing.assert_allclose(ours(first, second), expected, rtol=FLOAT32)


def test_global_random_numbers_are_left_alone(folder, setup, rng, monkeypatch):
    random_weights.take_as_published(folder, monkeypatch)
    before = torch.random.get_rng_state()
    open_measure("lpips:squeeze", setup)(*rng.uniform(0, 1, (2, 1, 32, 32, 3)).astype(np.float32))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("net", BACKBONES)
def test_without_weights_one_line_says_what_to_do(net, setup):
    with pytest.raises(MissingWeights) as caught:
        open_measure(f"lpips:{net}", setup)
    text = str(caught.value)
    assert "\n" not in text
    assert "https://download.pytorch.org/models/" in text
    assert "--perceptual lite0" in text


def test_a_file_that_is_not_the_published_one_is_refused(folder, setup, monkeypatch):
    monkeypatch.setenv("GENBENCH_WEIGHTS", str(folder))
    with pytest.raises(MissingWeights, match="is not the published file"):
        open_measure("lpips:alex", setup)


def test_a_file_of_another_network_is_refused(folder):
    with pytest.raises(BadInput, match="does not fit the network"):
        build("lpips:alex", folder / PUBLISHED["squeezenet1_1"].file)


@pytest.mark.parametrize("text", ["lpips", "lpips:resnet"])
def test_another_backbone_is_refused(text, setup):
    with pytest.raises(BadInput, match="expected lpips:alex or lpips:vgg or lpips:squeeze"):
        open_measure(text, setup)
