"""FID Inception against the peers' own networks, each under its own resize, with the same random weights.

Nobody's published weights are here: `benchmarks/speed/random_inception.py` writes random ones in their format.
"""

import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from genbench.errors import BadInput, MissingWeights
from genbench.features import open_extractor
from genbench.features.extract import extractor_key
from genbench.features.inception import PROTOCOLS, build
from genbench.features.runtime import Setup, choose_place

SIZES = [(8, 8), (32, 32), (299, 299), (300, 224), (512, 512)]
SAME_FUNCTION = 1e-12  # float64, batch norms folded or not
FLOAT32 = 1e-5  # relative to the largest value; pytorch-fid is 3e-6 from itself in float64
slow = pytest.mark.slow


def pictures(size, rng, count=3):
    """Smooth and rough random pictures, uint8 [h, w, 3]."""
    for i in range(count):
        side = [3, 20, max(size)][i % 3]
        noise = Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8))
        yield np.array(noise.resize(size[::-1], Image.Resampling.BILINEAR))


def planes(images):
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


def worst(found, expected):
    """Largest difference, relative to the largest value; of the features, and of what tells the images apart."""
    assert found.shape == expected.shape
    pairs = [(found, expected), (found - found.mean(0), expected - expected.mean(0))]
    return max(np.abs(one - other).max() / np.abs(other).max() for one, other in pairs)


@pytest.fixture(scope="module")
def pytorch_fid(inception_weights):
    """pytorch-fid's module, its download replaced by the file."""
    from pytorch_fid import inception

    with pytest.MonkeyPatch.context() as patch:
        loaded = torch.load(inception_weights, weights_only=True)
        patch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: loaded)
        yield inception


@pytest.fixture(scope="module")
def opened(networks_kept, inception_weights):
    """Open ``inception`` under a protocol and a runtime, once each."""
    kept = {}

    def open_once(name="inception", runtime="onnxruntime"):
        if (name, runtime) not in kept:
            setup = Setup(choose_place("cpu", runtime, networks_kept), weights=inception_weights)
            kept[name, runtime] = open_extractor(name, setup)
        return kept[name, runtime]

    return open_once


def run(extractor, images):
    return extractor(np.stack([extractor.prepare(image) for image in images]))


@slow
@torch.no_grad()
def test_is_the_same_function_as_pytorch_fid(pytorch_fid, inception_weights, rng):
    """In float64 nothing is left to rounding: pools, biases, the order of the spatial numbers."""
    scaled = torch.from_numpy(rng.uniform(-1, 1, (2, 3, 299, 299)))
    pooled, logits, unbiased, spatial = build(inception_weights, in_float64=True)(scaled.permute(0, 2, 3, 1))
    full = pytorch_fid.fid_inception_v3().eval().double()
    seen = []
    full.Mixed_6d.branch1x1.register_forward_hook(lambda _, __, out: seen.append(out))
    expected = full(scaled)
    assert worst(logits.numpy(), expected.numpy()) < SAME_FUNCTION
    assert worst(unbiased.numpy(), (expected - full.fc.bias).numpy()) < SAME_FUNCTION
    assert worst(spatial.numpy(), seen[0][:, :7].permute(0, 2, 3, 1).reshape(2, 2023).numpy()) < SAME_FUNCTION
    theirs = pytorch_fid.InceptionV3([3]).eval().double()((scaled + 1) / 2)[0].flatten(1)
    assert worst(pooled.numpy(), theirs.numpy()) < SAME_FUNCTION
    assert pooled.numpy().std(0).mean() > 0.05  # the weights tell pictures apart


@pytest.fixture(scope="module")
def theirs(pytorch_fid):
    """Size -> (images, pooled, logits), pytorch-fid's own, its resize included."""
    blocks, classifier = pytorch_fid.InceptionV3([3]).eval(), pytorch_fid.fid_inception_v3().fc
    rng, kept = np.random.default_rng(5), {}
    for size in SIZES:
        images = list(pictures(size, rng))
        with torch.no_grad():
            pooled = blocks(planes(images).float() / 255)[0].flatten(1)
            kept[size] = images, pooled.numpy(), classifier(pooled).numpy()
    return kept


