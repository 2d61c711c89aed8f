"""Networks built in stages, one for each resolution: what SNGAN, SAGAN and BigGAN share.

    generator:  linear -> 4 x 4 -> blocks that double -> batch norm, ReLU, conv 3, tanh
    critic:     blocks, the first of them halve -> activation -> sum over positions -> linear (+ <class, features>)

Self-attention may follow the block that ends at one resolution. Every weight of the critic has a spectral bound.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import ClassVar, Literal

import torch.nn.functional as F
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor, nn

from genbench.errors import BadInput
from zoo.contracts import DataSpec
from zoo.gan.adversarial import AdversarialConfig, AdversarialModel
from zoo.gan.dcgan import refuse_other_sides
from zoo.layers import ResidualDown, ResidualUp, SelfAttention, StridedDown, StridedUp, spectral_all, xavier_
from zoo.model import BelowOne


class StagedConfig(AdversarialConfig):
    """Settings of models in stages.

    Attributes:
        architecture: "strided" convolutions or "resnet".
        widths: of the generator's features at 4 x 4, 8 x 8 ... full resolution.
        critic_widths: of the features after each block of the critic.
        critic_downs: how many of its blocks, the first ones, halve the resolution.
        attention: side of the features that self-attention follows, in both networks; None: nowhere.
        normalisation: of every weight of the critic as a matrix [out, rest]: "norm" divides it by its largest singular
            value, "clamp" lowers that one to ``bound`` (the second may exceed it), "clamp_all" lowers all, "none".
        bound: of the clamps.
    """

    loss: str = "hinge"
    beta1: BelowOne = 0.0
    beta2: BelowOne = 0.9
    architecture: Literal["strided", "resnet"] = "strided"
    widths: tuple[PositiveInt, ...] = Field((96, 48, 24, 12), min_length=1)
    critic_widths: tuple[PositiveInt, ...] = Field((16, 32, 64, 128), min_length=1)
    critic_downs: NonNegativeInt = 3
    attention: PositiveInt | None = None
    normalisation: Literal["norm", "clamp", "clamp_all", "none"] = "norm"
    bound: PositiveFloat = 1.0


class StagedModel(AdversarialModel):
    """Square images of 16, 32, 64 ... pixels, by networks in stages."""

    config: StagedConfig
    config_type: ClassVar = StagedConfig
    variants: ClassVar = {
        **AdversarialModel.variants,
        "gradnorm": {"gradient_normalised": True, "normalisation": "none", "lr_critic": 2e-4},
    }
    initialise: ClassVar[Callable[[nn.Module], nn.Module]] = staticmethod(xavier_)

    def check(self, spec: DataSpec) -> None:
        """Take square images whose side is a power of two, from 16, that the widths fit."""
        refuse_other_sides(self.info.name, spec)
        config, who, side = self.config, f"model {self.info.name!r}", spec.shape[-1]
        stages = side.bit_length() - 2
        if len(config.widths) != stages:
            raise BadInput(
                f"{who}: wrong number of widths; expected {stages}, for 4 x 4 to {side} x {side}, got "
                f"{len(config.widths)}. Set widths."
            )
        most = min(len(config.critic_widths), stages + 1)
        if not 1 <= config.critic_downs <= most:
            raise BadInput(
                f"{who}: critic_downs out of range; expected 1 to {most}, got {config.critic_downs}. Set it, or "
                "critic_widths."
            )
        sides = sorted({8 << i for i in range(stages - 1)} & {side >> i + 1 for i in range(config.critic_downs)})
        if config.attention is not None and config.attention not in sides:
            raise BadInput(
                f"{who}: no block of both networks ends at the side of attention; expected one of {sides} or None, got "
                f"{config.attention}. Set attention."
            )

    def make_critic(self) -> nn.Module:
        """Return the critic; a projection onto the class's vector where the model is conditional."""
        classes = self.spec.classes if self.is_conditional else 0
        critic = type(self).initialise(StagedCritic(self.config, self.spec, classes))
        return spectral_all(critic, self.config.normalisation, self.config.bound)


