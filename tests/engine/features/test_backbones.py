"""timm's backbones: its own preprocessing, its own outputs, its own weights, and what is said where those lack."""

import numpy as np
import pytest
import timm
import torch
from huggingface_hub import constants
from huggingface_hub.errors import EntryNotFoundError
from PIL import Image

import genbench
from genbench.errors import BadInput, MissingWeights, UnknownName
from genbench.features import open_extractor
from genbench.features.backbones import describe
from genbench.features.extract import extractor_key
from genbench.features.runtime import Setup, choose_place
from genbench.features.weights import sha256_of
from tests.reference.random_weights import timm_file, timm_net

SIZES = [(8, 8), (160, 160), (37, 90), (300, 224)]
NAMES = ["test_vit", "test_resnet", "test_byobnet"]
REPOSITORY = "timm/test_vit.r160_in1k"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("timm")
    return {name: timm_file(folder / f"{name}.safetensors", name) for name in NAMES}


@pytest.fixture
def opened(files, networks_kept):
    def open_one(name, weights=None, runtime="auto"):
        weights = weights or files.get(name)
        return open_extractor(f"timm:{name}", Setup(choose_place("cpu", runtime, networks_kept), weights=weights))

    return open_one


def picture(size, rng):
    noise = Image.fromarray(rng.integers(0, 256, (5, 7, 3), dtype=np.uint8))
    return np.array(noise.resize(size[::-1], Image.Resampling.BILINEAR))


def timms_transform(name):
    net = timm.create_model(name, pretrained=False)
    return timm.data.create_transform(**timm.data.resolve_model_data_config(net), is_training=False)


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_features_and_logits_are_timms(name, opened, rng):
    extractor, net, transform = opened(name), timm_net(name), timms_transform(name)
    for size in SIZES:
        images = [picture(size, rng) for _ in range(2)]
        found = extractor(np.stack([extractor.prepare(image) for image in images]))
        ready = torch.stack([transform(Image.fromarray(image)) for image in images])
        pooled = net.forward_head(net.forward_features(ready), pre_logits=True).numpy()
        for layer, expected in (("pooled", pooled), ("logits", net(ready).numpy())):
            assert found[layer].shape == expected.shape == (2, extractor.widths[layer])
            np.testing.assert_allclose(found[layer], expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
        assert np.abs(pooled[0] - pooled[1]).max() > 1e-3  # the random network tells pictures apart


@pytest.mark.parametrize("name", ["test_vit", "test_resnet", "resnet10t", "convnext_tiny.in12k_ft_in1k_384"])
def test_preprocessing_is_timms(name, rng):
    """Bicubic and bilinear, centre and squash, crops of 0.875, 0.95 and 1."""
    from genbench.features.backbones import _transform

    config, whole = describe(name, name)[1], timms_transform(name)
    mean, deviation = (np.float32(config[key]).reshape(3, 1, 1) for key in ("mean", "std"))
    for size in [*SIZES, (500, 384)]:
        image = Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8))
        ready = _transform(config)(image)
        assert ready.dtype == torch.uint8
        np.testing.assert_allclose((ready.numpy() / np.float32(255) - mean) / deviation, whole(image), atol=2e-6)


def test_facts_say_what_was_run(opened, files):
    facts = opened("test_resnet").facts
    assert facts["network"] == f"timm {timm.__version__} test_resnet.r160_in1k"
    assert facts["weights"] == sha256_of(files["test_resnet"])
    assert facts["runtime"].startswith("torch ")
    for part in ("center crop of 0.95", "bilinear", "160x160", "(0.5, 0.5, 0.5)"):
        assert part in facts["resize"]


def test_other_weights_have_another_key_and_other_features(opened, tmp_path, rng):
    one = opened("test_vit")
    other = opened("test_vit", timm_file(tmp_path / "other.pth", "test_vit", seed=1))
    same = opened("test_vit", timm_file(tmp_path / "same.pth", "test_vit"))
    batch = one.prepare(picture((40, 40), rng))[None]
    assert extractor_key(one) != extractor_key(other)
    assert np.abs(one(batch)["pooled"] - other(batch)["pooled"]).max() > 1e-2
    np.testing.assert_array_equal(one(batch)["pooled"], same(batch)["pooled"])


def test_opening_leaves_global_random_numbers_alone(opened):
    before = torch.get_rng_state()
    opened("test_vit")
    assert torch.equal(torch.get_rng_state(), before)


def test_it_scores(files, rng):
    fake, real = (rng.integers(0, 256, (12, 16, 16, 3), dtype=np.uint8) for _ in range(2))
    card = genbench.score(
        fake=fake, real=real, metrics=["fd", "is"], extractor="timm:test_vit", weights=files["test_vit"]
    )
    assert [score.label for score in card.scores] == ["FD[timm:test_vit]", "IS[timm:test_vit]"]
    assert card.provenance["weights"] == sha256_of(files["test_vit"])


def test_it_runs_under_torch_only(opened):
    assert opened("test_vit", runtime="torch").facts["runtime"] == opened("test_vit").facts["runtime"]
    with pytest.raises(BadInput, match=r"'timm:test_vit' runs under torch only; .*got onnxruntime"):
        opened("test_vit", runtime="onnxruntime")


def test_outputs_of_a_clip_tower_are_no_logits():
    assert describe("net", "vit_base_patch32_clip_224.openai")[0] == {"pooled": 768}
    assert describe("net", "vit_tiny_patch16_224")[0] == {"pooled": 192, "logits": 1000}


def test_a_network_without_pooled_features_is_refused(opened):
    with pytest.raises(BadInput, match="timm:gemma4_vit_167m_enc: has no pooled features"):
        opened("gemma4_vit_167m_enc")


