"""A flow in scales: after each but the last, half of the channels leaves and the rest goes on (arXiv:1605.08803)."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from zoo.flow.coupling import ZeroConv, bounded
from zoo.flow.steps import Chain, Step


class Split(nn.Module):
    """Half of the channels leaves, in units of a normal distribution: all that leaves is N(0, 1), whatever its prior.

    Args:
        shape: (c, h, w) of what arrives, c even.
        learned: mean and deviation of what leaves are predicted from what goes on (Glow); else 0 and 1 (RealNVP).
    """

    def __init__(self, shape: tuple[int, int, int], learned: bool) -> None:
        super().__init__()
        half = shape[0] // 2
        self.leaving = (shape[0] - half, *shape[1:])
        self.prior = ZeroConv(half, 2 * self.leaving[0]) if learned else None

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what goes on, what leaves, and log |det|, [n]."""
        stays, leaves = x[:, : -self.leaving[0]], x[:, -self.leaving[0] :]
        if self.prior is None:
            return stays, leaves, x.new_zeros(len(x))
        mean, log_deviation = self._given(stays)
        return stays, (leaves - mean) * (-log_deviation).exp(), -log_deviation.flatten(1).sum(1)

    def inverse(self, stays: Tensor, leaves: Tensor) -> Tensor:
        """Return the x that ``forward`` takes apart."""
        if self.prior is not None:
            mean, log_deviation = self._given(stays)
            leaves = leaves * log_deviation.exp() + mean
        return torch.cat([stays, leaves], 1)

    def _given(self, stays: Tensor) -> tuple[Tensor, Tensor]:
        assert self.prior is not None
        mean, log_deviation = self.prior(stays).chunk(2, 1)
        return mean, bounded(log_deviation)


class MultiScale(Step):
    """Examples [n, *shape] to latents [n, D]: what leaves first comes first.

    Args:
        scales: of steps.
        splits: after each scale but the last.
        shape: of what the last scale gives.
    """

    def __init__(self, scales: Sequence[Chain], splits: Sequence[Split], shape: tuple[int, ...]) -> None:
        super().__init__()
        self.scales, self.splits, self.shape = nn.ModuleList(scales), nn.ModuleList(splits), shape

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return z and log |det dz/dx|, [n]."""
        parts, total = [], x.new_zeros(len(x))
        for scale, split in zip(self.scales, self.splits, strict=False):
            x, log_det = scale(x)
            x, leaves, log_det_split = split(x)
            parts.append(leaves.flatten(1))
            total = total + log_det + log_det_split
        x, log_det = self.scales[-1](x)
        return torch.cat([*parts, x.flatten(1)], 1), total + log_det

    def inverse(self, y: Tensor) -> Tensor:
        """Return the x that ``forward`` maps to y."""
        shapes = [*(split.leaving for split in self.splits), self.shape]
        *parts, top = y.split([math.prod(shape) for shape in shapes], 1)
        x = self.scales[-1].inverse(top.unflatten(1, self.shape))
        for scale, split, leaves in reversed(list(zip(self.scales, self.splits, parts, strict=False))):
            x = scale.inverse(split.inverse(x, leaves.unflatten(1, split.leaving)))
        return x

    def middle(self, x: Tensor) -> Tensor:
        """Return what half of the scales make of x, the larger half of one, before any of it leaves."""
        half = (len(self.scales) + 1) // 2
        for scale, split in zip(self.scales[: half - 1], self.splits, strict=False):
            x, _, _ = split(scale(x)[0])
        return self.scales[half - 1](x)[0]
