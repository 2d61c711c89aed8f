"""The records that pass between data, models and the training loop, and what a model may be able to do.

Inside models, images are float32 [n, c, h, w] in [-1, 1]; what leaves them by ``sample`` is in [0, 1]. A capability is
a Protocol; the contract tests find the models that have it and hold them to it.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from genbench.capabilities import HasLatent as HasLatent
from genbench.capabilities import HasLikelihood as HasLikelihood
from genbench.capabilities import SamplesClasses as SamplesClasses
from genbench.capabilities import StyleSpace as StyleSpace
from genbench.contracts import Sampler


@dataclass(frozen=True)
class DataSpec:
    """What a model must know of its data before it sees any.

    Attributes:
        name: of the data set.
        shape: of one example: (c, h, w), (1, d, h, w) for voxels, (2,) for points.
        levels: grey levels, 256 for ordinary images; None for points.
        is_native: the levels are what was measured, so that a likelihood of them means something.
        class_shares: share of each class in the training data; () without classes.
        partner_shape: shape of an example of the other domain; None where there is one domain.
        is_paired: example i of the other domain belongs to example i.
        native_as: the data set with its pictures at the size that they have, "folder:photos@64"; "" if there is none.
    """

    name: str
    shape: tuple[int, ...]
    levels: int | None = 256
    is_native: bool = True
    class_shares: tuple[float, ...] = ()
    partner_shape: tuple[int, ...] | None = None
    is_paired: bool = False
    native_as: str = ""

    @property
    def classes(self) -> int:
        """Number of classes, 0 without."""
        return len(self.class_shares)

    @property
    def is_points(self) -> bool:
        """The examples are points, not images."""
        return len(self.shape) == 1


@dataclass(frozen=True)
class Batch:
    """Examples for one update.

    Attributes:
        x: float32 [n, *shape] in [-1, 1]; points as they are.
        labels: int64 [n]; None where the data set has no classes.
        partner: the other domain, float32 [n, *partner_shape] in [-1, 1]; None where there is one domain.
    """

    x: Tensor
    labels: Tensor | None = None
    partner: Tensor | None = None


Draw = Callable[[int], Batch]  # the next n examples


@dataclass(frozen=True)
class ModelInfo:
    """What a reader should know of a model.

    Attributes:
        name: id in the table.
        title: as the field calls it.
        paper: authors, year, arXiv id.
        summary: what makes it different, in one line.
        family: "gan", "autoencoder", "autoregressive", "flow", "translation".
    """

    name: str
    title: str
    paper: str
    summary: str
    family: str


@dataclass(frozen=True)
class Preset:
    """A way to train a model.

    Attributes:
        data: data set.
        steps: updates of the generator (or of the one network).
        batch: examples an update, over all processes.
        config: what differs from the config's own defaults.
        is_tested: False for presets written for machines that were not at hand.
        source: where the constants come from: "paper", "repository", "genbench".
        cpus: cores a run of it wants, where runs are dealt out to machines.
        gpus: GPUs it wants.
    """

    data: str
    steps: int
    batch: int
    config: Mapping[str, Any] = field(default_factory=dict)
    is_tested: bool = True
    source: str = "genbench"
    cpus: int = 1
    gpus: int = 0


class Run(Protocol):
    """What a model sees of the training loop.

    Attributes:
        step: updates done before this one.
        images: examples shown before this update.
        batch: examples an update on this process.
        progress: share of the run that is done, in [0, 1].
    """

    step: int
    images: int
    batch: int
    progress: float

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context in which forward passes run; penalties with double backward stay outside of it."""
        ...

    def descend(self, optimizer: str, loss: Tensor) -> None:
        """Take one step of the named optimizer down the gradient of ``loss``, averaged over processes."""
        ...

    def forget(self, optimizer: str) -> None:
        """Clear what the named optimizer remembers of earlier gradients."""
        ...

    def mean(self, x: Tensor) -> Tensor:
        """Return the mean of ``x`` over processes, for what is not a gradient: statistics that a model keeps."""
        ...


# ------------------------------------------------------------------------------------------------- capabilities


@runtime_checkable
class Samples(Sampler, Protocol):
    """Generates. Every random number comes from ``generator``; nothing of the model changes."""

    def sample(
        self, n: int, generator: Any, *, z: Tensor | None = None, labels: Any = None, truncation: float | None = None
    ) -> Tensor:
        """Return n images float32 [n, c, h, w] in [0, 1] (points [n, 2] as they are)."""
        ...


@runtime_checkable
class Critic(Protocol):
    """Judges."""

    def criticise(self, x: Tensor, labels: Any = None) -> Tensor:
        """Return one logit an image, float32 [n], higher for real; x float32 [n, c, h, w] in [0, 1]."""
        ...


@runtime_checkable
class JointSamples(Protocol):
    """Draws the same thing in two domains."""

    def sample_pair(self, n: int, generator: Any, *, z: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return n images of either domain, float32 [n, c, h, w] in [0, 1]; rows belong together."""
        ...


@runtime_checkable
class Volumetric(Protocol):
    """Draws volumes; its images are their projections."""

    def sample_voxels(self, n: int, generator: Any, *, z: Tensor | None = None) -> Tensor:
        """Return occupancies float32 [n, 1, d, h, w] in [0, 1]."""
        ...


@runtime_checkable
class Encodes(Protocol):
    """Tells the code of an image; ``HasLatent.decode``, where there is one, takes it back."""

    def encode(self, x: Tensor, labels: Any = None) -> Tensor:
        """Return codes of images float32 [n, c, h, w] in [0, 1]: no random numbers, rows independent."""
        ...


@runtime_checkable
class Inverts(Encodes, Protocol):
    """Its code is the image: ``decode(encode(x)) == x`` but for rounding."""

    is_exact_inverse: bool


@runtime_checkable
class Reconstructs(Protocol):
    """Takes an image through its code and back."""

    def reconstruct(self, x: Tensor, labels: Any = None) -> Tensor:
        """Return images like ``x``, float32 [n, c, h, w] in [0, 1]: no random numbers, rows independent."""
        ...


@runtime_checkable
class Completes(Protocol):
    """Fills in what is missing of an image."""

    def complete(self, x: Tensor, known: Tensor, generator: Any, *, labels: Any = None) -> Tensor:
        """Return images [n, c, h, w] in [0, 1] that equal ``x`` where ``known``, bool [h, w] or [n, h, w].

        Raises:
            BadInput: for a mask that the model cannot go by.
        """
        ...


@runtime_checkable
class HasFeatures(Protocol):
    """Gives features for another task, a classifier of few labels."""

    def features(self, x: Tensor) -> Tensor:
        """Return float32 [n, d] of images in [0, 1]; needs no labels."""
        ...


Averages = list[tuple[nn.Module, nn.Module]]  # (the network that is trained, its running average)
