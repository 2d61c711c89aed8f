"""What models of pixels in raster order share: the exact likelihood, and drawing, completing and describing images.

    log p(x) = sum over pixels and their colours of log p(level | all levels before it)

Rows go from top to bottom, pixels from left to right, colours red, green, blue. Each level has a probability of its
own (a softmax over levels), so that the probabilities of all images sum to 1.
"""

import math
from abc import abstractmethod
from typing import Annotated, Any, ClassVar

import torch
from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt
from torch import Tensor

from genbench.capabilities import Dequantisation, Kind
from genbench.errors import BadInput
from zoo.autoregressive.drawing import draw
from zoo.autoregressive.network import RasterNetwork
from zoo.contracts import Batch, DataSpec, Run
from zoo.descent import DescentConfig, DescentModel
from zoo.levels import from_levels, levels_of, refuse_made_up
from zoo.model import BelowOne, Config, evaluating


def _odd(side: int) -> int:
    if side % 2 == 0:
        raise ValueError("an odd number")
    return side


class RasterConfig(DescentConfig):
    """Settings of any model of pixels in raster order.

    Attributes:
        width: feature maps between layers.
        layers: after the first convolution (of the gated one: with it).
        kernel: side of the first convolution, odd; of 1 it would see nothing.
        hidden: feature maps of the layer before the logits.
        dropout: share of features dropped in training.
    """

    lr: PositiveFloat = 2e-3
    width: int = Field(64, ge=2)
    layers: PositiveInt = 5
    kernel: Annotated[int, AfterValidator(_odd)] = Field(5, ge=3)
    hidden: PositiveInt = 64
    dropout: BelowOne = 0.3


