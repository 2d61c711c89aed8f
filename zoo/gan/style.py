"""What both StyleGANs share: latents are mapped to styles, each layer of the synthesis takes one (arXiv:1812.04948).

    z -> mapping -> w -> a style for each of num_ws layers -> synthesis (constant input, noise at every pixel) -> x

The noise of training is fresh; ``sample`` draws it from its generator; ``decode`` and ``synthesis`` use one fixed draw,
which is kept with the weights, so that they are functions of their arguments.
"""

import math
from abc import abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn

from genbench.errors import BadInput
from zoo.contracts import DataSpec, Run
from zoo.gan.adversarial import AdversarialConfig, AdversarialModel
from zoo.gan.dcgan import refuse_other_sides
from zoo.gan.progan import critic_head, widths_of_levels
from zoo.layers import Blur, EqConv, EqLinear, PixelNorm, downsample_blur
from zoo.model import BelowOne, Share

SLOWNESS = 0.01  # of the mapping: its learning rate against all others
W_DECAY = 0.995  # share of the old average of w


class StyleConfig(AdversarialConfig):
    """Settings of both StyleGANs; w is as wide as the latent vector.

    Attributes:
        channels: at 4 x 4, 8 x 8 ...; as many of them as the images need.
        mapping_layers: fully connected layers from z to w.
        mixing: share of the training images with the styles of two latents.
    """

    channels: tuple[PositiveInt, ...] = Field((64, 48, 32, 24), min_length=1)
    mapping_layers: PositiveInt = 4
    mixing: Share = 0.9
    lr_generator: PositiveFloat = 2e-3
    lr_critic: PositiveFloat = 2e-3
    beta1: BelowOne = 0.0
    beta2: BelowOne = 0.99
    r1: NonNegativeFloat = 1.0


