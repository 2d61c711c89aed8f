"""Extractors of the user's: Python objects and TorchScript files; how they are fed, kept apart, and refused."""

import textwrap
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

import genbench
from genbench.errors import BadInput, UnknownName
from genbench.features import open_extractor
from genbench.features.extract import extractor_key
from genbench.features.runtime import Setup, choose_place

NET = """
    import torch
    class Net(torch.nn.Module):
        def __init__(self, side_px=32, scale=1.0):
            super().__init__()
            torch.manual_seed(0)
            self.side_px = side_px
            self.body = torch.nn.Sequential(
                torch.nn.Conv2d(3, 6, 3, 2), torch.nn.BatchNorm2d(6), torch.nn.ReLU(), torch.nn.Dropout(0.5)
            )
            self.body[0].weight.data *= scale
        def forward(self, images):
            assert images.dtype == torch.float32 and images.is_contiguous() and not torch.is_grad_enabled()
            return self.body(images).mean((2, 3))
    """


@pytest.fixture
def opened(networks_kept):
    def open_one(text, runtime="auto", **options):
        return open_extractor(str(text), Setup(choose_place("cpu", runtime, networks_kept), **options))

    return open_one


@pytest.fixture
def written(tmp_path):
    """Write code beside ``NET`` and return the path of the file."""

    def write(code="", name="net.py", net=NET):
        (tmp_path / name).write_text(textwrap.dedent(net) + textwrap.dedent(code))
        return tmp_path / name

    return write


def features(extractor, images):
    return extractor(np.stack([extractor.prepare(image) for image in images]))["pooled"]


@pytest.fixture
def images(rng):
    return [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in [(8, 8), (32, 32), (37, 90)]]


def plain(path, images, side_px=32):
    """The module of the file, run on images resized by Pillow."""
    scope = {}
    exec(path.read_text(), scope)
    resized = [Image.fromarray(image).resize((side_px, side_px), Image.Resampling.BICUBIC) for image in images]
    batch = torch.from_numpy(np.stack([np.asarray(one, np.float32) / 255 for one in resized])).permute(0, 3, 1, 2)
    with torch.no_grad():
        return scope["Net"](side_px).eval()(batch.contiguous()).numpy()


# ------------------------------------------------------------------------------------------------ Python objects


@pytest.mark.parametrize("name", ["Net", "net", "build", "factory"])
def test_a_module_a_class_and_functions_that_make_one(opened, written, images, name):
    path = written("net = Net()\ndef build(scale=1.0):\n    return Net(scale=scale)\ndef factory():\n    return Net\n")
    extractor = opened(f"{path}:{name}")
    assert extractor.widths == {"pooled": 6}
    assert extractor.name == f"{path}:{name}"
    found = features(extractor, images)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, plain(path, images), atol=1e-6)


def test_a_package_of_the_working_directory(opened, written, images, monkeypatch, tmp_path):
    path = written(name="package_of_nets.py")
    monkeypatch.chdir(tmp_path)
    for text in ("package_of_nets:Net", "python:package_of_nets:Net"):
        np.testing.assert_allclose(features(opened(text), images), plain(path, images), atol=1e-6)


@pytest.mark.parametrize(
    ("stated", "side"),
    [("side_px = 40", 40), ("input_size = 40", 40), ("input_size = (3, 40, 40)", 40), ("a = 0", 224)],
)
def test_the_side_is_the_modules_else_224_and_said(opened, written, images, stated, side):
    net = NET.replace("self.side_px = side_px", f"self.{stated}")
    path = written(net=net)
    extractor = opened(f"{path}:Net")
    assert f"bicubic uint8 {side}x{side}, x / 255" in extractor.facts["resize"]
    np.testing.assert_allclose(features(extractor, images), plain(path, images, side), atol=1e-6)


@pytest.mark.parametrize(
    "stated", ["side_px = 0", "side_px = 'big'", "side_px = (30, 40)", "input_size = ()", "side_px = True"]
)
def test_a_side_that_is_none(opened, written, stated):
    with pytest.raises(BadInput, match="no side; expected side_px or input_size to be a number of pixels"):
        opened(f"{written(net=NET.replace('self.side_px = side_px', f'self.{stated}'))}:Net")


def test_the_key_follows_weights_and_code(opened, written, tmp_path):
    code = "def a():\n    return Net()\ndef b():\n    return Net(scale=1.001)\ndef c():\n    return Net(side_px=33)\n"
    path = written(code)
    keys = {extractor_key(opened(f"{path}:{name}")) for name in "abc"}
    again = extractor_key(opened(f"{path}:a"))
    assert len(keys) == 3
    assert again in keys
    moved = written(code, name="moved.py")
    assert extractor_key(opened(f"{moved}:a")) == again  # it is what is in a file that counts
    keys.add(extractor_key(opened(f"{written(code + '# another file', name='net.py')}:a")))
    assert len(keys) == 4


