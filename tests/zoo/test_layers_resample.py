"""Blocks that change the resolution: shapes, order of their parts, and voxels against images."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from genbench.errors import UnknownName
from zoo.layers import DownBlock, DownConv, UpBlock, UpConv

UP, DOWN = ("transposed", "nearest", "bilinear"), ("strided", "pool")


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


@pytest.mark.parametrize("nd", [2, 3])
@pytest.mark.parametrize("mode", UP)
def test_up_doubles_and_down_halves(mode, nd):
    sides = (3, 5, 7)[:nd]
    assert UpConv(3, 7, mode, nd)(torch.randn(2, 3, *sides)).shape == (2, 7, *(2 * side for side in sides))
    for down in DOWN:
        assert DownConv(3, 7, down, nd)(torch.randn(2, 3, *(2 * side for side in sides))).shape == (2, 7, *sides)


def centred(conv):
    """Make a convolution of kernel 3 copy channels, without bias."""
    with torch.no_grad():
        conv.weight.zero_()
        conv.weight[range(len(conv.weight)), range(len(conv.weight)), 1, 1] = 1
        conv.bias.zero_()


def test_resizes_are_what_they_are_called():
    x = torch.randn(2, 3, 4, 5)
    up, bilinear, down = UpConv(3, 3, "nearest"), UpConv(3, 3, "bilinear"), DownConv(3, 3, "pool")
    for block, conv in ((up, up[1]), (bilinear, bilinear[1]), (down, down[0])):
        centred(conv)
        assert isinstance(block, nn.Module)
    assert torch.equal(up(x), x.repeat_interleave(2, 2).repeat_interleave(2, 3))
    assert torch.allclose(bilinear(x), F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False))
    assert torch.allclose(down(x[:, :, :, :4]), x[:, :, :, :4].reshape(2, 3, 2, 2, 2, 2).mean((3, 5)))


def test_a_strided_layer_and_its_transposed_have_kernel_4_stride_2_padding_1():
    for conv in (UpConv(3, 7)[0], DownConv(3, 7)[0]):
        assert (conv.kernel_size, conv.stride, conv.padding) == ((4, 4), (2, 2), (1, 1))


@pytest.mark.parametrize("norm", ["bn", "none"])
@pytest.mark.parametrize(("activation", "slope"), [("relu", 0.0), ("lrelu", 0.2)])
def test_a_block_is_convolution_norm_activation(norm, activation, slope):
    for block, x in (
        (UpBlock(3, 7, "nearest", norm, activation=activation), torch.randn(4, 3, 5, 3)),
        (DownBlock(3, 7, "strided", norm, activation=activation), torch.randn(4, 3, 6, 4)),
    ):
        out = block.conv(x)
        if norm == "bn":
            out = nn.BatchNorm2d(7)(out)
        assert torch.allclose(block(x), F.leaky_relu(out, slope), atol=1e-6)
        assert any(name.endswith("bias") for name, _ in block.conv.named_parameters()) == (norm == "none")


def test_the_activations_by_default():
    assert UpBlock(3, 7)(torch.randn(4, 3, 5, 3)).min() == 0
    assert DownBlock(3, 7)(torch.randn(4, 3, 6, 4)).min() < 0


def lift(flat, deep, taps):
    """Give a 3-D block the 2-D block's weights at the taps of the depth axis that meet the slice, 0 elsewhere."""
    with torch.no_grad():
        for (name, target), source in zip(deep.named_parameters(), flat.parameters(), strict=True):
            if target.shape == source.shape:
                target.copy_(source)
            else:
                assert name.endswith("weight")
                target.zero_()
                for tap in taps:
                    target[:, :, tap] = source


@pytest.mark.parametrize("norm", ["bn", "in", "ln", "gn", "none"])
@pytest.mark.parametrize(
    ("make", "mode", "taps", "depth"),
    [
        (UpBlock, "transposed", (1, 2), 1),
        (UpBlock, "nearest", (1,), 1),
        (UpBlock, "bilinear", (1,), 1),
        (DownBlock, "strided", (1,), 2),
        (DownBlock, "pool", (1,), 2),
    ],
)
def test_a_block_for_voxels_is_the_block_for_images_on_a_slice(make, mode, taps, depth, norm):
    flat, deep = make(3, 10, mode, norm).double(), make(3, 10, mode, norm, nd=3).double()
    lift(flat, deep, taps)
    x = torch.randn(4, 3, 6, 4, dtype=torch.float64)
    out = deep(x[:, :, None].expand(-1, -1, depth, -1, -1))
    assert out.shape[2] == 3 - depth
    for slice_ in out.unbind(2):
        assert torch.allclose(slice_, flat(x), atol=1e-10)


def test_wrong_options_are_named():
    with pytest.raises(UnknownName, match="bilinear, nearest, transposed"):
        UpConv(3, 7, "cubic")
    with pytest.raises(UnknownName, match=r"pool, strided.*'pool'"):
        DownConv(3, 7, "poll")
    with pytest.raises(UnknownName, match="lrelu, relu"):
        UpBlock(3, 7, activation="gelu")
