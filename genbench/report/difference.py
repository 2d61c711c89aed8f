"""Two scorecards side by side: may they be compared, or, of a repetition, are they equal?"""

from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from genbench.contracts import Score, Scorecard
from genbench.report.table import digits

CLOSE = 1e-6  # relative: another processor or thread count


@dataclass(frozen=True)
class Judged:
    """One metric of two scorecards.

    Attributes:
        metric: id.
        first: its score in the first, None if it is not there.
        second: its score in the second, likewise.
        reasons: why the two cannot be compared; none: they can.
    """

    metric: str
    first: Score | None
    second: Score | None
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """What two scorecards have in common and what not.

    Attributes:
        judged: one a metric, in the first's order, then what only the second has.
        same: what is equal, in a word each.
        notes: what differs and changes no verdict, a sentence each.
    """

    judged: tuple[Judged, ...]
    same: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def is_comparable(self) -> bool:
        """Whether the two share a metric, and every one they share can be compared."""
        shared = [one for one in self.judged if one.first and one.second]
        return bool(shared) and not any(one.reasons for one in shared)


def difference_table(found: Difference, names: tuple[str, str]) -> Group:
    """Return a row a metric with both scores and the verdict; below, why not, what is equal, and what else differs."""
    table = _table("metric", *names, "")
    reasons: dict[str, int] = {}
    for one in found.judged:
        marks = "".join(f" [{reasons.setdefault(reason, len(reasons) + 1)}]" for reason in one.reasons)
        verdict = Text(f"not comparable{marks}", style="red") if marks else Text("comparable", style="green")
        table.add_row(Text(one.metric), Text(with_error(one.first)), Text(with_error(one.second)), verdict)
    same = Text(f"equal: {', '.join(found.same) or 'nothing'}", style="dim")
    why = [Text(f"[{number}] {reason}", style="red") for reason, number in reasons.items()]
    return Group(table, *why, same, *(Text(f"note: {note}", style="yellow") for note in found.notes))


def repetition_table(old: Scorecard, new: Scorecard) -> Group:
    """Return a row a metric with the value before, now, and whether they are equal."""
    table = _table("metric", "before", "now", "")
    for before, now in _both(old, new):
        name = next(score.metric for score in (now, before) if score)
        cells = ("-" if score is None else f"{score.value:.10g}" for score in (before, now))
        table.add_row(Text(name), *cells, _repetition(before, now))
    return Group(table)


def is_repeated(old: Scorecard, new: Scorecard) -> bool:
    """Whether both have the same metrics, and every score is the one before, but for rounding."""
    return all(before and now and is_close(before, now) for before, now in _both(old, new))


def is_close(before: Score, now: Score) -> bool:
    """Whether two scores are equal but for rounding."""
    return abs(now.value - before.value) <= CLOSE * abs(before.value)


def _both(old: Scorecard, new: Scorecard) -> list[tuple[Score | None, Score | None]]:
    """Return the two scores of each metric, in the new one's order, then what only the old one has."""
    scores = [{score.metric: score for score in card.scores} for card in (old, new)]
    return [(scores[0].get(name), scores[1].get(name)) for name in dict.fromkeys([*scores[1], *scores[0]])]


def _repetition(before: Score | None, now: Score | None) -> Text:
    if before is None or now is None:
        return Text("not in the scorecard" if before is None else "not computed now", style="bold red")
    if now.value == before.value:
        return Text("equal", style="green")
    gap = abs(now.value - before.value) / max(abs(before.value), 1e-300)
    return Text(f"{gap:.1e} apart, relative", style="yellow" if is_close(before, now) else "bold red")


def with_error(score: Score | None) -> str:
    """Return "1.23 ± 0.04"; "-" for none."""
    if score is None:
        return "-"
    return digits(score.value, score) + ("" if score.stderr is None else f" ± {digits(score.stderr, score)}")


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for place, column in enumerate(columns):
        table.add_column(Text(column), justify="right" if place in (1, 2) else "left", overflow="fold")
    return table
