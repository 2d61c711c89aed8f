"""Starts of whole nets: every layer once, nothing that has a start of its own."""

import math
from copy import deepcopy

import pytest
import torch
from torch import nn

from zoo.layers import (
    AdaIN,
    ConditionalNorm,
    DownBlock,
    EqConv,
    ModulatedConv,
    ResidualUp,
    SelfAttention,
    UpBlock,
    normal_,
    orthogonal_,
    spectral_all,
    top_singular_values,
    xavier_,
)
from zoo.layers.weights import matrix_of, own_weight, weight_layers


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


def net():
    return nn.Sequential(
        nn.Linear(64, 33),
        UpBlock(40, 24),
        UpBlock(24, 20, "nearest", "none"),
        DownBlock(20, 31),
        nn.Embedding(50, 17),
        ResidualUp(20, 16),
        SelfAttention(24),
    )


def test_normal_reaches_every_layer():
    block = normal_(net())
    layers = dict(weight_layers(block))
    assert len(layers) == 12
    for layer in layers.values():
        weight = own_weight(layer).detach()
        error = 6 / math.sqrt(2 * weight.numel())  # six standard errors
        assert weight.std().item() == pytest.approx(0.02, rel=error)
        assert abs(weight.mean().item()) < 6 * 0.02 / math.sqrt(weight.numel())
        assert getattr(layer, "bias", None) is None or layer.bias.abs().max() == 0
    gains = torch.cat([part.weight for part in block.modules() if isinstance(part, nn.BatchNorm2d)]).detach()
    assert gains.mean().item() == pytest.approx(1, abs=6 * 0.02 / math.sqrt(len(gains)))
    assert gains.std().item() == pytest.approx(0.02, rel=6 / math.sqrt(2 * len(gains)))


def test_normal_draws_once_for_every_layer():
    block = nn.Sequential(UpBlock(4, 3, norm="none"), UpBlock(3, 5, norm="none"), nn.Linear(7, 2))
    block.append(block[2])  # a layer that is used twice is one layer
    torch.manual_seed(5)
    normal_(block)
    torch.manual_seed(5)
    for layer in (block[0].conv[0], block[1].conv[0], block[2]):
        assert torch.allclose(layer.weight, 0.02 * torch.randn(layer.weight.shape))


@pytest.mark.parametrize("start", [normal_, orthogonal_, xavier_])
def test_blocks_with_a_start_of_their_own_keep_it(start):
    block = nn.ModuleList([EqConv(3, 4, 3), ModulatedConv(3, 4, 3, 5), AdaIN(4, 5), ConditionalNorm(4, 5)])
    block.append(ConditionalNorm(4, 5, spectral=True))
    before = deepcopy(block.state_dict())
    assert start(block) is block
    assert all(torch.equal(before[name], value) for name, value in block.state_dict().items())
    conditional = start(ResidualUp(4, 3, condition_width=5))
    assert conditional.norm1.gain.weight.abs().max() == 0


@pytest.mark.parametrize(
    "layer", [nn.Linear(9, 5), nn.Conv2d(3, 7, 3), nn.ConvTranspose2d(3, 7, 4), nn.Embedding(5, 9), nn.Linear(5, 9)]
)
def test_orthogonal_rows(layer):
    orthogonal_(layer)
    matrix = matrix_of(layer, layer.weight).detach()
    matrix = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    assert torch.allclose(matrix @ matrix.T, torch.eye(len(matrix)), atol=1e-5)
    assert getattr(layer, "bias", None) is None or layer.bias.abs().max() == 0


@pytest.mark.parametrize("gain", [1.0, 0.3])
def test_xavier_has_the_variance_of_its_fans(gain):
    conv = nn.Conv2d(30, 70, 3)
    xavier_(conv, gain)
    assert conv.weight.std().item() == pytest.approx(gain * math.sqrt(2 / (9 * 100)), rel=0.03)


@pytest.mark.parametrize("start", [normal_, orthogonal_, xavier_])
def test_weights_behind_spectral_normalisation_are_reached_and_normalised_anew(start):
    block = spectral_all(nn.Sequential(nn.Linear(6, 9), nn.ConvTranspose2d(5, 3, 4))).eval()
    before = deepcopy(block.state_dict())
    start(block)
    name = "0.parametrizations.weight.original"
    assert not torch.allclose(block.state_dict()[name], before[name])
    assert all(0.95 < sigma < 1.15 for sigma in top_singular_values(block).values())
    assert not block[0].parametrizations.weight.training