@slow
@pytest.mark.parametrize("runtime", ["onnxruntime", "torch"])
def test_pooled_and_logits_are_pytorch_fids(theirs, opened, runtime):
    for size, (images, pooled, logits) in theirs.items():
        found = run(opened(runtime=runtime), images)
        assert worst(found["pooled"], pooled) < FLOAT32, size
        assert worst(found["logits"], logits) < FLOAT32, size


@slow
@torch.no_grad()
def test_tf1_is_torch_fidelity(opened, inception_weights, rng):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    theirs = FeatureExtractorInceptionV3(
        "inception-v3-compat",
        ["2048", "logits_unbiased", "logits"],
        feature_extractor_weights_path=str(inception_weights),
    )
    for size in SIZES:
        images = list(pictures(size, rng))
        found = run(opened("inception:tf1"), images)
        expected = theirs(planes(images))
        for layer, other in zip(("pooled", "logits-unbiased", "logits"), expected, strict=True):
            assert worst(found[layer], other.numpy()) < FLOAT32, (size, layer)


@slow
@torch.no_grad()
def test_antialias_is_torchmetrics(opened, inception_weights, rng):
    from torchmetrics.image.fid import NoTrainInceptionV3

    theirs = NoTrainInceptionV3("inception-v3-compat", ["2048"], str(inception_weights))
    for size in SIZES:
        images = list(pictures(size, rng))
        found = run(opened("inception:antialias"), images)
        assert worst(found["pooled"], theirs(planes(images)).numpy()) < FLOAT32, size


@slow
def test_the_protocols_give_different_features_of_the_same_image(opened, rng):
    images = list(pictures((64, 64), rng))
    names = [f"inception:{name}" if name else "inception" for name in PROTOCOLS]
    pooled = {name: run(opened(name), images)["pooled"] for name in names}
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            assert worst(pooled[one], pooled[other]) > 100 * FLOAT32, (one, other)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_prepare_is_the_resize_scaled(opened, name, rng):
    protocol = PROTOCOLS[name]
    image = next(pictures((40, 31), rng))
    ready = opened(f"inception:{name}").prepare(image)
    expected = protocol.resize(image, 299).astype(np.float64)
    expected = 2 * (expected / 255) - 1 if name == "" else (expected - 128) / 128
    assert ready.shape == (299, 299, 3)
    assert ready.dtype == np.float32
    np.testing.assert_allclose(ready, expected, atol=2e-7)


def test_protocols_have_keys_names_and_labels_of_their_own(networks_kept, inception_weights, monkeypatch):
    """ "FID" is for the published weights alone."""
    place = choose_place("cpu", "auto", networks_kept)
    tools = {"": "pytorch-fid", "tf1": "torch-fidelity", "clean": "clean-fid", "antialias": "torchmetrics"}
    found = {}
    for argument, tool in tools.items():
        name = f"inception:{argument}".rstrip(":")
        extractor = open_extractor(name, Setup(place, weights=inception_weights))
        assert extractor.name == name
        assert extractor.labels == {}
        assert tool in extractor.facts["resize"]
        assert extractor.facts["weights"].endswith(" (not the published file)")
        found[extractor_key(extractor)] = name
        _publish(monkeypatch, inception_weights)
        extractor = open_extractor(name, Setup(place, weights=inception_weights))
        assert extractor.labels == {"fd": f"FID ({tool})", "sfd": f"sFID ({tool})", "mifid": f"MiFID ({tool})"}
        assert len(extractor.facts["weights"]) == 64
        found[extractor_key(extractor)] = name
        monkeypatch.undo()
    assert len(found) == 2 * len(tools)


def _publish(monkeypatch, path):
    """Pretend that the file at ``path`` is the published one."""
    from dataclasses import replace

    from genbench.features import weights

    record = replace(weights.PUBLISHED["inception"], sha256=weights.sha256_of(path), size=path.stat().st_size)
    monkeypatch.setitem(weights.PUBLISHED, "inception", record)


