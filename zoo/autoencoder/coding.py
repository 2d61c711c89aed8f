"""What every autoencoder shares once it is trained: to encode, decode, reconstruct and sample."""

import math
from abc import abstractmethod
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from genbench.errors import BadInput
from zoo.autoencoder.networks import NetworkConfig, refuse_shape
from zoo.contracts import DataSpec
from zoo.descent import DescentModel
from zoo.model import Config, evaluating


class CodingModel(DescentModel):
    """An encoder and a decoder; subclasses build them and say what their numbers mean.

    Attributes:
        encoder: images [n, c, h, w] in [-1, 1] -> [n, out].
        decoder: codes [n, latent] -> [n, c', h, w].
        geometry: of the space of codes.
    """

    config: NetworkConfig
    config_type: ClassVar[type[Config]] = NetworkConfig
    geometry: ClassVar[Literal["gaussian", "sphere"]] = "gaussian"
    encoder: nn.Module
    decoder: nn.Module

    def __init__(self, config: NetworkConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        refuse_shape(self.info.name, config.network, spec)

    @abstractmethod
    def code(self, x: Tensor) -> Tensor:
        """Return the codes [n, latent] of images in [-1, 1]."""

    @abstractmethod
    def picture(self, outputs: Tensor) -> Tensor:
        """Return images [n, c, h, w] in [0, 1] of what the decoder puts out, not clamped."""

    @abstractmethod
    def prior(self, n: int, generator: torch.Generator | None, truncation: float | None = None) -> Tensor:
        """Return n codes float32 [n, latent]."""

    # ------------------------------------------------------------------------------------------- capabilities

    @torch.no_grad()
    def encode(self, x: Tensor, labels: Any = None) -> Tensor:
        """Return the codes [n, latent] of images in [0, 1]."""
        self.pick_labels(len(x), labels, None)
        with evaluating(self.encoder):
            return self.code(self.from_unit(x.to(self.device)))

    def decode(self, z: Tensor, labels: Any = None) -> Tensor:
        """Return images in [0, 1] of codes [n, latent], differentiable; not clamped if the decoder has no bounds."""
        self.pick_labels(len(z), labels, None)
        with evaluating(self.decoder):
            return self.picture(self.decoder(z.to(self.device)))

    @torch.no_grad()
    def reconstruct(self, x: Tensor, labels: Any = None) -> Tensor:
        """Return the images of the codes of images in [0, 1]."""
        return self.decode(self.encode(x, labels)).float().clamp(0, 1)

    def features(self, x: Tensor) -> Tensor:
        """Return the codes float32 [n, latent] of images in [0, 1]."""
        return self.encode(x).float()

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
        """Return n images float32 [n, c, h, w] in [0, 1] of codes drawn from the prior."""
        self.pick_labels(n, labels, generator)
        z = self.prior(n, generator, truncation) if z is None else z
        return self.decode(z).float().cpu().clamp(0, 1)

    def sampled_labels(self, n: int, generator: torch.Generator) -> None:
        """Return None: there are no classes."""

    def temperature(self, truncation: float | None) -> float:
        """Return what the spread of the prior is multiplied by; raises ``BadInput`` unless above 0."""
        if truncation is not None and not 0 < truncation < math.inf:
            raise BadInput(
                f"{self.info.name}: truncation, here the prior's temperature, is wrong; expected a number above 0, got "
                f"{truncation}. Give 1 for the prior itself."
            )
        return 1.0 if truncation is None else truncation
