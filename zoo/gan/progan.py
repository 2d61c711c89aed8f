"""ProGAN: both networks grow from 4 x 4 pixels to the full size (Karras et al. 2018, arXiv:1710.10196).

A new level is faded in: what the generator draws, what the critic makes of its input, and the real images are
(1 - alpha) * (the level below, enlarged) + alpha * (the new level), while alpha goes from 0 to 1. Layers have equalised
learning rates, the generator normalises its features at every pixel, the critic sees how much a batch varies; the loss
is WGAN-GP with a drift term. All levels exist from the start, so that optimizers, averages and checkpoints always hold
the same weights; which of them are used depends on the number of images shown.
"""

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn

from genbench.errors import BadInput
from zoo.contracts import DataSpec, Draw, ModelInfo, Preset, Run
from zoo.gan.adversarial import AdversarialConfig, AdversarialModel
from zoo.gan.dcgan import refuse_other_sides
from zoo.layers import EqConv, EqLinear, MinibatchStd, PixelNorm
from zoo.model import BelowOne


class ProGANConfig(AdversarialConfig):
    """Settings of ProGAN.

    Attributes:
        channels: at 4 x 4, 8 x 8 ...; as many of them as the images need.
        stable_images: examples shown at each level once it is there; at the last level, until the end.
        fade_images: examples shown while a level is faded in.
        batch_factors: batches at 4 x 4, 8 x 8 ... are so many times the preset's; 1 at the levels behind.
    """

    channels: tuple[PositiveInt, ...] = Field((64, 64, 48, 32), min_length=1)
    stable_images: PositiveInt = 3000
    fade_images: PositiveInt = 3000
    batch_factors: tuple[PositiveInt, ...] = (2, 2)
    loss: str = "wasserstein"
    gradient_penalty: NonNegativeFloat = 10.0
    drift: NonNegativeFloat = 0.001
    lr_generator: PositiveFloat = 1e-3
    lr_critic: PositiveFloat = 1e-3
    beta1: BelowOne = 0.0
    beta2: BelowOne = 0.99


class ProGAN(AdversarialModel):
    """Square images of 16, 32, 64 ... pixels; samples have the full size at every level."""

    info: ClassVar = ModelInfo(
        name="progan",
        title="ProGAN",
        paper="Karras et al. 2018, arXiv:1710.10196",
        summary="both networks grow level by level, each faded in",
        family="gan",
    )
    config: ProGANConfig
    generator: "GrowingGenerator"
    config_type: ClassVar = ProGANConfig
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset(
            "digits32",
            steps=2,
            batch=8,
            config={
                "channels": (8, 8, 4, 4),
                "latent": 8,
                "stable_images": 12,
                "fade_images": 16,
                "batch_factors": (1,),
            },
        ),
        "small": Preset("digits32", steps=2200, batch=16, config={"lr_generator": 3e-3, "lr_critic": 3e-3}),
        "paper": Preset(
            "folder:celeba-hq@1024",
            steps=1_355_000,  # 12 million images
            batch=4,
            config={
                "latent": 512,
                "channels": (512, 512, 512, 512, 256, 128, 64, 32, 16),
                "stable_images": 600_000,
                "fade_images": 600_000,
                "batch_factors": (32, 32, 32, 16, 8, 4, 2),
                "average_half_life": 10_000,
            },
            is_tested=False,
            gpus=1,
            source="repository",
        ),
    }
    variants: ClassVar = {}
    takes_truncation: ClassVar = False

    def check(self, spec: DataSpec) -> None:
        """Take square images whose side is a power of two, from 16."""
        refuse_other_sides(self.info.name, spec)

    def make_generator(self) -> nn.Module:
        """Return z -> 4 x 4 -> as many doublings as there are levels so far."""
        widths = widths_of_levels(self.info.name, self.config.channels, self.spec)
        return GrowingGenerator(self.config.latent, widths, self.spec.shape[0])

    def make_critic(self) -> nn.Module:
        """Return the mirror of the generator."""
        return GrowingCritic(widths_of_levels(self.info.name, self.config.channels, self.spec), self.spec.shape[0])

    def schedule(self, images: int) -> tuple[int, float]:
        """Return (level, alpha) of the update after ``images`` examples; level 0 is 4 x 4."""
        stable, fade = self.config.stable_images, self.config.fade_images
        level, within = divmod(images, stable + fade)
        last = _level(self.spec.shape[-1])
        if level >= last:
            return last, 1.0
        return (level, 1.0) if within < stable else (level + 1, (within - stable) / fade)

    def batch_size(self, images: int, batch: int) -> int:
        """Return more than ``batch`` at low resolutions."""
        level, factors = self.schedule(images)[0], self.config.batch_factors
        return batch * (factors[level] if level < len(factors) else 1)

    def train_step(self, draw: Draw, run: Run) -> dict[str, Tensor]:
        """Grow if it is time; at a new level the moments of the old one are forgotten."""
        level, alpha = self.schedule(run.images)
        if level != int(self.generator.level):
            for name in ("critic", "generator"):
                run.forget(name)
        for net in self._growing():
            net.grow(level, alpha)
        return super().train_step(draw, run)

    def prepare(self, x: Tensor, run: Run | None = None) -> Tensor:
        """Return full-size images at the level's resolution, faded as the fakes are."""
        level, alpha = int(self.generator.level), float(self.generator.alpha)
        x = _shrink(x, 4 << level)
        return x if alpha == 1 else torch.lerp(_enlarge(_shrink(x, 2 << level)), x, alpha)

    def resting(self) -> set[str]:
        """Return the names of weights that no update has reached: those of the levels to come."""
        coming = [
            weight
            for net in self._growing()
            for parts in (net.blocks, net.colours)
            for part in parts[int(net.level) + 1 :]
            for weight in part.parameters()
        ]
        ids = set(map(id, coming))
        return {name for name, weight in self.named_parameters() if id(weight) in ids}

    def prior(self, n: int, generator: torch.Generator | None, truncation: float | None = None) -> Tensor:
        """Return n latents float32 [n, latent], which are normalised later; so truncation would change nothing."""
        if truncation is not None:
            raise BadInput(
                f"{self.info.name}: takes no truncation, for its latents are normalised; expected none, got "
                f"{truncation}. Leave it out."
            )
        return super().prior(n, generator)

    def decode(self, z: Tensor, labels: Any = None) -> Tensor:
        """Return images of latents [n, latent], enlarged to the full size; nothing bounds them to [0, 1]."""
        return F.interpolate(super().decode(z, labels), size=self.spec.shape[1:], mode="nearest")

    def criticise(self, x: Tensor, labels: Any = None) -> Tensor:
        """Return logits [n] of full-size images in [0, 1]; as in training, a batch is judged together."""
        return super().criticise(self.prepare(x), labels)

    def _growing(self) -> Iterator["Growing"]:
        return (net for net in self.modules() if isinstance(net, Growing))


