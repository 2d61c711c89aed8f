"""Scores of models, not of their images alone, through the whole of the engine."""

from typing import ClassVar

import numpy as np
import pytest
import torch

from genbench import score
from genbench.errors import BadInput, NotEnoughImages
from genbench.pairs import MEASURES
from genbench.sources.arrays import ArraySource

SIDE = 6


class Model:
    """Images of two classes, dark and bright, from latents of three numbers; a density of an even width."""

    geometry, kind, dequantisation, levels, image_shape = "gaussian", "exact", "uniform", 256, (3, SIDE, SIDE)
    density = 1.0

    def prior(self, n, generator):
        return torch.randn(n, 3, generator=generator)

    def sampled_labels(self, n, generator):
        self.prior(n, generator)
        return torch.randint(0, 2, (n,), generator=generator)

    def decode(self, z, labels=None):
        grey = 0.2 + 0.5 * labels + 0.1 * z[:, 0].sigmoid()
        return grey[:, None, None, None] + 0.05 * z[:, :, None, None].tanh().expand(-1, 3, SIDE, SIDE)

    def sample(self, n, generator):
        z = self.prior(n, generator)
        return self.decode(z, torch.randint(0, 2, (n,), generator=generator))

    def log_prob(self, x, labels=None):
        return torch.full((len(x),), self.density)


class SquaredDifference:
    """A perceptual measure without a network."""

    name, batch_size, is_perceptual = "squared", 32, True
    facts: ClassVar = {"extractor": "squared"}

    def __init__(self, setup):
        pass

    def __call__(self, first, second):
        return np.square(first.astype(np.float64) - second).mean((1, 2, 3)).astype(np.float32)


@pytest.fixture(autouse=True)
def _squared():
    MEASURES.add("squared", SquaredDifference)
    yield
    del MEASURES._targets["squared"]


@pytest.fixture
def reals(rng):
    labels = np.arange(120) % 2
    images = np.clip(60 + 110 * labels[:, None, None, None] + rng.normal(0, 20, (120, SIDE, SIDE, 3)), 0, 255)
    source = ArraySource(images.astype(np.uint8), "reals", "python")
    source.labels = labels
    return source


def scored(reals, model, metric, **more):
    return score(fake=model, real=reals, metrics=[metric], extractor="pixels", perceptual="squared", **more)[metric]


def test_another_likelihood_of_the_same_images_is_another_score(reals):
    model = Model()
    first = scored(reals, model, "likelihood")
    model.density = 100.0
    second = scored(reals, model, "likelihood")
    size = 3 * SIDE * SIDE
    assert first.value == pytest.approx(8 - 1 / (size * np.log(2)))
    assert second.value == pytest.approx(8 - 100 / (size * np.log(2)))
    assert first.label == "bits/dim"


def test_classes_of_a_conditional_model_are_learned_from(reals):
    found = scored(reals, Model(), "cas")
    assert found.value == 1
    assert found.details["gan_test"] == 1
    by_cnn = scored(reals, Model(), "cas", parameters={"cas": {"classifier": "cnn", "repeats": 1}})
    assert by_cnn.details["classifier"] == "cnn"
    assert by_cnn.value > 0.9


def test_path_lengths_are_of_the_measure_that_is_asked_for(reals):
    found = scored(reals, Model(), "ppl")
    assert found.label == "PPL[squared]"
    assert found.value > 0
    assert found.details["paths"] == found.n_fake == 120
    assert found.details["step_ratio"] == pytest.approx(1, abs=0.02)
    with pytest.raises(BadInput, match="no w"):
        scored(reals, Model(), "ppl", parameters={"ppl": {"space": "w"}})


def test_images_without_a_model_are_refused_before_any_work(reals):
    for metric in ("ppl", "separability", "likelihood"):
        with pytest.raises(BadInput, match=f"{metric}: judges a model"):
            score(fake=reals, real=reals, metrics=[metric], extractor="pixels", perceptual="squared")


def test_a_model_that_does_not_say_what_its_log_prob_is_is_refused_before_any_work(reals):
    model = Model()
    model.kind = "good"
    with pytest.raises(BadInput, match="Model does not say what its log_prob is"):
        scored(reals, model, "likelihood")


def test_enlarged_pictures_have_no_likelihood_whatever_their_size(reals):
    reals.is_native = False
    with pytest.raises(BadInput, match=r"likelihood: means nothing of resized pictures.*'reals'.*data:digits8"):
        scored(reals, Model(), "likelihood")
    assert scored(reals, Model(), "cas").value == 1  # which other metrics do not mind


def test_too_few_pictures_are_those_that_were_given(reals):
    """A generator draws as many as there are real ones: it is not what falls short."""
    one = ArraySource(np.zeros((1, SIDE, SIDE, 3), np.uint8), "single", "python")
    with pytest.raises(NotEnoughImages, match=r"likelihood: too few images; .*got 1 in real 'single'"):
        score(fake=Model(), real=one, metrics=["likelihood"], extractor="pixels")


def test_separability_needs_classes_of_the_real_side_alone(reals):
    found = scored(reals, Model(), "separability", parameters={"separability": {"samples": 200}})
    assert found.value >= 1
    reals.labels = None
    with pytest.raises(BadInput, match="separability: real has no labels"):
        scored(reals, Model(), "separability")