def test_the_key_follows_the_files_of_the_classes(opened, tmp_path, written):
    """The file that is named does not change, the one that it imports does; so does the order of features."""
    keys = set()
    for folder, turn in (("one", ""), ("two", ".flip(1)")):
        (tmp_path / folder).mkdir()
        net = NET.replace("mean((2, 3))", f"mean((2, 3)){turn}")
        written(name=f"{folder}/layers_of_a_net.py", net=net)
        main = written(name=f"{folder}/main.py", net="from layers_of_a_net import Net\n")
        keys.add(extractor_key(opened(f"{main}:Net")))
    assert len(keys) == 2


def test_the_key_follows_the_file_of_an_object_of_torchs_classes(opened, written):
    """Nothing but the named file tells these networks without weights apart."""
    net = "import torch\nnet = torch.nn.Sequential(torch.nn.AvgPool2d(56, padding={}), torch.nn.Flatten())\n"
    keys = {extractor_key(opened(f"{written(net=net.format(padding))}:net")) for padding in (0, 1)}
    assert len(keys) == 2


def test_it_scores_and_its_features_are_kept(written, rng):
    fake, real = (rng.integers(0, 256, (20, 16, 16, 3), dtype=np.uint8) for _ in range(2))
    text = f"{written()}:Net"
    card, again = (genbench.score(fake=fake, real=real, metrics=["fd"], extractor=text) for _ in range(2))
    assert card["fd"].label == f"FD[{text}]"
    assert card.provenance["features"]["fake"] == {"computed": 20, "recalled": 0}
    assert again.provenance["features"]["fake"] == {"computed": 0, "recalled": 20}


EXTRACTOR = """
    import numpy as np
    class Means:
        widths, facts, batch_size = {"pooled": 3, "edge": 1}, {"extractor": "means of mine"}, 5
        def prepare(self, image):
            return image[:4, :4]
        def __call__(self, batch):
            means = batch.mean((1, 2), dtype=np.float32)
            return {"pooled": means, "edge": means[:, :1]}
    """


def test_an_object_that_is_an_extractor_feeds_itself(opened, written, images):
    path = written(net=EXTRACTOR)
    extractor = opened(f"{path}:Means")
    assert (extractor.widths, extractor.batch_size) == ({"pooled": 3, "edge": 1}, 5)
    assert extractor.facts["extractor"] == "means of mine"
    np.testing.assert_allclose(features(extractor, images), [image[:4, :4].mean((0, 1)) for image in images], rtol=1e-6)
    other = opened(f"{written(net=EXTRACTOR.replace('[:4, :4]', '[:5, :5]'), name='other.py')}:Means")
    assert extractor_key(other) != extractor_key(extractor)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"pooled": 3', '"pooled": 4', r"not as declared; expected .*\(2, 4\).*got .*\(2, 3\)"),
        ('"pooled": 3', '"all": 3', "expected widths with a layer 'pooled'"),
        ('"means of mine"', "7", "facts of texts"),
        ("dtype=np.float32", "dtype=np.float64", "got .*float64"),
        ('"pooled": means', '"pooled": means + np.nan', "not finite"),
        ('"pooled": means', '"pooled": means - means.mean(0)', "depend on the other images"),
        ('"pooled": means', '"pooled": means + np.float32(np.random.rand(*means.shape))', "two runs on one batch"),
        ("image[:4, :4]", "image[9, 9, 9]", "IndexError"),
    ],
)
def test_an_object_that_breaks_the_contract_is_refused(opened, written, old, new, words):
    path = written(net=EXTRACTOR.replace(old, new))
    with pytest.raises(BadInput, match=words) as caught:
        opened(f"{path}:Means")
    assert f"extractor '{path}:Means'" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("mean((2, 3))", "mean((2, 3)) + torch.rand(6)", "two runs on one batch differ.*Switch dropout"),
        ("BatchNorm2d(6)", "BatchNorm2d(6, track_running_stats=False)", "depend on the other images of its batch"),
        ("mean((2, 3))", "flatten(2)", r"gave no features; expected floats \[2, d\], got Tensor \[2, 6, 225\]"),
        ("mean((2, 3))", "mean((2, 3)).argmax(1, True)", "gave no features"),
        ("return self", "return None, self", "gave no features.*got tuple"),
        ("mean((2, 3))", "mean((2, 3)) / 0", "not finite"),
        ("mean((2, 3))", "view(-1, 7)", r"RuntimeError.*net\.py:14\).*\[2, 3, 32, 32\]; .*side_px"),
    ],
)
def test_a_module_whose_features_are_none_is_refused(opened, written, old, new, words):
    with pytest.raises(BadInput, match=words):
        opened(f"{written(net=NET.replace(old, new))}:Net")


