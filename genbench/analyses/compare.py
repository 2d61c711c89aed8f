"""Which of several models is better? All are judged by the same reference images, whose luck their scores share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from genbench.analyses.verdicts import Judged, judge_pairs, rank_intervals, say_lone, steady_runs
from genbench.comparison import Comparison, ModelScore
from genbench.contracts import Estimate, Metric, Score, Watch
from genbench.errors import BadInput
from genbench.evaluate import (
    Run,
    describe,
    extract_sides,
    layers_of,
    look,
    make_score,
    open_run,
    score_key,
    survey_sides,
    take_reference,
)
from genbench.features.survey import Survey
from genbench.floor import add_floors
from genbench.request import Request, make_request
from genbench.stats.paired import level_of
from genbench.stats.parts import Part

Sides = dict[str, Survey]
ONE_RUN = "one run a model: a verdict is of these very models, not of what training them again would give"
INDEPENDENT = (
    "the reference's part of the error is not known image by image: errors of the models are taken as independent, "
    "which makes intervals of differences too wide rather than too narrow"
)


@dataclass(frozen=True)
class _Found:
    """One metric of one run."""

    score: Score
    estimate: Estimate


def compare(
    fakes: Mapping[str, Any] | Sequence[Any],
    *,
    real: Any,
    train: Any = None,
    alpha: float = 0.05,
    request: Request | None = None,
    watch: Watch | None = None,
    **options: Any,
) -> Comparison:
    """Compare models by their images, against one reference.

    Args:
        fakes: name -> images of a model, as ``genbench.score`` takes them; a list or tuple of such is several runs
            (trainings) of one model. Or a sequence of paths, whose names they get.
        real: the reference.
        train: the training set, for metrics that look at one.
        alpha: chance that any of the verdicts is false, 0 < alpha < 1 (Holm's correction over pairs and metrics).
        request: what to score with; or give its fields as keywords.
        watch: told of progress.
        **options: fields of ``Request``.

    Returns:
        Scores with intervals of places, differences with intervals and verdicts. Differences are paired: the effects of
        the same reference images, or blocks of them, on both scores are subtracted; the fakes count as independent.

    Raises:
        GenbenchError: before any work, if an input cannot be used, or the models differ in their number of images and
            a metric is biased by it.
    """
    models = name_models(fakes)
    if not 0 < alpha < 1:
        raise BadInput(f"--alpha: no chance of error; expected a number between 0 and 1, got {alpha}.")
    with open_run(make_request(options) if request is None else request, watch) as run:
        given = {"real": real} | ({} if train is None else {"train": train})
        run.reference = take_reference(run, given)
        sides = {name: [survey_sides(run, {"fake": one, **given}) for one in runs] for name, runs in models.items()}
        _refuse_unequal_counts(run.metrics, sides)
        _share_reference(sides)
        _extract(run, sides)
        _refuse_unequal_counts(run.metrics, sides)
        found = _find(run, sides)
        floors = _floors(run, next(iter(sides.values()))[0], next(iter(found.values()))[0])
        run.damaged = list(run.store.damaged)
    return _conclude(run, sides, found, floors, alpha)


def name_models(fakes: Mapping[str, Any] | Sequence[Any]) -> dict[str, list[Any]]:
    """Return name -> sources of its runs.

    Raises:
        BadInput: for fewer than two models, a name given twice, or a model without runs.
    """
    if isinstance(fakes, Mapping):
        models = {
            str(name): list(given) if isinstance(given, list | tuple) else [given] for name, given in fakes.items()
        }
    else:
        texts = [str(one) if isinstance(one, str | Path) else f"model {i}" for i, one in enumerate(fakes, 1)]
        for text in texts:
            if texts.count(text) > 1:
                raise BadInput(f"compare: two models of one name; expected each once, got {text!r} again. Rename one.")
        models = {text: [one] for text, one in zip(texts, fakes, strict=True)}
    if len(models) < 2:
        raise BadInput(f"compare: nothing to compare with; expected two models or more, got {len(models)}.")
    for name, runs in models.items():
        if not runs:
            raise BadInput(f"compare: {name!r} has no runs; expected one source or more, got none.")
    return models


def _refuse_unequal_counts(metrics: Sequence[Metric], sides: Mapping[str, Sequence[Sides]]) -> None:
    counts = {name: [len(parts["fake"].entries) for parts in runs] for name, runs in sides.items()}
    fewest = min(map(min, counts.values()))
    biased = [metric.name for metric in metrics if "fake" in metric.biased_by]
    if biased and any(count != fewest for runs in counts.values() for count in runs):
        got = "; ".join(f"{name}: {', '.join(map(str, runs))}" for name, runs in counts.items())
        raise BadInput(
            f"compare: models differ in their number of images; expected one number, on which {', '.join(biased)} "
            f"hang, got {got}. Give --count {fewest}."
        )


def _share_reference(sides: Mapping[str, Sequence[Sides]]) -> None:
    """Let all runs have one survey of the same reference, and of the same training set: both are read once."""
    first = next(iter(sides.values()))[0]
    for parts in (parts for runs in sides.values() for parts in runs):
        parts.update({side: first[side] for side in first if side != "fake" and _is_same(parts[side], first[side])})


def _is_same(one: Survey, other: Survey) -> bool:
    return one.entries == other.entries and one.digests == other.digests


def _extract(run: Run, sides: Mapping[str, Sequence[Sides]]) -> None:
    done: list[Survey] = []
    for parts in (parts for runs in sides.values() for parts in runs):
        fresh = {side: part for side, part in parts.items() if not any(part is one for one in done)}
        for view in run.views:
            layers = {side: layers_of(side, view.metrics, view.extractor) for side in fresh}
            extract_sides(run, fresh, layers, view.extractor)
        done += fresh.values()


def _find(run: Run, sides: Mapping[str, Sequence[Sides]]) -> dict[str, list[dict[str, _Found]]]:
    """Return model -> for each run: metric -> what was found."""
    run.watch.start("metrics", len(run.metrics) * sum(map(len, sides.values())))
    found = {name: [_find_one(run, parts) for parts in runs] for name, runs in sides.items()}
    run.watch.finish()
    return found


def _find_one(run: Run, parts: Sides) -> dict[str, _Found]:
    found = {}
    for view in run.views:
        pair = look(run, view, parts, view.metrics)
        for metric in view.metrics:
            estimate = metric.compute(pair)
            score = make_score(run, replace(metric, compute=lambda _, known=estimate: known), pair)
            found[metric.name] = _Found(score, replace(estimate, per_image={}))
            run.watch.advance(1)
    return {metric.name: found[metric.name] for metric in run.metrics}


def _floors(run: Run, parts: Sides, found: Mapping[str, _Found]) -> dict[str, Score]:
    """Return metric -> a score with the floor, which all models share."""
    scores = [one.score for one in found.values()]
    if run.request.floor:
        scores = add_floors(scores, run.views, parts, partial(score_key, run), run.store, run.request)
    return {score.metric: score for score in scores}


def _judge(metric: Metric, runs: Sequence[_Found]) -> Judged:
    scores = [one.score for one in runs]
    is_split = not metric.uses_real or all(one.estimate.parts for one in runs)
    if any(score.stderr is None for score in scores):
        return Judged(scores, None, is_split)
    split = [_split(metric, one.estimate, len(runs)) for one in runs]
    level = level_of([score.value for score in scores], [real for real, _ in split], [fake for _, fake in split])
    return Judged(scores, level, is_split)


def _split(metric: Metric, estimate: Estimate, runs: int) -> tuple[Part, Part]:
    """Return the reference's and the fakes' part.

    Where only the whole is known, it stands for the fakes'; with several runs, which do not show what the reference
    adds to each of them, for the reference's as well.
    """
    nothing = Part(0.0, np.empty(0))
    if estimate.parts:  # of one side alone where the other is not drawn: real images under a model's likelihood
        real, fake = (Part(*estimate.parts.get(side, nothing)) for side in ("real", "fake"))
        return real, fake
    assert estimate.stderr is not None, "scores without an error are judged before"
    whole = Part(estimate.stderr**2, np.empty(0))
    return (whole if metric.uses_real and runs > 1 else nothing), whole


def _conclude(
    run: Run,
    sides: Mapping[str, Sequence[Sides]],
    found: Mapping[str, Sequence[Mapping[str, _Found]]],
    floors: Mapping[str, Score],
    alpha: float,
) -> Comparison:
    judged = {
        metric.name: steady_runs(
            {model: _judge(metric, [one[metric.name] for one in runs]) for model, runs in found.items()}
        )
        for metric in run.metrics
    }
    differences = judge_pairs(judged, alpha)
    scores = []
    for metric in run.metrics:
        places = rank_intervals(list(sides), [one for one in differences if one.metric == metric.name])
        for model, one in judged[metric.name].items():
            place = None if metric.better == "none" else places[model]
            scores.append(_model_score(model, one, place, floors[metric.name], alpha))
    independent = sorted({one.label for one in differences if not one.is_paired})
    counts = {name: len(runs) for name, runs in sides.items()}
    notes = [ONE_RUN] if set(counts.values()) == {1} else say_lone(counts)
    notes += [f"{', '.join(independent)}: {INDEPENDENT}"] if independent else []
    first = next(iter(sides.values()))[0]
    sources = {side: part.describe() for side, part in first.items() if side != "fake"}
    if run.reference is not None:
        sources["real"] = run.reference.describe()
    models = {name: [parts["fake"].describe() for parts in runs] for name, runs in sides.items()}
    return Comparison(
        real=sources["real"]["name"],
        models=list(sides),
        alpha=alpha,
        scores=scores,
        differences=differences,
        notes=notes + _shared_images(sides),
        provenance=describe(run, sources) | {"models": models},
    )


def _model_score(model: str, judged: Judged, place: tuple[int, int] | None, floor: Score, alpha: float) -> ModelScore:
    score, level = judged.scores[0], judged.level
    told = [*floor.warnings, *(warning for one in judged.scores for warning in one.warnings)]
    return ModelScore(
        **score.model_dump(include={"metric", "label", "better", "n_real", "n_fake"}),
        **floor.model_dump(include={"floor", "floor_stderr", "floor_count"}),
        model=model,
        value=judged.value,
        stderr=None if level is None else level.variance**0.5,
        interval=None if level is None else level.interval(1 - alpha),
        rank=place,
        runs=[one.value for one in judged.scores],
        run_sd=None if level is None else level.run_sd,
        sampling_sd=None if level is None else level.sampling_sd,
        warnings=list(dict.fromkeys(told)),
    )


def _shared_images(sides: Mapping[str, Sequence[Sides]]) -> list[str]:
    """Say which models, runs of a model, and models and references hold the same images."""
    every = {name: [set(parts["fake"].digests) for parts in runs] for name, runs in sides.items()}
    models: dict[str, set[str | None]] = {name: set().union(*runs) for name, runs in every.items()}
    told = [(f"{first} and {second}", models[first] & models[second]) for first, second in combinations(models, 2)]
    for name, runs in every.items():
        numbered = combinations(enumerate(runs, 1), 2)
        told += [(f"{name}: runs {i} and {j}", one & other) for (i, one), (j, other) in numbered]
    notes = [
        f"{which} share {len(shared)} images, byte for byte; they are taken as drawn independently"
        for which, shared in told
        if shared
    ]
    for side, part in next(iter(sides.values()))[0].items():
        for name, found in models.items() if side != "fake" else ():
            if shared := found & set(part.digests):
                notes.append(f"{name} and {side} share {len(shared)} images, byte for byte")
    return notes
