"""Equalised learning rate: weights of unit variance, scaled as the layer runs (Karras et al. 2018, arXiv:1710.10196).

The optimiser sees weights of one size in every layer, so Adam's steps are equally large everywhere:
effective weight = stored * gain * lr_multiplier / sqrt(fan_in), stored ~ N(0, 1) / lr_multiplier.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genbench.errors import BadInput


class EqLinear(nn.Module):
    """Linear layer with equalised learning rate.

    Args:
        in_features: width of the input.
        out_features: width of the output.
        bias: add a bias.
        bias_init: the bias in effect at the start.
        gain: standard deviation of the output for inputs of unit variance.
        lr_multiplier: changes of weight and bias in effect are this much smaller; 0.01 in StyleGAN's mapping.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        bias_init: float = 0.0,
        gain: float = 1.0,
        *,
        lr_multiplier: float = 1.0,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / lr_multiplier)
        self.bias = nn.Parameter(torch.full((out_features,), bias_init / lr_multiplier)) if bias else None
        self.scale, self.lr_multiplier = gain * lr_multiplier / math.sqrt(in_features), lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        """Map x [..., in] to [..., out]."""
        bias = None if self.bias is None else self.bias * self.lr_multiplier
        return F.linear(x, self.weight * self.scale, bias)


class EqConv(nn.Module):
    """Convolution over [n, c, h, w] of stride 1 with equalised learning rate.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        kernel: side of the kernel.
        padding: zeros on each side; None keeps the size, for odd kernels.
        bias: add a bias, 0 at the start.
        gain: sqrt(2) before a rectifier, 1 before none (toRGB).
        lr_multiplier: changes of weight and bias in effect are this much smaller.

    Raises:
        BadInput: for an even kernel without a padding.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        padding: int | None = None,
        bias: bool = True,
        *,
        gain: float = math.sqrt(2),
        lr_multiplier: float = 1.0,
    ) -> None:
        super().__init__()
        if padding is None and kernel % 2 == 0:
            raise BadInput(f"EqConv: an even kernel cannot keep the size; expected odd, got {kernel}. State a padding.")
        self.padding = kernel // 2 if padding is None else padding
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel, kernel) / lr_multiplier)
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.scale, self.lr_multiplier = gain * lr_multiplier / math.sqrt(in_channels * kernel**2), lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        """Map x [n, in, h, w] to [n, out, h, w] (that size with the padding of None)."""
        bias = None if self.bias is None else self.bias * self.lr_multiplier
        return F.conv2d(x, self.weight * self.scale, bias, padding=self.padding)
