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
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from genbench import __version__
from genbench.contracts import (
    Entry,
    Extractor,
    Metric,
    Score,
    Scorecard,
    Silence,
    Source,
    SourceOptions,
    Watch,
)
from genbench.errors import BadInput, GenbenchError
from genbench.features.extract import Tally, extract, extract_drawn, extractor_key, no_rows, recall
from genbench.features.runtime import Place, Setup, choose_place
from genbench.features.store import Damaged, Store, default_cache
from genbench.features.survey import Survey, choose, labelled, leave_out, read_images, refuse_unreadable, survey
from genbench.floor import add_floors
from genbench.metrics import METRICS
from genbench.pairs.compare import compare
from genbench.parameters import bind_each, describe_metrics
from genbench.protocols import PROTOCOLS
from genbench.provenance import code_fingerprint, describe_environment
from genbench.request import Request, check, make_request, refuse_missing_layers
from genbench.requirements import (
    judges_model,
    refuse_missing_train,
    refuse_too_few,
    refuse_unfit_classes,
    refuse_unfit_model,
    refuse_unmatched,
)
from genbench.sources import open_source
from genbench.sources.arrays import holds_only_statistics
from genbench.stats.files import Statistics, read_statistics
from genbench.stats.pair import Pair
from genbench.views import View, label_of, match_images, open_views, refuse_unfit_sizes

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
        views: how the metrics look at the images; that of the chosen extractor first, if any looks so.
        reference: statistics that stand for the real images; None: there are images.
        seconds: stage -> time spent.
        tally: side -> what its extraction did.
        damaged: rows of the store that were computed again.
    """

    request: Request
    place: Place
    watch: Watch
    store: Store
    views: list[View]
    reference: Statistics | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    tally: dict[str, Tally] = field(default_factory=dict)
    damaged: list[Damaged] = field(default_factory=list)

    @property
    def extractor(self) -> Extractor:
        """The network of the first view: the chosen one, if any metric reads its features."""
        return self.views[0].extractor

    @property
    def metrics(self) -> list[Metric]:
        """Records of ``request.metrics``, in their order."""
        found = {metric.name: metric for view in self.views for metric in view.metrics}
        return [found[name] for name in self.request.metrics]

    def view_of(self, metric: Metric) -> View:
        """Return how ``metric`` looks at the images."""
        return next(view for view in self.views if metric.name in {one.name for one in view.metrics})


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
        for view in run.views:
            extract_sides(
                run, parts, {side: layers_of(side, view.metrics, view.extractor) for side in parts}, view.extractor
            )
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
    metrics = bind_each([METRICS.get(name) for name in request.metrics], request.parameters, request.extractors)
    directory = request.cache or default_cache()
    place = choose_place(request.device, request.runtime, directory / "networks")
    watch = watch or Silence()
    check(request, metrics)
    views = open_views(request, metrics, Setup(place, watch=watch))
    for view in views:
        refuse_missing_layers(view.metrics, view.extractor)
    with Store(directory) as store:
        yield Run(request, place, watch, store, views)


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
    unfit = [
        metric.name
        for metric in run.metrics
        if metric.uses_real and (metric.extractor or not metric.works_from_moments)
    ]
    if unfit:
        records = map(METRICS.get, METRICS)
        able = [found.name for found in records if found.works_from_moments and not found.extractor]
        raise BadInput(
            f"{', '.join(unfit)}: the reference {name!r} is statistics, which carry no images; expected metrics that "
            f"work from mean and covariance ({', '.join(able)}). Give --metrics {','.join(able)}, or the images."
        )
    reference = read_statistics(path, name)
    facts, widths = run.extractor.facts, run.extractor.widths
    if widths:  # else no metric looks at features
        reference.check_extractor(facts, extractor_key(run.extractor), widths["pooled"])
    _ = reference.gaussian  # raises before any work
    del given["real"]
    return reference


def survey_sides(run: Run, given: Mapping[str, Any]) -> dict[str, Survey]:
    """Stages 1 and 2: open the sources, choose the images, look at each before any work."""
    started = time.perf_counter()
    request = run.request
    options = SourceOptions(request.seed, request.latent, request.output_range, run.place.device, request.labels)
    refuse_missing_train(run.metrics, given)
    sources = {side: open_source(thing, options) for side, thing in given.items()}
    chosen = _choose(run, sources)
    refuse_unfit_model(run.metrics, sources)
    refuse_unmatched(run.metrics, chosen)
    refuse_unfit_classes(run.metrics, {side: labelled(sources[side], entries) for side, entries in chosen.items()})
    parts = {
        side: survey(sources[side], entries, run.store, run.watch, verify=request.verify)
        for side, entries in chosen.items()
    }
    refuse_unreadable(list(parts.values()), skip=request.skip_unreadable)
    refuse_too_few(run.metrics, parts)
    refuse_unfit_sizes(run.views, parts, request.seed)
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


def layers_of(side: str, metrics: Sequence[Metric], extractor: Extractor) -> list[str]:
    """Return the layers of ``extractor`` that ``metrics`` read of the images of ``side``: "fake", "real" or "train"."""
    readers = {
        "fake": metrics,
        "real": [metric for metric in metrics if metric.uses_real],
        "train": [metric for metric in metrics if metric.uses_train],
    }
    return sorted({metric.layer_in(extractor.widths) for metric in readers[side] if metric.layer})


def extract_sides(
    run: Run, parts: Mapping[str, Survey], layers: Mapping[str, Sequence[str]], extractor: Extractor | None = None
) -> None:
    """Stage 3: run a network (None: the chosen one) on every image of which the store lacks one of ``layers``."""
    started = time.perf_counter()
    problems = {}
    for side, part in parts.items():
        tally, problems[side] = extract(
            part, extractor or run.extractor, run.store, layers[side], run.watch, batch_size=run.request.batch_size
        )
        run.tally[side] = run.tally.get(side, Tally()) + tally
    for side, part in parts.items():
        leave_out(part, problems[side], skip=run.request.skip_unreadable)
    refuse_too_few(run.metrics, parts)
    run.seconds["features"] = run.seconds.get("features", 0.0) + time.perf_counter() - started


def _score(run: Run, parts: Mapping[str, Survey]) -> list[Score]:
    """Stages 4 to 6: statistics, metrics, scores; those kept from an earlier run are not computed again."""
    started = time.perf_counter()
    scores: dict[str, Score] = {}
    for view in run.views:
        keys = {metric.name: score_key(run, parts, metric) for metric in view.metrics}
        kept = {
            metric.name: text
            for metric in view.metrics
            if not (run.request.verify or judges_model(metric))
            and (text := run.store.recall_score(keys[metric.name])) is not None
        }
        scores |= {name: Score.model_validate_json(text) for name, text in kept.items()}
        if fresh := [metric for metric in view.metrics if metric.name not in kept]:
            scores |= _compute(run, view, fresh, look(run, view, parts, fresh), keys)
    name = parts["fake"].source.name
    named = [scores[metric.name].model_copy(update={"fake": name}) for metric in run.metrics]
    if run.request.floor:
        named = add_floors(named, run.views, parts, partial(score_key, run), run.store, run.request)
    run.seconds["metrics"] = time.perf_counter() - started
    return named


def look(run: Run, view: View, parts: Mapping[str, Survey], metrics: Sequence[Metric]) -> Pair:
    """Return what ``metrics`` look at through ``view``: the features of all sides, and what its measure says."""
    layers = {side: layers_of(side, metrics, view.extractor) for side in parts}
    features = {
        side: recall(part, view.extractor, run.store, layers[side])
        for side, part in parts.items()
        if side != "train" or any(metric.uses_train for metric in metrics)
    }
    compared: dict[str, Any] = {}
    found = match_images(view, parts, run.request.seed)
    if view.measure is not None and found is not None:
        tally, told = compare(*found, view.measure, run.store, run.watch, batch_size=run.request.batch_size)
        run.tally["pairs"] = run.tally.get("pairs", Tally()) + tally
        compared = told._asdict()
    return Pair(
        features.get("real") or no_rows(view.extractor),
        features["fake"],
        features.get("train"),
        run.request.seed,
        {"real": run.reference.gaussian} if run.reference and view.extractor is run.extractor else {},
        **compared,
        measure=view.measure,
        images={side: partial(read_images, part) for side, part in parts.items()},
        model=getattr(parts["fake"].source, "model", None),
        extract=partial(extract_drawn, view.extractor),
    )


def _compute(run: Run, view: View, metrics: Sequence[Metric], pair: Pair, keys: Mapping[str, str]) -> dict[str, Score]:
    run.watch.start("metrics", len(metrics))
    scores = {}
    for metric in metrics:
        scores[metric.name] = make_score(run, metric, pair)
        text = scores[metric.name].model_dump_json()
        run.store.remember_score(keys[metric.name], text, extractor=extractor_key(view.eye))
        run.watch.advance(1)
    run.watch.finish()
    return scores


def make_score(run: Run, metric: Metric, pair: Pair) -> Score:
    """Return the score of ``metric`` on ``pair``; its ``fake`` is for the caller to fill in."""
    estimate = metric.compute(pair)
    eye = run.view_of(metric).eye
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
        extractor=eye.name,
        label=label_of(metric, eye, run.request.protocol),
        value=estimate.value,
        stderr=estimate.stderr,
        ci95=interval,
        better=metric.better,
        n_real=n_real,
        n_fake=n_fake,
        warnings=[*estimate.warnings, *foreign],
        details=dict(estimate.details),
    )


def score_key(run: Run, parts: Mapping[str, Survey], metric: Metric) -> str:
    """Return the key under which the score of ``metric`` on these images is kept."""
    view = run.view_of(metric)
    what = [
        __version__,
        code_fingerprint(),
        describe_metrics([metric]),
        run.request.protocol,
        run.request.seed,
        *(extractor_key(eye) for eye in (view.extractor, view.measure) if eye is not None),
    ]
    reference = {"real": run.reference.fingerprint} if run.reference else {}
    sides = reference | {
        side: part.fingerprint() for side, part in sorted(parts.items()) if side != "train" or metric.uses_train
    }
    if {"labels", "real-labels"} & set(metric.needs):
        sides |= {f"classes of {side}": part.class_fingerprint() for side, part in sorted(parts.items())}
    return hashlib.sha256(json.dumps([what, sides]).encode()).hexdigest()


def describe(run: Run, sources: Mapping[str, Any]) -> dict[str, Any]:
    """Return what made the scores, JSON-safe; ``sources`` has a description a side."""
    request = run.request
    return {
        **describe_environment(),
        "extractor": dict(run.extractor.facts),
        "extractor_key": extractor_key(run.extractor),
        "others": {view.eye.name: dict(view.eye.facts) for view in run.views if view.eye is not run.extractor},
        **{name: run.extractor.facts.get(name, "not stated") for name in ("weights", "resize", "dtype", "runtime")},
        "device": run.place.device,
        "seed": request.seed,
        "request": request.describe(),
        "protocol": PROTOCOLS.get(request.protocol).describe() if request.protocol else None,
        "metrics": describe_metrics(run.metrics),
        "sources": dict(sources),
        "shared_images": {},
        "features": {side: vars(tally) for side, tally in run.tally.items()},
        "damaged_rows": [str(row) for row in run.damaged],
        "seconds": {stage: round(spent, 3) for stage, spent in run.seconds.items()},
    }
