"""A scorecard is enough to make it again, or to say why that cannot be."""

import io
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

import genbench
from genbench.analyses.reference import write_reference
from genbench.analyses.repetition import repeat, restore_request
from genbench.contracts import Scorecard
from genbench.errors import BadInput
from genbench.report.difference import is_repeated, repetition_table
from genbench.request import Request

GENERATOR = """
def draw(n, generator):
    import torch
    return torch.rand(n, 3, 8, 8, generator=generator)
"""


@pytest.fixture
def folders(tmp_path, rng):
    for name in ("fake", "real", "train"):
        (tmp_path / name).mkdir()
        for i in range(12):
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(tmp_path / name / f"{i:02d}.png")
    return tmp_path


def scored(folders, **how):
    how = {"extractor": "pixels", "metrics": "fd,kd,recall", **how}
    return genbench.score(**{"fake": folders / "fake", "real": folders / "real"} | how)


def values(card):
    return [score.value for score in card.scores]


@pytest.mark.parametrize(
    "how",
    [
        {"count": 9, "seed": 4},
        {"metrics": "nn", "train": "train"},
        {"protocol": "prdc", "metrics": ("recall", "density")},
        {"parameters": {"recall": {"k": 4}}},
    ],
    ids=["count and seed", "train", "protocol", "parameters"],
)
def test_it_is_the_same_again(folders, how):
    how = {name: folders / value if name == "train" else value for name, value in how.items()}
    card = Scorecard.model_validate_json(scored(folders, **how).to_json())
    again = repeat(card)
    assert values(again) == values(card)
    assert is_repeated(card, again)
    ours, theirs = restore_request(again), restore_request(card)
    assert replace(ours, verify=False) == theirs


def test_a_generator_is_drawn_again(folders):
    (folders / "gan.py").write_text(GENERATOR)
    card = scored(folders, fake=f"{folders / 'gan.py'}:draw", seed=3, output_range=(0, 1))
    assert values(repeat(card)) == values(card)


def test_statistics_are_read_again(folders, tiny_extractor):
    path = folders / "ref.npz"
    write_reference(str(folders / "real"), path, request=Request(metrics=("fd",), extractor=tiny_extractor))
    card = scored(folders, real=path, metrics="fd", extractor=tiny_extractor)
    assert values(repeat(card)) == values(card)
    write_reference(str(folders / "train"), path, request=Request(metrics=("fd",), extractor=tiny_extractor))
    with pytest.raises(BadInput, match="the real images are not those of the scorecard"):
        repeat(card)


def test_scores_are_computed_again_and_features_in_an_empty_store(folders, monkeypatch, tmp_path):
    """A kept score would repeat whatever the code says now."""
    card = scored(folders)
    wrong = card.model_copy(update={"scores": [one.model_copy(update={"value": 77.0}) for one in card.scores]})
    assert not is_repeated(wrong, repeat(wrong))
    again = repeat(card, cache=tmp_path / "empty")
    assert again.provenance["features"]["fake"]["computed"] == 12
    assert values(again) == values(card)
    monkeypatch.setattr("genbench.metrics.frechet.frechet_distance", lambda *_: 77.0)
    monkeypatch.setattr("genbench.stats.pair.frechet_distance", lambda *_: 77.0)
    assert repeat(card)["fd"].value == 77.0


@pytest.mark.parametrize("side", ["fake", "real", "train"])
def test_changed_images_are_refused_before_any_work(folders, side, monkeypatch):
    card = scored(folders, metrics="nn", train=folders / "train")
    Image.new("RGB", (8, 8)).save(folders / side / "03.png")
    monkeypatch.setattr("genbench.analyses.repetition.score", lambda **_: pytest.fail("it was scored"))
    with pytest.raises(BadInput, match=f"the {side} images are not those of the scorecard; expected 12 images"):
        repeat(card)


def test_a_changed_generator_is_noticed(folders):
    (folders / "gan.py").write_text(GENERATOR)
    card = scored(folders, fake=f"{folders / 'gan.py'}:draw", output_range=(0, 1))
    (folders / "gan.py").write_text(GENERATOR.replace("rand(", "zeros(").replace(", generator=generator", ""))
    with pytest.raises(BadInput, match="the fake images are not those of the scorecard"):
        repeat(card)


def test_objects_in_memory_are_refused(folders, rng):
    card = scored(folders, fake=rng.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8))
    with pytest.raises(BadInput, match=r"the fake images were an object in memory.*'python:ndarray'"):
        repeat(card)


def test_a_source_that_is_gone_is_refused(folders):
    card = scored(folders)
    shutil.rmtree(folders / "real")
    with pytest.raises(BadInput, match="no such folder or file"):
        repeat(card)


def test_a_request_of_another_version_is_refused(folders):
    card = scored(folders)
    card.provenance["request"]["colour"] = "blue"
    with pytest.raises(BadInput, match="unknown argument 'colour'"):
        repeat(card)


@pytest.mark.parametrize("shift", [1, -1], ids=["one taken out", "one put in"])
def test_scores_that_only_one_of_both_has_are_no_repetition(folders, shift):
    both, fewer = scored(folders), scored(folders, metrics="fd,kd")
    old, new = (fewer, both)[::shift]
    assert not is_repeated(old, new)
    stream = io.StringIO()
    Console(file=stream, width=80).print(repetition_table(old, new))
    (line,) = (line for line in stream.getvalue().splitlines() if "recall" in line)
    assert ("not in the scorecard" if shift == 1 else "not computed now") in line
