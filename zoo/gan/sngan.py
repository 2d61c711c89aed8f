"""SNGAN: every weight of the critic divided by its largest singular value (Miyato et al. 2018, arXiv:1802.05957).

The singular value is of the weight as a matrix [out, rest], followed by one step of power iteration a forward pass.
This bounds the critic's slope; the bound is not 1, for a convolution's norm may be sqrt(kernel area) times larger.
Two relatives: the variants "clamp" and "clamp-all" cut singular values off at a bound instead of dividing (Brock et al.
2019, arXiv:1809.11096, section 4), "sn-regularisation" adds lambda / 2 sum sigma^2 to the loss and leaves the weights
alone (Yoshida and Miyato 2017, arXiv:1705.10941).
"""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import PositiveFloat
from torch import nn

from zoo.contracts import ModelInfo, Preset
from zoo.gan.staged import StagedConfig, StagedGenerator, StagedModel
from zoo.layers import xavier_


class SNGANConfig(StagedConfig):
    """Settings of SNGAN."""

    lr_generator: PositiveFloat = 1e-3
    lr_critic: PositiveFloat = 1e-3


class SNGAN(StagedModel):
    """Batch norm in the generator, none in the critic, hinge loss."""

    info: ClassVar = ModelInfo(
        name="sngan",
        title="SNGAN",
        paper="Miyato et al. 2018, arXiv:1802.05957",
        summary="spectral normalisation of every critic layer, hinge loss",
        family="gan",
    )
    config: SNGANConfig
    config_type: ClassVar = SNGANConfig
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset(
            "shapes", steps=2, batch=8, config={"latent": 16, "widths": (8, 8, 8, 4), "critic_widths": (4, 8, 8)}
        ),
        "small": Preset(
            "digits32",
            steps=700,
            batch=32,
            config={
                "architecture": "resnet",
                "widths": (48, 32, 24, 16),
                "critic_widths": (24, 32, 48),
                "critic_steps": 2,
                "lr_decay": "linear",
            },
        ),
        "paper": Preset(
            "torchvision:CIFAR10",
            steps=50_000,
            batch=64,
            config={
                "architecture": "resnet",
                "latent": 128,
                "widths": (256, 256, 256, 256),
                "critic_widths": (128, 128, 128, 128),
                "critic_downs": 2,
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
    variants: ClassVar = {
        **StagedModel.variants,
        "resnet": {"architecture": "resnet", "widths": (64, 48, 32, 16), "critic_widths": (32, 48, 64)},
        "clamp": {"normalisation": "clamp"},
        "clamp-all": {"normalisation": "clamp_all"},
        "sn-regularisation": {"normalisation": "none", "spectral_penalty": 0.01},
    }

    def make_generator(self) -> nn.Module:
        """Return z -> 4 x 4 -> doubled up to the full size."""
        return xavier_(StagedGenerator(self.config.latent, self.config, self.spec))
