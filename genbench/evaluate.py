"""READ FIRST. Scores a fake source against a real one, stage by stage.

source -> images -> features -> stats -> metrics -> score
"""

import hashlib
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from genbench import __version__
from genbench.contracts import (
    Entry,
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
from genbench.features.runtime import Place, Setup, choose_place
from genbench.features.store import Damaged, Store, default_cache
from genbench.features.survey import Survey, choose, labelled, leave_out, refuse_unreadable, survey
from genbench.metrics import METRICS
from genbench.provenance import code_fingerprint, describe_environment
from genbench.request import Request, check, make_request
from genbench.sources import open_source
from genbench.sources.arrays import holds_only_statistics
from genbench.stats.classes import match_classes
from genbench.stats.files import Statistics, read_statistics
from genbench.stats.pair import Pair

STATISTICS = "statistics:"  # before the path of a file that holds images as well
Z95 = 1.959963984540054


@dataclass
class Run:
    """What the stages of one scoring share.

    Attributes:
        request: what is asked for.
        place: where the network runs.
        watch: told of progress.
        store: open feature store.
        extractor: the network.
        metrics: records of ``request.metrics``.
        reference: statistics that stand for the real images; None: there are images.
        seconds: stage -> time spent.
        tally: side -> what its extraction did.
        damaged: rows of the store that were computed again.
    """

    request: Request
    place: Place
    watch: Watch
    store: Store
    extractor: Extractor
    metrics: list[Metric]
    reference: Statistics | None = None
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
        train: the training set: ``fld`` needs it; ``nn`` compares with it, else with the reference.
        request: what to score with; or give its fields as keywords: ``metrics=["fd"], extractor="pixels"``.
        watch: told of progress.
        **options: fields of ``Request``.

    Returns:
        A ``Scorecard``; ``.to_pandas()``, ``.to_json()``.

    Raises:
        GenbenchError: before any work, if an input cannot be used.
    """
    with open_run(make_request(options) if request is None else request, watch) as run:
        given = {"fake": fake, "real": real} | ({} if train is None else {"train": train})
        run.reference = take_reference(run, given)
        parts = survey_sides(run, given)
        extract_sides(run, parts, {side: layers_of(side, run.metrics, run.extractor) for side in parts})
        scores = _score(run, parts)
        run.damaged = list(run.store.damaged)
    sources = {side: part.describe() for side, part in parts.items()}
    if run.reference is not None:
        sources["real"] = run.reference.describe()
    shared = {
        f"fake and {side}": len(set(parts["fake"].digests) & set(part.digests))
        for side, part in parts.items()
        if side != "fake"
    }
    return Scorecard(
        fake=sources["fake"]["name"],
        real=sources["real"]["name"],
        scores=scores,
        provenance=describe(run, sources) | {"shared_images": shared},
    )


@contextmanager
def open_run(request: Request, watch: Watch | None = None) -> Iterator[Run]:
    """Open extractor and feature store for ``request``; raises before any work if it cannot be carried out."""
    metrics = [METRICS.get(name) for name in request.metrics]
    directory = request.cache or default_cache()
    place = choose_place(request.device, request.runtime, directory / "networks")
    watch = watch or Silence()
    extractor = open_extractor(request.extractor, Setup(place, weights=request.weights, watch=watch))
    check(request, metrics, extractor)
    with Store(directory) as store:
        yield Run(request, place, watch, store, extractor, metrics)


def take_reference(run: Run, given: dict[str, Any]) -> Statistics | None:
    """Take ``given["real"]`` out and read it if it names statistics: "statistics:FILE", or an .npz without images.

    Raises:
        BadInput: if a metric needs the images.  MismatchedFeatures: if another extractor made them.
        NotPositive: if they are no covariance.
    """
    name = str(given["real"]) if isinstance(given["real"], str | PathLike) else ""
    path = name.removeprefix(STATISTICS)
    is_told = path != name or (Path(path).suffix.lower() == ".npz" and holds_only_statistics(path))
    if not is_told:
        return None
    unfit = [metric.name for metric in run.metrics if metric.uses_real and not metric.works_from_moments]
    if unfit:
        able = [found.name for found in map(METRICS.get, METRICS) if found.works_from_moments]
        raise BadInput(
            f"{', '.join(unfit)}: the reference {name!r} is statistics, which carry no images; expected metrics that "
            f"work from mean and covariance ({', '.join(able)}). Give --metrics {','.join(able)}, or the images."
        )
    reference = read_statistics(path, name)
    facts = run.extractor.facts
    reference.check_extractor(facts, extractor_key(run.extractor), run.extractor.widths["pooled"])
    _ = reference.gaussian  # raises before any work
    del given["real"]
    return reference


def survey_sides(run: Run, given: Mapping[str, Any]) -> dict[str, Survey]:
    """Stages 1 and 2: open the sources, choose the images, look at each before any work."""
    started = time.perf_counter()
    request = run.request
    options = SourceOptions(request.seed, request.latent, request.output_range, run.place.device, request.labels)
    _refuse_missing_train(run.metrics, given)
    sources = {side: open_source(thing, options) for side, thing in given.items()}
    chosen = _choose(run, sources)
    _refuse_unfit_classes(run.metrics, {side: labelled(sources[side], entries) for side, entries in chosen.items()})
    parts = {
        side: survey(sources[side], entries, run.store, run.watch, verify=request.verify)
        for side, entries in chosen.items()
    }
    refuse_unreadable(list(parts.values()), skip=request.skip_unreadable)
    _refuse_too_few(run.metrics, parts)
    run.seconds["check"] = time.perf_counter() - started
    return parts


def _choose(run: Run, sources: Mapping[str, Source]) -> dict[str, list[Entry]]:
    """Return the images of each side; a generator without a count gives as many as the other side has."""
    request, reference = run.request, run.reference
    finite = {side: choose(one, request.count, request.seed) for side, one in sources.items() if not one.is_endless}
    other = finite.get("real") or finite.get("fake") or []
    chosen = {}
    for side, source in sources.items():
        count = request.count or len(other) or (reference.count if reference else 0)
        if side not in finite and not count:
            raise BadInput(f"{side} {source.name!r}: a generator has no count of its own; expected --count N.")
        chosen[side] = finite[side] if side in finite else choose(source, count, request.seed)
    return chosen


def _refuse_missing_train(metrics: Sequence[Metric], given: Mapping[str, Any]) -> None:
    for metric in metrics:
        if "train" in metric.needs and "fake" in given and "train" not in given:
            raise BadInput(
                f"{metric.name}: no training set; expected the images the generator was made from, beside a reference "
                f"it has not seen. Give --train, or leave {metric.name} out."
            )


def _refuse_unfit_classes(metrics: Sequence[Metric], sides: Mapping[str, Features]) -> None:
    for metric in metrics:
        if "labels" in metric.needs and {"real", "fake"} <= set(sides):
            match_classes(metric.name, sides["real"], sides["fake"])


def _refuse_too_few(metrics: Sequence[Metric], parts: Mapping[str, Survey]) -> None:
    for metric in metrics:
        for side, part in parts.items():
            if len(part.entries) < metric.min_count:
                raise NotEnoughImages(
                    f"{metric.name}: too few images; expected at least {metric.min_count} on each side, got "
                    f"{len(part.entries)} in {side} {part.source.name!r}. Give more images or leave {metric.name} out"
                    + (f"; {metric.instead} takes fewer." if metric.instead else ".")
                )


def layers_of(side: str, metrics: Sequence[Metric], extractor: Extractor) -> list[str]:
    """Return the layers of ``extractor`` that ``metrics`` read of the images of ``side``: "fake", "real" or "train"."""
    readers = {
        "fake": metrics,
        "real": [metric for metric in metrics if metric.uses_real],
        "train": [metric for metric in metrics if metric.uses_train],
    }
    return sorted({metric.layer_in(extractor.widths) for metric in readers[side]})


def extract_sides(run: Run, parts: Mapping[str, Survey], layers: Mapping[str, Sequence[str]]) -> None:
    """Stage 3: run the network on every image of which the store lacks one of the side's ``layers``."""
    started = time.perf_counter()
    problems = {}
    for side, part in parts.items():
        run.tally[side], problems[side] = extract(
            part, run.extractor, run.store, layers[side], run.watch, batch_size=run.request.batch_size
        )
    for side, part in parts.items():
        leave_out(part, problems[side], skip=run.request.skip_unreadable)
    _refuse_too_few(run.metrics, parts)
    run.seconds["features"] = time.perf_counter() - started


def _score(run: Run, parts: Mapping[str, Survey]) -> list[Score]:
    """Stages 4 to 6: statistics, metrics, scores; those kept from an earlier run are not computed again."""
    started = time.perf_counter()
    keys = {metric.name: _score_key(run, parts, metric) for metric in run.metrics}
    kept = {name: text for name, key in keys.items() if (text := run.store.recall_score(key)) is not None}
    fresh = [metric for metric in run.metrics if metric.name not in kept]
    scores = {name: Score.model_validate_json(text) for name, text in kept.items()}
    if fresh:
        layers = {side: layers_of(side, fresh, run.extractor) for side in parts}
        features = {
            side: recall(part, run.extractor, run.store, layers[side])
            for side, part in parts.items()
            if side != "train" or layers[side]
        }
        scores |= _compute(run, fresh, features, keys)
    run.seconds["metrics"] = time.perf_counter() - started
    name = parts["fake"].source.name
    return [scores[metric.name].model_copy(update={"fake": name}) for metric in run.metrics]


def _compute(
    run: Run, metrics: Sequence[Metric], features: Mapping[str, Features], keys: Mapping[str, str]
) -> dict[str, Score]:
    fitted = {"real": run.reference.gaussian} if run.reference else {}
    real = features.get("real") or no_rows(run.extractor)
    pair = Pair(real, features["fake"], features.get("train"), run.request.seed, fitted)
    run.watch.start("metrics", len(metrics))
    scores = {}
    for metric in metrics:
        scores[metric.name] = make_score(run, metric, pair)
        text = scores[metric.name].model_dump_json()
        run.store.remember_score(keys[metric.name], text, extractor=extractor_key(run.extractor))
        run.watch.advance(1)
    run.watch.finish()
    return scores


def make_score(run: Run, metric: Metric, pair: Pair) -> Score:
    """Return the score of ``metric`` on ``pair``; its ``fake`` is for the caller to fill in."""
    estimate = metric.compute(pair)
    extractor = run.extractor.name
    famous: Mapping[str, str] = getattr(run.extractor, "labels", {})
    foreign = run.reference.warnings if run.reference and metric.uses_real else ()
    n_real, n_fake = pair.counts
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
        label=famous.get(metric.name, f"{metric.label}[{extractor}]"),
        value=estimate.value,
        stderr=estimate.stderr,
        ci95=interval,
        better=metric.better,
        n_real=n_real,
        n_fake=n_fake,
        warnings=[*estimate.warnings, *foreign],
        details=dict(estimate.details),
    )


