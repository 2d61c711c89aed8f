"""The audit of the metrics: which of them notices which known fault, from which strength on, and at what cost.

The real pictures are split at random into two halves. One is the reference; the other, left clean (severity 0, the
floor) or corrupted, stands for a generator. A fault is noticed where the metric is worse than of as many clean pictures
by 3 standard errors of that difference.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from genbench.analyses.halves import Halves, Modes, Rows, find_modes, split
from genbench.analyses.rungs import Measured, is_noticed, judge, make_rung, measure, take
from genbench.contracts import Features, Metric, Score, Silence, Watch
from genbench.errors import BadInput
from genbench.evaluate import Run, describe, extract_sides, layers_of, make_score, open_run, survey_sides
from genbench.features.extract import extract, recall
from genbench.features.survey import Survey, leave_out, survey
from genbench.images.corruptions import CORRUPTIONS, SEVERITIES, Corruption, Selection, find_corruptions
from genbench.metrics import METRICS
from genbench.report.ladder import Ladder, Rung, Verdict
from genbench.request import Request
from genbench.seeds import generator
from genbench.sources.corrupted import CorruptedSource
from genbench.stats.pair import Pair
from genbench.views import View

COSTLY = 3  # the severity whose cost in pictures is tried
SHARES = (1, 2, 4, 8)  # of the halves: all, a half, a quarter ...
NO_LABELS = "needs labels, and these pictures have none"


def make_ladder(
    real: Any,
    request: Request | None = None,
    corruptions: Sequence[str] = tuple(CORRUPTIONS),
    severities: Sequence[int] = SEVERITIES,
    watch: Watch | None = None,
) -> Ladder:
    """Score corrupted halves of ``real`` against the other half, and say what each metric notices.

    Args:
        real: source of pictures, as ``genbench.score`` takes it; one that knows classes gives the modes.
        request: metrics, extractor, count (of both halves together), seed ...
        corruptions: ids in ``CORRUPTIONS``.
        severities: some of 1 to 5.
        watch: told of progress.

    Returns:
        A ``Ladder``: ``.to_json()``; ``report.ladder`` has ``place`` and ``ladder_tables``.

    Raises:
        GenbenchError: before any work, if an input cannot be used.
    """
    request, watch = request or Request(), watch or Silence()
    faults, severities = find_corruptions(corruptions), check_severities(severities)
    refuse_unfit([METRICS.get(name) for name in request.metrics])
    with open_run(request, watch) as run:
        part = survey_sides(run, {"real": real})["real"]
        halves = split(part, run.metrics, request.seed)
        left_out = {one.name: NO_LABELS for one in faults if _is_of_labels(one) and not halves.has_labels}
        plan = [Step(one, severity) for one in faults if one.name not in left_out for severity in severities]
        if not plan:
            raise BadInput(f"--corruptions: none to try; expected others, got {', '.join(left_out)}: {NO_LABELS}.")
        audit = _Audit(run, part, halves, plan)
        audit.extract()
        floor, seconds = audit.floor()
        costly = COSTLY if COSTLY in severities else severities[len(severities) // 2]
        rungs, verdicts = audit.climb(costly)
        return Ladder(
            real=part.source.name,
            extractor=run.extractor.name,
            count=halves.count,
            modes=audit.modes.name,
            cost_severity=costly,
            sizes=sorted({halves.count // share for share in SHARES}),
            floor=floor,
            rungs=rungs,
            verdicts=verdicts,
            seconds=seconds,
            left_out=left_out,
            provenance=describe(run, {"real": part.describe()}),
        )


def check_severities(severities: Sequence[int]) -> list[int]:
    """Return the severities, ascending, each once; raises ``BadInput`` for none or others than 1 to 5."""
    if not severities or not set(severities) <= set(SEVERITIES):
        raise BadInput(f"--severities: not severities; expected some of 1 to 5, got {list(severities)}.")
    return sorted(set(severities))


def refuse_unfit(metrics: Sequence[Metric]) -> None:
    """Raise ``BadInput`` for metrics that judge something else than the features of two sets."""
    for metric in metrics:
        needs = [*(set(metric.needs) - {"labels"}), *([metric.measure] if metric.measure else [])]
        if needs or not metric.layer:
            raise BadInput(
                f"{metric.name}: cannot be put on a ladder; expected a metric of the features of two sets, got one "
                f"that needs {', '.join(needs) or 'no features'}. Leave {metric.name} out."
            )


@dataclass(frozen=True)
class Step:
    """A fault and its strength."""

    fault: Corruption | Selection
    severity: int


@dataclass(frozen=True)
class _Look:
    """The halves through one view."""

    view: View
    real: Features
    clean: Features


class _Audit:
    """Holds the features of the clean halves and measures one step after the other against them."""

    def __init__(self, run: Run, part: Survey, halves: Halves, plan: Sequence[Step]) -> None:
        self._run, self._part, self._halves, self._plan = run, part, halves, plan
        self._corrupted: dict[Step, Survey] = {}
        self._baselines: dict[tuple[int, int, int], dict[str, Measured]] = {}

    def extract(self) -> None:
        """Stage 3 for the pictures, and for the clean half under every corruption of pictures."""
        run, part = self._run, self._part
        for view in run.views:
            extract_sides(run, {"real": part}, {"real": self._layers(view)}, view.extractor)
        chosen = [part.entries[row] for row in self._halves.clean]
        steps = [step for step in self._plan if isinstance(step.fault, Corruption)]
        run.watch.start("corrupted pictures", len(steps) * len(chosen))
        for step in steps:
            assert isinstance(step.fault, Corruption)
            source = CorruptedSource(part.source, chosen, step.fault, step.severity, run.request.seed)
            self._corrupted[step] = survey(source, source.entries(), run.store, Silence(), verify=run.request.verify)
            for view in run.views:
                _, problems = extract(
                    self._corrupted[step],
                    view.extractor,
                    run.store,
                    self._layers(view),
                    Silence(),
                    batch_size=run.request.batch_size,
                )
                leave_out(self._corrupted[step], problems, skip=False)
            run.watch.advance(len(chosen))
        run.watch.finish()

    def floor(self) -> tuple[list[Score], dict[str, float]]:
        """Return the scores of the clean half, and the seconds of each metric on its own."""
        scores, seconds = {}, {}
        name = f"{self._part.source.name}, clean half"
        for look in self._looks:
            for metric in look.view.metrics:
                started = time.perf_counter()
                found = make_score(self._run, metric, Pair(look.real, look.clean, seed=self._run.request.seed))
                seconds[metric.name] = time.perf_counter() - started
                scores[metric.name] = found.model_copy(update={"fake": name})
        return [scores[one] for one in self._run.request.metrics], seconds

    def climb(self, costly: int) -> tuple[list[Rung], list[Verdict]]:
        """Return the rungs of all steps, and what they come to; at severity ``costly`` with fewer pictures too."""
        rungs: list[Rung] = []
        fewest: dict[tuple[str, str], int] = {}
        self._run.watch.start("metrics", len(self._plan))
        for step in self._plan:
            here = self._measure(step, share=1)
            rungs += here
            if step.severity == costly:
                fewest |= self._fewest(step, here)
            self._run.watch.advance(1)
        self._run.watch.finish()
        groups: dict[tuple[str, str], list[Rung]] = {}
        for rung in rungs:
            groups.setdefault((rung.corruption, rung.metric), []).append(rung)
        return rungs, [judge(group, fewest.get(key)) for key, group in groups.items()]

    @cached_property
    def modes(self) -> Modes:
        """What dropped and repeated modes are."""
        look = self._looks[0]
        return find_modes(look.real, look.clean, self._run.request.seed)

    @cached_property
    def _looks(self) -> list[_Look]:
        looks = []
        for view in self._run.views:
            features = recall(self._part, view.extractor, self._run.store, self._layers(view))
            looks.append(_Look(view, *(take(features, rows) for rows in (self._halves.reference, self._halves.clean))))
        return looks

    def _layers(self, view: View) -> list[str]:
        layers = {layer for side in ("real", "fake") for layer in layers_of(side, view.metrics, view.extractor)}
        return sorted(layers | ({"pooled"} if view is self._run.views[0] else set()))  # of which clusters are made

    def _measure(self, step: Step, share: int) -> list[Rung]:
        """Return the rungs of a step, all metrics, with one picture in ``share`` of either side."""
        label = step.fault.label(step.severity, self._side_px)
        place: dict[str, str | int] = {"corruption": step.fault.name, "severity": step.severity, "label": label}
        found = {}
        for i, look in enumerate(self._looks):
            dirty = self._corrupt(step, look)
            if share > 1:
                dirty = take(dirty, self._some(dirty.count, share, step.fault.name))
            real, clean = self._clean(i, share, dirty.count)
            metrics = [metric for metric in look.view.metrics if real.count >= metric.min_count]
            for name, measured in measure(metrics, real, dirty, self._run.request.seed).items():
                found[name] = make_rung(place, METRICS.get(name), dirty.count, measured, clean[name])
        return [found[name] for name in self._run.request.metrics if name in found]

    def _clean(self, at: int, share: int, count: int) -> tuple[Features, Mapping[str, Measured]]:
        """Return one reference picture in ``share``, and what metrics say of ``count`` clean pictures against them."""
        look = self._looks[at]
        real = look.real if share == 1 else take(look.real, self._some(look.real.count, share, "real"))
        key = at, share, count
        if key not in self._baselines:
            order = generator(self._run.request.seed, "fewer", "clean").permutation(look.clean.count)
            clean = look.clean if count == look.clean.count else take(look.clean, np.sort(order[:count]))
            metrics = [metric for metric in look.view.metrics if real.count >= metric.min_count]
            self._baselines[key] = measure(metrics, real, clean, self._run.request.seed)
        return real, self._baselines[key]

    def _some(self, count: int, share: int, name: str) -> Rows:
        order = generator(self._run.request.seed, "fewer", name).permutation(count)
        return np.sort(order[: count // share])

    def _corrupt(self, step: Step, look: _Look) -> Features:
        """Return the features of the clean half with the fault."""
        fault = step.fault
        if isinstance(fault, Corruption):
            return recall(self._corrupted[step], look.view.extractor, self._run.store, list(look.clean.layers))
        rng = generator(self._run.request.seed, "selection", fault.name)
        rows = fault.choose(self.modes.labels, fault.strengths[step.severity - 1], rng)
        if not fault.is_of_labels:
            return take(look.clean, rows)
        assert look.clean.labels is not None, "left out of the plan otherwise"
        return replace(look.clean, labels=look.clean.labels[rows])

    def _fewest(self, step: Step, whole: Sequence[Rung]) -> dict[tuple[str, str], int]:
        """Return (corruption, metric) -> the fewest pictures a side, of those tried, from which on it is noticed."""
        fewest: dict[tuple[str, str], int] = {}
        noticing = {rung.metric for rung in whole}
        for share in SHARES:
            rungs = whole if share == 1 else self._measure(step, share) if noticing else []
            noticing &= {rung.metric for rung in rungs if is_noticed(rung)}
            fewest |= {(step.fault.name, metric): self._halves.count // share for metric in noticing}
        return fewest

    @cached_property
    def _side_px(self) -> int | None:
        """The shorter side of the pictures, if all have one."""
        sides = {min(facts.width, facts.height) for facts in self._part.facts if facts is not None}
        return sides.pop() if len(sides) == 1 else None


def _is_of_labels(fault: Corruption | Selection) -> bool:
    return isinstance(fault, Selection) and fault.is_of_labels
