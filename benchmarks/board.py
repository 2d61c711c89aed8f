"""A leaderboard as data: the question, the comparison, the records; its rows follow from them."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pydantic import BaseModel, ConfigDict

from benchmarks.contracts import Judge, Record
from genbench.comparison import Comparison, ModelScore, PairedDifference

QUESTION = "bench"  # where the comparison's provenance holds the question
COPIED = "COPIED"  # how a memorization verdict begins that says so


class Question(BaseModel):
    """What was asked of all contestants; kept in the provenance of ``comparison.json``.

    Attributes:
        suite: name.
        title: one line.
        data: that models learned from, unless a contestant says otherwise.
        judge: as the suite says.
        metrics: ids, the first one ranks.
        minutes: of training; None: updates are counted.
        steps: updates; None, with ``minutes`` None too: each preset's own.
        shows: what the table shows.
        cannot: what it cannot show.
        is_tested: False for a suite that was never run by its authors.
        jobs: names of the records, by contestant and seed.
        unfinished: jobs without a record when the table was made -> their contestants.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    suite: str
    title: str = ""
    data: str = ""
    judge: Judge = "images"
    metrics: list[str]
    minutes: float | None = None
    steps: int | None = None
    shows: str = ""
    cannot: str = ""
    is_tested: bool = True
    jobs: list[str] = []
    unfinished: dict[str, str] = {}

    @property
    def budget(self) -> str:
        """How long each was trained, in words."""
        if self.minutes is not None:
            return f"{self.minutes:g} min of training each"
        return "each trained for its preset's own updates" if self.steps is None else f"{self.steps:,} updates each"


@dataclass(frozen=True)
class Row:
    """A contestant with a number.

    Attributes:
        contestant: name.
        scores: metric -> mean over its runs, and what goes with it; a metric that a run lacks is missing.
        place: highest and lowest place that the verdicts of the ranking metric allow; None without a verdict.
        runs: job -> record of the runs with numbers, by seed.
        asked: runs that were to be.
    """

    contestant: str
    scores: Mapping[str, ModelScore]
    place: tuple[int, int] | None
    runs: Mapping[str, Record]
    asked: int

    @property
    def is_best(self) -> bool:
        """Whether nobody is known to be better, and no copies were found."""
        return self.place is not None and self.place[0] == 1 and COPIED not in self.copies

    @property
    def seeds(self) -> str:
        """How many runs stand behind the means: "3", "2 of 3"."""
        return f"{len(self.runs)}" if len(self.runs) == self.asked else f"{len(self.runs)} of {self.asked}"

    @property
    def parameters(self) -> int | None:
        """Trained parameters of all networks; None: not known."""
        return sum(next(iter(self.runs.values())).parameters.values()) or None

    @property
    def updates(self) -> list[int]:
        """Updates of each run that was trained."""
        return [record.steps for record in self.runs.values() if record.steps]

    @property
    def minutes(self) -> float | None:
        """Mean minutes of training; None for an outsider, whose training nobody timed."""
        return mean([record.training_seconds / 60 for record in self.runs.values() if record.training_seconds])

    @property
    def speed(self) -> float | None:
        """Mean samples a second; None: not known."""
        return mean([record.samples_per_second for record in self.runs.values() if record.samples_per_second])

    @property
    def copies(self) -> str:
        """The memorization verdicts in short, "COPIED 1 of 3"; "" where copies were not looked for."""
        told = [record.copies.startswith(COPIED) for record in self.runs.values() if record.copies]
        if not told:
            return ""
        partly = f"{COPIED} {sum(told)} of {len(told)}" if any(told) else "none found"
        whole = COPIED if all(told) else partly
        return whole if len(told) == len(self.runs) else f"{whole} ({len(told)} of {len(self.runs)} searched)"

    @property
    def flagged(self) -> float | None:
        """Mean share of samples flagged as copies; None where none were looked for."""
        return mean([record.flagged_share for record in self.runs.values() if record.flagged_share is not None])


