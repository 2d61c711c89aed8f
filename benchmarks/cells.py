"""What stands in the cells of a leaderboard, the same in Markdown, on the page and in the terminal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.board import Leaderboard, Row, mean
from benchmarks.contracts import Record
from benchmarks.verdicts import title
from genbench.comparison import ModelScore
from genbench.report.comparison_table import ARROWS, digits

LONGEST = 200  # letters of a reason in a table; records hold it whole
NOTHING = "-"


@dataclass(frozen=True)
class Cell:
    """A score.

    Attributes:
        value: mean over seeds, to the digits that its standard error bears.
        error: standard error of the mean; "" where there is none.
        run_sd: standard deviation between trainings; "" with one seed.
        sampling_sd: of one run's score, from drawing its samples again; "" without a standard error.
        raw: the mean.
    """

    value: str
    error: str
    run_sd: str
    sampling_sd: str
    raw: float

    @property
    def text(self) -> str:
        """The mean with its error, "12.3 ± 0.4"."""
        return f"{self.value} ± {self.error}" if self.error else self.value

    @property
    def spread(self) -> str:
        """Both standard deviations, "0.9; 0.6"."""
        return f"{self.run_sd or NOTHING}; {self.sampling_sd or NOTHING}"


def cell_of(score: ModelScore) -> Cell:
    """Return what is printed of a score."""
    between, within = ("" if sd is None else digits(sd, sd) for sd in (score.run_sd, score.sampling_sd))
    error = "" if score.stderr is None else digits(score.stderr, score.stderr)
    return Cell(digits(score.value, score.stderr), error, between, within, score.value)


def heads(board: Leaderboard) -> dict[str, str]:
    """Return metric -> what its column is called, "FD ↓"."""
    samples = {metric: board.sample_of(metric) for metric in board.metrics}
    return {metric: f"{title(score)} {ARROWS[score.better]}".rstrip(" ·") for metric, score in samples.items()}


def place_of(row: Row) -> str:
    """Return the places that the verdicts allow, "1 to 3"."""
    if row.place is None:
        return NOTHING
    first, last = row.place
    return f"{first}" if first == last else f"{first} to {last}"


def facts_of(board: Leaderboard, row: Row) -> dict[str, tuple[str, float | str | None]]:
    """Return what else is told of a contestant: head -> text, and what it sorts by.

    A memorization verdict is a column only if a run has one.
    """
    facts: dict[str, tuple[str, float | str | None]] = {
        "seeds": (row.seeds, len(row.runs)),
        "params, M": (_number(row.parameters and row.parameters / 1e6, ".3g"), row.parameters),
        "updates": _updates(row.updates),
        "train min": (_number(row.minutes, ".1f"), row.minutes),
        "samples/s": (_number(row.speed, ",.0f" if (row.speed or 0) >= 10 else ".2g"), row.speed),
    }
    if any(record.copies for record in board.records.values()):
        facts["copies"] = row.copies or NOTHING, row.copies
    return facts


def failure_of(record: Record) -> str:
    """Return why a run has no numbers, in one line: "crashed: killed by signal 9"."""
    reason = " ".join((record.error or "no reason is known").split())
    shown = reason if len(reason) <= LONGEST else f"{reason[:LONGEST]} ..."
    return shown if shown.startswith(record.status) else f"{record.status}: {shown}"


def who(record: Record) -> str:
    """Return what a run is called, "gan, seed 2"."""
    return f"{record.contestant}, seed {record.seed}"


def commands(board: Leaderboard) -> list[str]:
    """Return the commands that make the table."""
    told = dict.fromkeys(record.command for record in board.records.values() if record.command)
    return [*told, f"genbench bench table DIR -o reports/{board.question.suite}"]


def origins(board: Leaderboard) -> str:
    """Say on what machines, from what code, when and in how long the runs were made."""
    records = board.records.values()
    environments = [record.environment for record in records if record.environment]
    seconds = math.fsum(record.training_seconds + record.judging_seconds for record in records)
    spent = f"{len(board.records)} runs took {seconds / 60:.1f} min in all, training and judging."
    if not environments:
        return spent
    machines = dict.fromkeys(
        f"{env.get('platform')}, {env.get('cpus')} CPUs, {env.get('threads', '?')} thread(s) a run, "
        f"Python {env.get('python')}, torch {env.get('packages', {}).get('torch')}"
        for env in environments
    )
    commits = sorted({str(env.get("git_commit")) for env in environments})
    days = sorted({str(env.get("created"))[:10] for env in environments})
    return f"Machine: {'; '.join(machines)}. Commit: {', '.join(commits)}. Date: {', '.join(days)}. {spent}"


def _updates(counts: Sequence[int]) -> tuple[str, float | None]:
    """Return fewest and most, "900 to 1,400", and their mean: where minutes are given, other work slows some runs."""
    ends = dict.fromkeys(f"{count:,}" for count in (min(counts), max(counts))) if counts else [NOTHING]
    return " to ".join(ends), mean(counts)


def _number(value: float | None, form: str) -> str:
    return NOTHING if value is None else format(value, form)
