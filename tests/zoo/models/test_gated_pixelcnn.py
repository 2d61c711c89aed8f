"""Gated PixelCNN: classes that are told, guessed and drawn; codes instead of grey levels."""

import math

import pytest
import torch
from bare import BareRun

from tests.reference import raster as reference
from zoo.autoregressive.drawing import draw
from zoo.autoregressive.gated_pixelcnn import GatedPixelCNN, StackedNetwork
from zoo.autoregressive.network import Categories
from zoo.contracts import DataSpec
from zoo.data import open_data
from zoo.deck import Deck, describe
from zoo.layers.causal_stack import CausalStack

SPEC = DataSpec("noise", (1, 4, 3), levels=5, class_shares=(0.5, 0.2, 0.3))


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


def make(**settings):
    return GatedPixelCNN.make(SPEC, {"width": 8, "layers": 2, "hidden": 8} | settings)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_an_image_is_of_the_class_under_which_it_is_most_likely():
    model, x = make(), torch.rand(20, 1, 4, 3)
    nats = torch.stack([model.log_prob(x, label) for label in range(3)], 1)
    assert torch.equal(model.classify(x), nats.argmax(1))
    assert len(set(model.classify(x).tolist())) > 1


def test_a_class_is_told_by_a_vector_with_one_one():
    assert make().condition(torch.tensor([2, 0]))[:, :, 0, 0].tolist() == [[0, 0, 1], [1, 0, 0]]


def test_classes_of_what_is_completed_are_drawn_given_what_is_known_first():
    """Classes that are certain of the first and of the last pixel: one gives them away, one comes too late."""
    model = make()
    level = torch.tensor([0, 4, 2])

    def network(k, condition=None):
        logits = torch.zeros(len(k), 5, 1, 4, 3)
        of_class = level[condition[:, :, 0, 0].argmax(1)]
        for row, column in ((0, 0), (3, 2)):
            logits[torch.arange(len(k)), of_class, 0, row, column] = 50.0
        return logits

    model.network.forward = network
    k, known = torch.zeros(600, 1, 4, 3, dtype=torch.int64), torch.zeros(600, 4, 3, dtype=torch.bool)
    k[:, :, 0, 0] = 4
    known[:300, 0, 0] = known[:, 3, 2] = True
    found = model._likely_labels(k, known, seeded())
    assert found[:300].tolist() == [1] * 300
    shares = found[300:].bincount(minlength=3) / 300
    assert torch.allclose(shares, torch.tensor(SPEC.class_shares), atol=0.12)  # four standard errors


def test_codes_given_a_map_are_drawn_as_the_whole_network_would():
    """A prior of codes: embedded categories, conditioned on a map of another layer and on a class."""
    stack = CausalStack(6, 8, 3, first_kernel=3, condition_channels=7)
    network = StackedNetwork(Categories(11, 6), stack, 8, 8).double().eval()
    condition, uniform = torch.randn(3, 7, 4, 5).double(), torch.rand(3, 1, 4, 5).double()
    k, known = torch.zeros(3, 1, 4, 5, dtype=torch.int64), torch.zeros(3, 4, 5, dtype=torch.bool)
    found = draw(network, k, known, uniform, condition)
    assert torch.equal(found, reference.draw(network, k, known, uniform, condition)[0])
    assert not torch.equal(found, draw(network, k, known, uniform, condition.flip(0)))
    assert int(found.max()) > 4
    assert network.log_prob(found, condition).shape == (3, 1, 4, 5)


@pytest.mark.slow
def test_a_short_run_learns_digits_and_their_classes():
    train, test = open_data("digits8"), open_data("digits8", "test")
    model = GatedPixelCNN.make(describe(train), {"layers": 3})
    x, labels = torch.from_numpy(test.x).float() / 16, torch.from_numpy(test.labels)

    def right():
        return float((model.classify(x) == labels).float().mean())

    assert right() < 0.3
    deck, run = Deck(train, 0, "cpu"), BareRun(model, 64)
    for _ in range(150):
        model.train_step(deck.draw, run)
    told = model.log_prob(x, labels)
    assert float(-told.mean()) / (64 * math.log(2)) < 2.2
    assert float((told > model.log_prob(x, (labels + 1) % 10)).float().mean()) > 0.85
    assert right() > 0.7
