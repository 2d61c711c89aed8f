"""The checks of likelihoods and codes give what closed forms say of models that are known exactly."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from benchmarks.learned import codes, densities
from benchmarks.learned.subject import Subject
from benchmarks.references import independent_pixels, uniform
from zoo.data import open_data

WIDTH = 6


@pytest.fixture(scope="module")
def digits():
    return open_data("digits8"), open_data("digits8", "test")


def unit(examples):
    return torch.from_numpy(examples.x).float() / (examples.levels - 1)


def subject(digits, model, untrained=None):
    return Subject(model, untrained, *digits, extractor="pixels")


class Linear:
    """Principal components of the training images, and back."""

    def __init__(self, train, width):
        self.components = PCA(width, random_state=0).fit(unit(train).flatten(1).double().numpy())

    def encode(self, x):
        return torch.from_numpy(self.components.transform(x.flatten(1).double().numpy()))

    def reconstruct(self, x):
        return torch.from_numpy(self.components.inverse_transform(self.encode(x).numpy())).reshape(x.shape)


def test_principal_components_are_as_good_as_themselves(digits):
    found = codes.error_over_components(subject(digits, Linear(digits[0], WIDTH)))
    assert found.value == pytest.approx(1, rel=1e-5)
    assert f"by {WIDTH} principal components" in found.note
    more = Linear(digits[0], 2 * WIDTH)
    narrow = SimpleNamespace(encode=lambda x: more.encode(x)[:, :WIDTH], reconstruct=more.reconstruct)
    assert codes.error_over_components(subject(digits, narrow)).value < 0.8


def test_the_mean_image_is_as_good_as_itself(digits):
    mean = unit(digits[0]).mean(0)
    model = SimpleNamespace(reconstruct=lambda x: mean.expand_as(x))
    assert codes.error_over_mean_image(subject(digits, model)).value == pytest.approx(1, rel=1e-5)
    exact = SimpleNamespace(reconstruct=lambda x: x)
    assert codes.error_over_mean_image(subject(digits, exact)).value == 0


def test_a_probe_of_pixels_beats_one_of_nothing(digits):
    pixels = SimpleNamespace(features=lambda x: x.flatten(1))
    nothing = SimpleNamespace(features=lambda x: torch.ones(len(x), 3))
    judged = subject(digits, pixels, nothing)
    assert codes.probe_accuracy(judged, pixels) == codes.probe_accuracy(judged)
    assert codes.probe_gain(judged).value == pytest.approx(codes.probe_accuracy(judged) - 0.1, abs=0.03)


@pytest.mark.parametrize(("used", "share"), [(8, 1.0), (2, 0.25), (1, 0.125)])
def test_the_perplexity_of_codes_used_alike_is_their_number(digits, used, share):
    count = len(digits[1].x) // 8 * 8
    told = {"top": torch.arange(count) % used, "bottom": torch.arange(count) % 8}
    model = SimpleNamespace(codes=lambda x: told, codebook_size=8)
    assert codes.codebook_used(subject(digits, model)).value == pytest.approx(share)


def test_bits_are_those_of_the_metric(digits):
    assert densities.bits_per_dimension(subject(digits, uniform())).value == pytest.approx(math.log2(17), rel=1e-6)
    found = densities.bits_per_dimension(subject(digits, independent_pixels()))
    levels = digits[1].x
    shares = np.stack([(digits[0].x == k).sum(0) + 1 for k in range(17)], -1) / (len(digits[0].x) + 17)
    cost = -np.log2(np.take_along_axis(np.broadcast_to(shares, (len(levels), *shares.shape)), levels[..., None], -1))
    assert found.value == pytest.approx(cost.mean(), rel=1e-6)


def test_classes_by_likelihood(digits):
    _, labels = densities.held_out(subject(digits, None))
    wrong = torch.arange(len(labels)) < len(labels) // 4  # a quarter is likelier of the next class
    model = SimpleNamespace(
        log_prob=lambda x, y: torch.where((y == labels) ^ wrong, 0.0, -3.0),
        classify=lambda x: torch.where(wrong, (labels + 1) % 10, labels),
    )
    assert densities.right_class_likelier(subject(digits, model)).value == pytest.approx(0.75, abs=0.01)
    assert densities.classified_by_likelihood(subject(digits, model)).value == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize(("mean", "deviation", "gap"), [(0, 1, 0), (0.5, 1, 0.5), (0, 0.7, 0.3)])
def test_latents(digits, mean, deviation, gap):
    def encode(x):
        z = torch.randn(len(x), 64, generator=torch.Generator().manual_seed(0)).double()
        return mean + deviation * (z - z.mean()) / z.std()

    found = densities.latents_from_normal(subject(digits, SimpleNamespace(encode=encode)))
    assert found.value == pytest.approx(gap, abs=1e-9)
