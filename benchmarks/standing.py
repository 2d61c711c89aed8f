"""From the records of runs to a comparison of contestants.

Images are compared image by image: ``genbench.compare`` on the samples of all runs, by the request that their
scorecards were made with. Where only scores are known (points, likelihoods), the same verdicts are given to those; of
metrics beside genbench's own (factors of shapes), they are set beside what the images gave.

Verdicts and places are of the metric that ranks alone, which was chosen before the runs; the correction is for its
pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.contracts import BY_IMAGE, Judge, Record
from benchmarks.home import SAMPLES
from genbench.analyses.compare import INDEPENDENT, compare
from genbench.analyses.repetition import restore_request
from genbench.analyses.verdicts import Judged, judge_pairs, rank_intervals, say_lone, steady_runs
from genbench.comparison import Comparison, ModelScore
from genbench.contracts import Score, Scorecard, Watch
from genbench.errors import BadInput
from genbench.provenance import describe_environment
from genbench.request import Request
from genbench.stats.paired import level_of
from genbench.stats.parts import Part

ALPHA = 0.05
CLOSE, CLOSE_ERRORS = 1e-6, 1e-4  # of a score or of its standard error, between two machines
AGAIN = "(again)"
FREE = ("cache", "device", "runtime", "batch_size")  # of a request: they do not change a number
NOTHING = Part(0.0, np.empty(0))


class Outcome(NamedTuple):
    """A run and the folder that it lies in."""

    folder: Path
    record: Record

    @property
    def card(self) -> Scorecard:
        """The scores of a run that has some."""
        assert self.record.scorecard is not None, "runs without scores are left out before"
        return self.record.scorecard


Runs = Mapping[str, Sequence[Outcome]]  # contestant -> its runs with scores, by seed


def compare_jobs(
    jobs: Sequence[Outcome], judge: Judge, metrics: Sequence[str], watch: Watch | None = None
) -> Comparison:
    """Compare the contestants by all of their runs that have scores.

    Args:
        jobs: by contestant and seed; those without scores are left out.
        judge: of the suite.
        metrics: ids, the first one ranks.
        watch: told of progress.

    Raises:
        BadInput: if runs were judged in different ways, or samples do not give the scores of their scorecards.
    """
    runs = runs_of(jobs)
    _refuse_mixed(runs, judge, metrics[0])
    if not runs:
        return Comparison(real="", models=[], alpha=ALPHA, scores=[], differences=[], provenance=describe_environment())
    cards = {name: [job.card for job in own] for name, own in runs.items()}
    if judge not in BY_IMAGE:
        return compare_cards(cards, metrics, is_of_reference=judge == "likelihood")
    found = compare_samples(runs, metrics[0], watch)
    own = metrics_beside(cards, metrics)
    return beside(found, compare_cards(cards, own, is_of_reference=False)) if own else found


def runs_of(jobs: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Return contestant -> its runs with scores; raises ``BadInput`` for a run that is done and has none."""
    runs: dict[str, list[Outcome]] = {}
    for job in jobs:
        if job.record.status != "done":
            continue
        if job.record.scorecard is None:
            raise BadInput(
                f"leaderboard {job.folder.name!r}: done, and without scores; expected a scorecard in its record, got "
                "none. Remove its record.json to judge that run again."
            )
        runs.setdefault(job.record.contestant, []).append(job)
    return runs


# ------------------------------------------------------------------------------------------------ by images


def compare_samples(runs: Runs, ranking: str, watch: Watch | None = None) -> Comparison:
    """Compare contestants by their samples, against the reference of their scorecards.

    Args:
        runs: contestant -> its runs; their scorecards are of one request.
        ranking: id of the metric that verdicts are of.
        watch: told of progress.
    """
    request = restore_request(next(iter(runs.values()))[0].card)
    others = [metric for metric in request.metrics if metric != ranking]
    found = _compare(runs, _only(request, [ranking]), watch)
    if others:
        rest = _compare(runs, _only(request, others), watch)
        provenance = found.provenance | {
            "request": request.describe(),
            "metrics": found.provenance["metrics"] | rest.provenance["metrics"],
        }
        found = beside(found.model_copy(update={"provenance": provenance}), rest)
    _refuse_other_numbers(found, runs)
    return found


