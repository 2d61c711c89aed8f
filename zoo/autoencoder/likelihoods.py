"""p(x | z): what the numbers that a decoder puts out say of an image. All in nats, summed over the pixels of an image.

Only ``Categorical`` is a probability of grey levels. Grey values are no coins, whatever the cross-entropy says, and the
density of pixels grows without bound as sigma falls: the other two are losses, and give no bits.
"""

import math
from typing import Literal, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.levels import levels_of

Name = Literal["categorical", "bernoulli", "gaussian"]


class Likelihood(Protocol):
    """A distribution of images, its pixels independent.

    Attributes:
        outputs: numbers that the decoder gives for each value of a pixel.
    """

    outputs: int

    def log_prob(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Return nats [n] of images x [n, c, h, w] in [0, 1]; outputs [n, c * outputs, h, w]."""
        ...

    def mean(self, outputs: Tensor) -> Tensor:
        """Return the mean image [n, c, h, w] in [0, 1], differentiable."""
        ...


def make_likelihood(name: Name, levels: int | None, sigma: float) -> Likelihood:
    """Return the distribution called ``name``, of ``levels`` grey levels or with the deviation ``sigma``."""
    if name == "categorical":
        assert levels is not None, "images without levels were to be refused"
        return Categorical(levels)
    return Bernoulli() if name == "bernoulli" else Gaussian(sigma)


class Categorical:
    """Each grey level has its own probability, the softmax of ``levels`` logits."""

    def __init__(self, levels: int) -> None:
        self.outputs = levels

    def log_prob(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Return the log probability of the grey levels of x."""
        wrong = F.cross_entropy(self._logits(outputs), levels_of(x, self.outputs), reduction="none")
        return -wrong.flatten(1).sum(1)

    def mean(self, outputs: Tensor) -> Tensor:
        """Return the mean grey level over its maximum."""
        chances = self._logits(outputs).softmax(1)
        greys = torch.linspace(0, 1, self.outputs, dtype=chances.dtype, device=chances.device)
        return torch.einsum("nlchw,l->nchw", chances, greys)

    def _logits(self, outputs: Tensor) -> Tensor:
        return outputs.unflatten(1, (self.outputs, -1))


class Bernoulli:
    """Each value is black or white, by one logit; grey values are taken as probabilities (Kingma and Welling 2014)."""

    outputs = 1

    def log_prob(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Return minus the cross-entropy."""
        return -F.binary_cross_entropy_with_logits(outputs, x, reduction="none").flatten(1).sum(1)

    def mean(self, outputs: Tensor) -> Tensor:
        """Return the probability of white."""
        return outputs.sigmoid()


class Gaussian:
    """Each value is N(output, sigma^2)."""

    outputs = 1

    def __init__(self, sigma: float) -> None:
        self.sigma = sigma

    def log_prob(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Return the log density."""
        squares = ((x - outputs) / self.sigma).square().flatten(1).sum(1)
        return -0.5 * squares - x[0].numel() * (math.log(self.sigma) + 0.5 * math.log(2 * math.pi))

    def mean(self, outputs: Tensor) -> Tensor:
        """Return the mean itself."""
        return outputs
