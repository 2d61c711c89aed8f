"""S-VAE: codes on a sphere (Davidson et al. 2018, arXiv:1804.00891).

The posterior is von Mises-Fisher and the prior uniform: it has no centre that codes could fall into. Concentrations are
at least 1, as in the authors' code, for at 0 a posterior is the prior and its code is given up. ``latent`` counts the
coordinates, m, of a sphere of m - 1 dimensions; beyond some 20 the authors find no gain.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from genbench.errors import BadInput
from zoo.autoencoder.posterior import Posterior
from zoo.autoencoder.vae import VAE, VAEConfig
from zoo.autoencoder.vmf import VonMisesFisher, uniform_on_sphere
from zoo.contracts import ModelInfo, Preset


class SVAEConfig(VAEConfig):
    """Settings of the S-VAE."""

    latent: int = Field(10, ge=2)


class SVAE(VAE):
    """Images of any size; convolutions for square ones of 8, 16, 32 ... pixels."""

    info: ClassVar = ModelInfo(
        name="s-vae",
        title="S-VAE",
        paper="Davidson et al. 2018, arXiv:1804.00891",
        summary="codes on a sphere: von Mises-Fisher, uniform prior",
        family="autoencoder",
    )
    config: SVAEConfig
    config_type: ClassVar = SVAEConfig
    geometry: ClassVar = "sphere"
    takes_truncation = False
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset("digits8", steps=2, batch=8, config={"channels": 4, "latent": 4, "importance": 4}),
        "small": Preset("digits8", steps=6000, batch=64),
        "digits32": Preset("digits32", steps=3000, batch=64, config={"likelihood": "bernoulli"}),
        "paper": Preset(
            "torchvision:MNIST@28",
            steps=500_000,
            batch=64,
            config={"network": "mlp", "likelihood": "bernoulli", "warm_up": 0.2},
            is_tested=False,
            source="paper",
            gpus=1,
        ),
    }

    def numbers(self) -> int:
        """Return how many numbers the encoder says of a posterior."""
        return self.config.latent + 1

    def read(self, numbers: Tensor) -> Posterior:
        """Return the posterior: a direction and, in the last number, the concentration."""
        return VonMisesFisher(F.normalize(numbers[:, :-1], dim=1), 1 + F.softplus(numbers[:, -1]))

    def prior(self, n: int, generator: torch.Generator | None, truncation: float | None = None) -> Tensor:
        """Return n codes float32 [n, latent], uniform on the sphere; raises ``BadInput`` if ``truncation`` is given."""
        if truncation is not None:
            raise BadInput(
                f"{self.info.name}: takes no truncation, for a sphere has no centre; expected None, got {truncation}. "
                "Leave it out."
            )
        return uniform_on_sphere(n, self.config.latent, generator).to(self.device)
