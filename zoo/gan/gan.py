"""GAN: two fully connected networks (Goodfellow et al. 2014, arXiv:1406.2661).

The critic estimates the log-odds that an image is real; its optimum is D* = p / (p + q). "minimax" descends
E log(1 - D(G(z))), whose gradient vanishes where the critic wins; "non-saturating" ascends E log D(G(z)) instead, which
has the same fixed point. Real is 1: a logit above 0.
"""

from collections.abc import Mapping
from itertools import pairwise
from math import prod
from typing import ClassVar

from pydantic import PositiveInt
from torch import Tensor, nn

from genbench.errors import BadInput
from zoo.contracts import DataSpec, ModelInfo, Preset
from zoo.gan.adversarial import AdversarialConfig, AdversarialModel


class GANConfig(AdversarialConfig):
    """Settings of the fully connected GAN.

    Attributes:
        widths: of the generator's hidden layers; the critic has them in reverse.
    """

    widths: tuple[PositiveInt, ...] = (256, 512)


class GAN(AdversarialModel):
    """Images or points of any shape; layers of 256 and 512 with leaky ReLU."""

    info: ClassVar = ModelInfo(
        name="gan",
        title="GAN",
        paper="Goodfellow et al. 2014, arXiv:1406.2661",
        summary="two fully connected networks, minimax or non-saturating",
        family="gan",
    )
    config: GANConfig
    config_type: ClassVar = GANConfig
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset("digits32", steps=2, batch=8, config={"widths": (32,)}),
        "small": Preset("digits32", steps=5000, batch=64, config={"lr_generator": 1e-3, "lr_decay": "linear"}),
        "ring": Preset(
            "ring8",
            steps=12_000,
            batch=256,
            config={"latent": 2, "widths": (128, 128, 128), "lr_generator": 3e-4, "lr_critic": 1e-3, "beta2": 0.9},
        ),
        "paper": Preset("torchvision:MNIST", steps=500_000, batch=128, is_tested=False, source="paper", gpus=1),
    }
    variants: ClassVar = {**AdversarialModel.variants, "minimax": {"loss": "minimax"}}

    def check(self, spec: DataSpec) -> None:
        """Take points, and images up to 64 x 64."""
        refuse_large(self.info.name, spec)

    def make_generator(self) -> nn.Module:
        """Return z -> hidden layers -> x; tanh for images."""
        return FullyConnectedGenerator(self.config.latent, self.config.widths, self.spec)

    def make_critic(self) -> nn.Module:
        """Return x -> hidden layers -> one logit."""
        return FullyConnectedCritic(self.config.widths[::-1], self.spec)


def refuse_large(name: str, spec: DataSpec) -> None:
    """Raise ``BadInput`` unless ``spec`` is of points, or of images up to 64 x 64."""
    if len(spec.shape) not in (1, 3) or max(spec.shape) > 64:
        raise BadInput(
            f"model {name!r}: cannot learn such data; expected points or images up to 64 x 64, got "
            f"{list(spec.shape)} of {spec.name!r}. Choose another data set."
        )


class FullyConnectedGenerator(nn.Module):
    """Latents [n, latent] to examples [n, *shape]."""

    def __init__(self, latent: int, widths: tuple[int, ...], spec: DataSpec) -> None:
        super().__init__()
        self.shape = spec.shape
        last: list[nn.Module] = [] if spec.is_points else [nn.Tanh()]
        self.net = nn.Sequential(*_layers((latent, *widths, prod(spec.shape))), *last)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return examples [n, *shape]."""
        return self.net(z).unflatten(1, self.shape)


class FullyConnectedCritic(nn.Module):
    """Examples [n, *shape] to logits [n]."""

    def __init__(self, widths: tuple[int, ...], spec: DataSpec) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), *_layers((prod(spec.shape), *widths, 1)))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return logits [n]."""
        return self.net(x).squeeze(1)


def _layers(widths: tuple[int, ...]) -> list[nn.Module]:
    """Return linear layers with a leaky ReLU between each two."""
    layers: list[nn.Module] = []
    for width, following in pairwise(widths):
        layers += [nn.Linear(width, following), nn.LeakyReLU(0.2)]
    return layers[:-1]
