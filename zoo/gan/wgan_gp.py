"""WGAN with gradient penalty: the critic's slope is pulled towards 1 instead of clipped (Gulrajani et al. 2017).

An optimal critic has a gradient of norm 1 almost everywhere on the lines between coupled real and generated examples,
so (||grad f|| - 1)^2 is penalised at random points between pairs of them. The slope belongs to one example: batch norm,
under which f(x) depends on its neighbours, has no place in the critic. arXiv:1704.00028.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

import torch.nn.functional as F
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn

from zoo.contracts import Batch, DataSpec, ModelInfo, Preset, Run
from zoo.gan.dcgan import DCGAN, DCGANConfig, refuse_other_sides
from zoo.gan.gan import FullyConnectedCritic, FullyConnectedGenerator, refuse_large
from zoo.layers import ResidualDown, ResidualUp, make_norm, xavier_
from zoo.model import BelowOne

RECTIFIED = 2**0.5  # gain before a rectifier


class WGANGPConfig(DCGANConfig):
    """Settings of WGAN-GP.

    Attributes:
        networks: "conv" of DCGAN; "resnet" of the paper, ``channels`` everywhere; "mlp" of ``widths``, for points too.
        widths: of the generator's hidden layers with "mlp"; the critic has them in reverse.
        critic_norm: with "conv"; the paper recommends layer norm where one is wanted.
    """

    networks: Literal["conv", "resnet", "mlp"] = "conv"
    widths: tuple[PositiveInt, ...] = (128, 128, 128)
    loss: Literal["wasserstein"] = "wasserstein"
    critic_norm: Literal["none", "ln", "in", "gn"] = "none"
    lr_generator: PositiveFloat = 1e-3
    lr_critic: PositiveFloat = 5e-4
    critic_steps: PositiveInt = 3
    gradient_penalty: NonNegativeFloat = 10.0
    beta1: BelowOne = 0.0
    beta2: BelowOne = 0.9


class WGANGP(DCGAN):
    """DCGAN's networks without batch norm in the critic; the paper's residual ones; fully connected ones."""

    info: ClassVar = ModelInfo(
        name="wgan-gp",
        title="WGAN-GP",
        paper="Gulrajani et al. 2017, arXiv:1704.00028",
        summary="WGAN whose critic is kept near slope 1 by a penalty",
        family="gan",
    )
    config: WGANGPConfig
    config_type: ClassVar = WGANGPConfig
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset("digits32", steps=2, batch=8, config={"channels": 4, "latent": 16}),
        "small": Preset("digits32", steps=1200, batch=32, config={"up": "bilinear"}),
        "ring": Preset(
            "ring8",
            steps=1200,
            batch=256,
            config={
                "networks": "mlp",
                "latent": 2,
                "gradient_penalty": 0.1,
                "lr_critic": 1e-3,
                "beta1": 0.5,
            },
        ),
        "paper": Preset(  # the authors' code gives the generator batches of 128
            "torchvision:CIFAR10",
            steps=100_000,
            batch=64,
            config={
                "networks": "resnet",
                "latent": 128,
                "channels": 128,
                "critic_steps": 5,
                "lr_generator": 2e-4,
                "lr_critic": 2e-4,
                "lr_decay": "linear",
            },
            is_tested=False,
            gpus=1,
            source="repository",
        ),
    }
    variants: ClassVar = {"resize": {"up": "nearest"}}

    def check(self, spec: DataSpec) -> None:
        """Take what the networks can."""
        refuse = refuse_large if self.config.networks == "mlp" else refuse_other_sides
        refuse(self.info.name, spec)

    def make_generator(self) -> nn.Module:
        """Return the generator of the chosen networks."""
        config = self.config
        makers: dict[str, Callable[[], nn.Module]] = {
            "conv": super().make_generator,
            "resnet": lambda: ResidualGenerator(config.latent, config.channels, self.spec, norm=config.norm),
            "mlp": lambda: FullyConnectedGenerator(config.latent, config.widths, self.spec),
        }
        return makers[config.networks]()

    def make_critic(self) -> nn.Module:
        """Return the critic of the chosen networks, without a last bias: a constant added to f changes nothing."""
        config = self.config
        makers: dict[str, Callable[[], nn.Module]] = {
            "conv": lambda: xavier_(super(WGANGP, self).make_critic(), gain=RECTIFIED),
            "resnet": lambda: ResidualCritic(config.channels, self.spec),
            "mlp": lambda: FullyConnectedCritic(config.widths[::-1], self.spec),
        }
        critic = makers[config.networks]()
        last = critic.net[-1] if config.networks == "mlp" else critic.last
        last.bias = None
        return critic

    def train_critic(self, batch: Batch, run: Run) -> dict[str, Tensor]:
        """Do one update of the critic; log E f(x) - E f(G(z)) of the batch before it."""
        logs = super().train_critic(batch, run)
        return logs | {"wasserstein_estimate": -logs["critic"]}


class ResidualGenerator(nn.Module):
    """Latents [n, latent] to images [n, c, side, side] in [-1, 1]: 4 x 4, doubled by blocks of equal width."""

    def __init__(self, latent: int, channels: int, spec: DataSpec, *, norm: str = "bn") -> None:
        super().__init__()
        self.stem = nn.Linear(latent, channels * 4 * 4)
        doublings = spec.shape[-1].bit_length() - 3
        self.blocks = nn.Sequential(*(ResidualUp(channels, channels, norm) for _ in range(doublings)))
        self.last = nn.Sequential(
            make_norm(norm, channels), nn.ReLU(), nn.Conv2d(channels, spec.shape[0], 3, padding=1), nn.Tanh()
        )
        _start(self)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return images in [-1, 1]."""
        return self.last(self.blocks(self.stem(z).unflatten(1, (-1, 4, 4))))


class ResidualCritic(nn.Module):
    """Images [n, c, side, side] to logits [n]: halved to 8 x 8, two plain blocks, the mean over positions, linear."""

    def __init__(self, channels: int, spec: DataSpec) -> None:
        super().__init__()
        halvings = spec.shape[-1].bit_length() - 4
        blocks = [ResidualDown(spec.shape[0], channels, first=True, spectral=False)]
        blocks += [ResidualDown(channels, channels, spectral=False) for _ in range(halvings - 1)]
        blocks += [ResidualDown(channels, channels, down=False, spectral=False) for _ in range(2)]
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Linear(channels, 1)
        _start(self)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return logits [n]."""
        return self.last(F.relu(self.blocks(x)).mean((2, 3))).squeeze(1)


def _start(net: ResidualGenerator | ResidualCritic) -> None:
    """Draw weights as the authors' code does: Glorot's variance, twice that before each rectifier of a block."""
    xavier_(net)
    for block in net.blocks:
        xavier_(nn.ModuleList([block.conv1, block.conv2]), gain=RECTIFIED)
