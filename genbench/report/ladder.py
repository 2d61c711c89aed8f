"""The corruption ladder as a record, as tables, and as the place of a score on it: "between JPEG 75 and blur 1 px"."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from genbench.contracts import Score
from genbench.errors import BadInput

COUNTS_APART = 1.25  # ratio of counts up to which a place is worth telling
NOTICED = 3.0  # standard errors
A_TABLE = 6  # metrics in 100 columns
ARROWS = {"lower": "↓", "higher": "↑", "none": "·"}


class Rung(BaseModel):
    """One metric on the clean half under one corruption.

    Attributes:
        corruption: its id.
        severity: 1 to 5.
        label: the two in words, "JPEG 75".
        metric: id.
        count: pictures of the corrupted set.
        value: of the metric; None where it refused the set.
        stderr: its standard error.
        clean: the value of as many pictures of the clean half.
        clean_stderr: its standard error.
        harm: how much worse the value is than ``clean``; of a metric without direction, how far from it.
        harm_stderr: standard error of that difference: the two sets count as independent, the reference is one.
        z: harm / harm_stderr; None without an error.
        problem: why the metric refused the set.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    corruption: str
    severity: int
    label: str
    metric: str
    count: int
    value: float | None
    stderr: float | None
    clean: float | None
    clean_stderr: float | None
    harm: float | None
    harm_stderr: float | None
    z: float | None
    problem: str = ""


class Verdict(BaseModel):
    """What a metric says of a corruption.

    Attributes:
        corruption: its id.
        metric: id.
        noticed: lowest severity with z >= 3; None: none.
        better: severities with z <= -3: the metric likes the fault.
        is_monotone: no severity scores better than a lower one by more than a standard error of their difference.
        fewest: smallest number of pictures a side, of those tried, from which on ``Ladder.cost_severity`` is noticed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    corruption: str
    metric: str
    noticed: int | None
    better: list[int]
    is_monotone: bool
    fewest: int | None


class Ladder(BaseModel):
    """An audit of metrics by corruptions of known strength.

    Attributes:
        version: of this schema.
        real: the source, as written.
        extractor: whose features.
        count: pictures of each half: the reference and the clean half.
        modes: what dropped and repeated modes are: "10 classes", "10 clusters of the reference's features".
        cost_severity: the severity whose cost in pictures was tried.
        sizes: numbers of pictures a side tried for it, ascending.
        floor: scores of the clean half, severity 0.
        rungs: one a corruption, severity and metric, in order.
        verdicts: one a corruption and metric.
        seconds: metric -> of one computation on the clean half, alone.
        left_out: corruption -> why it was not tried.
        provenance: versions, extractor, seed, halves.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal["genbench.ladder/1"] = "genbench.ladder/1"
    real: str
    extractor: str
    count: int
    modes: str
    cost_severity: int
    sizes: list[int]
    floor: list[Score]
    rungs: list[Rung]
    verdicts: list[Verdict]
    seconds: dict[str, float]
    left_out: dict[str, str]
    provenance: dict[str, Any]

    def to_json(self) -> str:
        """Return the ladder as indented JSON; ``Ladder.model_validate_json`` reads it back."""
        return self.model_dump_json(indent=2)

    def of(self, corruption: str, metric: str) -> list[Rung]:
        """Return the rungs of a corruption and a metric, mildest first."""
        return [rung for rung in self.rungs if (rung.corruption, rung.metric) == (corruption, metric)]

    def floor_of(self, metric: str) -> Score:
        """Return the score of the clean half; raises ``BadInput`` for a metric that the ladder lacks."""
        for score in self.floor:
            if score.metric == metric:
                return score
        known = ", ".join(score.metric for score in self.floor)
        raise BadInput(
            f"ladder: no rungs of {metric!r}; expected one of {known}. Make a ladder with --metrics {metric}."
        )


def place(score: Score, ladder: Ladder) -> str:
    """Return where a score stands, in words: "between JPEG 75 and blur 1 px".

    Its neighbours are the nearest rung on either side, of those that are worse than the floor. A rung of fewer pictures
    than the floor stands at the floor plus its difference to as many clean pictures.

    Args:
        score: of any fake set against a reference like the ladder's.
        ladder: with rungs of the same metric and extractor.

    Returns:
        The words; with the counts where they differ, as most metrics hang on them.

    Raises:
        BadInput: if the ladder lacks the metric, is of another extractor or of far other counts, on which most metrics
            hang, or if the metric has no direction.
    """
    floor = ladder.floor_of(score.metric)
    if score.extractor != floor.extractor:
        raise BadInput(
            f"ladder: of another extractor; expected {score.extractor!r} like the score, got {floor.extractor!r}. "
            "Make both with one --extractor."
        )
    if score.better == "none":
        raise BadInput(f"ladder: {score.metric} has no direction; expected a metric that is better lower or higher.")
    counts = {score.n_real, score.n_fake} - {0, ladder.count}
    if any(max(count, ladder.count) > COUNTS_APART * min(count, ladder.count) for count in counts):
        raise BadInput(
            f"ladder: of other counts; expected about {ladder.count} pictures a side like the ladder, got "
            f"{score.n_real} and {score.n_fake}. Make a ladder of {2 * max(counts)} pictures."
        )
    sign = 1 if score.better == "lower" else -1
    rungs = [(rung.harm, rung.label) for rung in ladder.rungs if rung.metric == score.metric and rung.harm is not None]
    noise = NOTICED * math.hypot(score.stderr or 0.0, floor.stderr or 0.0)
    words = _between(sign * (score.value - floor.value), sorted(rung for rung in rungs if rung[0] > 0), noise)
    if counts:
        words += f" (roughly: ladder of {ladder.count} pictures a side, score of {score.n_real} and {score.n_fake})"
    return words