class RasterModel(DescentModel):
    """Pixels one after the other; subclasses build the network.

    Attributes:
        network: logits of each level given those before it.
        levels: grey levels of a colour.
        image_shape: (c, h, w).
    """

    config: RasterConfig
    config_type: ClassVar[type[Config]] = RasterConfig
    kind: Kind = "exact"
    dequantisation: Dequantisation = "none"

    def __init__(self, config: RasterConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        refuse_made_up(self.info.name, spec)
        if self.is_conditional and not spec.classes:
            raise BadInput(
                f"model {self.info.name!r}: needs classes; expected a labelled data set, got {spec.name!r} without. "
                "Choose another one."
            )
        self.levels, self.image_shape = spec.levels, spec.shape
        self.network = self.make_network()

    @abstractmethod
    def make_network(self) -> RasterNetwork:
        """Return the network."""

    def condition(self, labels: Tensor | None) -> Tensor | None:
        """Return what the network is told of labels int64 [n]."""
        return None

    def losses(self, batch: Batch, run: Run) -> dict[str, Tensor]:
        """Return the mean negative log likelihood, in bits a dimension."""
        condition = self.condition(batch.labels if self.is_conditional else None)
        nats = -self.network.log_prob(levels_of(self.to_unit(batch.x), self.levels), condition)
        return {"bits": nats.mean() / math.log(2)}

    # ------------------------------------------------------------------------------------------- likelihood

    def log_prob(self, x: Tensor, labels: Any = None) -> Tensor:
        """Return log p(x), or log p(x | label), nats float64 [n] of images [n, c, h, w] in [0, 1].

        A conditional model that is told no labels sums over classes, with the shares of the training data.
        """
        k = self._levels_of(x)
        if self.is_conditional and labels is None:
            return (self._by_class(k).sum((2, 3, 4)) + self._log_shares()).logsumexp(dim=1)
        return self._log_prob(k, self.pick_labels(len(k), labels, None)).sum((1, 2, 3))

    @torch.no_grad()
    def _log_prob(self, k: Tensor, labels: Tensor | None) -> Tensor:
        """Return nats float64 [n, c, h, w] of levels."""
        with evaluating(self):
            return self.network.log_prob(k, self.condition(labels)).double()

    def _by_class(self, k: Tensor) -> Tensor:
        """Return nats float64 [n, classes, c, h, w] of levels [n, c, h, w] under each class."""
        labels = torch.arange(self.spec.classes, device=k.device)
        return torch.stack([self._log_prob(k, label.expand(len(k))) for label in labels], dim=1)

    def _log_shares(self) -> Tensor:
        return torch.tensor(self.spec.class_shares, dtype=torch.float64, device=self.device).log()

    def _levels_of(self, x: Tensor) -> Tensor:
        if tuple(x.shape[1:]) != tuple(self.image_shape):
            raise BadInput(
                f"{self.info.name}: images of another shape; expected [n, {', '.join(map(str, self.image_shape))}], "
                f"got {list(x.shape)}. Resize them."
            )
        return levels_of(x.to(self.device), self.levels)

    # ------------------------------------------------------------------------------------------- drawing

    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        z: Tensor | None = None,
        labels: Any = None,
        truncation: float | None = None,
    ) -> Tensor:
        """Return n images float32 [n, c, h, w] in [0, 1].

        ``truncation`` is a temperature that logits are divided by: 1 draws from the model, 0 in the limit its most
        likely level everywhere. There are no latents: ``z`` is refused.
        """
        if z is not None:
            raise BadInput(f"{self.info.name}: has no latents; expected no z, got {list(z.shape)}. Leave it out.")
        if truncation is not None and not truncation > 0:
            raise BadInput(f"{self.info.name}: truncation too small; expected above 0, got {truncation}. Give more.")
        uniform = self._uniform(n, generator)
        picked = self.pick_labels(n, labels, generator)
        nothing = torch.zeros(uniform.shape, dtype=torch.int64, device=self.device)
        return self._draw(nothing, nothing[:, 0] > 0, uniform, picked, truncation or 1.0)

    def sampled_labels(self, n: int, generator: torch.Generator) -> Tensor | None:
        """Return the classes int64 [n] of what ``sample(n, generator)`` draws; None if the model takes none."""
        self._uniform(n, generator)
        return self.pick_labels(n, None, generator)

    def complete(self, x: Tensor, known: Tensor, generator: torch.Generator, *, labels: Any = None) -> Tensor:
        """Return images like x [n, c, h, w] that equal x where ``known``, bool [h, w] or [n, h, w]; the rest is drawn.

        Each unknown pixel is drawn given all before it in raster order, known or drawn. It does not see known pixels
        that come after it, though those after them do: only where all known pixels come first is this a draw from the
        model's distribution of the unknown ones given the known.

        Where classes are not told, each image is completed under every class, and one completion is drawn by the
        class's share in the training data times the probability of all known pixels in it under that class. With the
        known pixels first, the class is a draw from p(class | known); else this resamples by importance, one
        completion a class.
        """
        k = self._levels_of(x)
        x, known = x.to(self.device), self._mask_of(known, len(x))
        uniform = self._uniform(len(x), generator)
        if self.is_conditional and labels is None:
            drawn = self._draw_in_any_class(k, known, uniform, generator)
        else:
            drawn = self._draw(k, known, uniform, self.pick_labels(len(x), labels, generator), 1.0)
        return torch.where(known[:, None].cpu(), x.float().cpu(), drawn)

    def _draw(self, k: Tensor, known: Tensor, uniform: Tensor, labels: Tensor | None, temperature: float) -> Tensor:
        with evaluating(self):
            found = draw(self.network, k, known, uniform, self.condition(labels), temperature=temperature)
        return from_levels(found, self.levels).cpu()

    def _draw_in_any_class(self, k: Tensor, known: Tensor, uniform: Tensor, generator: torch.Generator) -> Tensor:
        """Return one of the images drawn under each class, by how likely all that is known is in it."""
        drawn, nats = [], []
        for label in torch.arange(self.spec.classes, device=k.device):
            labels = label.expand(len(k))
            drawn.append(self._draw(k, known, uniform, labels, 1.0))
            nats.append((self._log_prob(self._levels_of(drawn[-1]), labels) * known[:, None]).sum((1, 2, 3)))
        shares = (torch.stack(nats, dim=1) + self._log_shares()).softmax(dim=1)
        chosen = torch.multinomial(shares.cpu(), 1, generator=generator)[:, 0]
        return torch.stack(drawn, dim=1)[torch.arange(len(k)), chosen]

    def _uniform(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.rand(n, *self.image_shape, generator=generator, dtype=torch.float64).to(self.device)

    def _mask_of(self, known: Tensor, n: int) -> Tensor:
        """Return the mask as bool [n, h, w]."""
        sides = tuple(self.image_shape[1:])
        if known.dtype != torch.bool or tuple(known.shape) not in (sides, (n, *sides)):
            raise BadInput(
                f"{self.info.name}: not a mask of these images; expected bool {list(sides)} or {[n, *sides]}, got "
                f"{str(known.dtype).removeprefix('torch.')} {list(known.shape)}. Correct it."
            )
        return known.to(self.device).expand(n, *sides)

    # ------------------------------------------------------------------------------------------- features

    @torch.no_grad()
    def features(self, x: Tensor) -> Tensor:
        """Return float32 [n, width]: the last features before the logits, their mean over places (and classes)."""
        x = self.network.embed(self._levels_of(x))
        classes = torch.arange(self.spec.classes, device=self.device) if self.is_conditional else [None]
        with evaluating(self):
            found = [self._pooled(x, None if label is None else label.expand(len(x))) for label in classes]
        return torch.stack(found).mean(dim=0).float()

    def _pooled(self, x: Tensor, labels: Tensor | None) -> Tensor:
        return self.network.features(x, self.condition(labels)).mean((2, 3))
