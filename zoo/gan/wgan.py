"""Wasserstein GAN: the critic estimates a distance rather than a probability (Arjovsky et al. 2017, arXiv:1701.07875).

max over f of E f(x) - E f(G(z)), f K-Lipschitz, is K times the Wasserstein-1 distance, which falls smoothly even where
the two distributions do not meet. Clipping every weight of the critic to [-c, c] after each of its updates keeps f
K-Lipschitz for some K that depends on c and on the network, so that estimates compare only within one setting. The
critic is updated more often than the generator, by RMSProp: momentum made it unstable. It has no norm, for a clipped
gain would shrink every layer's output by c.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor, nn

from zoo.contracts import Batch, ModelInfo, Preset, Run
from zoo.gan.dcgan import DCGAN, DCGANConfig


class WGANConfig(DCGANConfig):
    """Settings of WGAN.

    Attributes:
        weight_clip: c, the largest absolute value of a weight of the critic.
        warm_up: first updates of the generator that follow ``warm_up_steps`` of the critic, as does every 500th later:
            25 in the authors' code; 0: none.
        warm_up_steps: see above.
    """

    loss: Literal["wasserstein"] = "wasserstein"
    optimizer: Literal["adam", "rmsprop"] = "rmsprop"
    lr_generator: PositiveFloat = 1e-3  # the paper has 5e-5 for both; one as slow never catches up in a run of minutes
    lr_critic: PositiveFloat = 5e-5
    critic_norm: Literal["none"] = "none"
    critic_steps: PositiveInt = 5
    weight_clip: PositiveFloat = 0.01
    warm_up: NonNegativeInt = 0
    warm_up_steps: PositiveInt = 100


class WGAN(DCGAN):
    """DCGAN's networks, the critic without batch norm and with clipped weights."""

    info: ClassVar = ModelInfo(
        name="wgan",
        title="WGAN",
        paper="Arjovsky et al. 2017, arXiv:1701.07875",
        summary="a critic with clipped weights estimates the Wasserstein distance",
        family="gan",
    )
    config: WGANConfig
    config_type: ClassVar = WGANConfig
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset("digits32", steps=2, batch=8, config={"channels": 4, "latent": 16}),
        "small": Preset(
            "digits32", steps=1000, batch=64, config={"up": "bilinear", "warm_up": 25, "lr_decay": "linear"}
        ),
        "paper": Preset(
            "folder:lsun_bedroom@64",
            steps=200_000,
            batch=64,
            config={"latent": 100, "channels": 64, "lr_generator": 5e-5, "warm_up": 25},
            is_tested=False,
            gpus=1,
            source="repository",
        ),
    }
    variants: ClassVar = {"resize": {"up": "nearest"}}

    def make_critic(self) -> nn.Module:
        """Return DCGAN's critic without a last bias: a constant added to f changes nothing."""
        critic = super().make_critic()
        critic.last.bias = None
        return critic

    def critic_steps(self, run: Run) -> int:
        """Return more steps at the start and now and then, that the critic may be near its optimum."""
        config = self.config
        is_long = run.step < config.warm_up or (config.warm_up > 0 and run.step % 500 == 0)
        return config.warm_up_steps if is_long else config.critic_steps

    def train_critic(self, batch: Batch, run: Run) -> dict[str, Tensor]:
        """Do one update of the critic; log E f(x) - E f(G(z)) of the batch before it."""
        logs = super().train_critic(batch, run)
        return logs | {"wasserstein_estimate": -logs["critic"]}

    @torch.no_grad()
    def after_critic_step(self) -> None:
        """Clip the critic's weights and biases."""
        for weight in self.critic.parameters():
            weight.clamp_(-self.config.weight_clip, self.config.weight_clip)
