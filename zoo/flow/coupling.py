"""Couplings: a part of x passes as it is, and says how the other part is scaled and shifted.

    y = x exp(s) + t,   (s, t) = net(the part that passes)

Whatever the network, this is inverted by (y - t) exp(-s), and its log-determinant is the sum of s. The last layer of
the network starts at 0, so that a coupling starts as the identity.
"""

import math

import torch
from torch import Tensor, nn

from zoo.flow.steps import Step

BOUND = 2.0  # of |s|: a scale near 0 could not be inverted in 32 bits


def bounded(s: Tensor) -> Tensor:
    """Return s with values squashed smoothly into (-2, 2), slope 1 at 0."""
    return BOUND * torch.tanh(s / BOUND)


def zeroed(layer: nn.Linear | nn.Conv2d) -> nn.Linear | nn.Conv2d:
    """Return ``layer`` with all weights 0."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class ZeroConv(nn.Module):
    """A 3 x 3 convolution that starts at 0, times exp(3 gain), one learned gain a channel.

    As in the released code of Glow (github.com/openai/glow): the factor lets the layer leave 0 quickly.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = zeroed(nn.Conv2d(in_channels, out_channels, 3, padding=1))
        self.gain = nn.Parameter(torch.zeros(out_channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map x [n, in, h, w] to [n, out, h, w]."""
        return self.conv(x) * (3 * self.gain).exp()


class Coupling(Step):
    """The first half of the channels passes; Glow's (arXiv:1807.03039).

    Args:
        channels: of x, at least 2.
        width: of the network: convolutions 3, 1, 3.
        affine: False: shifted alone ("additive"), which preserves volume.
    """

    def __init__(self, channels: int, width: int, affine: bool = True) -> None:
        super().__init__()
        self.kept, self.affine = channels // 2, affine
        moved = channels - self.kept
        self.net = nn.Sequential(
            *(nn.Conv2d(self.kept, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 1), nn.ReLU()),
            ZeroConv(width, 2 * moved if affine else moved),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return y and log |det dy/dx|, [n]."""
        kept, moved = x[:, : self.kept], x[:, self.kept :]
        log_scale, shift = self._given(kept)
        return torch.cat([kept, moved * log_scale.exp() + shift], 1), log_scale.flatten(1).sum(1)

    def inverse(self, y: Tensor) -> Tensor:
        """Return the x that ``forward`` maps to y."""
        kept, moved = y[:, : self.kept], y[:, self.kept :]
        log_scale, shift = self._given(kept)
        return torch.cat([kept, (moved - shift) * (-log_scale).exp()], 1)

    def _given(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        found = self.net(kept)
        if not self.affine:
            return torch.zeros_like(found), found
        log_scale, shift = found.chunk(2, 1)
        return bounded(log_scale), shift


class MaskedCoupling(Step):
    """What a mask keeps passes; RealNVP's (Dinh et al. 2017, arXiv:1605.08803).

    Args:
        mask: 1 where x passes, 0 where it is moved; fits [n, c, ...].
        net: x to (s, t), twice the channels of x.
    """

    def __init__(self, mask: Tensor, net: nn.Module) -> None:
        super().__init__()
        self.mask: Tensor
        self.register_buffer("mask", mask, persistent=False)
        self.net = net

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return y and log |det dy/dx|, [n]."""
        log_scale, shift = self._given(x)
        return x * log_scale.exp() + shift, log_scale.flatten(1).sum(1)

    def inverse(self, y: Tensor) -> Tensor:
        """Return the x that ``forward`` maps to y."""
        log_scale, shift = self._given(y)
        return (y - shift) * (-log_scale).exp()

    def _given(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return s and t, 0 where x passes."""
        log_scale, shift = self.net(x * self.mask).chunk(2, 1)
        return bounded(log_scale) * (1 - self.mask), shift * (1 - self.mask)


def checkerboard(height: int, width: int, first: int) -> Tensor:
    """Return float32 [1, 1, h, w], 1 and 0 as on a chessboard, ``first`` in the corner."""
    places = torch.arange(height)[:, None] + torch.arange(width)
    return ((places + first) % 2).float()[None, None]


def halves(shape: tuple[int, ...], first: int) -> Tensor:
    """Return float32 [1, c, ...], ``first`` in the first half of the channels of ``shape``, the other in the rest."""
    mask = torch.full((1, shape[0], *(1,) * (len(shape) - 1)), float(1 - first))
    mask[:, : math.ceil(shape[0] / 2)] = first
    return mask
