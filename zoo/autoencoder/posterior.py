"""q(z | x): what an encoder says of the code of an image."""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

WIDEST = 14.0  # largest |log variance|: e^14 is no overflow, e^-14 no point


class Posterior(Protocol):
    """A distribution of codes for each of n images, beside the prior of all.

    Attributes:
        mean: where it lies, [n, latent].
    """

    mean: Tensor

    def draw(self) -> Tensor:
        """Return one code for each image, [n, latent], differentiable; from torch's global random state."""
        ...

    def draw_many(self, draws: int, generator: torch.Generator | None = None) -> Tensor:
        """Return codes [draws, n, latent]; None: from torch's global random state, on the CPU whatever the device."""
        ...

    def log_ratio(self, z: Tensor) -> Tensor:
        """Return log p(z) - log q(z | x), float64 [..., n], of codes [..., n, latent]."""
        ...

    def kl(self) -> Tensor:
        """Return KL(q(z | x) || p(z)) in nats, [n, groups]: parts of the code that are independent; their sum is it."""
        ...


@dataclass(frozen=True)
class DiagonalGaussian:
    """N(mean, diag(exp(log_variance))), beside the prior N(0, I) (Kingma and Welling 2014, arXiv:1312.6114).

    Attributes:
        mean: [n, latent].
        log_variance: [n, latent].
    """

    mean: Tensor
    log_variance: Tensor

    def draw(self) -> Tensor:
        """Return mean + deviation * noise: the noise needs no gradient, mean and deviation have one."""
        return self._placed(torch.randn_like(self.mean))

    def draw_many(self, draws: int, generator: torch.Generator | None = None) -> Tensor:
        """Return codes [draws, n, latent]."""
        return self._placed(torch.randn(draws, *self.mean.shape, generator=generator).to(self.mean))

    def log_ratio(self, z: Tensor) -> Tensor:
        """Return log N(z; 0, I) - log N(z; mean, variance), float64."""
        z, mean, log_variance = z.double(), self.mean.double(), self.log_variance.double()
        return 0.5 * ((z - mean).square() / log_variance.exp() + log_variance - z.square()).sum(-1)

    def kl(self) -> Tensor:
        """Return (mean^2 + variance - 1 - log variance) / 2, [n, latent]."""
        return 0.5 * (self.mean.square() + self.log_variance.exp() - 1 - self.log_variance)

    def _placed(self, noise: Tensor) -> Tensor:
        return self.mean + (0.5 * self.log_variance).exp() * noise


def log_mean_exp(values: Tensor) -> Tensor:
    """Return the logarithm of the mean of exp(values) over axis 0."""
    return values.logsumexp(0) - math.log(len(values))