class StyleModel(AdversarialModel):
    """Square images of 16, 32, 64 ... pixels; subclasses build the synthesis."""

    config: StyleConfig
    generator: "StyleGenerator"
    average: "StyleGenerator"
    variants: ClassVar = {"unmixed": {"mixing": 0.0}}
    has_residual_critic: ClassVar[bool]

    def check(self, spec: DataSpec) -> None:
        """Take square images whose side is a power of two, from 16."""
        refuse_other_sides(self.info.name, spec)

    @abstractmethod
    def make_synthesis(self, widths: tuple[int, ...]) -> "Synthesis":
        """Return the network from styles to images; ``widths`` are its channels at 4 x 4, 8 x 8 ..."""

    def make_generator(self) -> nn.Module:
        """Return mapping and synthesis."""
        widths = widths_of_levels(self.info.name, self.config.channels, self.spec)
        return StyleGenerator(self.config.latent, self.config.mapping_layers, self.make_synthesis(widths))

    def make_critic(self) -> nn.Module:
        """Return x -> halved down to 4 x 4 -> one logit."""
        widths = widths_of_levels(self.info.name, self.config.channels, self.spec)
        return StyleCritic(widths, self.spec.shape[0], residual=self.has_residual_critic)

    # ------------------------------------------------------------------------------------------- training

    def generate(self, run: Run) -> tuple[Tensor, Tensor | None]:
        """Return fresh fakes for an update."""
        return self.generator.synthesis(self.draw_styles(run.batch)), None

    def draw_styles(self, n: int) -> Tensor:
        """Return styles [n, num_ws, w] of fresh latents, a share of them mixed; moves the average of w."""
        w = self.generator.mapping(self.prior(n, None))
        self.generator.track(w)
        if not self.config.mixing:
            return self.generator.spread(w)
        other = self.generator.mapping(self.prior(n, None))
        cut = torch.randint(1, self.num_ws, (n,))
        cut[torch.rand(n) >= self.config.mixing] = self.num_ws
        return mix(self.generator.spread(w), self.generator.spread(other), cut)

    # ------------------------------------------------------------------------------------------- capabilities

    @property
    def num_ws(self) -> int:
        """Styles an image takes."""
        return self.generator.synthesis.num_ws

    @property
    def w_average(self) -> Tensor:
        """Mean of w over the prior, float32 [w]."""
        return self.average.w_average

    def prior(self, n: int, generator: torch.Generator | None, truncation: float | None = None) -> Tensor:
        """Return n latents float32 [n, latent]; truncation is not of them but of w."""
        if truncation is not None:
            raise BadInput(
                f"{self.info.name}: truncation acts on w, not on the prior; expected none, got {truncation}. Give it "
                "to sample() or truncate()."
            )
        return super().prior(n, generator)

    def mapping(self, z: Tensor, labels: Any = None) -> Tensor:
        """Return w float32 [n, w] of z [n, latent]."""
        self.pick_labels(len(z), labels, None)
        return self.average.mapping(z)

    def synthesis(self, ws: Tensor) -> Tensor:
        """Return images of ws [n, num_ws, w], differentiable, with the fixed noise; nothing bounds them to [0, 1]."""
        return self.to_unit(self.average.synthesis(ws, self.average.synthesis.fixed_noise()))

    def truncate(self, w: Tensor, psi: float | None) -> Tensor:
        """Return w_average + psi (w - w_average), w [n, w]: less variety below 1; None or 1: w itself."""
        if psi is not None and not 0 <= psi < math.inf:
            raise BadInput(f"{self.info.name}: truncation out of range; expected 0 or more, got {psi}. Correct it.")
        return torch.lerp(self.w_average, w, 1.0 if psi is None else psi)

    def style_mixing(self, z1: Tensor, z2: Tensor, cut: int) -> Tensor:
        """Return images [n, c, h, w] whose layers before ``cut`` take the style of z1, the others that of z2."""
        if not 0 <= cut <= self.num_ws:
            raise BadInput(f"{self.info.name}: no such layer; expected cut in 0..{self.num_ws}, got {cut}. Correct it.")
        first, second = (self.average.spread(self.mapping(z)) for z in (z1, z2))
        return self.synthesis(mix(first, second, torch.full((len(z1),), cut)))

    @torch.no_grad()
    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        z: Tensor | None = None,
        labels: Any = None,
        truncation: float | None = None,
    ) -> Tensor:
        """Return n images float32 [n, c, h, w] in [0, 1], their noise drawn too; ``truncation`` is psi."""
        w = self.mapping(self.prior(n, generator) if z is None else z, labels)
        ws = self.average.spread(self.truncate(w, truncation))
        images = self.average.synthesis(ws, self.average.synthesis.draw_noise(n, generator))
        return self.to_unit(images).float().cpu().clamp(0, 1)


def mix(first: Tensor, second: Tensor, cut: Tensor) -> Tensor:
    """Return styles [n, num_ws, w]: of ``first`` in image i's layers before cut[i], of ``second`` in the others."""
    is_first = torch.arange(first.shape[1]) < cut[:, None]
    return torch.where(is_first[..., None].to(first.device), first, second)


