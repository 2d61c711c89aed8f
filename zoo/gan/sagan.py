"""SAGAN: a generator and a critic that attend to the whole picture (Zhang et al. 2019, arXiv:1805.08318).

Self-attention at one resolution of both networks, added with a weight gamma that starts at 0; spectral normalisation of
every weight of both (the critic's class vectors included, the tables of the conditional batch norms not); a learning
rate for the critic above the generator's, four times in the paper; classes by conditional batch norm in the generator
and by projection in the critic; hinge loss.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch.nn.functional as F
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor, nn

from zoo.contracts import DataSpec, ModelInfo, Preset
from zoo.gan.staged import StagedConfig, StagedGenerator, StagedModel
from zoo.layers import spectral_all, xavier_


class SAGANConfig(StagedConfig):
    """Settings of SAGAN."""

    lr_generator: PositiveFloat = 1e-3
    lr_critic: PositiveFloat = 2e-3
    attention: PositiveInt | None = 16


class SAGAN(StagedModel):
    """Images of classes."""

    info: ClassVar = ModelInfo(
        name="sagan",
        title="SAGAN",
        paper="Zhang et al. 2019, arXiv:1805.08318",
        summary="self-attention, spectral normalisation of both networks, two learning rates",
        family="gan",
    )
    is_conditional: ClassVar[bool] = True
    config: SAGANConfig
    config_type: ClassVar = SAGANConfig
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset(
            "digits32", steps=2, batch=8, config={"latent": 16, "widths": (8, 8, 8, 4), "critic_widths": (4, 8, 8)}
        ),
        "small": Preset(
            "digits32",
            steps=1600,
            batch=32,
            config={
                "architecture": "resnet",
                "widths": (48, 32, 24, 16),
                "critic_widths": (24, 32, 48),
                "lr_generator": 5e-4,
                "lr_critic": 1.5e-3,  # at 2e-3 power iteration falls further behind
                "lr_decay": "linear",
            },
        ),
        "paper": Preset(
            "classes:imagenet@128",
            steps=1_000_000,
            batch=256,
            config={
                "architecture": "resnet",
                "latent": 128,
                "widths": (1024, 1024, 512, 256, 128, 64),
                "critic_widths": (64, 128, 256, 512, 1024, 1024),
                "critic_downs": 5,
                "attention": 32,
                "lr_generator": 1e-4,
                "lr_critic": 4e-4,
            },
            is_tested=False,
            gpus=1,
            source="paper",
        ),
    }

    def make_generator(self) -> nn.Module:
        """Return (z, labels) -> 4 x 4 -> doubled up to the full size, each block's norms conditional."""
        return SAGANGenerator(self.config, self.spec)


class SAGANGenerator(nn.Module):
    """Latents [n, latent] and classes to images; every block has its own table of gains and biases of the classes."""

    def __init__(self, config: SAGANConfig, spec: DataSpec) -> None:
        super().__init__()
        self.classes = spec.classes
        self.net = StagedGenerator(config.latent, config, spec, condition_width=spec.classes)
        spectral_all(xavier_(self.net))

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        """Return images in [-1, 1]."""
        one_hot = F.one_hot(labels, self.classes).to(z.dtype)
        return self.net(z, [one_hot] * len(self.net.blocks))
