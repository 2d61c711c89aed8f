"""CLIP's image tower on small random networks: torch-fidelity's network, fed as CMMD's loader does."""

import numpy as np
import pytest
import torch
from PIL import Image

from genbench.errors import BadInput, MissingWeights
from genbench.features import open_extractor
from genbench.features.clip import ClipL14At336
from genbench.features.runtime import Setup, choose_place
from genbench.features.weights import published
from tests.reference.random_weights import CLIP, CLIP_WIDTH, clip_file, clip_net

MEAN, DEVIATION = np.array([0.48145466, 0.4578275, 0.40821073]), np.array([0.26862954, 0.26130258, 0.27577711])
SIZES = [(16, 16), (336, 336), (91, 300), (301, 90)]


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(ClipL14At336, "arguments", CLIP)
    monkeypatch.setattr(ClipL14At336, "widths", {"pooled": CLIP_WIDTH})


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return clip_file(tmp_path_factory.mktemp("clip") / "random.pt")


@pytest.fixture
def opened(weights, networks_kept):
    def open_one(file=weights, runtime="torch"):
        return open_extractor("clip-l14-336", Setup(choose_place("cpu", runtime, networks_kept), weights=file))

    return open_one


def cmmds(image):
    """The centred square, resized by Pillow."""
    picture = Image.fromarray(image)
    side = min(picture.size)
    left, top = ((length - side) // 2 for length in picture.size)
    square = picture.crop((left, top, left + side, top + side))
    return np.asarray(square.resize((336, 336), resample=Image.Resampling.BICUBIC))


@pytest.mark.parametrize("runtime", ["torch", pytest.param("onnxruntime", marks=pytest.mark.slow)])
@torch.no_grad()
def test_features_are_those_of_torch_fidelitys_network(opened, rng, runtime):
    """Its network is written after OpenAI's; QuickGELU, not GELU, and no bias in the projection."""
    extractor, net = opened(runtime=runtime), clip_net()
    for size in SIZES:
        image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        scaled = torch.from_numpy((cmmds(image) / 255 - MEAN) / DEVIATION).float()
        expected = net(scaled.permute(2, 0, 1)[None])[0].numpy()
        found = extractor(extractor.prepare(image)[None])["pooled"][0]
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_prepare_is_cmmds(opened, rng):
    extractor = opened()
    for size in SIZES:
        image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        np.testing.assert_array_equal(extractor.prepare(image), cmmds(image))
    assert "CMMD" in extractor.facts["resize"]


def test_a_file_by_timms_names_gives_the_same_features(opened, weights, rng, tmp_path):
    from safetensors.torch import save_file

    tensors = ClipL14At336.build(weights).net.state_dict()
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, tmp_path / "timm.safetensors")
    openai, timms = opened(), opened(tmp_path / "timm.safetensors")
    batch = openai.prepare(rng.integers(0, 256, (50, 50, 3), dtype=np.uint8))[None]
    np.testing.assert_allclose(openai(batch)["pooled"], timms(batch)["pooled"], rtol=1e-5, atol=1e-5)


def test_other_files_are_refused(opened, networks_kept, tmp_path):
    with pytest.raises(MissingWeights, match=published("clip-l14-336").sha256):
        open_extractor("clip-l14-336", Setup(choose_place("cpu", "auto", networks_kept)))
    with pytest.raises(BadInput, match=r"does not fit the network; expected cls_token"):
        opened(clip_file(tmp_path / "at-224.pt", side_px=224))
    torch.save({"visual.positional_embedding": torch.zeros(577, 64)}, tmp_path / "part.pth")
    with pytest.raises(BadInput, match=r"does not fit the network; expected cls_token of shape \(1, 1, 64\), got none"):
        opened(tmp_path / "part.pth")


def test_the_published_file_and_network_are_openais(monkeypatch):
    from torch_fidelity.feature_extractor_clip import MODEL_METADATA, MODEL_URLS

    monkeypatch.undo()
    assert published("clip-l14-336").url == MODEL_URLS["clip-vit-l-14-336px"]
    assert published("clip-l14-336").sha256 == MODEL_METADATA["clip-vit-l-14-336px"]["hash"]
    with torch.device("meta"):
        net = ClipL14At336.assemble()
    shapes = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    assert shapes["pos_embed"] == (1, 577, 1024)
    assert shapes["head.weight"] == (768, 1024)
    assert sum(name.endswith("attn.qkv.weight") for name in shapes) == 24
    assert net.blocks[0].attn.num_heads == 16
    assert type(net.blocks[0].mlp.act).__name__ == "QuickGELU"
