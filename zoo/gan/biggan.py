"""BigGAN: SAGAN made large, and what made that possible (Brock et al. 2019, arXiv:1809.11096).

    embedding of the class, shared by all blocks    z cut into chunks: the first to the linear layer, one to each block
    orthogonal start and orthogonal regularisation  two updates of the critic for one of the generator
    sampling from a truncated normal                batch-norm statistics that belong to the truncation

Gains and biases of the batch norms are linear in (class embedding, chunk of z) and, like all weights but the embedding,
spectrally normalised. Classes mix: ``decode_embedding(z, torch.lerp(embed(a), embed(b), share))``.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn

from genbench.errors import BadInput
from zoo.averaging import recalibrate
from zoo.contracts import DataSpec, ModelInfo, Preset
from zoo.gan.adversarial import CALIBRATION_BATCH
from zoo.gan.staged import StagedConfig, StagedGenerator, StagedModel
from zoo.layers import orthogonal_, spectral_all
from zoo.model import BelowOne, evaluating


class BigGANConfig(StagedConfig):
    """Settings of BigGAN.

    Attributes:
        shared: width of the class embedding.
    """

    latent: PositiveInt = 48
    shared: PositiveInt = 32
    architecture: Literal["strided", "resnet"] = "resnet"
    widths: tuple[PositiveInt, ...] = Field((48, 32, 24, 16), min_length=1)
    critic_widths: tuple[PositiveInt, ...] = Field((24, 32, 48), min_length=1)
    attention: PositiveInt | None = 16
    beta2: BelowOne = 0.999
    lr_generator: PositiveFloat = 1e-3
    lr_critic: PositiveFloat = 1e-3
    critic_steps: PositiveInt = 2
    orthogonal: NonNegativeFloat = 1e-4


class BigGAN(StagedModel):
    """Images of classes."""

    info: ClassVar = ModelInfo(
        name="biggan",
        title="BigGAN",
        paper="Brock et al. 2019, arXiv:1809.11096",
        summary="shared class embedding, z in every block, orthogonal regularisation, truncation",
        family="gan",
    )
    is_conditional: ClassVar[bool] = True
    config: BigGANConfig
    config_type: ClassVar = BigGANConfig
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset(
            "digits32",
            steps=2,
            batch=8,
            config={"latent": 16, "shared": 4, "widths": (8, 8, 8, 4), "critic_widths": (4, 8, 8)},
        ),
        "small": Preset("digits32", steps=800, batch=32),
        "paper": Preset(
            "classes:imagenet@128",
            steps=150_000,
            batch=2048,
            config={
                "latent": 120,
                "shared": 128,
                "widths": (1536, 1536, 768, 384, 192, 96),
                "critic_widths": (96, 192, 384, 768, 1536, 1536),
                "critic_downs": 5,
                "attention": 64,
                "lr_generator": 5e-5,
                "lr_critic": 2e-4,
                "average_half_life": 6931 * 2048.0,  # .9999 an update
            },
            is_tested=False,
            gpus=1,
            source="paper",
        ),
    }
    initialise: ClassVar[Callable[[nn.Module], nn.Module]] = staticmethod(orthogonal_)

    def __init__(self, config: BigGANConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        self._standing: tuple[float, nn.Module] | None = None

    def check(self, spec: DataSpec) -> None:
        """Take what the base takes; latents must divide into chunks."""
        super().check(spec)
        chunks = len(self.config.widths)
        if self.config.latent % chunks:
            raise BadInput(
                f"model 'biggan': latent does not divide; expected a multiple of {chunks}, a chunk for the first "
                f"layer and for each block, got {self.config.latent}. Set latent."
            )

    def make_generator(self) -> nn.Module:
        """Return (z, labels) -> 4 x 4 -> doubled up to the full size."""
        return BigGANGenerator(self.config, self.spec)

    # ------------------------------------------------------------------------------------------- capabilities

    def embed(self, labels: Any) -> Tensor:
        """Return the embeddings float32 [n, shared] of classes, int64 [n], to mix for ``decode_embedding``."""
        return self.average.embedding(self.pick_labels(len(labels), labels, None))

    def decode_embedding(self, z: Tensor, embedding: Tensor) -> Tensor:
        """Return images in [0, 1] of latents [n, latent] and class embeddings [n, shared], differentiable in both.

        Between two classes: ``torch.lerp(embed([a]), embed([b]), share)``, share in [0, 1].
        """
        with evaluating(self.average):
            return self.to_unit(self.average.synthesise(z, embedding))

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
        """Return n images float32 [n, c, h, w] in [0, 1] of the averaged generator.

        With ``truncation`` t, latents are from N(0, 1) restricted to [-t, t] (``z``, if given, is taken as it is) and
        batch-norm statistics are those of such latents.
        """
        if self._edge(truncation) is None:
            return super().sample(n, generator, z=z, labels=labels)
        z = self.prior(n, generator, truncation) if z is None else z
        net = self.standing(truncation)
        return self.to_unit(net(z, self.pick_labels(n, labels, generator))).float().cpu().clamp(0, 1)

    def standing(self, truncation: float) -> nn.Module:
        """Return a copy of the averaged generator whose batch-norm statistics are those of truncated latents.

        The last one is kept until the weights change; it depends on them and on ``truncation`` alone.
        """
        if self._standing is None or self._standing[0] != truncation or not _are_equal(self._standing[1], self.average):
            net, generator = deepcopy(self.average), torch.Generator().manual_seed(0)

            def forward() -> Tensor:
                z = self.prior(CALIBRATION_BATCH, generator, truncation)
                return net(z, self.pick_labels(CALIBRATION_BATCH, None, generator))

            recalibrate(net, forward)
            self._standing = truncation, net.eval()
        return self._standing[1]


class BigGANGenerator(nn.Module):
    """Latents [n, latent] and classes to images."""

    def __init__(self, config: BigGANConfig, spec: DataSpec) -> None:
        super().__init__()
        self.chunk = config.latent // len(config.widths)
        self.embedding = nn.Embedding(spec.classes, config.shared)
        width = config.shared + self.chunk
        self.net = StagedGenerator(self.chunk, config, spec, condition_width=width, spectral=True)
        spectral_all(orthogonal_(self).net)
        edge = self.chunk**-0.5
        nn.init.uniform_(self.net.stem.bias, -edge, edge)  # as released; without, batch norm undoes a truncation

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        """Return images in [-1, 1]."""
        return self.synthesise(z, self.embedding(labels))

    def synthesise(self, z: Tensor, embedding: Tensor) -> Tensor:
        """Return images in [-1, 1] of latents and class embeddings [n, shared]."""
        first, *rest = z.split(self.chunk, dim=1)
        return self.net(first, [torch.cat([embedding, chunk], dim=1) for chunk in rest])


def _are_equal(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(a.device == b.device and torch.equal(a, b) for a, b in pairs)
