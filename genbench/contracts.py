"""The records that pass between the stages, and the Protocols a plug-in satisfies.

    source -> images -> features -> stats -> metrics -> score -> report

Array letters: n images, h x w pixels, c channels, d feature width.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Pixels = NDArray[np.uint8]  # one image, uint8 RGB [h, w, 3]
Blob = bytes | Pixels  # one image before it is decoded: an encoded file, or pixels
Direction = Literal["lower", "higher", "none"]
Need = Literal["labels", "real-labels", "train", "images", "latents", "log-prob"]
Pairing = Literal["", "matched", "shuffled"]


# ---------------------------------------------------------------------------------------------- stage 1: sources


@dataclass(frozen=True)
class Entry:
    """One image of a source, before it is opened.

    Attributes:
        index: position in the source, 0-based.
        name: name relative to the source, unique in it: "cats/003.png", "000017".
        stamp: text that changes whenever the bytes may have changed (path, size, mtime); None where only reading tells.
    """

    index: int
    name: str
    stamp: str | None = None


class Source(Protocol):
    """Anything that yields images; may have ``labels``, int64 [n], ``classes``, ``is_native`` (False: resized).

    Attributes:
        name: the source as the user wrote it.
        kind: its name in the table of sources.
        seeded: image i is a function of (seed, i), or of a stored file; False where a second reading may differ.
        is_endless: the source has no count of its own (a generator): ``entries`` needs one.
        notes: warnings worth recording beside the numbers; may grow while images are read.
    """

    name: str
    kind: str
    seeded: bool
    is_endless: bool
    notes: list[str]

    def entries(self, count: int | None = None) -> list[Entry]:
        """Return all images of the source without opening them; of a generator or an iterator the first ``count``."""
        ...

    def read(self, entries: Sequence[Entry]) -> Iterator[Blob]:
        """Yield the blobs of ``entries``, in their order."""
        ...


@runtime_checkable
class Sampler(Protocol):
    """A generator of images; zoo models and users' models satisfy it."""

    def sample(self, n: int, generator: Any) -> Any:
        """Return n images, float32 [n, c, h, w] in [0, 1], drawn from the ``torch.Generator`` alone."""
        ...


@dataclass(frozen=True)
class SourceOptions:
    """What the user says about a source beyond its name.

    Attributes:
        seed: seed of samplers.
        latent: shape of the latent vector of a bare module, (128,) or (100, 1, 1); None: its ``latent_dim``.
        output_range: range of a module's or callable's floats; None: its ``output_range``, else guessed and noted.
        device: where a bare module runs.
        labels: "folders": sub-folders of a folder or an archive are classes; None: only what a data set knows.
    """

    seed: int = 0
    latent: tuple[int, ...] | None = None
    output_range: tuple[float, float] | None = None
    device: str = "cpu"
    labels: str | None = None


# ---------------------------------------------------------------------------------------------- stage 2: images


@dataclass(frozen=True)
class Facts:
    """What is known of one image without its pixels.

    Attributes:
        width: pixels.
        height: pixels.
        mode: PIL's mode before conversion, "RGB", "P", "I;16"; "RGB" for arrays.
        conversions: what conversion to 8-bit RGB changes: "alpha dropped", "16-bit clipped" ...
        problem: why the image cannot be read; None when it can.
    """

    width: int = 0
    height: int = 0
    mode: str = ""
    conversions: tuple[str, ...] = ()
    problem: str | None = None


# ---------------------------------------------------------------------------------------------- stage 3: features


