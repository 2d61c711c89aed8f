"""Autoencoder: an image through a narrow code and back (Hinton and Salakhutdinov 2006, doi:10.1126/science.1127647).

With one linear layer each and squared error the best code spans the subspace of the principal components (Baldi and
Hornik 1989). Nothing shapes how codes are spread, so that there is no prior to sample from; a mixture of Gaussians
fitted to the codes of the last training images stands in for one (Ghosh et al. 2020, arXiv:1903.12436).
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from genbench.errors import BadInput
from zoo.autoencoder.coding import CodingModel
from zoo.autoencoder.mixture import GaussianMixture
from zoo.autoencoder.networks import NetworkConfig, make_decoder, make_encoder
from zoo.contracts import Batch, DataSpec, ModelInfo, Preset, Run

KEPT = 1024  # codes
COMPONENTS = 10


class AutoencoderConfig(NetworkConfig):
    """Settings of the autoencoder.

    Attributes:
        loss: "mse" or "bce" (cross-entropy, grey values taken as probabilities), mean over pixels in [0, 1].
        is_squashed: images are the sigmoid of what the decoder puts out.
        sample_fit: what stands in for a prior: "gmm", 10 Gaussians, or "gaussian", one.
    """

    loss: Literal["mse", "bce"] = "mse"
    is_squashed: bool = True
    sample_fit: Literal["gmm", "gaussian"] = "gmm"


class Autoencoder(CodingModel):
    """Images of any size; convolutions for square ones of 8, 16, 32 ... pixels.

    Attributes:
        codes: of the last training images, float32 [1024, latent], the newest last.
        seen: how many there have been.
        mixture: fitted to them, in ``calibrate``.
    """

    info: ClassVar = ModelInfo(
        name="autoencoder",
        title="Autoencoder",
        paper="Hinton and Salakhutdinov 2006; sampled as Ghosh et al. 2020, arXiv:1903.12436",
        summary="a narrow code; sampled from Gaussians fitted to codes",
        family="autoencoder",
    )
    config: AutoencoderConfig
    config_type: ClassVar = AutoencoderConfig
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset("digits32", steps=2, batch=8, config={"channels": 2, "latent": 4}),
        "small": Preset("digits32", steps=3000, batch=64),
        "paper": Preset(  # the paper's widths; it trains layer by layer, then by conjugate gradients
            "torchvision:MNIST@28",
            steps=100_000,
            batch=128,
            config={"network": "mlp", "widths": (1000, 500, 250), "latent": 30, "loss": "bce"},
            is_tested=False,
            gpus=1,
        ),
    }
    variants: ClassVar = {
        "linear": {"network": "linear", "is_squashed": False},
        "mlp": {"network": "mlp", "widths": (1024, 256, 64)},
        "line": {"latent": 1},
        "gaussian": {"sample_fit": "gaussian"},
    }
    codes: Tensor
    seen: Tensor

    def __init__(self, config: AutoencoderConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        if config.loss == "bce" and not config.is_squashed:
            raise BadInput(
                "model 'autoencoder': a cross-entropy is of probabilities; expected is_squashed with loss=bce, got "
                "is_squashed=False. Set one of them."
            )
        self.encoder = make_encoder(config, spec.shape, config.latent)
        self.decoder = make_decoder(config, spec.shape)
        self.mixture = GaussianMixture(COMPONENTS if config.sample_fit == "gmm" else 1, config.latent)
        self.register_buffer("codes", torch.zeros(KEPT, config.latent))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def losses(self, batch: Batch, run: Run) -> dict[str, Tensor]:
        """Return how far images come back from themselves."""
        codes, x = self.code(batch.x), self.to_unit(batch.x)
        outputs = self.decoder(codes)
        self._remember(codes)
        if self.config.loss == "bce":
            return {"bce": F.binary_cross_entropy_with_logits(outputs, x)}
        return {"mse": F.mse_loss(self.picture(outputs), x)}

    @torch.no_grad()
    def _remember(self, codes: Tensor) -> None:
        self.codes.copy_(torch.cat([self.codes, codes.to(self.codes)])[-KEPT:])
        self.seen += len(codes)

    def calibrate(self, generator: torch.Generator) -> None:
        """Fit the mixture afresh to the codes that are kept."""
        if self.seen:
            self.mixture.fit(self.codes[-int(self.seen) :], generator)

    def code(self, x: Tensor) -> Tensor:
        """Return what the encoder puts out."""
        return self.encoder(x)

    def picture(self, outputs: Tensor) -> Tensor:
        """Return the decoder's images in [0, 1]."""
        return outputs.sigmoid() if self.config.is_squashed else outputs

    def prior(self, n: int, generator: torch.Generator | None, truncation: float | None = None) -> Tensor:
        """Return n codes float32 [n, latent] of the mixture; ``truncation`` draws them towards its mean."""
        return self.mixture.sample(n, generator, self.temperature(truncation)).to(self.device)
