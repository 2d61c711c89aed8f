"""One pair of sets under every protocol, as a table."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from genbench.contracts import Score, Scorecard
from genbench.protocols import Protocol


@dataclass
class Outcome:
    """What a protocol says of two sets.

    Attributes:
        protocol: the protocol.
        scores: metric -> its score.
        reasons: metric -> why there is none, in one line.
        cards: the scorecards that the scores are of.
    """

    protocol: Protocol
    scores: dict[str, Score] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    cards: list[Scorecard] = field(default_factory=list)


def protocols_table(outcomes: Sequence[Outcome]) -> Group:
    """Return a row a metric and protocol; below, why there is no number, and why the numbers differ.

    Six digits are shown, more than the standard error allows: the images are the same, and so is most of the error.
    """
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in ("metric", "protocol", "value", "± std. error", "features"):
        table.add_column(name, justify="right" if "er" in name or name == "value" else "left", overflow="fold")
    notes: dict[str, int] = {}
    for metric in dict.fromkeys(metric for outcome in outcomes for metric in outcome.protocol.metrics):
        title = metric
        for outcome in outcomes:
            if metric in outcome.protocol.metrics:
                table.add_row(*map(Text, (title, *_cells(outcome, metric, notes))))
                title = ""
        table.add_section()
    unproven = [one.protocol for one in outcomes if not one.protocol.is_proven]
    return Group(
        table,
        *(Text(f"[{number}] {reason}", style="yellow") for reason, number in notes.items()),
        Text("Why they differ", style="bold"),
        *(Text(f"{one.protocol.name}: {one.protocol.differs}") for one in outcomes),
        *(Text(f"* {one.name}: {one.proof}", style="dim") for one in unproven),
    )


def _cells(outcome: Outcome, metric: str, notes: dict[str, int]) -> tuple[str, str, str, str]:
    protocol = outcome.protocol
    name = protocol.name + ("" if protocol.is_proven else " *")
    if metric in outcome.reasons:
        number = notes.setdefault(outcome.reasons[metric], len(notes) + 1)
        return name, f"none [{number}]", "", protocol.extractor_of(metric)
    score = outcome.scores[metric]
    return name, f"{score.value:#.6g}", "" if score.stderr is None else f"{score.stderr:.2g}", score.extractor