class Extractor(Protocol):
    """A network (or none) that turns images into features.

    Attributes:
        name: its name in the table of extractors.
        widths: layer -> width: {"pooled": 1280, "logits": 1000}; "pooled" is always there.
        facts: all that can change a feature, readable: network, weights, resize, dtype, runtime ... Their digest is
            the key under which features are kept.
        batch_size: images per call that run fastest; a score does not depend on it.

    One that has a famous name for a metric may have ``labels``: metric -> what tables print, {"fd": "FID (clean-fid)"}.
    """

    name: str
    widths: Mapping[str, int]
    facts: Mapping[str, str]
    batch_size: int

    def prepare(self, image: Pixels) -> NDArray[Any]:
        """Return the network's input for one uint8 RGB [h, w, 3] image; runs in worker threads."""
        ...

    def __call__(self, batch: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        """Return layer -> float32 [n, width] for n prepared images stacked."""
        ...


class Measure(Protocol):
    """Compares two images: a formula or a network.

    Attributes:
        name: its name in the table of measures, with its argument.
        facts: all that can change a number, readable. Their digest is the key under which numbers are kept.
        batch_size: pairs per call that run fastest; a number does not depend on it.
    """

    name: str
    facts: Mapping[str, str]
    batch_size: int

    def __call__(self, first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return one number a pair, [n], of images [n, h, w, 3] in [0, 1]."""
        ...


@dataclass(frozen=True)
class Features:
    """The features of one set of images, row i belonging to ``names[i]``.

    Many rows may be mapped from a file: go over them in parts, and make no copy of them all.

    Attributes:
        layers: layer -> float32 [n, width]; none where nothing looks at the features of the set.
        names: names of the images in their source.
        labels: class of each image, int64 [n]; None where the source knows none.
        classes: names of the classes, which labels index; () where only numbers are known.
    """

    layers: Mapping[str, NDArray[np.float32]]
    names: tuple[str, ...] = ()
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()

    @property
    def pooled(self) -> NDArray[np.float32]:
        """The feature vectors, float32 [n, d]."""
        return self.layers["pooled"]

    @property
    def logits(self) -> NDArray[np.float32]:
        """Class logits, float32 [n, classes]; without the classifier's bias where the extractor gives them so."""
        return self.layers["logits-unbiased"] if "logits-unbiased" in self.layers else self.layers["logits"]

    @property
    def count(self) -> int:
        """Number of images."""
        return len(next(iter(self.layers.values()), self.names))


class Watch(Protocol):
    """Told of progress; the command line draws bars, a program may pass its own."""

    def start(self, task: str, total: int) -> None:
        """Begin a task of ``total`` steps."""
        ...

    def advance(self, steps: int) -> None:
        """Report ``steps`` more."""
        ...

    def finish(self) -> None:
        """End the task."""
        ...


class Silence:
    """A ``Watch`` that says nothing."""

    def start(self, task: str, total: int) -> None:
        """Ignore it."""

    def advance(self, steps: int) -> None:
        """Ignore it."""

    def finish(self) -> None:
        """Ignore it."""


# ---------------------------------------------------------------------------------------------- stage 5: metrics


@dataclass(frozen=True)
class Estimate:
    """What a metric returns: a value, its standard error, and what should be read beside it.

    Attributes:
        value: the number.
        stderr: its standard error; None where none can be given, with a warning that says why.
        warnings: sentences to stand beside the number.
        details: JSON-safe extras: pairs of neighbours, parameters.
        per_image: name -> one number a fake image, float32 [m], in their order; inf and NaN may occur. A ``Score`` does
            not take them along: who wants them computes the metric again.
        parts: "real" and "fake" -> what the side adds to the squared error, and the effects of its images or blocks
            (``stats.parts.Part``); empty where only the whole error is known.
    """

    value: float
    stderr: float | None
    warnings: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    per_image: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    parts: Mapping[str, tuple[float, NDArray[np.float64]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Metric:
    """A metric: a pure function and the facts about it that the engine, the documentation and the tests read.

    Attributes:
        name: id, lower-kebab.
        label: what tables print: "FD".
        summary: one line for ``genbench list metrics``.
        compute: the function, from a ``stats.pair.Pair`` to an ``Estimate``; its parameters are keyword-only.
        better: direction.
        range: smallest and largest possible value.
        source: paper.
        layer: the features it reads: "pooled", "spatial" or "logits"; "" if it reads none.
        extractor: the one extractor of whose features it is; "" if it takes any.
        measure: what compares images two by two for it, unless the request names another; "" if nothing does.
        pairs: which images are compared so: "matched" fake and real ones of one name, "shuffled" fake ones with each
            other; "" if the metric itself calls the measure.
        with_bias: of logits it takes those with the classifier's bias, as top-1 classes are of them.
        is_symmetric: swapping real and fake leaves the value.
        uses_real: False when the fake set alone is judged.
        uses_train: it looks at the training set where one is given.
        works_from_moments: mean and covariance of the pooled features of a side are enough.
        needs_fake_rows: of the fake side they are not, although they are of the real one.
        is_ordered: another order of the images is another value, as published subsets are drawn by place.
        needs: what it needs beside features: "labels" (classes of both sides), "real-labels" (of the reference alone),
            "train" (a training set), "images" (the pixels), "latents" or "log-prob" (the fakes come from a model with
            ``prior`` and ``decode``, or with ``log_prob``).
        min_count: fewest images a side.
        fewest: from parameters to ``min_count``, for others than the defaults; None where they do not matter.
        biased_by: sides whose number of images its expectation depends on.
        instead: metric that takes fewer images; "" where there is none.
        version: raised whenever the number changes.
    """

    name: str
    label: str
    summary: str
    compute: Callable[..., Estimate]
    better: Direction
    range: tuple[float, float]
    source: str
    layer: str = "pooled"
    extractor: str = ""
    measure: str = ""
    pairs: Pairing = ""
    with_bias: bool = False
    is_symmetric: bool = False
    uses_real: bool = True
    uses_train: bool = False
    works_from_moments: bool = False
    needs_fake_rows: bool = False
    is_ordered: bool = False
    needs: tuple[Need, ...] = ()
    min_count: int = 2
    fewest: Callable[..., int] | None = None
    biased_by: tuple[str, ...] = ("fake", "real")
    instead: str = ""
    version: int = 1

    def layer_in(self, widths: Mapping[str, int]) -> str:
        """Return the layer to read of an extractor with ``widths``: logits without bias where there are such.

        The published inception scores are of those; a metric ``with_bias`` takes the others.
        """
        unbiased = f"{self.layer}-unbiased"
        return unbiased if unbiased in widths and not self.with_bias else self.layer


# ---------------------------------------------------------------------------------------------- stage 6: scores


class Score(BaseModel):
    """One number with its uncertainty.

    Attributes:
        metric: id of the metric.
        fake: the judged source, as written.
        extractor: name of the extractor whose features were used.
        label: how a table prints it, "FD[efficientnet-lite0]".
        value: the number.
        stderr: standard error, None where there is none.
        ci95: value -/+ 1.96 standard errors, cut to the metric's range; None without a standard error.
        better: "lower", "higher" or "none".
        n_real: images on the real side.
        n_fake: images on the fake side.
        warnings: sentences to read beside the number.
        details: extras of the metric.
        floor: the metric between a part of the reference and the rest; None: none was asked for, or none can be had.
        floor_stderr: its standard error, or None.
        floor_count: images of the part.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    fake: str
    extractor: str
    label: str
    value: float
    stderr: float | None
    ci95: tuple[float, float] | None
    better: Direction
    n_real: int
    n_fake: int
    warnings: list[str] = []
    details: dict[str, Any] = {}
    floor: float | None = None
    floor_stderr: float | None = None
    floor_count: int | None = None


class Scorecard(BaseModel):
    """All scores of one fake set against one real set, and what made them.

    Attributes:
        version: of this schema.
        fake: the fake source as written.
        real: the real source as written.
        scores: one a metric.
        provenance: versions, hashes, resize, device, seed, counts of converted files, seconds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal["genbench.scorecard/1"] = "genbench.scorecard/1"
    fake: str
    real: str
    scores: list[Score]
    provenance: dict[str, Any]

    def __getitem__(self, metric: str) -> Score:
        """Return the score of ``metric``."""
        for score in self.scores:
            if score.metric == metric:
                return score
        raise KeyError(metric)

    def to_json(self) -> str:
        """Return the scorecard as indented JSON; ``Scorecard.model_validate_json`` reads it back."""
        return self.model_dump_json(indent=2)

    def to_pandas(self) -> Any:
        """Return a ``pandas.DataFrame``, one row a score."""
        import pandas as pd

        return pd.DataFrame([score.model_dump(exclude={"details"}) for score in self.scores])
