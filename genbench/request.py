"""What a user asks for, checked whole before any work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genbench.contracts import Extractor, Metric
from genbench.errors import BadInput

DEFAULT_METRICS = ("fd", "kd", "precision", "recall", "density", "coverage")
DEFAULT_EXTRACTOR = "inception"


@dataclass(frozen=True)
class Request:
    """What to score with; checked whole by ``check`` before any work.

    Attributes:
        metrics: ids, or one text with commas.
        extractor: name in the table of extractors.
        weights: weight file of the extractor; None: the published one.
        count: at most this many images a side; None: all (a generator: as many as the other side has).
        seed: of samplers, of the choice of ``count`` images and of jackknife blocks.
        device: "auto", "cpu", "cuda", "cuda:N".
        runtime: "auto", "onnxruntime", "torch".
        batch_size: images per call of the network; None: the extractor's own.
        cache: directory of the feature store; None: GENBENCH_CACHE or the user's cache directory.
        latent: latent shape of a bare module.
        output_range: range of a bare module's or callable's images.
        skip_unreadable: leave broken images out, counted, instead of stopping.
        labels: "folders": sub-folders of folders and archives are classes.
        verify: hash all files again instead of trusting size and time of change.
    """

    metrics: Sequence[str] = DEFAULT_METRICS
    extractor: str = DEFAULT_EXTRACTOR
    weights: Path | None = None
    count: int | None = None
    seed: int = 0
    device: str = "auto"
    runtime: str = "auto"
    batch_size: int | None = None
    cache: Path | None = None
    latent: tuple[int, ...] | None = None
    output_range: tuple[float, float] | None = None
    skip_unreadable: bool = False
    labels: str | None = None
    verify: bool = False

    def __post_init__(self) -> None:
        """Accept "fd,kd" for metrics and text for paths; refuse numbers that are none."""
        names = self.metrics.split(",") if isinstance(self.metrics, str) else self.metrics
        object.__setattr__(self, "metrics", tuple(dict.fromkeys(name.strip() for name in names if name.strip())))
        for field_name in ("cache", "weights"):
            if getattr(self, field_name) is not None:
                object.__setattr__(self, field_name, Path(getattr(self, field_name)))
        for field_name in ("count", "seed", "batch_size"):
            value = getattr(self, field_name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | np.integer)):
                raise BadInput(f"{field_name}: not a whole number; expected an int, got {value!r}.")


def make_request(options: Mapping[str, Any]) -> Request:
    """Return a ``Request`` of keywords; an unknown one raises ``BadInput`` with the known ones."""
    known = Request.__dataclass_fields__
    for name in options:
        if name not in known:
            raise BadInput(f"score: unknown argument {name!r}; expected one of {', '.join(known)}.")
    return Request(**options)


def check(request: Request, metrics: Sequence[Metric], extractor: Extractor) -> None:
    """Raise ``BadInput`` for a request that cannot be carried out."""
    if not metrics:
        raise BadInput("--metrics: none named; expected at least one. See `genbench list metrics`.")
    for metric in metrics:
        if metric.layer not in extractor.widths:
            raise BadInput(
                f"{metric.name}: needs the layer {metric.layer!r}; expected an extractor that has it, got "
                f"{extractor.name!r} with {', '.join(extractor.widths)}. Choose another --extractor."
            )
    if request.count is not None and request.count < 2:
        raise BadInput(f"--count: too few; expected 2 or more, got {request.count}.")
    if request.labels not in (None, "folders"):
        raise BadInput(f"--labels: unknown; expected folders, got {request.labels!r}.")
    if request.batch_size is not None and request.batch_size < 1:
        raise BadInput(f"--batch-size: too small; expected 1 or more, got {request.batch_size}.")