# ------------------------------------------------------------------------------------------------ names and files


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("resnt50", "timm:resnet50"),
        ("resnet50.a1_in1", "timm:resnet50.a1_in1k"),
        ("", "list_models"),
        ("a/b:c", "such"),
    ],
)
def test_unknown_names(opened, name, near):
    with pytest.raises(UnknownName, match="timm has no such backbone") as caught:
        opened(name)
    assert near in str(caught.value)


def test_a_file_that_does_not_fit_is_refused(opened, files, tmp_path):
    with pytest.raises(BadInput, match=r"timm:test_vit: .*test_resnet\.safetensors does not fit the network; expected"):
        opened("test_vit", files["test_resnet"])
    for content in (b"", b"not weights"):
        (tmp_path / "broken.pth").write_bytes(content)
        with pytest.raises(BadInput, match="does not fit"):
            opened("test_vit", tmp_path / "broken.pth")
    torch.save({"code": print}, tmp_path / "code.pth")
    with pytest.raises(BadInput, match=r"does not fit.*weights_only"):
        opened("test_vit", tmp_path / "code.pth")
    with pytest.raises(MissingWeights, match="--weights names no file"):
        opened("test_vit", tmp_path / "none.pth")


def test_a_network_that_timm_fills_in_part_is_refused(opened, tmp_path):
    """timm loads what a file has of DLA's layers and leaves the rest random."""
    tensors = timm_net("dla46x_c").state_dict()
    tensors.pop("base_layer.0.weight")
    torch.save(tensors, tmp_path / "part.pth")
    with pytest.raises(BadInput, match=r"expected all of its tensors, got Missing keys \(base_layer\.0\.weight\)"):
        opened("dla46x_c", tmp_path / "part.pth")


# ------------------------------------------------------------------------------------------------ the hub


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of the hub; any download fails the test."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_: pytest.fail("a download was tried"))
    return tmp_path / "hub"


def put(hub, source, file="model.safetensors"):
    """Lay a file into the cache as the hub's client does."""
    folder = hub / f"models--{REPOSITORY.replace('/', '--')}"
    (folder / "snapshots" / "1234").mkdir(parents=True, exist_ok=True)
    (folder / "refs").mkdir(exist_ok=True)
    (folder / "refs" / "main").write_text("1234")
    (folder / "snapshots" / "1234" / file).write_bytes(source.read_bytes())


@pytest.mark.parametrize("variable", ["GENBENCH_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_one_message_says_what_to_do(hub, networks_kept, monkeypatch, variable):
    monkeypatch.setenv("GENBENCH_OFFLINE", str(int(variable == "GENBENCH_OFFLINE")))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", variable == "HF_HUB_OFFLINE")
    with pytest.raises(MissingWeights) as caught:
        open_extractor("timm:test_vit", Setup(choose_place("cpu", "auto", networks_kept)))
    for part in (
        "timm:test_vit",
        f"https://huggingface.co/{REPOSITORY}",
        "model.safetensors",
        "--weights FILE",
        variable,
    ):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_hubs_cache_is_used(hub, opened, files, networks_kept, tmp_path):
    place = choose_place("cpu", "auto", networks_kept)
    put(hub, timm_file(tmp_path / "other.pth", "test_vit", seed=1), "pytorch_model.bin")
    second = open_extractor("timm:test_vit", Setup(place))
    put(hub, files["test_vit"])
    first = open_extractor("timm:test_vit", Setup(place))
    assert extractor_key(first) == extractor_key(opened("test_vit")) != extractor_key(second)


def test_a_download_tries_timms_files_in_order(hub, opened, files, networks_kept, monkeypatch):
    asked = []

    def answer(repository, file):
        asked.append((repository, file))
        if file == "model.safetensors":
            raise EntryNotFoundError("no such file")
        return str(files["test_vit"])

    monkeypatch.setenv("GENBENCH_OFFLINE", "0")
    monkeypatch.setattr("huggingface_hub.hf_hub_download", answer)
    extractor = open_extractor("timm:test_vit", Setup(choose_place("cpu", "auto", networks_kept)))
    assert asked == [(REPOSITORY, "model.safetensors"), (REPOSITORY, "pytorch_model.bin")]
    assert extractor_key(extractor) == extractor_key(opened("test_vit"))


def test_a_failed_download_is_one_message(hub, networks_kept, monkeypatch):
    def answer(*_):
        raise ConnectionError("two\nlines")

    monkeypatch.setenv("GENBENCH_OFFLINE", "0")
    monkeypatch.setattr("huggingface_hub.hf_hub_download", answer)
    with pytest.raises(MissingWeights, match=r"got none \(ConnectionError: two lines\)"):
        open_extractor("timm:test_vit", Setup(choose_place("cpu", "auto", networks_kept)))


def test_a_name_without_published_weights_needs_a_file(hub, opened, networks_kept, tmp_path):
    with pytest.raises(MissingWeights, match=r"timm:test_vit4: timm has no weights for it; .*--weights FILE"):
        open_extractor("timm:test_vit4", Setup(choose_place("cpu", "auto", networks_kept)))
    opened("test_vit4", timm_file(tmp_path / "own.safetensors", "test_vit4"))


def test_weights_that_are_published_elsewhere_are_looked_for_in_torchs_cache(hub, networks_kept):
    with pytest.raises(MissingWeights, match=r"gcvit_xxtiny.*\.pth of https://github\.com.*GENBENCH_OFFLINE"):
        open_extractor("timm:gcvit_xxtiny", Setup(choose_place("cpu", "auto", networks_kept)))
