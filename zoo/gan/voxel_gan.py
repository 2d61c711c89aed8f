"""3D-GAN: DCGAN with convolutions over three axes (Wu et al. 2016, arXiv:1610.07584).

Judging volumes is easier than making them, so the critic rests after each batch of which it knew more than 80 %.

Inside, occupancy runs from -1 to 1 and the generator ends in tanh; outside from 0 to 1. As (tanh(s) + 1) / 2 is the
sigmoid of 2 s, that is the paper's sigmoid. The paper's z lies in [0, 1], here it is centred: [-1, 1].
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from genbench.errors import BadInput
from zoo.contracts import Batch, DataSpec, ModelInfo, Preset, Run
from zoo.data.voxels import FADE, project
from zoo.gan.dcgan import DCGAN, DCGANConfig
from zoo.model import Share


class VoxelGANConfig(DCGANConfig):
    """Settings of 3D-GAN.

    Attributes:
        rests_above: accuracy on the last batch above which the critic is not updated; 1: it never rests.
    """

    prior: Literal["normal", "uniform"] = "uniform"
    channels: PositiveInt = 32
    lr_generator: PositiveFloat = 1e-3  # above the critic's, as in the paper: at equal rates the critic mostly rests
    rests_above: Share = 0.8


class VoxelGAN(DCGAN):
    """Occupancy grids of 16, 32, 64 ... voxels a side; its images are their projections, ``zoo.data.voxels.project``.

    Attributes:
        accuracy: of the critic on the last batch, float32 [].
    """

    info: ClassVar = ModelInfo(
        name="3d-gan",
        title="3D-GAN",
        paper="Wu et al. 2016, arXiv:1610.07584",
        summary="draws volumes; the critic rests while it is winning",
        family="gan",
    )
    config: VoxelGANConfig
    config_type: ClassVar = VoxelGANConfig
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset("voxels16", steps=2, batch=8, config={"channels": 4, "latent": 16}),
        "small": Preset("voxels16", steps=1500, batch=32, config={"lr_critic": 5e-4}),
        "paper": Preset(
            "voxels16",  # the paper's: ShapeNet's classes as grids of 64
            steps=40_000,
            batch=100,
            config={"latent": 200, "channels": 64, "lr_generator": 2.5e-3, "lr_critic": 1e-5},
            is_tested=False,
            gpus=1,
            source="paper",
        ),
    }

    def __init__(self, config: VoxelGANConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        self.accuracy: Tensor
        self.register_buffer("accuracy", torch.zeros(()))

    def check(self, spec: DataSpec) -> None:
        """Take cubes whose side is a power of two, from 16."""
        side = spec.shape[-1]
        if spec.shape != (1, side, side, side) or side < 16 or side & (side - 1):
            raise BadInput(
                f"model '3d-gan': cannot learn such data; expected cubes of 16, 32, 64 ... voxels, got "
                f"{list(spec.shape)} of {spec.name!r}. Choose another data set."
            )

    def train_critic(self, batch: Batch, run: Run) -> dict[str, Tensor]:
        """Do one update of the critic, unless it was right too often about the last batch."""
        rests = bool(self.accuracy > self.config.rests_above)
        logs = super().train_critic(batch, Onlooker(run) if rests else run)
        return logs | {"accuracy": self.accuracy.clone()}

    def critic_loss(self, real: Tensor, labels: Tensor | None, fake: Tensor, fake_labels: Tensor | None) -> Tensor:
        """Return the loss, and keep how often the critic is right."""
        judged = self.critic(real), self.critic(fake)
        self.accuracy.copy_(accuracy(*judged))
        return self.loss.critic(*judged)

    # ------------------------------------------------------------------------------------------- capabilities

    def decode(self, z: Tensor, labels: Any = None) -> Tensor:
        """Return projections [n, 1, side, 3 side] in [0, 1] of latents, differentiable: see ``expected_view``."""
        return expected_view(super().decode(z, labels))

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
        """Return projections of n volumes, occupied where 1/2 or more, float32 [n, 1, side, 3 side] in [0, 1]."""
        self.pick_labels(n, labels, generator)
        z = self.prior(n, generator, truncation) if z is None else z
        return torch.from_numpy(project(self.sample_voxels(n, generator, z=z).numpy())).float() / 255

    @torch.no_grad()
    def sample_voxels(self, n: int, generator: torch.Generator, *, z: Tensor | None = None) -> Tensor:
        """Return occupancies float32 [n, 1, side, side, side] in [0, 1]; axes depth, height (downwards), width."""
        return super().decode(self.prior(n, generator) if z is None else z).float().cpu().clamp(0, 1)


class Onlooker:
    """A run in which no step is taken."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run, name)

    def descend(self, optimizer: str, loss: Tensor) -> None:
        """Stay."""


def accuracy(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return the share of logits on the right side of 0, mean over all processes."""
    right = torch.cat([real_logits > 0, fake_logits < 0]).float().mean()
    if torch.distributed.is_available() and torch.distributed.is_initialized():  # or one rests while others wait
        torch.distributed.all_reduce(right)
        right = right / torch.distributed.get_world_size()
    return right


def expected_view(occupied: Tensor) -> Tensor:
    """Return what ``project`` gives on average, in 0..1, were each voxel occupied with its probability, independently.

    Args:
        occupied: probabilities [n, 1, s, s, s]; differentiable.

    Returns:
        [n, 1, s, 3 s]; of a grid of 0 and 1 the projection itself, but for its rounding to 8 bits.
    """
    grid = occupied[:, 0]
    views = [grid, grid.permute(0, 3, 2, 1), grid.permute(0, 2, 1, 3).flip(2)]
    return torch.cat([_expected_nearness(view) for view in views], dim=2)[:, None]


def _expected_nearness(view: Tensor) -> Tensor:
    """Return the mean over first occupied voxels k along axis 1 of 1 - fade k / s, or 0 where there is none; [n, s, s].

    With P(j) = 1 - prod over i <= j of (1 - p_i), the chance of k <= j, E [k <= s - 1] k / s is P(s - 1) - mean P.
    """
    fade, met = FADE / 255, 1 - (1 - view).cumprod(1)
    return (1 - fade) * met[:, -1] + fade * met.mean(1)
