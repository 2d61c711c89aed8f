"""READ FIRST. Scores a fake source against a real one, stage by stage.

source -> images -> features -> stats -> metrics -> score
"""

import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genbench import __version__
from genbench.contracts import (
    Entry,
    Estimate,
    Extractor,
    Features,
    Metric,
    Score,
    Scorecard,
    Silence,
    Source,
    SourceOptions,
    Watch,
)
from genbench.errors import BadInput, GenbenchError, NotEnoughImages
from genbench.features import open_extractor
from genbench.features.extract import Tally, extract, extractor_key, recall
from genbench.features.runtime import Setup, choose_place
from genbench.features.store import Damaged, Store, default_cache
from genbench.features.survey import Survey, choose, leave_out, refuse_unreadable, survey
from genbench.metrics import METRICS
from genbench.provenance import describe_environment
from genbench.sources import open_source
from genbench.stats.pair import Pair

DEFAULT_METRICS = ("fd", "kd", "precision", "recall", "density", "coverage")
DEFAULT_EXTRACTOR = "efficientnet-lite0"
Z95 = 1.959963984540054


@dataclass(frozen=True)
class Request:
    """What to score with; checked whole by ``check`` before any work.

    Attributes:
        metrics: ids.
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
    verify: bool = False


@dataclass
class _Run:
    """What the stages of one scoring share."""

    request: Request
    watch: Watch
    store: Store
    extractor: Extractor
    metrics: list[Metric]
    seconds: dict[str, float] = field(default_factory=dict)
    tally: dict[str, Tally] = field(default_factory=dict)
    damaged: list[Damaged] = field(default_factory=list)


def score(
    *,
    fake: Any,
    real: Any,
    train: Any = None,
    request: Request | None = None,
    watch: Watch | None = None,
    **options: Any,
) -> Scorecard:
    """Score ``fake`` against ``real``.

    Args:
        fake: the judged images: a path, "scheme:rest", an array, a module, a sampler, a callable or a ``Source``.
        real: the reference, likewise.
        train: the training set that ``nn`` compares with; None: the reference.
        request: what to score with; or give its fields as keywords: ``metrics=["fd"], extractor="pixels"``.
        watch: told of progress.
        **options: fields of ``Request``.

    Returns:
        A ``Scorecard``; ``.to_pandas()``, ``.to_json()``.

    Raises:
        GenbenchError: before any work, if an input cannot be used.
    """
    request = make_request(options) if request is None else request
    metrics = [METRICS.get(name) for name in request.metrics]
    directory = request.cache or default_cache()
    place = choose_place(request.device, request.runtime, directory / "networks")
    extractor = open_extractor(request.extractor, Setup(place, weights=request.weights))
    check(request, metrics, extractor)
    with Store(directory) as store:
        run = _Run(request, watch or Silence(), store, extractor, metrics)
        parts = _survey(run, {"fake": fake, "real": real} | ({} if train is None else {"train": train}))
        _extract(run, parts)
        scores = _score(run, parts)
        run.damaged = list(store.damaged)
    return Scorecard(
        fake=parts["fake"].source.name, real=parts["real"].source.name, scores=scores, provenance=_describe(run, parts)
    )


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
    if request.batch_size is not None and request.batch_size < 1:
        raise BadInput(f"--batch-size: too small; expected 1 or more, got {request.batch_size}.")


def _survey(run: _Run, given: Mapping[str, Any]) -> dict[str, Survey]:
    """Stages 1 and 2: open the sources, choose the images, look at each before any work."""
    started = time.perf_counter()
    request = run.request
    device = "cpu" if request.device == "auto" else request.device
    options = SourceOptions(request.seed, request.latent, request.output_range, device)
    sources = {side: open_source(thing, options) for side, thing in given.items()}
    parts = {
        side: survey(sources[side], entries, run.store, run.watch, verify=request.verify)
        for side, entries in _choose(request, sources).items()
    }
    refuse_unreadable(list(parts.values()), skip=request.skip_unreadable)
    _refuse_too_few(run.metrics, parts)
    run.seconds["check"] = time.perf_counter() - started
    return parts


def _choose(request: Request, sources: Mapping[str, Source]) -> dict[str, list[Entry]]:
    """Return the images of each side; a generator without a count gives as many as the other side has."""
    finite = {side: choose(one, request.count, request.seed) for side, one in sources.items() if not one.is_endless}
    other = finite.get("real") or finite.get("fake") or []
    chosen = {}
    for side, source in sources.items():
        count = request.count or len(other)
        if side not in finite and not count:
            raise BadInput(f"{side} {source.name!r}: a generator has no count of its own; expected --count N.")
        chosen[side] = finite[side] if side in finite else choose(source, count, request.seed)
    return chosen


def _refuse_too_few(metrics: Sequence[Metric], parts: Mapping[str, Survey]) -> None:
    for metric in metrics:
        for side, part in parts.items():
            if len(part.entries) < metric.min_count:
                raise NotEnoughImages(
                    f"{metric.name}: too few images; expected at least {metric.min_count} on each side, got "
                    f"{len(part.entries)} in {side} {part.source.name!r}. Give more images or leave {metric.name} out."
                )


def _extract(run: _Run, parts: Mapping[str, Survey]) -> None:
    """Stage 3: run the network on every image that the store does not know."""
    started = time.perf_counter()
    problems = {}
    for side, part in parts.items():
        run.tally[side], problems[side] = extract(
            part, run.extractor, run.store, run.watch, batch_size=run.request.batch_size
        )
    for side, part in parts.items():
        leave_out(part, problems[side], skip=run.request.skip_unreadable)
    _refuse_too_few(run.metrics, parts)
    run.seconds["features"] = time.perf_counter() - started


def _score(run: _Run, parts: Mapping[str, Survey]) -> list[Score]:
    """Stages 4 to 6: statistics, metrics, scores; those kept from an earlier run are not computed again."""
    started = time.perf_counter()
    keys = {metric.name: _score_key(run, parts, metric) for metric in run.metrics}
    kept = {name: text for name, key in keys.items() if (text := run.store.recall_score(key)) is not None}
    fresh = [metric for metric in run.metrics if metric.name not in kept]
    scores = {name: Score.model_validate_json(text) for name, text in kept.items()}
    if fresh:
        layers = sorted({metric.layer for metric in fresh})
        features = {side: recall(part, run.extractor, run.store, layers) for side, part in parts.items()}
        scores |= _compute(run, fresh, features, keys)
    run.seconds["metrics"] = time.perf_counter() - started
    name = parts["fake"].source.name
    return [scores[metric.name].model_copy(update={"fake": name}) for metric in run.metrics]


def _compute(
    run: _Run, metrics: Sequence[Metric], features: Mapping[str, Features], keys: Mapping[str, str]
) -> dict[str, Score]:
    pair = Pair(features["real"], features["fake"], features.get("train"), run.request.seed)
    run.watch.start("metrics", len(metrics))
    scores = {}
    for metric in metrics:
        scores[metric.name] = _make_score(metric, metric.compute(pair), run.extractor.name, pair)
        text = scores[metric.name].model_dump_json()
        run.store.remember_score(keys[metric.name], text, extractor=extractor_key(run.extractor))
        run.watch.advance(1)
    run.watch.finish()
    return scores


def _make_score(metric: Metric, estimate: Estimate, extractor: str, pair: Pair) -> Score:
    if not math.isfinite(estimate.value):
        raise GenbenchError(f"{metric.name}: the result is not finite; expected a number, got {estimate.value}.")
    interval = None
    if estimate.stderr is not None:
        low, high = estimate.value - Z95 * estimate.stderr, estimate.value + Z95 * estimate.stderr
        interval = (max(low, metric.range[0]), min(high, metric.range[1]))
    return Score(
        metric=metric.name,
        fake="",
        extractor=extractor,
        label=f"{metric.label}[{extractor}]",
        value=estimate.value,
        stderr=estimate.stderr,
        ci95=interval,
        better=metric.better,
        n_real=pair.real.count,
        n_fake=pair.fake.count,
        warnings=list(estimate.warnings),
        details=dict(estimate.details),
    )


def _score_key(run: _Run, parts: Mapping[str, Survey], metric: Metric) -> str:
    what = [__version__, metric.name, metric.version, run.request.seed, extractor_key(run.extractor)]
    sides = {side: part.fingerprint() for side, part in sorted(parts.items()) if side != "train" or metric.uses_train}
    return hashlib.sha256(json.dumps([what, sides]).encode()).hexdigest()


def _describe(run: _Run, parts: Mapping[str, Survey]) -> dict[str, Any]:
    """Return what made the scores."""
    request = run.request
    return {
        **describe_environment(),
        "extractor": dict(run.extractor.facts),
        "extractor_key": extractor_key(run.extractor),
        "request": {
            "metrics": list(request.metrics),
            "extractor": request.extractor,
            "count": request.count,
            "seed": request.seed,
            "device": request.device,
            "runtime": request.runtime,
        },
        "sources": {side: part.describe() for side, part in parts.items()},
        "shared_images": {
            f"fake and {side}": len(set(parts["fake"].digests) & set(part.digests))
            for side, part in parts.items()
            if side != "fake"
        },
        "features": {side: vars(tally) for side, tally in run.tally.items()},
        "damaged_rows": [str(row) for row in run.damaged],
        "seconds": {stage: round(spent, 3) for stage, spent in run.seconds.items()},
    }