@dataclass(frozen=True)
class Leaderboard:
    """All that a table is made of.

    Attributes:
        comparison: of the contestants with numbers; its provenance holds the question.
        records: job -> record, by contestant and seed.
    """

    comparison: Comparison
    records: Mapping[str, Record]

    @cached_property
    def question(self) -> Question:
        """What was asked."""
        return Question.model_validate(self.comparison.provenance[QUESTION])

    @cached_property
    def rows(self) -> list[Row]:
        """Contestants with numbers, best mean of the ranking metric first."""
        return sorted((self._row(name) for name in self.comparison.models), key=lambda row: _merit(row, self.ranking))

    @cached_property
    def metrics(self) -> list[str]:
        """Ids of the metrics that somebody has a number in; the first one ranks."""
        found = {score.metric for score in self.comparison.scores}
        return [name for name in self.question.metrics if name in found]

    @property
    def ranking(self) -> str:
        """Id of the metric that ranks."""
        return self.question.metrics[0]

    def sample_of(self, metric: str) -> ModelScore:
        """Return the first score of a metric: its label, direction and floor are those of all."""
        return next(score for score in self.comparison.scores if score.metric == metric)

    @cached_property
    def pairs(self) -> list[PairedDifference]:
        """Differences of each two in the ranking metric."""
        return [one for one in self.comparison.differences if one.metric == self.ranking]

    def pair_of(self, one: Row, other: Row) -> PairedDifference | None:
        """Return the difference of two contestants, in either order; None where there is none."""
        wanted = {one.contestant, other.contestant}
        return next((pair for pair in self.pairs if {pair.first, pair.second} == wanted), None)

    def winner_of(self, one: Row, other: Row) -> str | None:
        """Return which of two is better; None where that is not known."""
        pair = self.pair_of(one, other)
        return None if pair is None else {"first better": pair.first, "second better": pair.second}.get(pair.verdict)

    @cached_property
    def contestants(self) -> list[str]:
        """All of them, as the table has them; those without a number last."""
        ranked = [row.contestant for row in self.rows]
        return list(dict.fromkeys([*ranked, *(one.contestant for one in self.records.values())]))

    @cached_property
    def failed(self) -> list[Record]:
        """Runs without a number."""
        return [record for record in self.records.values() if record.status != "done"]

    @cached_property
    def single(self) -> list[str]:
        """Contestants of whom one run has numbers."""
        return [row.contestant for row in self.rows if len(row.runs) == 1]

    @cached_property
    def seal(self) -> str:
        """SHA-256 of the comparison and all records: a number that is changed in one of them changes it."""
        found = hashlib.sha256(self.comparison.model_dump_json().encode())
        for job in sorted(self.records):
            found.update(f"\n{job}\n{self.records[job].model_dump_json()}".encode())
        return found.hexdigest()

    def pictures(self, contestant: str) -> dict[str, str]:
        """Return "samples" and "curves" -> file in the report's folder, of its first run that has one.

        Runs with numbers come first.
        """
        runs = [(job, record) for job, record in self.records.items() if record.contestant == contestant]
        runs.sort(key=lambda run: run[1].status != "done")
        samples = [f"{job}.png" for job, record in runs if record.picture is not None]
        curves = [f"{job}-curves.png" for job, record in runs if record.curves is not None]
        return {what: files[0] for what, files in (("samples", samples), ("curves", curves)) if files}

    def _row(self, contestant: str) -> Row:
        scores = {score.metric: score for score in self.comparison.scores if score.model == contestant}
        own = {job: record for job, record in self.records.items() if record.contestant == contestant}
        unfinished = list(self.question.unfinished.values()).count(contestant)
        done = {job: record for job, record in own.items() if record.status == "done"}
        ranked = scores.get(self.ranking)
        return Row(contestant, scores, ranked.rank if ranked else None, done, len(own) + unfinished)


def _merit(row: Row, metric: str) -> tuple[bool, float, str]:
    score = row.scores.get(metric)
    if score is None:
        return True, 0.0, row.contestant
    return False, -score.value if score.better == "higher" else score.value, row.contestant


def mean(values: Sequence[float]) -> float | None:
    """Return the mean of some numbers, None of none."""
    return math.fsum(values) / len(values) if values else None
