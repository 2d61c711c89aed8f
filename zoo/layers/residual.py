"""Residual blocks of SNGAN, SAGAN and BigGAN (arXiv:1802.05957, 1805.08318, 1809.11096)."""

import torch.nn.functional as F
from torch import Tensor, nn

from genbench.errors import BadInput
from zoo.layers.norms import ConditionalNorm, make_norm
from zoo.layers.spectral import spectral as normalised


class ResidualUp(nn.Module):
    """norm, ReLU, nearest x2, conv 3, norm, ReLU, conv 3; plus a 1x1 convolution of x, doubled.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        norm: of ``make_norm``.
        condition_width: of the condition that scales and shifts the norms; None: plain norms.
        spectral: normalise all weights spectrally, those of the condition included.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        norm: str = "bn",
        condition_width: int | None = None,
        spectral: bool = False,
    ) -> None:
        super().__init__()
        self.is_conditional = condition_width is not None

        def make(channels: int) -> nn.Module:
            if condition_width is None:
                return make_norm(norm, channels)
            return ConditionalNorm(channels, condition_width, norm, spectral)

        self.norm1, self.norm2 = make(in_channels), make(out_channels)
        self.conv1 = _conv(in_channels, out_channels, 3, spectral)
        self.conv2 = _conv(out_channels, out_channels, 3, spectral)
        self.skip = _conv(in_channels, out_channels, 1, spectral)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map x [n, in, h, w] to [n, out, 2h, 2w].

        Args:
            x: features.
            condition: [n, condition_width] if and only if the block is conditional; else ``BadInput``.
        """
        if (condition is not None) != self.is_conditional:
            rule = "one, for it has a condition_width" if self.is_conditional else "none, for it has no condition_width"
            raise BadInput(f"ResidualUp: wrong use of the condition; expected {rule}.")
        given = () if condition is None else (condition,)
        out = self.conv1(_double(F.relu(self.norm1(x, *given))))
        out = self.conv2(F.relu(self.norm2(out, *given)))
        return out + _double(self.skip(x))  # a 1x1 convolution and a nearest resize commute


class ResidualDown(nn.Module):
    """ReLU (not in the first block), conv 3, ReLU, conv 3, mean of 2x2; plus a 1x1 convolution of x, halved.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        first: the input is an image: no ReLU before the first convolution.
        down: halve the resolution. Without, and with equal channels, x itself is added.
        spectral: normalise all weights spectrally.
    """

    def __init__(
        self, in_channels: int, out_channels: int, first: bool = False, down: bool = True, spectral: bool = True
    ) -> None:
        super().__init__()
        self.first, self.down = first, down
        self.conv1 = _conv(in_channels, out_channels, 3, spectral)
        self.conv2 = _conv(out_channels, out_channels, 3, spectral)
        has_skip = down or in_channels != out_channels
        self.skip = _conv(in_channels, out_channels, 1, spectral) if has_skip else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map x [n, in, h, w] to [n, out, h/2, w/2], or [n, out, h, w] without ``down``."""
        out = self.conv1(x if self.first else F.relu(x))
        out = self.conv2(F.relu(out))
        if not self.down:
            return out + self.skip(x)
        return F.avg_pool2d(out, 2) + self.skip(F.avg_pool2d(x, 2))  # a 1x1 convolution and a mean commute


def _conv(in_channels: int, out_channels: int, side: int, is_spectral: bool) -> nn.Module:
    conv = nn.Conv2d(in_channels, out_channels, side, padding=side // 2)
    return normalised(conv) if is_spectral else conv


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")