def test_dropout_left_in_training_is_switched_off(opened, written, images):
    path = written("net = Net().train()\n")
    np.testing.assert_allclose(features(opened(f"{path}:net"), images), plain(path, images), atol=1e-6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{path}:Nett", "no such object; .*Did you mean 'Net'"),
        ("{folder}/nett.py:Net", "no such file; .*Did you mean"),
        ("{path}", "no object named; .*:build"),
        ("{path}:number", "no network; expected a torch module .*got int 7"),
        ("{path}:function", "no network; .*got function"),
        ("{path}:endless", "no network"),
        ("no_such_package_of_mine.net:Net", "no such module"),
        ("{path}:broken", r"its code failed; .*ZeroDivisionError.*net\.py:\d+\)"),
    ],
)
def test_what_is_no_network(opened, written, tmp_path, text, words):
    code = """
        number = 7
        def function(images):
            return images
        def endless():
            return endless
        def broken():
            return 1 / 0
        """
    text = text.format(path=written(code), folder=tmp_path)
    with pytest.raises(BadInput, match=words) as caught:
        opened(text)
    assert str(caught.value).startswith(f"extractor {text!r}: ")
    assert "\n" not in str(caught.value)


def test_what_it_does_not_take(opened, written, tmp_path):
    path = written()
    with pytest.raises(BadInput, match="runs under torch only"):
        opened(f"{path}:Net", runtime="onnxruntime")
    for text in (f"{path}:Net", f"{written(net=EXTRACTOR, name='means.py')}:Means"):
        with pytest.raises(BadInput, match="expected no --weights"):
            opened(text, weights=path)


def test_a_misspelt_name_is_no_module_of_python(opened):
    with pytest.raises(UnknownName, match="Did you mean 'inception'"):
        opened("incepton:tf1")


# ------------------------------------------------------------------------------------------------ TorchScript


def exported(path, file, side_px=32, trace=False):
    scope = {}
    exec(compile(path.read_text().replace("assert", "#"), path, "exec"), scope)
    net = scope["Net"](side_px)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = torch.jit.trace(net.eval(), torch.zeros(1, 3, side_px, side_px)) if trace else torch.jit.script(net)
        made.save(str(file))
    return file


@pytest.mark.parametrize(("trace", "side"), [(False, 32), (True, 224)])
def test_a_torchscript_file_is_the_network_it_was_exported_from(opened, written, images, tmp_path, trace, side):
    """A scripted module keeps its side, a traced one does not. The scripted one was exported in training mode."""
    path = written()
    extractor = opened(exported(path, tmp_path / "net.pt", trace=trace))
    assert extractor.side_px == side
    np.testing.assert_allclose(features(extractor, images), plain(path, images, side), atol=1e-6)
    assert f"{side}x{side}" in extractor.facts["resize"]
    same = opened(f"torchscript:{tmp_path}/net.pt")
    assert extractor_key(same) == extractor_key(extractor)
    other = written(name="other.py", net=NET.replace("manual_seed(0)", "manual_seed(1)"))
    assert extractor_key(opened(exported(other, tmp_path / "other.pt", trace=trace))) != extractor_key(extractor)


def test_a_torchscript_file_that_draws_numbers_is_refused(opened, written, tmp_path):
    path = written(net=NET.replace("mean((2, 3))", "mean((2, 3)) + torch.rand(6)"))
    with pytest.raises(BadInput, match=r"'.*net\.pt': two runs on one batch differ"):
        opened(exported(path, tmp_path / "net.pt"))


def test_pickles_and_other_files_are_refused(opened, tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath("sprung").touch, ())

    file = tmp_path / "net.pt"
    for content in ({"weight": torch.zeros(3)}, Trap()):
        torch.save(content, file)
        with pytest.raises(BadInput, match=r"extractor '.*net\.pt': not TorchScript; .*file\.py:build"):
            opened(file)
    file.write_bytes(b"not a network")
    with pytest.raises(BadInput, match="not TorchScript"):
        opened(file)
    assert not (tmp_path / "sprung").exists()
    with pytest.raises(BadInput, match="no such file"):
        opened(tmp_path / "none.pt")
