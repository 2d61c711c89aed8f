"""What a user asks for, checked whole before any work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from genbench.contracts import Extractor, Metric
from genbench.errors import BadInput
from genbench.parameters import Settings
from genbench.protocols import PROTOCOLS, Protocol

DEFAULT_METRICS = ("fd", "kd", "precision", "recall", "density", "coverage")
DEFAULT_EXTRACTOR = "inception"


@dataclass(frozen=True)
class Request:
    """What to score with; checked whole by ``check`` before any work.

    Attributes:
        metrics: ids, or one text with commas.
        extractor: name in the table of extractors.
        weights: weight file of the extractor, or network -> file; None: the published ones.
        perceptual: measure of perceptual distance, "lpips:alex", "lpips:vgg" ...; None: each metric's own.
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
        floor: set beside each score what the metric says of a part of the reference and the rest.
        verify: hash all files again instead of trusting size and time of change; compute scores again.
        protocol: id of the published tool whose numbers are wanted; ``make_request`` fills in what it sets.
        parameters: metric -> parameter -> value, where they are not the defaults.
    """

    metrics: Sequence[str] = DEFAULT_METRICS
    extractor: str = DEFAULT_EXTRACTOR
    weights: Path | Mapping[str, Path] | None = None
    perceptual: str | None = None
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
    floor: bool = True
    verify: bool = False
    protocol: str | None = None
    parameters: Settings = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Accept "fd,kd" for metrics and text for paths; refuse numbers that are none."""
        object.__setattr__(self, "metrics", _names(self.metrics))
        object.__setattr__(self, "weights", _as_paths(self.weights))
        object.__setattr__(self, "cache", _as_paths(self.cache))
        for field_name in ("count", "seed", "batch_size"):
            value = getattr(self, field_name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | np.integer)):
                raise BadInput(f"{field_name}: not a whole number; expected an int, got {value!r}.")
        if self.protocol is not None:
            _refuse_departures(self, PROTOCOLS.get(self.protocol))

    def weights_of(self, extractor: str) -> Path | None:
        """Return the weight file for an extractor; None: the published one."""
        if isinstance(self.weights, Mapping):
            return self.weights.get(extractor.partition(":")[0])
        return self.weights if extractor == self.extractor else None

    @property
    def extractors(self) -> Mapping[str, str]:
        """Metric -> its extractor, where the protocol says another than ``extractor``."""
        return {} if self.protocol is None else PROTOCOLS.get(self.protocol).extractors

    def describe(self) -> dict[str, Any]:
        """Return the fields JSON-safe: ``Request(**fields)`` is this request again."""
        return {name: _plain(value) for name, value in vars(self).items()}


def make_request(options: Mapping[str, Any]) -> Request:
    """Return a ``Request`` of keywords; an unknown one raises ``BadInput`` with the known ones."""
    known = Request.__dataclass_fields__
    for name in options:
        if name not in known:
            raise BadInput(f"score: unknown argument {name!r}; expected one of {', '.join(known)}.")
    return Request(**_completed(options))


def _completed(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``options`` and what their protocol sets beside them."""
    if options.get("protocol") is None:
        return dict(options)
    protocol: Protocol = PROTOCOLS.get(options["protocol"])
    metrics = _names(options.get("metrics", protocol.metrics))
    set_by = {"metrics": metrics, "parameters": {m: p for m, p in protocol.parameters.items() if m in metrics}}
    return set_by | ({"extractor": protocol.extractor} if protocol.extractor else {}) | dict(options)


def _names(metrics: Sequence[str] | str) -> tuple[str, ...]:
    """Return the ids in "fd,kd" or a sequence, each once."""
    names = metrics.split(",") if isinstance(metrics, str) else metrics
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


def _as_paths(given: Any) -> Any:
    """Return text as a ``Path``, in a mapping too."""
    if isinstance(given, Mapping):
        return {name: Path(one) for name, one in given.items()}
    return None if given is None else Path(given)


def _refuse_departures(request: Request, protocol: Protocol) -> None:
    """Raise ``BadInput`` if a request says otherwise than its protocol."""
    who = f"protocol {protocol.name!r}"
    beyond = [name for name in request.metrics if name not in protocol.metrics]
    if beyond:
        raise BadInput(
            f"{who}: has no {', '.join(beyond)}; expected metrics among {', '.join(protocol.metrics)}. Leave --metrics "
            "out, or --protocol."
        )
    if protocol.extractor not in ("", request.extractor):
        raise BadInput(
            f"{who}: sets the extractor; expected {protocol.extractor}, got {request.extractor}. Leave --extractor "
            "out, or --protocol."
        )
    for name in dict.fromkeys([*request.parameters, *request.metrics]):
        expected, got = dict(protocol.parameters.get(name, {})), dict(request.parameters.get(name, {}))
        if expected != got:
            raise BadInput(
                f"{who}: sets the parameters of {name}; expected {expected}, got {got}. Leave parameters out, or the "
                "protocol."
            )


def _plain(value: Any) -> Any:
    """Return ``value`` as JSON would give it back."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value


def refuse_missing_layers(metrics: Sequence[Metric], extractor: Extractor) -> None:
    """Raise ``BadInput`` if ``extractor`` lacks a layer that a metric reads."""
    for metric in metrics:
        if metric.layer and metric.layer not in extractor.widths:
            raise BadInput(
                f"{metric.name}: needs the layer {metric.layer!r}; expected an extractor that has it, got "
                f"{extractor.name!r} with {', '.join(extractor.widths)}. Choose another --extractor."
            )


def check(request: Request, metrics: Sequence[Metric]) -> None:
    """Raise ``BadInput`` for a request that cannot be carried out."""
    if not metrics:
        raise BadInput("--metrics: none named; expected at least one. See `genbench list metrics`.")
    if request.count is not None and request.count < 2:
        raise BadInput(f"--count: too few; expected 2 or more, got {request.count}.")
    if request.labels not in (None, "folders"):
        raise BadInput(f"--labels: unknown; expected folders, got {request.labels!r}.")
    if request.batch_size is not None and request.batch_size < 1:
        raise BadInput(f"--batch-size: too small; expected 1 or more, got {request.batch_size}.")