@slow
def test_a_score_prints_fid_for_the_published_weights_only(inception_weights, tmp_path, rng, monkeypatch):
    import genbench

    fake, real = (np.stack(list(pictures((16, 16), rng, 6))) for _ in range(2))
    options = {"metrics": ["fd", "kd"], "weights": inception_weights, "extractor": "inception:tf1"}
    card = genbench.score(fake=fake, real=real, **options)
    assert [score.label for score in card.scores] == ["FD[inception:tf1]", "KD[inception:tf1]"]
    assert "not the published file" in card.provenance["extractor"]["weights"]
    _publish(monkeypatch, inception_weights)
    card = genbench.score(fake=fake, real=real, **options)
    assert [score.label for score in card.scores] == ["FID (torch-fidelity)", "KD[inception:tf1]"]
    assert card["fd"].extractor == "inception:tf1"


def test_the_default_extractor_is_inception(tmp_path):
    """Nothing is opened, drawn or written where its weights are not here."""
    import genbench

    with pytest.raises(MissingWeights, match="--extractor efficientnet-lite0"):
        genbench.score(fake="no such folder", real="nor this", cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_an_unknown_protocol_is_refused(networks_kept):
    with pytest.raises(BadInput, match=r"inception:tf1.*got 'inception:tf2'"):
        open_extractor("inception:tf2", Setup(choose_place("cpu", "auto", networks_kept)))


@pytest.mark.parametrize("how", [{}, {"_use_new_zipfile_serialization": False}], ids=["zip", "legacy"])
def test_a_file_that_does_not_fit_is_refused_at_the_door(how, networks_kept, tmp_path):
    setup = Setup(choose_place("cpu", "auto", networks_kept), weights=tmp_path / "other.pth")
    torch.save({"fc.weight": torch.zeros(3)}, setup.weights, **how)
    with pytest.raises(BadInput, match=r"does not fit.*got none"):
        open_extractor("inception", setup)
    torch.save({"fc.weight": print}, setup.weights, **how)  # code, not tensors
    with pytest.raises(BadInput, match="cannot be read"):
        open_extractor("inception", setup)
    setup.weights.write_bytes(b"not weights")
    with pytest.raises(BadInput, match="cannot be read"):
        open_extractor("inception", setup)


@slow
def test_an_exported_network_runs_without_torch(opened, inception_weights, networks_kept, rng):
    """Torch takes seconds to load; with weights of one's own too, the file was seen to fit when it was exported."""
    image = next(pictures((32, 32), rng))
    expected = run(opened(), [image])["pooled"]
    code = (
        "import sys, numpy as np\nfrom pathlib import Path\n"
        "from genbench.features import open_extractor\nfrom genbench.features.runtime import Setup, choose_place\n"
        "place = choose_place('cpu', 'onnxruntime', Path(sys.argv[1]))\n"
        "extractor = open_extractor('inception', Setup(place, weights=Path(sys.argv[2])))\n"
        "image = np.frombuffer(bytes.fromhex(sys.argv[3]), np.uint8).reshape(32, 32, 3)\n"
        "print(repr(float(extractor(extractor.prepare(image)[None])['pooled'].sum(dtype=np.float64))))\n"
        "assert not {'torch', 'scipy'} & set(sys.modules)\n"
    )
    words = [sys.executable, "-c", code, str(networks_kept), str(inception_weights), image.tobytes().hex()]
    found = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    assert float(found) == pytest.approx(expected.sum(dtype=np.float64), rel=1e-6)


def test_both_formats_of_torch_files_are_read(inception_weights, networks_kept, tmp_path):
    legacy = tmp_path / "legacy.pth"
    tensors = torch.load(inception_weights, weights_only=True)
    tensors = {name: value for name, value in tensors.items() if not name.endswith("num_batches_tracked")}
    torch.save(tensors, legacy, _use_new_zipfile_serialization=False)
    open_extractor("inception", Setup(choose_place("cpu", "auto", networks_kept), weights=legacy))
    one, other = build(legacy).state_dict(), build(inception_weights).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in other)
