"""Plain blocks against their composition written out."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from genbench.errors import BadInput
from zoo.layers import StridedDown, StridedUp, top_singular_values


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


def features(channels=6):
    return torch.randn(4, channels, 6, 4, dtype=torch.float64)


def test_up_is_norm_relu_transposed_convolution():
    block, x = StridedUp(6, 5).double(), features()
    normal = (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
    expected = F.conv_transpose2d(normal.clamp(min=0), block.conv.weight, stride=2, padding=1)
    assert torch.allclose(block(x), expected)
    assert block(x).shape == (4, 5, 12, 8)


def test_a_condition_of_no_weight_is_the_plain_norm():
    block, plain, x = StridedUp(6, 5, condition_width=3).double(), StridedUp(6, 5).double(), features()
    plain.conv.load_state_dict(block.conv.state_dict())
    condition = torch.randn(4, 3, dtype=torch.float64)
    assert torch.equal(block(x, condition), plain(x))
    block.norm.bias.weight.data.fill_(0.5)
    assert (block(x, condition) - plain(x)).abs().max() > 1e-3


def test_a_condition_is_given_if_and_only_if_there_is_use_for_it():
    with pytest.raises(BadInput, match="expected one, for it has a condition_width"):
        StridedUp(6, 5, condition_width=3)(features().float())
    with pytest.raises(BadInput, match="expected none"):
        StridedUp(6, 5)(features().float(), torch.zeros(4, 3))


def test_spectral_reaches_every_weight():
    found = top_singular_values(StridedUp(6, 5, condition_width=3, spectral=True))
    assert len(found) == 3
    assert all(0.9 < sigma < 1.2 for sigma in found.values())  # 15 steps of power iteration from a random start


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("down", [False, True])
def test_down_is_leak_conv_leak_strided_conv(first, down):
    block, x = StridedDown(6, 5, first, down).double(), features()
    given = x.clone()
    convs = [part for part in block.modules() if isinstance(part, nn.Conv2d)]
    expected = F.conv2d(x if first else torch.where(x > 0, x, 0.1 * x), convs[0].weight, convs[0].bias, padding=1)
    if down:
        leaked = torch.where(expected > 0, expected, 0.1 * expected)
        expected = F.conv2d(leaked, convs[1].weight, convs[1].bias, stride=2, padding=1)
    assert torch.allclose(block(x), expected)
    assert block(x).shape == ((4, 5, 3, 2) if down else (4, 5, 6, 4))
    assert torch.equal(x, given)
