"""Steps of a flow: invertible maps y = f(x) that know log |det dy/dx|.

log p(x) = log p(f(x)) + log |det df/dx|, and the log-determinants of steps in a row add up.
"""

import math
from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Step(nn.Module, ABC):
    """An invertible map of [n, c] or [n, c, h, w], row by row."""

    @abstractmethod
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return y and log |det dy/dx|, [n]."""

    @abstractmethod
    def inverse(self, y: Tensor) -> Tensor:
        """Return the x that ``forward`` maps to y."""


class Chain(Step):
    """Steps one after the other."""

    def __init__(self, *steps: Step) -> None:
        super().__init__()
        self.steps = nn.ModuleList(steps)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return y and log |det dy/dx|, [n]."""
        total = x.new_zeros(len(x))
        for step in self.steps:
            x, log_det = step(x)
            total = total + log_det
        return x, total

    def inverse(self, y: Tensor) -> Tensor:
        """Return the x that ``forward`` maps to y."""
        for step in reversed(self.steps):
            y = step.inverse(y)
        return y


class Logit(Step):
    """log(p / (1 - p)) of p = margin + (1 - 2 margin) x: numbers in [0, 1] onto the whole line.

    Dinh et al. 2017, arXiv:1605.08803, section 4.1; symmetric and with margin 0.05 as in the released code, where the
    paper has margin + (1 - margin) x, which is infinite at 1.
    """

    def __init__(self, margin: float = 0.05) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return y and log |det dy/dx|, [n]; x within (-margin, 1 + margin) / (1 - 2 margin)."""
        y = torch.logit(self.margin + (1 - 2 * self.margin) * x)
        log_slope = math.log(1 - 2 * self.margin) + F.softplus(y) + F.softplus(-y)
        return y, log_slope.flatten(1).sum(1)

    def inverse(self, y: Tensor) -> Tensor:
        """Return the x that ``forward`` maps to y."""
        return (torch.sigmoid(y) - self.margin) / (1 - 2 * self.margin)


class Squeeze(Step):
    """Squares of 2 x 2 positions to channels: [n, c, h, w] to [n, 4c, h / 2, w / 2], all colours of a place together.

    A permutation: its log-determinant is 0. Half of the channels are then one row of each square.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return y and log |det dy/dx| = 0, [n]."""
        n, c, h, w = x.shape
        y = x.reshape(n, c, h // 2, 2, w // 2, 2).permute(0, 3, 5, 1, 2, 4).reshape(n, 4 * c, h // 2, w // 2)
        return y, x.new_zeros(n)

    def inverse(self, y: Tensor) -> Tensor:
        """Return the x that ``forward`` maps to y."""
        n, c, h, w = y.shape
        return y.reshape(n, 2, 2, c // 4, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // 4, 2 * h, 2 * w)


class InvertibleConv(Step):
    """A 1 x 1 convolution by W = P L (U + diag(s)), which mixes the channels; a learned permutation.

    Kingma and Dhariwal 2018, arXiv:1807.03039, section 3.2: P, a permutation, and the signs of s are fixed, L has a
    diagonal of 1, so that log |det W| = sum log |s|. W starts as a random rotation.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        permutation, lower, upper = torch.linalg.lu(nn.init.orthogonal_(torch.empty(channels, channels)))
        self.permutation: Tensor
        self.sign: Tensor
        self.register_buffer("permutation", permutation)
        self.register_buffer("sign", upper.diagonal().sign())
        self.lower, self.upper = nn.Parameter(lower.tril(-1)), nn.Parameter(upper.triu(1))
        self.log_size = nn.Parameter(upper.diagonal().abs().log())

    def factors(self) -> tuple[Tensor, Tensor]:
        """Return L and U + diag(s), [c, c] each."""
        identity = torch.eye(len(self.sign)).to(self.lower)
        return self.lower.tril(-1) + identity, self.upper.triu(1) + torch.diag(self.sign * self.log_size.exp())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return y and log |det dy/dx| = h w sum log |s|, [n]."""
        lower, upper = self.factors()
        y = F.conv2d(x, (self.permutation @ lower @ upper)[:, :, None, None])
        return y, (positions(x) * self.log_size.sum()).expand(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        """Return the x that ``forward`` maps to y."""
        lower, upper = self.factors()
        flat = self.permutation.T @ y.flatten(2)
        flat = torch.linalg.solve_triangular(lower, flat, upper=False, unitriangular=True)
        return torch.linalg.solve_triangular(upper, flat, upper=True).view_as(y)


def positions(x: Tensor) -> int:
    """Return how often a channel of x [n, c, ...] occurs in a row: h w, or 1 of points."""
    return math.prod(x.shape[2:])


def per_channel(values: Tensor, x: Tensor) -> Tensor:
    """Return values [c] with as many axes as x [n, c, ...] has."""
    return values.view(1, -1, *(1,) * (x.ndim - 2))
