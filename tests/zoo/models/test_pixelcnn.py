"""PixelCNN: its residual blocks, its blind spot, and that it learns."""

import math

import pytest
import torch
from bare import BareRun
from torch import nn

from tests.reference import reach
from zoo import MODELS
from zoo.autoregressive.pixelcnn import PixelCNN, ResidualBlock
from zoo.contracts import DataSpec
from zoo.data import open_data
from zoo.deck import Deck, describe

SIZE = (9, 12)


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


def test_it_sees_what_paths_through_its_layers_lead_to_and_no_more():
    spec = DataSpec("noise", (1, *SIZE), levels=4)
    network = PixelCNN.make(spec, {"width": 32, "layers": 3}).double().eval().network
    paths = reach.convolution(5, SIZE, "A")
    for _ in range(3):
        paths = reach.after(paths, reach.convolution(3, SIZE))
    k = torch.randint(4, (16, 1, *SIZE)).double().requires_grad_()
    logits = network(k)[:, :, 0]
    for place, wanted in paths.items():
        chosen = logits[(slice(None), slice(None), *place)]
        (gradient,) = torch.autograd.grad((chosen * torch.randn_like(chosen)).sum(), k, retain_graph=True)
        assert set(map(tuple, gradient.abs().amax((0, 1)).nonzero().tolist())) == wanted


def test_there_is_a_blind_spot_above_and_to_the_right():
    """7 x 7 and six of 3 x 3, seen from (8, 4): a wedge is missing, though its pixels come before and within reach."""
    size = (9, 16)
    spec = DataSpec("noise", (1, *size), levels=4)
    network = PixelCNN.make(spec, {"width": 32, "layers": 6, "kernel": 7}).double().eval().network
    k = torch.randint(4, (32, 1, *size)).double().requires_grad_()
    chosen = network(k)[:, :, 0, 8, 4]
    (gradient,) = torch.autograd.grad((chosen * torch.randn_like(chosen)).sum(), k)
    seen = gradient.abs().amax((0, 1)) > 0
    assert [int(torch.where(row)[0].max()) for row in seen[3:8]] == [11, 10, 9, 8, 7]


def test_a_block_is_three_convolutions_of_rectified_maps_and_a_shortcut():
    block, x = ResidualBlock(8).double(), torch.randn(2, 8, 5, 6).double()
    plain = [nn.Conv2d(8, 4, 1), nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 8, 1)]
    for layer, masked in zip(plain, (block.down, block.conv, block.up), strict=True):
        layer.double().bias = masked.bias
        layer.weight.data.zero_()
        layer.weight.data[:, :, : masked.weight.shape[2]] = masked.kernel().detach()
    out = x
    for layer in plain:
        out = layer(out.relu())
    assert torch.allclose(block(x), x + out, atol=1e-12)
    assert float(out.detach().std()) > 1e-3


@pytest.mark.slow
def test_a_short_run_learns_digits():
    """Pixels one by one cost 2.43 bits, the 17 levels 4.09; what is around a pixel must be made use of."""
    train, test = open_data("digits8"), open_data("digits8", "test")
    model = PixelCNN.make(describe(train), {"width": 32, "layers": 3})
    x = torch.from_numpy(test.x).float() / 16

    def bits():
        return float(-model.log_prob(x).mean()) / (64 * math.log(2))

    assert 3.9 < bits() < 4.5
    deck, run = Deck(train, 0, "cpu"), BareRun(model, 64)
    for _ in range(150):
        model.train_step(deck.draw, run)
    assert bits() < 2.2


def test_small_presets_are_of_native_digits():
    assert {MODELS.get(name).presets["small"].data for name in ("pixelcnn", "gated-pixelcnn", "pixelrnn")} == {
        "digits8"
    }
