"""DCGAN: the guidelines that made convolutional GANs train (Radford et al. 2016, arXiv:1511.06434).

Strided convolutions instead of pooling, batch norm in both networks but not at their ends, no hidden fully connected
layer, ReLU and tanh in the generator, leaky ReLU in the critic, weights from N(0, 0.02). Real and fake images pass the
critic as separate batches, so that batch norm cannot tell their mixture.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar, Literal

from pydantic import PositiveFloat, PositiveInt
from torch import Tensor, nn

from genbench.errors import BadInput
from zoo.contracts import DataSpec, ModelInfo, Preset
from zoo.gan.adversarial import AdversarialConfig, AdversarialModel
from zoo.layers import DownBlock, UpBlock, UpConv, make_norm, normal_
from zoo.layers.rank import ranked

MOST_CHANNELS = 1024


class DCGANConfig(AdversarialConfig):
    """Settings of DCGAN and of the models built on its networks.

    Attributes:
        channels: at half the full resolution; doubled with every halving.
        up: "transposed" convolutions as in the paper, or "nearest" with a convolution, against checkerboards.
        norm: of the generator: "bn", "gn", "in", "ln", "none".
        critic_norm: of the critic.
    """

    lr_generator: PositiveFloat = 5e-4  # the paper's 2e-4 lets so small a critic win
    channels: PositiveInt = 16
    up: Literal["transposed", "nearest", "bilinear"] = "transposed"
    norm: str = "bn"
    critic_norm: str = "bn"


class DCGAN(AdversarialModel):
    """Square images of 16, 32, 64 ... pixels."""

    info: ClassVar = ModelInfo(
        name="dcgan",
        title="DCGAN",
        paper="Radford et al. 2016, arXiv:1511.06434",
        summary="strided convolutions with batch norm",
        family="gan",
    )
    config: DCGANConfig
    config_type: ClassVar = DCGANConfig
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset("digits32", steps=2, batch=8, config={"channels": 4, "latent": 16}),
        "small": Preset("digits32", steps=1500, batch=64),
        "paper": Preset(
            "torchvision:CelebA@64",
            steps=40_000,
            batch=128,
            config={"lr_generator": 2e-4, "latent": 100, "prior": "uniform", "channels": 128},
            is_tested=False,
            gpus=1,
            source="paper",
        ),
    }
    variants: ClassVar = {
        **{name: {**changes, "critic_norm": "none"} for name, changes in AdversarialModel.variants.items()},
        # without batch norm, weights this small make so flat a critic that the usual rate and gamma = 1 keep it so
        "r1": {"critic_norm": "none", "r1": 0.1, "r1_every": 4, "lr_critic": 2e-3},
        "resize": {"up": "nearest"},
    }

    def check(self, spec: DataSpec) -> None:
        """Take square images whose side is a power of two, from 16."""
        refuse_other_sides(self.info.name, spec)

    def make_generator(self) -> nn.Module:
        """Return z -> 4 x 4 -> doubled up to the full size."""
        config = self.config
        return ConvGenerator(config.latent, config.channels, self.spec, up=config.up, norm=config.norm)

    def make_critic(self) -> nn.Module:
        """Return the mirror of the generator."""
        return ConvCritic(self.config.channels, self.spec, norm=self.config.critic_norm)


def refuse_other_sides(name: str, spec: DataSpec) -> None:
    """Raise ``BadInput`` unless ``spec`` is of square images whose side is a power of two, from 16."""
    side = spec.shape[-1]
    if len(spec.shape) != 3 or spec.shape[1] != side or side < 16 or side & (side - 1):
        raise BadInput(
            f"model {name!r}: cannot learn such data; expected square images of 16, 32, 64 ... pixels, got "
            f"{list(spec.shape)} of {spec.name!r}. Choose another data set."
        )


def widths_of(channels: int, side: int) -> list[int]:
    """Return the channels at 4 x 4, 8 x 8 ... side / 2: ``channels`` at the last, doubled with every halving."""
    stages = side.bit_length() - 3
    return [min(channels << (stages - 1 - stage), MOST_CHANNELS) for stage in range(stages)]


class ConvGenerator(nn.Module):
    """Latents [n, latent (+ extra)] to images [n, c, side, side], or volumes [n, c, side, side, side], in [-1, 1]."""

    def __init__(self, latent: int, channels: int, spec: DataSpec, *, up: str = "transposed", norm: str = "bn") -> None:
        super().__init__()
        self.nd = nd = len(spec.shape) - 1
        widths = widths_of(channels, spec.shape[-1])
        stem = ranked("ConvTranspose", nd)(latent, widths[0], 4, bias=norm == "none")
        self.stem = nn.Sequential(stem, make_norm(norm, widths[0], nd), nn.ReLU())
        self.blocks = nn.Sequential(*(UpBlock(a, b, mode=up, norm=norm, nd=nd) for a, b in pairwise(widths)))
        self.last = UpConv(widths[-1], spec.shape[0], mode=up, nd=nd)
        normal_(self)

    def features(self, z: Tensor) -> Tensor:
        """Return what the last layer sees, [n, channels, side / 2 ...]."""
        return self.blocks(self.stem(z.unflatten(1, (-1, *(1,) * self.nd))))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return images in [-1, 1]."""
        return self.last(self.features(z)).tanh()


class ConvCritic(nn.Module):
    """Images [n, c (+ extra), side, side], or volumes, to logits [n]."""

    def __init__(self, channels: int, spec: DataSpec, *, norm: str = "bn", extra: int = 0) -> None:
        super().__init__()
        nd = len(spec.shape) - 1
        widths = widths_of(channels, spec.shape[-1])[::-1]
        self.first = DownBlock(spec.shape[0] + extra, widths[0], norm="none", nd=nd)
        self.blocks = nn.Sequential(*(DownBlock(a, b, norm=norm, nd=nd) for a, b in pairwise(widths)))
        self.last = ranked("Conv", nd)(widths[-1], 1, 4)
        normal_(self)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return logits [n]."""
        return self.last(self.blocks(self.first(x))).flatten()
