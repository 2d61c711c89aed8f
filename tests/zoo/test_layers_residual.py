"""Residual blocks against their composition written out."""

import pytest
import torch
import torch.nn.functional as F

from genbench.errors import BadInput
from zoo.layers import ResidualDown, ResidualUp, make_norm, top_singular_values


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


def features(channels=6):
    return torch.randn(4, channels, 6, 4, dtype=torch.float64)


def up(x):
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


@pytest.mark.parametrize("norm", ["bn", "gn", "none"])
def test_up_is_norm_relu_up_conv_norm_relu_conv_plus_skip(norm):
    block, x = ResidualUp(6, 5, norm).double(), features()
    first, second = make_norm(norm, 6).double(), make_norm(norm, 5).double()
    expected = block.conv2(F.relu(second(block.conv1(up(F.relu(first(x))))))) + block.skip(up(x))
    assert torch.allclose(block(x), expected)
    assert block(x).shape == (4, 5, 12, 8)


def test_the_condition_reaches_both_norms():
    block, x = ResidualUp(6, 5, condition_width=3).double(), features()
    condition = torch.randn(4, 3, dtype=torch.float64)
    plain = block(x, condition)
    for norm in (block.norm1, block.norm2):
        norm.bias.weight.data.fill_(0.5)
        assert (block(x, condition) - plain).abs().max() > 1e-3
        norm.bias.weight.data.zero_()
    with pytest.raises(BadInput, match="expected one, for it has a condition_width"):
        block(x)
    with pytest.raises(BadInput, match="expected none"):
        ResidualUp(6, 5)(x.float(), condition)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("down", [False, True])
def test_down_is_relu_conv_relu_conv_mean_plus_skip(first, down):
    block, x = ResidualDown(6, 5, first, down, spectral=False).double(), features()
    given = x.clone()
    out = block.conv2(F.relu(block.conv1(x if first else F.relu(x))))
    skip = block.skip(x)
    expected = F.avg_pool2d(out, 2) + F.avg_pool2d(skip, 2) if down else out + skip
    assert torch.allclose(block(x), expected)
    assert torch.equal(x, given)


def test_the_skip_is_the_identity_where_nothing_changes():
    block, x = ResidualDown(6, 6, down=False, spectral=False).double(), features()
    torch.nn.init.zeros_(block.conv2.weight), torch.nn.init.zeros_(block.conv2.bias)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize("block", [ResidualUp(6, 5, condition_width=3, spectral=True), ResidualDown(6, 5)])
def test_spectral_reaches_every_weight(block):
    found = top_singular_values(block)
    assert len(found) == (7 if isinstance(block, ResidualUp) else 3)
    assert all(0.9 < sigma < 1.2 for sigma in found.values())  # 15 steps of power iteration from a random start