def beside(found: Comparison, rest: Comparison) -> Comparison:
    """Return a comparison with the scores of another at its end, without verdicts and places, and with its notes."""
    scores = [one.model_copy(update={"rank": None}) for one in rest.scores]
    notes = list(dict.fromkeys([*found.notes, *rest.notes]))
    return found.model_copy(update={"scores": found.scores + scores, "notes": notes})


def metrics_beside(cards: Mapping[str, Sequence[Scorecard]], metrics: Sequence[str]) -> list[str]:
    """Return those of the metrics that scorecards have and images cannot be asked for again."""
    every = [card for own in cards.values() for card in own]
    told = {score.metric for card in every for score in card.scores}
    return [metric for metric in metrics if metric in told.difference(every[0].provenance["request"]["metrics"])]


def _only(request: Request, metrics: Sequence[str]) -> Request:
    parameters = {name: chosen for name, chosen in request.parameters.items() if name in metrics}
    return replace(request, metrics=tuple(metrics), parameters=parameters)


def _compare(runs: Runs, request: Request, watch: Watch | None) -> Comparison:
    """Compare; a lone contestant with itself, for the parts of its error."""
    sources = next(iter(runs.values()))[0].card.provenance["sources"]
    given = {side: told["name"] for side, told in sources.items() if side in ("real", "train")}
    fakes = {name: [_source(job) for job in own] for name, own in runs.items()}
    if len(fakes) > 1:
        return compare(fakes, **given, alpha=ALPHA, request=request, watch=watch)
    (own,) = fakes.values()
    return _without(compare(fakes | {AGAIN: own}, **given, alpha=ALPHA, request=request, watch=watch), AGAIN)


def _source(job: Outcome) -> str:
    samples = job.folder / SAMPLES
    return str(samples) if samples.exists() else job.record.source


def _without(found: Comparison, name: str) -> Comparison:
    scores = [one.model_copy(update={"rank": one.rank and (1, 1)}) for one in found.scores if one.model != name]
    models = {model: told for model, told in found.provenance["models"].items() if model != name}
    return found.model_copy(
        update={
            "models": list(models),
            "scores": scores,
            "differences": [],
            "notes": [note for note in found.notes if name not in note],
            "provenance": found.provenance | {"models": models},
        }
    )


def _refuse_mixed(runs: Runs, judge: Judge, ranking: str) -> None:
    """Raise ``BadInput`` unless all runs were judged in one way, by the metric that ranks among others."""
    jobs = [job for own in runs.values() for job in own]
    for job in jobs:
        asked, expected = _asked(job.card, judge), _asked(jobs[0].card, judge)
        other = next((name for name in expected if asked.get(name) != expected[name]), None)
        if other is not None:
            raise BadInput(
                f"leaderboard {job.folder.name!r}: judged in another way than {jobs[0].folder.name!r}; expected "
                f"{other} {expected[other]!r}, got {asked.get(other)!r}. Remove its record.json to judge that run "
                "again, or its folder to leave it out."
            )
    if jobs and not any(score.metric == ranking for job in jobs for score in job.card.scores):
        raise BadInput(
            f"leaderboard: nobody has a score in {ranking!r}, which ranks; expected it in a scorecard, got none. "
            "Judge the runs again."
        )


def _asked(card: Scorecard, judge: Judge) -> dict[str, Any]:
    """Return what has to be the same of all runs."""
    request = {name: value for name, value in card.provenance.get("request", {}).items() if name not in FREE}
    samples = {} if judge == "likelihood" else {"number of samples": card.scores[0].n_fake}
    return {"reference": card.real, **samples, **request}


