"""Sheets of interpolations, reconstructions and completions, of a model of which what must come out is known."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from genbench.cli import main
from genbench.errors import BadInput
from zoo import MODELS, training
from zoo.contracts import ModelInfo, Preset
from zoo.data import open_data
from zoo.latent.sheets import completions, interpolations, known_mask, reconstructions
from zoo.model import Config, Model
from zoo.runs import plan, start


class Shifter(Model):
    """Its code is the image less 1/2; it reconstructs at half the brightness and completes with noise."""

    info: ClassVar = ModelInfo("shifter", "Shifter", "nobody", "codes are images", "toy")
    config_type: ClassVar = Config
    presets: ClassVar = {"smoke": Preset("digits8", steps=1, batch=4)}
    geometry = "uniform"

    def __init__(self, config, spec):
        super().__init__(config, spec)
        self.level = nn.Parameter(torch.tensor(0.5))

    def optimizers(self):
        return {"model": torch.optim.SGD(self.parameters(), lr=0.0)}

    def train_step(self, draw, run):
        run.descend("model", self.level.square())
        return {"loss": self.level.square()}

    def prior(self, n, generator):
        return torch.rand(n, *self.spec.shape, generator=generator) - 0.5

    def encode(self, x, labels=None):
        return x - self.level.detach()

    def decode(self, z, labels=None):
        return z + self.level

    def reconstruct(self, x, labels=None):
        return x * self.level

    def complete(self, x, known, generator, *, labels=None):
        return torch.where(known, x, torch.rand(x.shape, generator=generator))


@pytest.fixture
def folder(tmp_path):
    """The folder of a run of ``Shifter``."""
    MODELS.add("shifter", Shifter)
    yield begin("shifter", tmp_path / "run")
    del MODELS._targets["shifter"]


def begin(name, directory):
    recipe, examples = plan(name, "smoke")
    start(recipe, directory)
    training.train(recipe, examples, directory, training.open_fabric("cpu"))
    return directory


def held_out():
    return torch.from_numpy(open_data("digits8", "test").x).float() / 16


def row_of(image, among):
    """Return the row of ``among`` that ``image`` is."""
    found = (among - image).abs().flatten(1).max(1).values
    assert float(found.min()) < 1e-6
    return int(found.argmin())


def test_ways_between_test_images(folder):
    images = interpolations(folder, 3, 5, "images").unflatten(0, (3, 5))
    ends = [row_of(way[place], held_out()) for way in images for place in (0, -1)]
    assert len(set(ends)) == 6
    for way in images:
        assert torch.allclose(way[1], 0.75 * way[0] + 0.25 * way[4], atol=1e-6)
    assert torch.equal(interpolations(folder, 3, 5, "images").unflatten(0, (3, 5)), images)
    assert not torch.equal(interpolations(folder, 3, 5, "images", seed=1)[0], images[0, 0])


def test_ways_between_latents(folder):
    images = interpolations(folder, 2, 3, "latents").unflatten(0, (2, 3))
    assert torch.allclose(images[:, 1], (images[:, 0] + images[:, 2]) / 2, atol=1e-6)
    assert torch.equal(interpolations(folder, 2, 3, "latents"), images.flatten(0, 1))
    assert not torch.equal(interpolations(folder, 2, 3, "latents", seed=1), images.flatten(0, 1))


def test_a_reconstruction_follows_its_image(folder):
    pairs = reconstructions(folder, 7).unflatten(0, (7, 2))
    assert len({row_of(image, held_out()) for image, _ in pairs}) == 7
    assert torch.allclose(pairs[:, 1], pairs[:, 0] / 2)
    assert not torch.equal(reconstructions(folder, 7, seed=1)[0], pairs[0, 0])


def test_completions_follow_their_image_and_what_is_known_of_it(folder):
    sheet = completions(folder, "top", 4).unflatten(0, (4, 8))
    image, seen, drawn = sheet[:, 0], sheet[:, 1], sheet[:, 2:]
    assert len({row_of(one, held_out()) for one in image}) == 4
    assert torch.equal(seen[..., :4, :], image[..., :4, :])
    assert bool((seen[..., 4:, :] == 0.5).all())
    assert torch.equal(drawn[..., :4, :], image[:, None, :, :4].expand(-1, 6, -1, -1, -1))
    assert len({float(one.sum()) for one in drawn[0]}) == 6
    assert torch.equal(completions(folder, "top", 4), sheet.flatten(0, 1))


class Teller(Shifter):
    """What it completes is as bright as its class, black where it is told none."""

    info: ClassVar = ModelInfo("teller", "Teller", "nobody", "shows its class", "toy")
    is_conditional = True

    def complete(self, x, known, generator, *, labels=None):
        told = torch.zeros(len(x)) if labels is None else (self.pick_labels(len(x), labels, generator) + 1) / 16
        return torch.where(known, x, told[:, None, None, None].expand_as(x))


@pytest.fixture
def teller(tmp_path):
    """The folder of a run of ``Teller``."""
    MODELS.add("teller", Teller)
    yield begin("teller", tmp_path / "teller")
    del MODELS._targets["teller"]


def test_classes_are_told_only_if_asked_for(teller):
    def drawn(label=None):
        sheet = completions(teller, "top", 4, label=label).unflatten(0, (4, 8))
        rows = [row_of(image, held_out()) for image in sheet[:, 0]]
        return (sheet[:, 2:, 0, 4:] * 16).flatten(1), torch.from_numpy(open_data("digits8", "test").labels[rows])

    assert bool((drawn()[0] == 0).all())
    assert bool((drawn("3")[0] == 4).all())
    told, true = drawn("true")
    assert torch.equal(told, (true + 1.0)[:, None].expand_as(told))
    for label in ("10", "three", "-1"):
        with pytest.raises(BadInput, match="no such class; expected"):
            drawn(label)


def test_masks_say_what_is_known():
    assert known_mask("top", 5, 4).sum(1).tolist() == [4, 4, 0, 0, 0]
    assert known_mask("left", 3, 5).sum(0).tolist() == [3, 3, 0, 0, 0]
    quarter = known_mask("25%", 8, 8)
    assert int(quarter.sum()) == 16
    assert torch.equal(quarter, known_mask("25", 8, 8))
    assert not torch.equal(quarter, known_mask("25", 8, 8, seed=1))
    assert len(set(quarter.sum(1).tolist())) > 1


@pytest.mark.parametrize("known", ["0", "100%", "0.1%"])
def test_a_mask_leaves_something_to_do(known):
    with pytest.raises(BadInput, match="nothing to complete"):
        known_mask(known, 8, 8)


@pytest.mark.parametrize("known", ["bottom", "-5", "120", "nan", "%"])
def test_other_masks_are_refused(known):
    with pytest.raises(BadInput, match=r"no such mask; expected top, left or a percentage"):
        known_mask(known, 8, 8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda folder: interpolations(folder, 0, 3, "latents"), "--rows: too few"),
        (lambda folder: interpolations(folder, 2, 1, "latents"), "too few steps"),
        (lambda folder: interpolations(folder, 2, 3, "photos"), "--between: no such ends"),
        (lambda folder: interpolations(folder, 200, 3, "images"), "at most 360 of 'digits8' to be asked for, got 400"),
        (lambda folder: reconstructions(folder, 0), "-n: too few"),
        (lambda folder: completions(folder, "top", -1), "--rows: too few"),
    ],
)
def test_what_cannot_be_drawn_is_refused(folder, call, message):
    with pytest.raises(BadInput, match=message):
        call(folder)


def test_models_that_cannot_say_so(tmp_path):
    folder = begin("gan", tmp_path / "gan")
    assert interpolations(folder, 2, 3, "latents").shape == (6, 1, 32, 32)
    for call in (
        lambda: interpolations(folder, 2, 3, "images"),
        lambda: reconstructions(folder, 2),
        lambda: completions(folder, "top", 2),
    ):
        with pytest.raises(BadInput, match=r"the model cannot do that; expected one that .+, got 'gan'"):
            call()


def test_a_class_is_kept_along_a_way(tmp_path):
    folder = begin("cgan", tmp_path / "cgan")
    assert interpolations(folder, 2, 3, "latents").shape == (6, 1, 32, 32)


def test_a_flow_goes_from_image_to_image(tmp_path):
    images = interpolations(begin("glow", tmp_path / "glow"), 2, 4, "images").unflatten(0, (2, 4))
    rows = {int((held_out() - end).abs().flatten(1).max(1).values.argmin()) for end in images[:, [0, -1]].flatten(0, 1)}
    assert len(rows) == 4
    for end in images[:, [0, -1]].flatten(0, 1):
        assert float((held_out() - end).abs().flatten(1).max(1).values.min()) < 1e-4


@pytest.mark.parametrize(
    ("words", "size"),
    [
        (("interpolate", "--rows", "2", "--steps", "3"), (3, 2)),
        (("interpolate", "--rows", "2", "--steps", "3", "--between", "images"), (3, 2)),
        (("reconstruct", "-n", "8"), (8, 2)),
        (("complete", "--known", "left", "--rows", "3"), (8, 3)),
    ],
)
def test_as_a_user_types_it(folder, words, size, tmp_path, monkeypatch, capsys):
    command, *options = words
    picture = tmp_path / "sheet.png"
    monkeypatch.setattr("sys.argv", ["genbench", "zoo", command, str(folder), "--grid", str(picture), *options])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert f"{size[0] * size[1]} images" in capsys.readouterr().out
    pixels = np.asarray(Image.open(picture))
    assert pixels.shape[:2] == tuple((64 + 2) * side + 2 for side in size[::-1])
