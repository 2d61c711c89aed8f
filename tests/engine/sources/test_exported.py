import pickle
import warnings
import zipfile

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

import genbench
from genbench.contracts import SourceOptions
from genbench.errors import BadInput
from genbench.sources import open_source
from genbench.sources.exported import open_exported


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.latent_dim = 16
        self.output_range = (0.0, 1.0)
        self.net = torch.nn.Linear(16, 192)
        self.drop = torch.nn.Dropout(0.5)

    def forward(self, z):
        return torch.sigmoid(self.drop(self.net(z))).reshape(-1, 3, 8, 8)


class Conditional(Net):
    def forward(self, z, label):  # type: ignore[override]
        return torch.sigmoid(self.net(z) + label).reshape(-1, 3, 8, 8)


def export(module, path, example=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = torch.jit.script(module) if example is None else torch.jit.trace(module.eval(), example)
        made.save(str(path))
    return str(path)


def graph(path, shape=("n", 16), inputs=1, outputs=1, kind=TensorProto.FLOAT):
    """An ONNX generator: sigmoid(z W) as [n, 1, 8, 8]."""
    weights = np.random.default_rng(0).normal(size=(shape[-1] if isinstance(shape[-1], int) else 16, 64))
    names = [f"z{i}" for i in range(inputs)]
    nodes = [
        helper.make_node("MatMul", ["z0", "w"], ["h"]),
        helper.make_node("Sigmoid", ["h"], ["s"]),
        helper.make_node("Reshape", ["s", "shape"], ["images"]),
    ]
    nodes += [helper.make_node("Identity", ["images"], [f"more{i}"]) for i in range(1, outputs)]
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info(name, kind, shape) for name in names],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, (shape[0], 1, 8, 8))
                for name in ("images", *(f"more{i}" for i in range(1, outputs)))
            ],
            [
                helper.make_tensor("w", TensorProto.FLOAT, weights.shape, weights.ravel()),
                helper.make_tensor("shape", TensorProto.INT64, (4,), (-1, 1, 8, 8)),
            ],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.save(model, str(path))
    return str(path)


def images(source, count=70):
    return np.stack(list(source.read(source.entries(count))))


def test_torchscript_equals_the_module_it_was_exported_from(tmp_path):
    torch.manual_seed(0)
    net = Net()
    source = open_source(export(net, tmp_path / "g.pt"))
    assert (source.kind, source.seeded, source.is_endless, source.notes) == ("exported", True, True, [])
    np.testing.assert_array_equal(images(source), images(open_source(net)))
    assert (images(open_source(str(tmp_path / "g.pt"), SourceOptions(seed=1))) != images(source)).any()


def test_a_traced_module_needs_its_latent_said(tmp_path):
    path = export(Net(), tmp_path / "g.pt", torch.zeros(2, 16))
    with pytest.raises(BadInput, match=r"unknown latent shape; .*Say it: --latent 128"):
        open_source(path)
    source = open_source(path, SourceOptions(latent=(16,), output_range=(0, 1)))
    assert images(source).shape == (70, 8, 8, 3)
    with pytest.raises(BadInput, match=r"does not run; .*mat1 and mat2 shapes .* State their shape: --latent"):
        open_source(path, SourceOptions(latent=(17,)))


class Bomb:
    def __reduce__(self):
        return (open, ("bomb-went-off", "w"))


def test_pickles_are_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"weights": Bomb()}, "zip.pt")
    torch.save({"weights": Bomb()}, "legacy.pt", _use_new_zipfile_serialization=False)
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Bomb()))
    (tmp_path / "empty.pt").write_bytes(b"")
    torch.save(Net().state_dict(), "state.pt")
    for name in ("zip.pt", "legacy.pt", "plain.pt", "empty.pt", "state.pt"):
        with pytest.raises(BadInput, match=r"not TorchScript; .*a pickle can run any code\. Export the generator"):
            open_source(name)
    assert not (tmp_path / "bomb-went-off").exists()


def test_broken_files_and_extra_inputs_are_refused(tmp_path):
    path = export(Conditional(), tmp_path / "g.pt", (torch.zeros(2, 16), torch.zeros(2, 1)))
    with pytest.raises(BadInput, match=r"extra inputs; expected one, the latent vectors, got z, label"):
        open_source(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("g/constants.pkl", b"")
    with pytest.raises(BadInput, match="expected a complete TorchScript file, got RuntimeError"):
        open_source(path)
    (tmp_path / "g.onnx").write_bytes(b"no graph")
    with pytest.raises(BadInput, match="expected a complete ONNX model, got InvalidProtobuf"):
        open_source(str(tmp_path / "g.onnx"))
    with pytest.raises(BadInput, match=r"ending in \.pt or \.onnx"):
        open_exported(str(tmp_path / "g.pkl"), SourceOptions())
    with pytest.raises(BadInput, match="no such file"):
        open_exported(str(tmp_path / "none.onnx"), SourceOptions())


@pytest.mark.parametrize("batch", ["n", 1, 48, 64], ids=str)
def test_onnx_takes_latents_of_the_seed_whatever_its_batch(tmp_path, batch):
    source = open_source(graph(tmp_path / "g.onnx", (batch, 16)), SourceOptions(output_range=(0, 1)))
    assert (source.kind, source.seeded) == ("exported", True)
    whole = open_source(graph(tmp_path / "n.onnx"), SourceOptions(output_range=(0, 1)))
    assert np.abs(images(source).astype(int) - images(whole)).max() <= 1
    assert len({image.tobytes() for image in images(source)}) == 70


def test_onnx_latents_without_a_shape_are_said(tmp_path):
    path = graph(tmp_path / "g.onnx", ("n", "latent"))
    with pytest.raises(BadInput, match=r"unknown latent shape; .*'z0'.*--latent 128"):
        open_source(path)
    assert images(open_source(path, SourceOptions(latent=(16,)))).shape == (70, 8, 8, 1)
    with pytest.raises(BadInput, match=r"does not run; .*--latent"):
        open_source(path, SourceOptions(latent=(17,)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"inputs": 2}, r"extra inputs; .*got z0, z1"),
        ({"outputs": 2}, r"several outputs; .*got images, more1"),
        ({"kind": TensorProto.DOUBLE}, r"another input; expected float32 .*got tensor\(double\)|cannot be loaded"),
        ({"shape": (16,)}, r"another input; expected float32 \[n, latent"),
    ],
)
def test_other_graphs_are_refused(tmp_path, options, words):
    with pytest.raises(BadInput, match=words):
        open_source(graph(tmp_path / "g.onnx", **options))


def test_both_are_scored(tmp_path, rng, tiny_extractor):
    torch.manual_seed(0)
    real = rng.integers(0, 256, (60, 8, 8, 3), np.uint8)
    for path in (export(Net(), tmp_path / "g.pt"), graph(tmp_path / "g.onnx")):
        card = genbench.score(fake=path, real=real, metrics=["fd"], extractor=tiny_extractor, output_range=(0, 1))
        assert (card["fd"].n_fake, card.provenance["sources"]["fake"]["kind"]) == (60, "exported")
