"""Adversarial losses, on logits: a critic never ends in a sigmoid; above 0 means real.

    critic       what the critic minimises
    generator    what the generator minimises

All are means over every logit, so maps of patches [n, 1, h, w] work as single logits [n] do.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from genbench.registry import Registry


@dataclass(frozen=True)
class AdversarialLoss:
    """A pair of losses.

    Attributes:
        critic: (real_logits, fake_logits) -> scalar; those that are a cross-entropy take ``smoothing``, see
            ``cross_entropy``.
        generator: (fake_logits) -> scalar.
    """

    critic: Callable[..., Tensor]
    generator: Callable[[Tensor], Tensor]


def cross_entropy(real_logits: Tensor, fake_logits: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """-E log D(x) - E log(1 - D(G(z))), D = sigmoid(logit): 2 ln 2 where D says nothing.

    Args:
        real_logits: of real examples.
        fake_logits: of generated ones.
        smoothing: one-sided: reals have the label 1 - smoothing (Salimans et al. 2016, arXiv:1606.03498).
    """
    real = F.softplus(-real_logits).mean() + smoothing * real_logits.mean()
    return real + F.softplus(fake_logits).mean()


def minimax(fake_logits: Tensor) -> Tensor:
    """E log(1 - D(G(z))): what the two players share; its gradient vanishes where the critic wins."""
    return -F.softplus(fake_logits).mean()


def non_saturating(fake_logits: Tensor) -> Tensor:
    """-E log D(G(z)): the same fixed point, a strong gradient where the critic wins."""
    return F.softplus(-fake_logits).mean()


def critic_squares(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E (s(x) - 1)^2 / 2 + E s(G(z))^2 / 2."""
    return 0.5 * (real_logits - 1).square().mean() + 0.5 * fake_logits.square().mean()


def generator_squares(fake_logits: Tensor) -> Tensor:
    """E (s(G(z)) - 1)^2 / 2; CycleGAN has this twice as large against its other terms."""
    return 0.5 * (fake_logits - 1).square().mean()


def critic_distance(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E f(G(z)) - E f(x): minus the dual estimate of the Wasserstein distance."""
    return fake_logits.mean() - real_logits.mean()


def generator_distance(fake_logits: Tensor) -> Tensor:
    """-E f(G(z))."""
    return -fake_logits.mean()


def critic_hinge(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E max(0, 1 - s(x)) + E max(0, 1 + s(G(z)))."""
    return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()


LOSSES: dict[str, AdversarialLoss] = {
    "minimax": AdversarialLoss(cross_entropy, minimax),  # Goodfellow et al. 2014, arXiv:1406.2661
    "non-saturating": AdversarialLoss(cross_entropy, non_saturating),  # the same
    "least-squares": AdversarialLoss(critic_squares, generator_squares),  # Mao et al. 2017, arXiv:1611.04076
    "wasserstein": AdversarialLoss(critic_distance, generator_distance),  # Arjovsky et al. 2017, arXiv:1701.07875
    "hinge": AdversarialLoss(critic_hinge, generator_distance),  # Lim & Ye 2017, arXiv:1705.02894
}
_TABLE = Registry("loss", LOSSES, "zoo.losses")


def get_loss(name: str) -> AdversarialLoss:
    """Return the loss called ``name``; an unknown name raises ``UnknownName`` with the known ones."""
    loss: AdversarialLoss = _TABLE.get(name)
    return loss
