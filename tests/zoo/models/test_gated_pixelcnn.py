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


@pytest.mark.parametrize(
    ("place", "expected"),
    [((0, 0), (0, 1, 0)), ((3, 2), (0, 1, 0)), ((2, 0), (0.5 * 0.6, 0.2 * 0.1, 0.3 * 0.3)), (None, SPEC.class_shares)],
)
def test_an_unknown_class_is_drawn_given_all_known_pixels_wherever_they_are(place, expected):
    """Each class has a level that it alone gives to the first, the last and the middle pixel; (2, 0) is a hint."""
    model, n = make(), 2000
    level, hint = torch.tensor([0, 4, 2]), torch.tensor([0.6, 0.1, 0.3])

    def network(k, condition):
        logits = torch.zeros(len(k), 5, 1, 4, 3)
        of_class = condition[:, :, 0, 0].argmax(1)
        for row, column in ((0, 0), (1, 1), (3, 2)):
            logits[torch.arange(len(k)), level[of_class], 0, row, column] = 50.0
        logits[:, :, 0, 2, 0] = ((1 - hint[of_class]) / 4).log()[:, None]
        logits[:, 4, 0, 2, 0] = hint[of_class].log()
        return logits

    model.network.forward = network
    model.network.logits_at = lambda here, condition: network(condition, condition)[..., here.row, here.column]
    x, known = torch.ones(n, 1, 4, 3), torch.zeros(4, 3, dtype=torch.bool)
    if place:
        known[place] = True
    drawn = (model.complete(x, known, seeded())[:, 0, 1, 1] * 4).round().long()
    shares = torch.tensor(expected) / sum(expected)
    counts = torch.stack([(drawn == one).sum() for one in level])
    assert int(counts.sum()) == n
    assert torch.allclose(counts / n, shares, atol=0.045)  # four standard errors


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
