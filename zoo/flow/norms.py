"""Normalisations that are steps of a flow: an affine map of each channel, set by statistics of the data.

Statistics are taken inside ``learning`` alone, never because a module is in training mode, and are constants of the
gradient: what is descended is the density that the model has, and no row's depends on the others.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from zoo.flow.steps import Step, per_channel, positions

Mean = Callable[[Tensor], Tensor]  # over processes
EPS = 1e-5  # least variance


class Norm(Step):
    """y = (x + shift) exp(log_scale), one shift and scale a channel."""

    mean_over_processes: Mean | None = None

    @abstractmethod
    def coefficients(self) -> tuple[Tensor, Tensor]:
        """Return shift and log_scale, [c] each."""

    @abstractmethod
    def take(self, mean: Tensor, variance: Tensor) -> None:
        """Take the statistics of a batch, [c] each."""

    @property
    def wants_statistics(self) -> bool:
        """Whether the next batch matters."""
        return True

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return y and log |det dy/dx| = h w sum log_scale, [n]."""
        if self.mean_over_processes is not None and self.wants_statistics:
            self.take(*moments(x.detach(), self.mean_over_processes))
        shift, log_scale = self.coefficients()
        y = (x + per_channel(shift, x)) * per_channel(log_scale, x).exp()
        return y, (positions(x) * log_scale.sum()).expand(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        """Return the x that ``forward`` maps to y."""
        shift, log_scale = self.coefficients()
        return y * per_channel(-log_scale, y).exp() - per_channel(shift, y)


class ActNorm(Norm):
    """Shift and scale are learned; they start so that the first batch has mean 0 and variance 1 in every channel.

    Kingma and Dhariwal 2018, arXiv:1807.03039, section 3.1. That the start has been is part of the state.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.is_started: Tensor
        self.shift, self.log_scale = nn.Parameter(torch.zeros(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("is_started", torch.zeros((), dtype=torch.bool))

    @property
    def wants_statistics(self) -> bool:
        """Whether there was no batch yet."""
        return not bool(self.is_started)

    def take(self, mean: Tensor, variance: Tensor) -> None:
        """Start."""
        with torch.no_grad():
            self.shift.copy_(-mean)
            self.log_scale.copy_(-0.5 * (variance + EPS).log())
        self.is_started.fill_(True)

    def coefficients(self) -> tuple[Tensor, Tensor]:
        """Return shift and log_scale, [c] each."""
        return self.shift, self.log_scale


class BatchNorm(Norm):
    """Shift and scale by running means of the batches' means and variances, in training too.

    Dinh et al. 2017, arXiv:1605.08803, appendix E, which lets the newest batch's share have a gradient as well. Plain
    means up to the 1 / (1 - momentum)th batch.
    """

    def __init__(self, channels: int, momentum: float) -> None:
        super().__init__()
        self.mean: Tensor
        self.variance: Tensor
        self.batches: Tensor
        self.momentum = momentum
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))
        self.register_buffer("batches", torch.zeros(()))

    def take(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running means."""
        self.batches += 1
        share = torch.clamp(1 / self.batches, min=1 - self.momentum)
        self.mean.lerp_(mean, share)
        self.variance.lerp_(variance, share)

    def coefficients(self) -> tuple[Tensor, Tensor]:
        """Return shift and log_scale, [c] each."""
        return -self.mean, -0.5 * (self.variance + EPS).log()


@contextmanager
def learning(net: nn.Module, mean: Mean) -> Iterator[None]:
    """Let the norms of ``net`` take statistics of what passes, averaged over processes by ``mean``."""
    norms = [part for part in net.modules() if isinstance(part, Norm)]
    for norm in norms:
        norm.mean_over_processes = mean
    try:
        yield
    finally:
        for norm in norms:
            norm.mean_over_processes = None


def moments(x: Tensor, mean: Mean) -> tuple[Tensor, Tensor]:
    """Return mean and variance of each channel of x [n, c, ...] over all processes, [c]; divisor: number of values."""
    axes = [0, *range(2, x.ndim)]
    centre = mean(x.mean(axes))
    return centre, mean((x - per_channel(centre, x)).square().mean(axes))
