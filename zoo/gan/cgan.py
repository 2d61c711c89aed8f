"""Conditional GAN: both networks are told the class (Mirza and Osindero 2014, arXiv:1411.1784).

The label, one-hot, lies beside z in the generator's input, and as constant planes beside the image's channels in the
critic's. The critic so judges pairs, D(x, y); were it not told y, nothing would make the generator heed its own. The
networks are DCGAN's in place of the paper's fully connected ones.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import PositiveFloat
from torch import Tensor, nn

from genbench.errors import BadInput
from zoo.contracts import DataSpec, ModelInfo, Preset
from zoo.gan.dcgan import DCGAN, ConvCritic, ConvGenerator, DCGANConfig


class CGANConfig(DCGANConfig):
    """Settings of the conditional GAN.

    Attributes:
        mismatch: real images with a wrong label are half of the critic's fakes (Reed et al. 2016, arXiv:1605.05396).
    """

    lr_generator: PositiveFloat = 5e-4  # at the critic's 2e-4 the class is heard much later
    mismatch: bool = False


class CGAN(DCGAN):
    """Square images with classes."""

    info: ClassVar = ModelInfo(
        name="cgan",
        title="Conditional GAN",
        paper="Mirza and Osindero 2014, arXiv:1411.1784",
        summary="the class, one-hot, is an input of both networks",
        family="gan",
    )
    config: CGANConfig
    config_type: ClassVar = CGANConfig
    is_conditional: ClassVar = True
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset("digits32", steps=2, batch=8, config={"channels": 4, "latent": 16}),
        "small": Preset(
            "digits32",
            steps=1500,
            batch=64,
            config={"up": "bilinear", "lr_generator": 1e-3, "lr_critic": 5e-4},
        ),
        "paper": Preset(
            "torchvision:MNIST@32",
            steps=50_000,
            batch=100,
            config={"latent": 100, "prior": "uniform", "channels": 64, "lr_generator": 2e-4},
            is_tested=False,
            gpus=1,
        ),
    }
    variants: ClassVar = {**DCGAN.variants, "mismatch": {"mismatch": True}}

    def check(self, spec: DataSpec) -> None:
        """Take what DCGAN takes; a wrong label needs a second class."""
        super().check(spec)
        if self.config.mismatch and spec.classes == 1:
            raise BadInput(
                f"model 'cgan': mismatch needs a wrong label; expected 2 classes or more, got 1 in {spec.name!r}. "
                "Set mismatch=false."
            )

    def make_generator(self) -> nn.Module:
        """Return DCGAN's generator of (z, one-hot label)."""
        config = self.config
        return LabelledGenerator(config.latent, config.channels, self.spec, up=config.up, norm=config.norm)

    def make_critic(self) -> nn.Module:
        """Return DCGAN's critic of (image, one-hot planes)."""
        return LabelledCritic(self.config.channels, self.spec, norm=self.config.critic_norm)

    def critic_loss(self, real: Tensor, labels: Tensor | None, fake: Tensor, fake_labels: Tensor | None) -> Tensor:
        """Return the loss of pairs: (real, its label) against (fake, its label) and perhaps (real, another label)."""
        if not self.config.mismatch or labels is None:
            return super().critic_loss(real, labels, fake, fake_labels)
        wrong = self.critic(real, other_labels(labels, self.spec.classes))
        return self.loss.critic(self.critic(real, labels), torch.cat([self.critic(fake, fake_labels), wrong]))


def other_labels(labels: Tensor, classes: int) -> Tensor:
    """Return int64 [n], each drawn evenly from the ``classes`` - 1 that are not its label."""
    return (labels + torch.randint(1, classes, labels.shape, device=labels.device)) % classes


class LabelledGenerator(ConvGenerator):
    """Latents [n, latent] and labels [n] to images [n, c, side, side] in [-1, 1]."""

    def __init__(self, latent: int, channels: int, spec: DataSpec, *, up: str, norm: str) -> None:
        super().__init__(latent + spec.classes, channels, spec, up=up, norm=norm)
        self.classes = spec.classes

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        """Return images in [-1, 1]."""
        return super().forward(torch.cat([z, F.one_hot(labels, self.classes).to(z)], dim=1))


class LabelledCritic(ConvCritic):
    """Images [n, c, side, side] and labels [n] to logits [n]."""

    def __init__(self, channels: int, spec: DataSpec, *, norm: str) -> None:
        super().__init__(channels, spec, norm=norm, extra=spec.classes)
        self.classes = spec.classes

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Return logits [n]."""
        planes = F.one_hot(labels, self.classes).to(x)[:, :, None, None].expand(-1, -1, *x.shape[2:])
        return super().forward(torch.cat([x, planes], dim=1))