class StyleGenerator(nn.Module):
    """Mapping, synthesis, and the running mean of w over what the mapping was trained on."""

    def __init__(self, width: int, layers: int, synthesis: "Synthesis") -> None:
        super().__init__()
        dense = (
            part
            for _ in range(layers)
            for part in (EqLinear(width, width, gain=math.sqrt(2), lr_multiplier=SLOWNESS), nn.LeakyReLU(0.2))
        )
        self.mapping = nn.Sequential(PixelNorm(), *dense)
        self.synthesis = synthesis
        self.w_average: Tensor
        self.register_buffer("w_average", torch.zeros(width))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return images in [-1, 1] of z [n, latent], with the fixed noise."""
        return self.synthesis(self.spread(self.mapping(z)), self.synthesis.fixed_noise())

    def spread(self, w: Tensor) -> Tensor:
        """Return w [n, w] for every layer, [n, num_ws, w]."""
        return w[:, None].expand(-1, self.synthesis.num_ws, -1)

    def track(self, w: Tensor) -> None:
        """Move the average of w towards the mean of [n, w]."""
        self.w_average.lerp_(w.detach().mean(0).to(self.w_average), 1 - W_DECAY)


class Synthesis(nn.Module):
    """Styles [n, num_ws, w] to images [n, c, side, side]; linear at the end, so not bounded to [-1, 1].

    Args:
        num_ws: styles.
        sides: resolution of each layer that takes noise.
    """

    def __init__(self, num_ws: int, sides: Sequence[int]) -> None:
        super().__init__()
        self.num_ws, self.sides = num_ws, tuple(sides)
        self.noise: Tensor
        self.register_buffer("noise", torch.randn(1, sum(side * side for side in sides)))

    def forward(self, ws: Tensor, noise: Sequence[Tensor | None] | None = None) -> Tensor:
        """Return images; ``noise``: one [n or 1, 1, side, side] for each layer, None: drawn from the global state."""
        return self.draw(ws, [None] * len(self.sides) if noise is None else noise)

    @abstractmethod
    def draw(self, ws: Tensor, noise: Sequence[Tensor | None]) -> Tensor:
        """Return images."""

    def fixed_noise(self) -> list[Tensor]:
        """Return the noise that is kept with the weights, the same for all images."""
        return self._by_layer(self.noise)

    def draw_noise(self, n: int, generator: torch.Generator) -> list[Tensor]:
        """Return fresh noise of n images; image by image, so that the first ones do not depend on n."""
        return self._by_layer(torch.randn(n, self.noise.shape[1], generator=generator).to(self.noise))

    def _by_layer(self, flat: Tensor) -> list[Tensor]:
        parts = flat.split([side * side for side in self.sides], dim=1)
        return [part.unflatten(1, (1, side, side)) for part, side in zip(parts, self.sides, strict=True)]


class BlurredDown(EqConv):
    """Low-pass filter, then a 3 x 3 convolution of every other pixel: [n, in, 2h, 2w] -> [n, out, h, w].

    Within the borders the same as ``downsample_blur`` of the convolution at the high resolution, at a quarter of its
    work.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3)
        self.blur = Blur()

    def forward(self, x: Tensor) -> Tensor:
        """Return features of half the size."""
        return F.conv2d(self.blur(F.pad(x, (0, 1, 0, 1))), self.weight * self.scale, self.bias, stride=2)


class StyleCritic(nn.Module):
    """Images [n, colours, side, side] to logits [n].

    Args:
        widths: channels at 4 x 4, 8 x 8 ...
        colours: of the images.
        residual: add a halved copy to each block (StyleGAN2).
    """

    def __init__(self, widths: tuple[int, ...], colours: int, *, residual: bool) -> None:
        super().__init__()
        downwards = widths[::-1]
        self.first = nn.Sequential(EqConv(colours, widths[-1], 1), nn.LeakyReLU(0.2))
        self.blocks = nn.Sequential(*(CriticBlock(a, b, residual=residual) for a, b in pairwise(downwards)))
        self.last = critic_head(widths[0])

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return logits [n]."""
        return self.last(self.blocks(self.first(x))).squeeze(1)


class CriticBlock(nn.Module):
    """Two convolutions, the second halves; with ``residual`` the halved input is added, over sqrt(2)."""

    def __init__(self, in_channels: int, out_channels: int, *, residual: bool) -> None:
        super().__init__()
        convs = (EqConv(in_channels, in_channels, 3), nn.LeakyReLU(0.2), BlurredDown(in_channels, out_channels))
        self.main = nn.Sequential(*convs, nn.LeakyReLU(0.2))
        self.skip = EqConv(in_channels, out_channels, 1, bias=False, gain=1.0) if residual else None

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, in, 2h, 2w] to [n, out, h, w]."""
        out = self.main(x)
        return out if self.skip is None else (out + self.skip(downsample_blur(x))) / math.sqrt(2)