def _score_key(run: Run, parts: Mapping[str, Survey], metric: Metric) -> str:
    what = [
        __version__,
        code_fingerprint(),
        metric.name,
        metric.version,
        run.request.seed,
        extractor_key(run.extractor),
    ]
    reference = {"real": run.reference.fingerprint} if run.reference else {}
    sides = reference | {
        side: part.fingerprint() for side, part in sorted(parts.items()) if side != "train" or metric.uses_train
    }
    if "labels" in metric.needs:
        sides |= {f"classes of {side}": parts[side].class_fingerprint() for side in ("fake", "real")}
    return hashlib.sha256(json.dumps([what, sides]).encode()).hexdigest()


def no_rows(extractor: Extractor) -> Features:
    """Return the features of a side of which only statistics are known: none."""
    return Features({"pooled": np.empty((0, extractor.widths["pooled"]), np.float32)})


def describe(run: Run, sources: Mapping[str, Any]) -> dict[str, Any]:
    """Return what made the scores, JSON-safe; ``sources`` has a description a side."""
    request = run.request
    return {
        **describe_environment(),
        "extractor": dict(run.extractor.facts),
        "extractor_key": extractor_key(run.extractor),
        **{name: run.extractor.facts.get(name, "not stated") for name in ("weights", "resize", "dtype", "runtime")},
        "device": run.place.device,
        "seed": request.seed,
        "request": {name: _plain(value) for name, value in vars(request).items()},
        "sources": dict(sources),
        "shared_images": {},
        "features": {side: vars(tally) for side, tally in run.tally.items()},
        "damaged_rows": [str(row) for row in run.damaged],
        "seconds": {stage: round(spent, 3) for stage, spent in run.seconds.items()},
    }


def _plain(value: Any) -> Any:
    """Return ``value`` as JSON would give it back."""
    return str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