class StagedGenerator(nn.Module):
    """Inputs [n, inputs], with one condition for each block, to images [n, c, side, side] in [-1, 1].

    Args:
        inputs: numbers that the first, linear layer takes.
        config: of the model.
        spec: of the data.
        condition_width: of each block's condition; None: no conditions.
        spectral: normalise the weights of the blocks spectrally, those of the conditions included.
    """

    def __init__(
        self,
        inputs: int,
        config: StagedConfig,
        spec: DataSpec,
        *,
        condition_width: int | None = None,
        spectral: bool = False,
    ) -> None:
        super().__init__()
        widths, make = config.widths, ARCHITECTURES[config.architecture].up
        self.stem = nn.Linear(inputs, widths[0] * 4 * 4)
        self.blocks = nn.ModuleList(
            make(a, b, condition_width=condition_width, spectral=spectral) for a, b in pairwise(widths)
        )
        self.attend = nn.ModuleList(_attention(config, width, 8 << i) for i, width in enumerate(widths[1:]))
        self.last = nn.Sequential(
            nn.BatchNorm2d(widths[-1]), nn.ReLU(), nn.Conv2d(widths[-1], spec.shape[0], 3, padding=1), nn.Tanh()
        )

    def forward(self, inputs: Tensor, conditions: Sequence[Tensor] | None = None) -> Tensor:
        """Return images in [-1, 1]; ``conditions`` are [n, condition_width], one for each block."""
        x = self.stem(inputs).unflatten(1, (-1, 4, 4))
        given = [None] * len(self.blocks) if conditions is None else conditions
        for block, attend, condition in zip(self.blocks, self.attend, given, strict=True):
            x = attend(block(x, condition))
        return self.last(x)


class StagedCritic(nn.Module):
    """Images to logits [n]: linear(h) + <vector of the class, h>, a projection (Miyato and Koyama, arXiv:1802.05637).

    Args:
        config: of the model.
        spec: of the data.
        classes: whose vectors are learned; 0: logits of the image alone.
    """

    def __init__(self, config: StagedConfig, spec: DataSpec, classes: int = 0) -> None:
        super().__init__()
        architecture, side = ARCHITECTURES[config.architecture], spec.shape[-1]
        self.activation = architecture.activation
        stages: list[nn.Module] = []
        for i, (a, b) in enumerate(pairwise((spec.shape[0], *config.critic_widths))):
            is_down = i < config.critic_downs
            stages.append(architecture.down(a, b, first=i == 0, down=is_down))
            stages.append(_attention(config, b, side >> i + 1) if is_down else nn.Identity())
        self.stages = nn.Sequential(*stages)
        self.linear = nn.Linear(config.critic_widths[-1], 1, bias=False)
        self.vectors = nn.Embedding(classes, config.critic_widths[-1]) if classes else None

    def features(self, x: Tensor) -> Tensor:
        """Return h [n, width], summed over positions."""
        return self.activation(self.stages(x)).sum((2, 3))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return logits [n] of images in [-1, 1]; ``labels`` int64 [n] where there are classes."""
        h = self.features(x)
        logits = self.linear(h).squeeze(1)
        return logits if self.vectors is None else logits + (self.vectors(labels) * h).sum(1)


@dataclass(frozen=True)
class Architecture:
    """Blocks that belong together.

    Attributes:
        up: (in, out, condition_width=, spectral=) -> block of the generator.
        down: (in, out, first=, down=) -> block of the critic, without spectral bounds.
        activation: after the critic's last block.
    """

    up: Callable[..., nn.Module]
    down: Callable[..., nn.Module]
    activation: Callable[[Tensor], Tensor]


ARCHITECTURES = {
    "strided": Architecture(StridedUp, StridedDown, partial(F.leaky_relu, negative_slope=0.1)),
    "resnet": Architecture(ResidualUp, partial(ResidualDown, spectral=False), F.relu),
}


def _attention(config: StagedConfig, width: int, side: int) -> nn.Module:
    return SelfAttention(width, spectral=False) if side == config.attention else nn.Identity()
