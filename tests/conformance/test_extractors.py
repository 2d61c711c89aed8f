"""Every registered extractor: shapes, dtypes, both runtimes, batch size, and what its key covers.

One whose published weights no test machine has gets random ones of their format; ViT-L/14 is made small.
"""

import warnings

import numpy as np
import pytest

from genbench.features import EXTRACTORS, open_extractor
from genbench.features.clip import ClipL14At336
from genbench.features.dinov2 import Dinov2L14
from genbench.features.extract import extractor_key
from genbench.features.runtime import Setup, choose_place
from genbench.stats.gaussian import Gaussian, frechet_distance
from tests.reference import random_weights

SIZES = [(8, 8), (40, 31), (300, 224)]
SLOW = {"inception", "vgg16", "dinov2-l14", "clip-l14-336"}  # 11 and 31 GFLOP an image, ten seconds of export each
OWN = """
import torch
def build():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 5, 3), torch.nn.ReLU(), torch.nn.Flatten())
    net.side_px = 16
    return net
"""
BETWEEN_RUNTIMES = 1e-5  # relative, on the Frechet distance


@pytest.fixture(scope="module")
def files(tmp_path_factory, inception_weights):
    """Name in the table -> weight file."""
    folder = tmp_path_factory.mktemp("weights")
    return {
        "inception": inception_weights,
        "dinov2-l14": random_weights.dinov2_file(folder / "dinov2.pth"),
        "clip-l14-336": random_weights.clip_file(folder / "clip.pt"),
        "vgg16": random_weights.vgg16_file(folder / "vgg16.pth"),
        "timm": random_weights.timm_file(folder / "timm.safetensors", "test_vit"),
    }


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Name in the table -> what a user writes, where the name alone is not enough."""
    import torch

    folder = tmp_path_factory.mktemp("own")
    (folder / "own.py").write_text(OWN)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 16, 8), torch.nn.GELU(), torch.nn.Flatten())
        torch.jit.trace(net.eval(), torch.zeros(1, 3, 224, 224)).save(str(folder / "own.pt"))
    return {"timm": "timm:test_vit", "python": f"{folder}/own.py:build", "torchscript": f"{folder}/own.pt"}


@pytest.fixture
def make(networks_kept, files, texts, monkeypatch):
    """Open an extractor by its name in the table."""
    monkeypatch.setattr(Dinov2L14, "arguments", random_weights.DINOV2)
    monkeypatch.setattr(Dinov2L14, "widths", {"pooled": random_weights.DINOV2["embed_dim"]})
    monkeypatch.setattr(ClipL14At336, "arguments", random_weights.CLIP)
    monkeypatch.setattr(ClipL14At336, "widths", {"pooled": random_weights.CLIP_WIDTH})

    def open_by_name(name, runtime="auto"):
        setup = Setup(choose_place("cpu", runtime, networks_kept), weights=files.get(name))
        return open_extractor(texts.get(name, name), setup)

    return open_by_name


def pictures(count, rng, sizes=SIZES):
    for i in range(count):
        height, width = sizes[i % len(sizes)]
        yield rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in EXTRACTORS])
def name(request):
    return request.param


@pytest.fixture
def extractor(name, make):
    return make(name)


def run(extractor, images, batch_size=None):
    ready = [extractor.prepare(image) for image in images]
    step = batch_size or len(ready)
    parts = [extractor(np.stack(ready[i : i + step])) for i in range(0, len(ready), step)]
    return {layer: np.concatenate([part[layer] for part in parts]) for layer in parts[0]}


def test_layers_are_as_declared(extractor, rng):
    outputs = run(extractor, pictures(3, rng))
    assert {layer: out.shape for layer, out in outputs.items()} == {l: (3, w) for l, w in extractor.widths.items()}  # noqa: E741
    assert {out.dtype for out in outputs.values()} == {np.dtype(np.float32)}
    assert all(np.isfinite(out).all() for out in outputs.values())
    assert "pooled" in extractor.widths


def test_batch_size_does_not_matter(extractor, rng):
    images = list(pictures(5, rng))
    whole, single = run(extractor, images), run(extractor, images, batch_size=1)
    for layer in whole:
        scale = np.abs(whole[layer]).max()
        np.testing.assert_allclose(whole[layer], single[layer], atol=2e-6 * scale)


def test_prepare_leaves_the_image_alone_and_tells_images_apart(extractor, rng):
    image, other = pictures(2, rng, [(50, 60)])
    before = image.copy()
    first = extractor.prepare(image)
    np.testing.assert_array_equal(image, before)
    assert first.shape == extractor.prepare(other).shape
    assert (first != extractor.prepare(other)).any()


def test_it_goes_by_the_name_that_the_user_wrote(extractor, name, texts):
    assert extractor.name == texts.get(name, name)


def test_the_key_holds_what_can_change_a_feature(extractor, name, make):
    assert {"extractor", "network", "weights", "resize", "decode", "dtype", "runtime"} <= set(extractor.facts)
    assert extractor_key(extractor) == extractor_key(make(name))


def test_the_runtimes_agree(extractor, name, make, rng):
    runtime = extractor.facts["runtime"]
    if not runtime.startswith("onnxruntime"):
        pytest.skip(f"has one runtime: {runtime}")
    by_torch = make(name, "torch")
    assert extractor_key(by_torch) != extractor_key(extractor)
    sets = [list(pictures(24, rng, [(8, 8)])), list(pictures(24, rng, [(64, 64)]))]
    distances = []
    for one in (extractor, by_torch):
        real, fake = (Gaussian.of(run(one, images)["pooled"]) for images in sets)
        distances.append(frechet_distance(real, fake))
    assert distances[0] == pytest.approx(distances[1], rel=BETWEEN_RUNTIMES)


def test_every_key_is_different(make):
    keys = {extractor_key(make(name)) for name in EXTRACTORS}
    assert len(keys) == len(list(EXTRACTORS))
