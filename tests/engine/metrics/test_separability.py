"""Entropies of attributes that are, or are not, linear in the latents; values known in bits."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from genbench.contracts import Features
from genbench.errors import BadInput
from genbench.metrics.separability import linear_separability
from genbench.stats.pair import Pair


class Model:
    """Shows an attribute of its latents as brightness: dark or bright, or one of several greys."""

    geometry, num_ws, w_average = "gaussian", 1, torch.zeros(4)

    def __init__(self, attribute):
        self.attribute = attribute

    def prior(self, n, generator):
        return torch.randn(n, 4, generator=generator)

    def decode(self, z, labels=None):
        return self.attribute(z).float()[:, None, None, None].expand(-1, 3, 2, 2)

    def mapping(self, z, labels=None):
        return torch.stack([z[:, 0] * z[:, 1], z[:, 2]], 1)

    def synthesis(self, ws):
        return ws


def pair_of(attribute, greys=2, count=2000, seed=0):
    """Real images: one brightness a class, with noise."""
    rng = np.random.default_rng(5)
    labels = np.arange(400) % greys
    rows = (labels / (greys - 1))[:, None] + rng.normal(0, 0.02, (400, 1))
    rows = np.exp(-((rows - np.arange(greys) / (greys - 1)) ** 2) / 0.02)  # one feature a grey
    real = Features({"pooled": rows.astype(np.float32)}, tuple(map(str, range(400))), labels)

    def extract(images):
        grey = images.mean((1, 2, 3))[:, None]
        return np.exp(-((grey - np.arange(greys) / (greys - 1)) ** 2) / 0.02).astype(np.float32)

    fake = Features({"pooled": np.zeros((count, greys), np.float32)}, tuple(map(str, range(count))))
    return Pair(real, fake, seed=seed, model=Model(attribute), extract=extract)


def entropy(p):
    return -p * math.log2(p) - (1 - p) * math.log2(1 - p)


def test_a_plane_that_divides_exactly_leaves_nothing_to_tell():
    found = linear_separability(pair_of(lambda z: z[:, 0] > 0), keep=1.0)
    assert 1 <= found.value < 1.1
    assert found.details["shares"]["1"] == pytest.approx(0.5, abs=0.05)
    assert found.details["probe_accuracy"] > 0.99
    assert found.warnings == ()


def test_an_attribute_that_no_plane_sees_costs_its_whole_entropy():
    found = linear_separability(pair_of(lambda z: z[:, 0] * z[:, 1] > 0), keep=1.0)
    assert found.value == pytest.approx(2, abs=0.02)


def test_a_plane_that_errs_in_one_of_ten_costs_the_entropy_of_that():
    threshold = 1.6448536  # |N(0, 1)| is above it one time in ten
    found = linear_separability(pair_of(lambda z: (z[:, 0] > 0) ^ (z[:, 1].abs() > threshold)), keep=1.0)
    assert abs(found.value - 2 ** entropy(0.1)) < 4 * found.stderr + 0.03
    assert 0.005 < found.stderr < 0.1


def test_the_entropy_is_that_of_the_attribute_not_of_the_answer():
    """Six of ten latents on one side of a gap have it, none on the other."""
    pair = pair_of(lambda z: (z[:, 0] > 0) & (z[:, 1].abs() < 0.8416), count=4000)
    even = pair.model.prior

    def gapped(n, generator):
        z = even(n, generator)
        z[:, 0] = z[:, 0].sign() * 2 + 0.1 * z[:, 3]
        return z

    pair.model.prior = gapped
    found = linear_separability(pair, keep=1.0)
    assert abs(found.value - 2 ** (entropy(0.6) / 2)) < 4 * found.stderr + 0.02


def test_in_w_another_plane_divides():
    entangled = pair_of(lambda z: z[:, 0] * z[:, 1] > 0)
    assert linear_separability(entangled, space="w", keep=1.0).value < 1.2


def test_entropies_of_several_attributes_add_up():
    found = linear_separability(pair_of(lambda z: (z[:, :2] > 0).sum(1) / 2, greys=3), keep=1.0)
    entropies = found.details["entropies"]
    assert entropies.keys() == {"0", "1", "2"}
    assert found.value == pytest.approx(2 ** sum(entropies.values()))
    assert entropies["1"] > entropies["0"] + 0.2  # the middle lies between two planes


def test_the_error_is_that_of_fresh_latents():
    noisy = [pair_of(lambda z: (z[:, 0] > 0) ^ (z[:, 1].abs() > 1), count=400, seed=seed) for seed in range(40)]
    founds = [linear_separability(pair, keep=1.0) for pair in noisy]
    spread = np.std([found.value for found in founds], ddof=1)
    assert 0.6 < np.mean([found.stderr for found in founds]) / spread < 1.6


def test_the_surest_half_is_kept():
    """Of latents near the border the probe is unsure; without them the plane errs less."""
    soft = pair_of(lambda z: torch.sigmoid(4 * z[:, 0] + 4 * (z[:, 1] * z[:, 2])))
    half, whole = (linear_separability(soft, keep=keep).value for keep in (0.5, 1.0))
    assert half < whole - 0.05


def test_models_that_are_told_the_class_are_marked():
    pair = pair_of(lambda z: z[:, 0] > 0)
    pair.model.sampled_labels = lambda n, generator: torch.zeros(n, dtype=torch.int64)
    assert "told the class" in linear_separability(pair).warnings[0]


def test_what_does_not_fit_is_refused():
    pair = pair_of(lambda z: z[:, 0] > 0)
    with pytest.raises(BadInput, match="real has no labels"):
        linear_separability(replace(pair, real=replace(pair.real, labels=None)))
    with pytest.raises(BadInput, match="of one class"):
        linear_separability(replace(pair, real=replace(pair.real, labels=np.zeros(400, np.int64))))
    with pytest.raises(BadInput, match="no attribute is left"):
        linear_separability(pair_of(lambda z: z[:, 0] > -99))
    with pytest.raises(BadInput, match="judges a model"):
        linear_separability(replace(pair, model=None))
