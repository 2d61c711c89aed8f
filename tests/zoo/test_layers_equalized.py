"""Equalised learning rate: scale of outputs, invariance, and equal steps of Adam in effect."""

import math

import pytest
import torch

from genbench.errors import BadInput
from zoo.layers import EqConv, EqLinear


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


@pytest.mark.parametrize("width", [3, 50, 700])
@pytest.mark.parametrize("lr_multiplier", [1.0, 0.01])
def test_outputs_of_unit_inputs_have_the_gain_as_standard_deviation(width, lr_multiplier):
    out = EqLinear(width, 2001, gain=1.7, lr_multiplier=lr_multiplier)(torch.randn(500, width)).detach()
    error = 5 * math.sqrt((1 / 500 + 1 / 2001) / (2 * width))  # five standard errors, inputs' and weights'
    assert float(out.square().mean().sqrt()) == pytest.approx(1.7, rel=error)


def test_outputs_of_a_convolution_have_the_gain_too():
    out = EqConv(17, 301, 3, padding=0)(torch.randn(50, 17, 7, 9)).detach()
    assert float(out.square().mean().sqrt()) == pytest.approx(math.sqrt(2), rel=0.05)


@pytest.mark.parametrize("make", [lambda gain: EqLinear(5, 7, gain=gain), lambda gain: EqConv(5, 7, 3, gain=gain)])
def test_a_larger_weight_with_a_smaller_gain_is_the_same_layer(make):
    layer, other = make(1.3).double(), make(1.3 / 8).double()
    other.weight.data = 8 * layer.weight.data
    x = torch.randn(2, 5, dtype=torch.float64) if layer.weight.ndim == 2 else torch.randn(2, 5, 4, 6).double()
    assert torch.allclose(layer(x), other(x))


def effective(layer, width):
    """The matrix a linear layer multiplies by, found by probing."""
    return (layer(torch.eye(width)) - layer(torch.zeros(1, width))).T.detach()


@pytest.mark.parametrize("lr_multiplier", [1.0, 0.1])
@pytest.mark.parametrize("width", [4, 64])
def test_steps_of_adam_shrink_with_the_root_of_the_fan_in(width, lr_multiplier):
    layer = EqLinear(width, 3, gain=1.5, lr_multiplier=lr_multiplier)
    before, bias = effective(layer, width), layer(torch.zeros(1, width)).detach()
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.01)
    (layer(torch.randn(9, width)) ** 2).sum().backward()
    optimizer.step()
    step = (effective(layer, width) - before).abs()
    expected = torch.full_like(step, 0.01 * 1.5 * lr_multiplier / math.sqrt(width))
    assert torch.allclose(step, expected, rtol=1e-2, atol=1e-6)
    moved = (layer(torch.zeros(1, width)) - bias).abs()
    assert torch.allclose(moved, torch.full_like(moved, 0.01 * lr_multiplier), rtol=1e-2)


@pytest.mark.parametrize("lr_multiplier", [1.0, 0.01])
def test_the_bias_starts_where_it_is_told(lr_multiplier):
    out = EqLinear(5, 7, bias_init=0.3, lr_multiplier=lr_multiplier)(torch.zeros(2, 5))
    assert torch.allclose(out, torch.full((2, 7), 0.3))
    assert EqLinear(5, 7, bias=False).bias is None
    assert EqConv(5, 7, 3, bias=False).bias is None


def test_padding():
    x = torch.randn(2, 3, 5, 8)
    assert EqConv(3, 4, 5)(x).shape == (2, 4, 5, 8)
    assert EqConv(3, 4, 4, padding=0)(x).shape == (2, 4, 2, 5)
    with pytest.raises(BadInput, match="expected odd, got 4"):
        EqConv(3, 4, 4)