def _refuse_other_numbers(found: Comparison, runs: Runs) -> None:
    for one in found.scores:
        for job, now in zip(runs[one.model], one.runs, strict=True):
            told = job.card[one.metric]
            if not is_same(told, now):
                raise BadInput(
                    f"leaderboard {job.folder.name!r}: its samples give another {one.metric} than its scorecard; "
                    f"expected {told.value}, got {now}. Remove its record.json to judge that run again."
                )


def is_same(told: Score, value: float) -> bool:
    """Whether ``value`` is the score but for what another machine rounds otherwise."""
    return abs(told.value - value) <= max(CLOSE * abs(told.value), CLOSE_ERRORS * (told.stderr or 0.0))


# ------------------------------------------------------------------------------------------------ by scores alone


def compare_cards(
    cards: Mapping[str, Sequence[Scorecard]], metrics: Sequence[str], *, is_of_reference: bool
) -> Comparison:
    """Compare contestants by their scores and standard errors alone.

    Args:
        cards: contestant -> scorecard of each run.
        metrics: ids, the first one ranks; a contestant has a mean in those that all of its runs have a score in.
        is_of_reference: the standard errors come from the reference's images, not from the contestant's own; which of
            them they share is not known, and they are taken as independent.
    """
    judged = {
        metric: steady_runs(
            {
                name: _judge(found, is_of_reference=is_of_reference)
                for name, own in cards.items()
                if len(found := _found(metric, own)) == len(own)
            }
        )
        for metric in metrics
    }
    ranked = judged[metrics[0]]
    differences = judge_pairs({metrics[0]: ranked}, ALPHA)
    places = rank_intervals(list(ranked), differences)
    table = [
        _model_score(name, one, places[name] if models is ranked else None)
        for models in judged.values()
        for name, one in models.items()
    ]
    lacking = [
        f"{metric}: no mean for {name}, of whose {len(own)} runs {len(own) - len(found)} have no such score"
        for metric in metrics
        for name, own in cards.items()
        if len(found := _found(metric, own)) < len(own)
    ]
    notes = [f"{', '.join(metrics)}: {INDEPENDENT}"] if is_of_reference else []
    return Comparison(
        real=next(iter(cards.values()))[0].real,
        models=list(cards),
        alpha=ALPHA,
        scores=table,
        differences=differences,
        notes=_say_runs(cards) + notes + lacking,
        provenance=describe_environment(),
    )


def _say_runs(cards: Mapping[str, Sequence[Scorecard]]) -> list[str]:
    counts = {name: len(own) for name, own in cards.items()}
    return say_lone(counts) if any(count > 1 for count in counts.values()) else []


def _found(metric: str, cards: Sequence[Scorecard]) -> list[Score]:
    return [score for card in cards for score in card.scores if score.metric == metric]


def _judge(scores: Sequence[Score], *, is_of_reference: bool) -> Judged:
    errors = [score.stderr for score in scores if score.stderr is not None]
    if len(errors) < len(scores):
        return Judged(scores, None, not is_of_reference)
    wholes = [Part(error**2, np.empty(0)) for error in errors]
    none = [NOTHING] * len(scores)
    real, fake = (wholes, none) if is_of_reference else (none, wholes)
    return Judged(scores, level_of([score.value for score in scores], real, fake), not is_of_reference)


def _model_score(model: str, judged: Judged, place: tuple[int, int] | None) -> ModelScore:
    score, level = judged.scores[0], judged.level
    kept = {"metric", "label", "better", "n_real", "n_fake", "floor", "floor_stderr", "floor_count"}
    return ModelScore(
        **score.model_dump(include=kept),
        model=model,
        value=judged.value,
        stderr=None if level is None else level.variance**0.5,
        interval=None if level is None else level.interval(1 - ALPHA),
        rank=None if score.better == "none" else place,
        runs=[one.value for one in judged.scores],
        run_sd=None if level is None else level.run_sd,
        sampling_sd=None if level is None else level.sampling_sd,
        warnings=list(dict.fromkeys(warning for one in judged.scores for warning in one.warnings)),
    )
