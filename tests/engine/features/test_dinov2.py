"""DINOv2 on small random networks: a plain rewrite of Meta's forward pass, from tensors of the published names."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from genbench.errors import BadInput, MissingWeights
from genbench.features import open_extractor
from genbench.features.dinov2 import Dinov2L14, resize_positions
from genbench.features.runtime import Setup, choose_place
from genbench.features.weights import published
from tests.reference.random_weights import DINOV2, dinov2_file, dinov2_tensors

WIDTH, HEADS = DINOV2["embed_dim"], DINOV2["num_heads"]
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(Dinov2L14, "arguments", DINOV2)
    monkeypatch.setattr(Dinov2L14, "widths", {"pooled": WIDTH})


@pytest.fixture
def opened(networks_kept, tmp_path):
    def open_one(weights=None, runtime="torch"):
        weights = weights or dinov2_file(tmp_path / "meta.pth")
        return open_extractor("dinov2-l14", Setup(choose_place("cpu", runtime, networks_kept), weights=weights))

    return open_one


# ------------------------------------------------------------------------------------------------ a plain rewrite


def norm(x, weight, bias):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6) * weight + bias


def gelu(x):
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def attend(queries, keys, values):
    logits = queries @ keys.T / math.sqrt(queries.shape[1])
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True) @ values


def block(x, t, name):
    def linear(x, layer):
        return x @ t[f"{name}.{layer}.weight"].T + t[f"{name}.{layer}.bias"]

    y = linear(norm(x, t[f"{name}.norm1.weight"], t[f"{name}.norm1.bias"]), "attn.qkv")
    queries, keys, values = (np.split(part, HEADS, 1) for part in np.split(y, 3, 1))
    heads = [attend(*head) for head in zip(queries, keys, values, strict=True)]
    x = x + t[f"{name}.ls1.gamma"] * linear(np.concatenate(heads, 1), "attn.proj")
    y = norm(x, t[f"{name}.norm2.weight"], t[f"{name}.norm2.bias"])
    return x + t[f"{name}.ls2.gamma"] * linear(gelu(linear(y, "mlp.fc1")), "mlp.fc2")


def cubic(x, a=-0.75):
    x = abs(x)
    if x <= 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0


def resize_grid(grid, side, scale):
    """[m, m, d] -> [side, side, d]: bicubic, position i read at (i + 1/2) / scale - 1/2, edges repeated."""
    m = len(grid)
    matrix = np.zeros((side, m))
    for i in range(side):
        at = (i + 0.5) / scale - 0.5
        for j in range(math.floor(at) - 1, math.floor(at) + 3):
            matrix[i, min(max(j, 0), m - 1)] += cubic(at - j)
    return np.einsum("ia,jb,abd->ijd", matrix, matrix, grid)


def rewrite(image, tensors):
    """Meta's features of one resized image, uint8 [224, 224, 3] -> float64 [d]."""
    t = {name: tensor.double().numpy() for name, tensor in tensors.items()}
    scaled = (image / 255 - MEAN) / DEVIATION
    patches = scaled.reshape(16, 14, 16, 14, 3).transpose(0, 2, 4, 1, 3).reshape(256, -1)
    x = patches @ t["patch_embed.proj.weight"].reshape(WIDTH, -1).T + t["patch_embed.proj.bias"]
    grid = resize_grid(t["pos_embed"][0, 1:].reshape(37, 37, -1), 16, 16.1 / 37)
    x = np.concatenate([t["cls_token"][0] + t["pos_embed"][0, :1], x + grid.reshape(256, -1)])
    for i in range(DINOV2["depth"]):
        x = block(x, t, f"blocks.{i}")
    return norm(x[0], t["norm.weight"], t["norm.bias"])


# ------------------------------------------------------------------------------------------------ tests


@pytest.mark.parametrize("runtime", ["torch", pytest.param("onnxruntime", marks=pytest.mark.slow)])
def test_features_are_those_of_a_plain_rewrite(opened, rng, runtime):
    extractor = opened(runtime=runtime)
    for size in [(16, 16), (224, 224), (90, 300)]:
        image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        resized = np.asarray(Image.fromarray(image).resize((224, 224), Image.Resampling.BICUBIC))
        expected = rewrite(resized, dinov2_tensors())
        found = extractor(extractor.prepare(image)[None])["pooled"][0]
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_a_file_by_timms_names_gives_the_same_features(opened, rng, tmp_path):
    from safetensors.torch import save_file

    tensors = dinov2_tensors()
    del tensors["mask_token"]
    save_file(tensors, tmp_path / "at-518.safetensors")
    save_file(tensors | {"pos_embed": resize_positions(tensors["pos_embed"], 16)}, tmp_path / "at-224.safetensors")
    whole, small = opened(tmp_path / "at-518.safetensors"), opened(tmp_path / "at-224.safetensors")
    meta = opened()
    batch = meta.prepare(rng.integers(0, 256, (50, 50, 3), dtype=np.uint8))[None]
    np.testing.assert_array_equal(whole(batch)["pooled"], meta(batch)["pooled"])
    np.testing.assert_array_equal(small(batch)["pooled"], meta(batch)["pooled"])


def test_positions_are_not_resized_as_timm_does():
    """timm's filter is antialiased: 2.3 published positions lie under one of ours."""
    from timm.layers import resample_abs_pos_embed

    positions = dinov2_tensors()["pos_embed"]
    ours, timms = resize_positions(positions, 16), resample_abs_pos_embed(positions, [16, 16])
    assert ours.shape == timms.shape == (1, 257, WIDTH)
    assert torch.equal(ours[:, 0], positions[:, 0])
    assert (ours - timms)[:, 1:].abs().max() > 0.5 * positions.std()


def test_the_network_is_the_published_one(monkeypatch):
    """Its tensors, with the mask token and 37 x 37 positions, fill the published file but for a directory of names."""
    import timm

    monkeypatch.undo()
    with torch.device("meta"):
        net = Dinov2L14.assemble()
    shapes = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    assert set(shapes) >= {"blocks.23.ls2.gamma", "cls_token", "norm.bias"}
    assert shapes["pos_embed"] == (1, 257, 1024)
    numbers = sum(math.prod(shape) for shape in shapes.values()) + (1370 - 257 + 1) * 1024
    assert 0 < published("dinov2-l14").size - 4 * numbers < 200_000
    assert published("dinov2-l14").url == timm.get_pretrained_cfg("vit_large_patch14_dinov2.lvd142m").url


def test_other_files_are_refused(opened, tmp_path, networks_kept):
    with pytest.raises(MissingWeights, match=published("dinov2-l14").sha256):
        open_extractor("dinov2-l14", Setup(choose_place("cpu", "auto", networks_kept)))
    tensors = dinov2_tensors()
    for other, words in (
        ({"pos_embed": tensors["pos_embed"][:, :100]}, r"pos_embed of shape \(1, 257, 48\), got \(1, 100, 48\)"),
        ({"register_tokens": torch.zeros(1, 4, WIDTH)}, r"register_tokens of shape none, got \(1, 4, 48\)"),
        ({"norm.bias": torch.zeros(3)}, r"norm\.bias of shape \(48,\), got \(3,\)"),
    ):
        torch.save(tensors | other, tmp_path / "other.pth")
        with pytest.raises(BadInput, match=words):
            opened(tmp_path / "other.pth")


def test_facts_name_the_convention(opened):
    facts = opened().facts
    assert "dgm-eval" in facts["resize"]
    assert "facebookresearch/dinov2" in facts["network"]