def _between(harm: float, rungs: Sequence[tuple[float, str]], noise: float) -> str:
    above = next((label for height, label in rungs if height >= harm), None)
    below = next((label for height, label in reversed(rungs) if height < harm), None)
    if harm < -noise:
        return "better than clean pictures"
    if harm <= 0 or below is None:
        return "like clean pictures" if harm <= noise or above is None else f"between clean pictures and {above}"
    if above is None:
        return f"worse than {below}, the worst rung"
    return f"between {below} and {above}" + (", within the noise of clean pictures" if harm <= noise else "")


def ladder_tables(ladder: Ladder, across: int = A_TABLE) -> Group:
    """Return the audit for a terminal: what each metric notices from which severity on, and its cost.

    Args:
        ladder: the audit.
        across: metrics a table; 6 fill 100 columns.
    """
    title = Text(f"{ladder.real}: {ladder.count} reference, {ladder.count} clean pictures, {ladder.extractor}", "bold")
    metrics = [score.metric for score in ladder.floor]
    parts = [metrics[i : i + across] for i in range(0, len(metrics), across)]
    worst = max(rung.severity for rung in ladder.rungs)
    return Group(
        title,
        Text(f"lowest severity that is noticed (z >= {NOTICED:g}), and z at severity {worst}; modes: {ladder.modes}"),
        *(_notice_table(ladder, part) for part in parts),
        *_legend(ladder),
        Text(f"\nfewest pictures a side, of {_listed(ladder.sizes)}, that notice severity {ladder.cost_severity}"),
        *(_cost_table(ladder, part) for part in parts),
        *(Text(f"{name}: {why}", "yellow") for name, why in ladder.left_out.items()),
        *(Text(line, "yellow") for line in _refusals(ladder)),
    )


def _notice_table(ladder: Ladder, metrics: Sequence[str]) -> Table:
    table = _table(ladder, metrics)
    for name in dict.fromkeys(rung.corruption for rung in ladder.rungs):
        labels = [rung.label for rung in ladder.rungs if rung.corruption == name]
        row = [_verdict_text(ladder, verdict) for verdict in _verdicts(ladder, name, metrics)]
        table.add_row(Text(name), Text(_span(labels[0], labels[-1])), *row)
    return table


def _cost_table(ladder: Ladder, metrics: Sequence[str]) -> Table:
    table = _table(ladder, metrics)
    for name in dict.fromkeys(verdict.corruption for verdict in ladder.verdicts):
        fewest = [verdict.fewest for verdict in _verdicts(ladder, name, metrics)]
        table.add_row(Text(name), "", *(Text("-" if count is None else str(count)) for count in fewest))
    table.add_section()
    table.add_row(Text("seconds"), "", *(Text(f"{ladder.seconds[metric]:.2g}") for metric in metrics))
    return table


def _table(ladder: Ladder, metrics: Sequence[str]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("", no_wrap=True)
    for metric in metrics:
        arrow = ARROWS[ladder.floor_of(metric).better]
        table.add_column(f"{metric}{arrow}", justify="right", overflow="fold")
    return table


def _span(mildest: str, worst: str) -> str:
    """Return "0.25 … 4 px" for "blur 0.25 px" and "blur 4 px": the word that differs, and a unit of one word."""
    words = list(zip(mildest.split(), worst.split(), strict=True))
    at = next((i for i, (one, other) in enumerate(words) if one != other), None)
    if at is None:
        return mildest
    unit = f" {words[-1][0]}" if at == len(words) - 2 else ""
    return f"{words[at][0]} … {words[at][1]}{unit}"


def _verdicts(ladder: Ladder, corruption: str, metrics: Sequence[str]) -> list[Verdict]:
    found = {verdict.metric: verdict for verdict in ladder.verdicts if verdict.corruption == corruption}
    return [found[metric] for metric in metrics]


def _verdict_text(ladder: Ladder, verdict: Verdict) -> Text:
    rung = ladder.of(verdict.corruption, verdict.metric)[-1]
    if rung.problem:
        return Text("refused", "yellow")
    z = rung.z
    text = Text(f"{verdict.noticed or '-'} {'' if z is None else f'{z:+.1f}' if abs(z) < 10 else f'{z:+.0f}'}")
    text.append("~" if not verdict.is_monotone else " ")
    if verdict.better:
        return Text("! ", "bold red").append(text)
    return text if verdict.noticed else Text(text.plain, "dim")


def _legend(ladder: Ladder) -> Iterator[Text]:
    yield Text(
        "z: how much worse than of as many clean pictures, in standard errors of the difference between two generators "
        "judged by one reference; - not noticed; ! better at some severity (z <= -3); ~ not monotone.",
        "dim",
    )


def _refusals(ladder: Ladder) -> Iterator[str]:
    refused: dict[tuple[str, str], list[Rung]] = {}
    for rung in ladder.rungs:
        if rung.problem:
            refused.setdefault((rung.metric, rung.corruption), []).append(rung)
    for (metric, corruption), rungs in refused.items():
        yield f"{metric} refused {corruption} at {len(rungs)} severities; the first time: {rungs[0].problem}"


def _listed(things: Sequence[Any]) -> str:
    return ", ".join(map(str, things))
