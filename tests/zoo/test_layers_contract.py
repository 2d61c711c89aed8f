"""What every block must do: copies, states, double precision, gradients."""

import inspect
from copy import deepcopy

import pytest
import torch
from torch import nn

import zoo.layers as layers
from zoo.regularizers import GradNormalised, PathLength

IMAGE, STYLE = (4, 6, 8, 6), (4, 5)
VOXELS = (4, 6, 4, 6, 8)
BLOCKS = {
    "AdaIN": (lambda: layers.AdaIN(6, 5), (IMAGE, STYLE)),
    "Blur": (lambda: layers.Blur(), (IMAGE,)),
    "ConditionalNorm": (lambda: layers.ConditionalNorm(6, 5), (IMAGE, STYLE)),
    "ConditionalNorm, spectral": (lambda: layers.ConditionalNorm(6, 5, spectral=True), (IMAGE, STYLE)),
    "ConditionalNorm, voxels": (lambda: layers.ConditionalNorm(6, 5, "gn", nd=3), (VOXELS, STYLE)),
    "DownBlock": (lambda: layers.DownBlock(6, 7), (IMAGE,)),
    "DownBlock, pool": (lambda: layers.DownBlock(6, 7, "pool", "gn"), (IMAGE,)),
    "DownConv": (lambda: layers.DownConv(6, 7), (IMAGE,)),
    "EqConv": (lambda: layers.EqConv(6, 7, 3), (IMAGE,)),
    "EqLinear": (lambda: layers.EqLinear(5, 7, lr_multiplier=0.01), (STYLE,)),
    "MinibatchStd": (lambda: layers.MinibatchStd(features=2), (IMAGE,)),
    "ModulatedConv": (lambda: layers.ModulatedConv(6, 7, 3, 5), (IMAGE, STYLE)),
    "ModulatedConv, up": (lambda: layers.ModulatedConv(6, 7, 3, 5, up=True), (IMAGE, STYLE)),
    "Noise": (lambda: layers.Noise(6), (IMAGE, (4, 1, 8, 6))),
    "PixelNorm": (lambda: layers.PixelNorm(), (IMAGE,)),
    "ResidualDown": (lambda: layers.ResidualDown(6, 7), (IMAGE,)),
    "ResidualUp": (lambda: layers.ResidualUp(6, 7), (IMAGE,)),
    "ResidualUp, conditional": (lambda: layers.ResidualUp(6, 7, condition_width=5, spectral=True), (IMAGE, STYLE)),
    "SelfAttention": (lambda: layers.SelfAttention(6), (IMAGE,)),
    "StridedDown": (lambda: layers.StridedDown(6, 7), (IMAGE,)),
    "StridedUp": (lambda: layers.StridedUp(6, 7, 5, True), (IMAGE, STYLE)),
    "ToRGB": (lambda: layers.ToRGB(6, 3, 5), (IMAGE, STYLE)),
    "UpBlock": (lambda: layers.UpBlock(6, 7), (IMAGE,)),
    "UpBlock, voxels": (lambda: layers.UpBlock(6, 7, "bilinear", "in", nd=3), (VOXELS,)),
    "UpConv": (lambda: layers.UpConv(6, 7), (IMAGE,)),
    "clamped": (lambda: layers.spectral(nn.Conv2d(6, 7, 3), "clamp", 0.1), (IMAGE,)),
    "clamped, all": (lambda: layers.spectral(nn.ConvTranspose2d(6, 7, 3), "clamp_all", 0.1), (IMAGE,)),
    "GradNormalised": (lambda: GradNormalised(nn.Sequential(nn.Flatten(), nn.Linear(288, 1))), (IMAGE,)),
}


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


@pytest.fixture(params=BLOCKS)
def block(request):
    return BLOCKS[request.param][0]


@pytest.fixture
def inputs(request, block):
    shapes = next(shapes for make, shapes in BLOCKS.values() if make is block)
    return [torch.randn(shape) for shape in shapes]


def shaken(module):
    """Move every parameter off its start, so that zeros hide nothing."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return module


def test_no_block_is_forgotten():
    modules = {name for name in layers.__all__ if inspect.isclass(getattr(layers, name))}
    assert modules <= {name.partition(",")[0] for name in BLOCKS}
    assert sorted(layers.__all__, key=str) == layers.__all__


def test_a_copy_after_use_computes_the_same_and_shares_nothing(block, inputs):
    original = shaken(block())
    original(*(x.requires_grad_() for x in inputs)).sum().backward()
    copy = deepcopy(original)
    original.eval(), copy.eval()
    expected = original(*inputs)
    assert torch.equal(copy(*inputs), expected)
    with torch.no_grad():
        for parameter in copy.parameters():
            parameter += 1
    assert torch.equal(original(*inputs), expected)


def test_a_state_that_was_saved_computes_the_same(block, inputs):
    original, other = shaken(block()), shaken(block())
    original(*inputs)
    other.load_state_dict(deepcopy(original.state_dict()))
    original.eval(), other.eval()
    assert torch.equal(other(*inputs), original(*inputs))


def test_double_precision_agrees(block, inputs):
    single = shaken(block()).eval()
    double = deepcopy(single).double()
    out = double(*(x.double() for x in inputs))
    assert out.dtype == torch.float64
    assert torch.allclose(single(*inputs).double(), out, atol=1e-4)


def test_every_parameter_and_every_input_receives_a_gradient(block, inputs):
    module = shaken(block())
    inputs = [x.requires_grad_() for x in inputs]
    out = module(*inputs)
    (out * torch.randn_like(out)).sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        is_cancelled = name == "bias" and isinstance(module, GradNormalised)
        assert is_cancelled or parameter.grad.abs().max() > 0, name
    assert all(x.grad.abs().max() > 0 for x in inputs)


def test_path_length_keeps_its_mean_in_copies_and_states():
    path, w = PathLength(), torch.randn(3, 4, requires_grad=True)
    path((w @ torch.randn(4, 12)).view(3, 1, 3, 4), w)
    assert path.mean > 0
    assert torch.equal(deepcopy(path).mean, path.mean)
    other = PathLength()
    other.load_state_dict(path.state_dict())
    assert torch.equal(other.mean, path.mean)