def widths_of_levels(name: str, channels: tuple[int, ...], spec: DataSpec) -> tuple[int, ...]:
    """Return the channels at 4 x 4, 8 x 8 ... up to the full size; raises ``BadInput`` if there are too few."""
    levels = _level(spec.shape[-1]) + 1
    if len(channels) < levels:
        raise BadInput(
            f"model {name!r}: too few channels for {spec.shape[-1]} x {spec.shape[-1]} pixels; expected {levels} "
            f"numbers, got {len(channels)}. Set channels to one for each resolution from 4 x 4."
        )
    return channels[:levels]


class Growing(nn.Module):
    """A network of ``blocks``, one a level, that has grown so far; ``colours`` go to or from colours at each level.

    Attributes:
        level: the last one used, int64.
        alpha: its share, float32; the rest is of the level below.
    """

    level: Tensor
    alpha: Tensor
    blocks: nn.ModuleList
    colours: nn.ModuleList

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("level", torch.zeros((), dtype=torch.int64))
        self.register_buffer("alpha", torch.ones(()))

    def grow(self, level: int, alpha: float) -> None:
        """Use the levels up to ``level``."""
        self.level.fill_(level)
        self.alpha.fill_(alpha)


class GrowingGenerator(Growing):
    """Latents [n, latent] to images [n, colours, side, side], side 4 at level 0; linear, so not bounded to [-1, 1]."""

    def __init__(self, latent: int, widths: tuple[int, ...], colours: int) -> None:
        super().__init__()
        first = EqLinear(latent, 16 * widths[0], gain=math.sqrt(2) / 4)  # as of a padded 4 x 4 convolution
        stem = (PixelNorm(), first, nn.Unflatten(1, (widths[0], 4, 4)), *_end(), *_conv(widths[0], widths[0]))
        rest = (nn.Sequential(nn.Upsample(scale_factor=2), *_conv(a, b), *_conv(b, b)) for a, b in pairwise(widths))
        self.blocks = nn.ModuleList([nn.Sequential(*stem), *rest])
        self.colours = nn.ModuleList(EqConv(width, colours, 1, gain=1.0) for width in widths)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return images at the level's resolution."""
        level, alpha, x, below = int(self.level), float(self.alpha), z, z
        for block in self.blocks[: level + 1]:
            x, below = block(x), x
        new = self.colours[level](x)
        return new if alpha == 1 else torch.lerp(_enlarge(self.colours[level - 1](below)), new, alpha)


class GrowingCritic(Growing):
    """Images [n, colours, side, side] at the level's resolution to logits [n]."""

    def __init__(self, widths: tuple[int, ...], colours: int) -> None:
        super().__init__()
        rest = (
            nn.Sequential(EqConv(b, b, 3), nn.LeakyReLU(0.2), EqConv(b, a, 3), nn.LeakyReLU(0.2), nn.AvgPool2d(2))
            for a, b in pairwise(widths)
        )
        self.blocks = nn.ModuleList([critic_head(widths[0]), *rest])
        self.colours = nn.ModuleList(nn.Sequential(EqConv(colours, width, 1), nn.LeakyReLU(0.2)) for width in widths)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return logits [n]."""
        level, alpha = int(self.level), float(self.alpha)
        new = self.blocks[level](self.colours[level](x))
        if alpha != 1:
            new = torch.lerp(self.colours[level - 1](F.avg_pool2d(x, 2)), new, alpha)
        for block in reversed(self.blocks[:level]):
            new = block(new)
        return new.squeeze(1)


def critic_head(width: int) -> nn.Sequential:
    """Return features [n, width, 4, 4] -> logits [n, 1]; ProGAN's and both StyleGANs'."""
    conv = (MinibatchStd(), EqConv(width + 1, width, 3), nn.LeakyReLU(0.2))
    dense = (EqLinear(16 * width, width, gain=math.sqrt(2)), nn.LeakyReLU(0.2), EqLinear(width, 1))
    return nn.Sequential(*conv, nn.Flatten(), *dense)


def _conv(wide: int, narrow: int) -> tuple[nn.Module, ...]:
    return (EqConv(wide, narrow, 3), *_end())


def _end() -> tuple[nn.Module, ...]:
    return nn.LeakyReLU(0.2), PixelNorm()


def _level(side: int) -> int:
    return side.bit_length() - 3


def _shrink(x: Tensor, side: int) -> Tensor:
    return F.avg_pool2d(x, x.shape[-1] // side)


def _enlarge(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")
