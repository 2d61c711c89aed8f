"""What flows share: the density, its bits, and images from latents and back.

    levels k --(k + u) / L--> numbers in [0, 1) --flow--> z,   log p = log N(z; 0, I) + log |det|

What a density of those numbers says of the levels is a lower bound (Theis et al. 2016, arXiv:1511.01844). Images, which
have level k at k / (L - 1), stand for the middles of the levels' numbers, (k + 1/2) / L: those are what is encoded, and
a drawn number becomes the level in whose interval it lies.
"""

import math
from abc import abstractmethod
from typing import Any, ClassVar, Literal

import torch
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from genbench.errors import BadInput
from zoo.contracts import Batch, DataSpec, Run
from zoo.descent import DescentConfig, DescentModel
from zoo.flow.multiscale import MultiScale
from zoo.flow.norms import learning
from zoo.levels import from_levels, levels_of, refuse_made_up, spread


class FlowConfig(DescentConfig):
    """Settings of any flow.

    Attributes:
        scales: each halves the side, and all but the last give half of their numbers away.
    """

    clip: PositiveFloat | None = 1.0
    scales: PositiveInt = 2


class FlowModel(DescentModel):
    """An invertible network; subclasses say which.

    ``truncation`` is a temperature: all latents, those that leave early too, are drawn from N(0, truncation^2).

    Attributes:
        flow: numbers in [0, 1] (points as they are) [n, *shape] to z [n, D].
    """

    config: FlowConfig
    geometry: ClassVar[Literal["gaussian"]] = "gaussian"
    is_exact_inverse: ClassVar[bool] = True
    kind: ClassVar[Literal["lower_bound"]] = "lower_bound"  # on the levels; the density itself is exact
    dequantisation: ClassVar[Literal["uniform"]] = "uniform"

    def __init__(self, config: FlowConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        self.check(spec)
        self.flow = self.make_flow()

    @abstractmethod
    def make_flow(self) -> MultiScale:
        """Return the network."""

    def check(self, spec: DataSpec) -> None:
        """Raise ``BadInput`` unless ``spec`` is of measured images whose sides can be halved once a scale."""
        refuse_made_up(self.info.name, spec)
        unit = 2**self.config.scales
        if any(side % unit for side in spec.shape[1:]):
            raise BadInput(
                f"model {self.info.name!r}: cannot halve the sides {self.config.scales} times; expected multiples of "
                f"{unit}, got {list(spec.shape)} of {spec.name!r}. Set fewer scales."
            )

    @property
    def levels(self) -> int | None:
        """Grey levels; None of points."""
        return self.spec.levels

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of the images it judges."""
        return self.spec.shape

    # ------------------------------------------------------------------------------------------- training

    def losses(self, batch: Batch, run: Run) -> dict[str, Tensor]:
        """Return bits a dimension; in 32 bits always, for rounded steps cannot be inverted."""
        with torch.autocast(self.device.type, enabled=False), learning(self.flow, run.mean):
            nats = self.log_density(self._dequantised(batch.x)).mean()
        size = math.prod(self.spec.shape)
        return {"bits": -nats / (size * math.log(2)) + math.log2(self.levels or 1)}

    def _dequantised(self, x: Tensor) -> Tensor:
        if self.levels is None:
            return x
        k = levels_of(self.to_unit(x), self.levels)
        return spread(k, self.levels, torch.rand(k.shape, device=k.device))

    # ------------------------------------------------------------------------------------------- capabilities

    def log_density(self, x: Tensor) -> Tensor:
        """Return the log density, nats [n], at numbers in [0, 1], [n, *shape], differentiable; points as they are."""
        z, log_det = self.flow(x)
        return log_det - 0.5 * (z.square() + math.log(2 * math.pi)).sum(1)

    @torch.no_grad()
    def log_prob(self, x: Tensor, labels: Any = None) -> Tensor:
        """Return the log density, nats [n], at numbers in [0, 1], level k spread over [k, k + 1) / L by who calls."""
        self.pick_labels(len(x), labels, None)
        return self.log_density(x.to(self.device))

    def prior(self, n: int, generator: torch.Generator, truncation: float | None = None) -> Tensor:
        """Return n latents float32 [n, D] from N(0, truncation^2)."""
        deviation = 1.0 if truncation is None else truncation
        if not 0 < deviation < math.inf:
            raise BadInput(
                f"{self.info.name}: truncation out of range; expected a number above 0, the deviation of the latents, "
                f"got {truncation}. Correct it."
            )
        return (torch.randn(n, math.prod(self.spec.shape), generator=generator) * deviation).to(self.device)

    def decode(self, z: Tensor, labels: Any = None) -> Tensor:
        """Return images [n, *shape] of latents [n, D], differentiable, level k at k / (L - 1), not cut to [0, 1]."""
        self.pick_labels(len(z), labels, None)
        return self._as_image(self.flow.inverse(z.to(self.device)))

    @torch.no_grad()
    def encode(self, x: Tensor, labels: Any = None) -> Tensor:
        """Return latents [n, D] of images [n, *shape] in [0, 1]."""
        self.pick_labels(len(x), labels, None)
        return self.flow(self._as_numbers(x.to(self.device)))[0]

    def reconstruct(self, x: Tensor, labels: Any = None) -> Tensor:
        """Return x itself, but for rounding."""
        found = self.decode(self.encode(x, labels)).detach()
        return found if self.spec.is_points else found.clamp(0, 1)

    @torch.no_grad()
    def features(self, x: Tensor) -> Tensor:
        """Return what the first half of the scales make of images in [0, 1], float32 [n, d]."""
        return self.flow.middle(self._as_numbers(x.to(self.device))).flatten(1)

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
        """Return n images float32 [n, c, h, w], each number the grey level it belongs to; points [n, 2]."""
        images = self.decode(self.prior(n, generator, truncation) if z is None else z, labels).float().cpu()
        return images if self.levels is None else from_levels(levels_of(images, self.levels), self.levels)

    def sampled_labels(self, n: int, generator: torch.Generator) -> None:
        """Return None: the model knows no classes."""

    def _as_numbers(self, x: Tensor) -> Tensor:
        """Return images, level k at k / (L - 1), as numbers, level k at (k + 1/2) / L."""
        return x if self.levels is None else (x * (self.levels - 1) + 0.5) / self.levels

    def _as_image(self, y: Tensor) -> Tensor:
        return y if self.levels is None else (y * self.levels - 0.5) / (self.levels - 1)
