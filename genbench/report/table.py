"""Scores as tables for a terminal."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from genbench.contracts import Score, Scorecard

ARROWS = {"lower": "↓", "higher": "↑", "none": "·"}
STANDS_OUT = 4.0  # standard errors from the baseline
WIDE = 100  # columns of a terminal that has room for intervals
FLOOR_NOTES = ("floor: ", "no floor: ")  # how warnings about floors begin


def score_table(card: Scorecard, width: int = WIDE) -> Group:
    """Return one scorecard: a row a metric with standard error and floor; warnings below, numbered.

    Args:
        card: the scorecard.
        width: columns of the terminal; intervals, which follow from the errors, are left out below ``WIDE``.
    """
    first = card.scores[0]
    against = f"{first.n_real} images" if first.n_real else "statistics of an unknown number of images"
    title = Text(f"{card.fake} ({first.n_fake} images) against {card.real} ({against})", style="bold")
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("metric", no_wrap=True)
    table.add_column("", no_wrap=True)
    has_floors = any(score.floor is not None for score in card.scores)
    has_floors |= bool(card.provenance.get("request", {}).get("floor"))
    is_wide = width >= WIDE
    for name in ("value ± std. error", *["95 % interval"] * is_wide, *["floor"] * has_floors):
        table.add_column(name, justify="right", overflow="fold")
    notes: list[str] = []
    for score in card.scores:
        of_floor = [warning for warning in score.warnings if warning.startswith(FLOOR_NOTES)]
        marks = [_mark(notes, warning) for warning in score.warnings if warning not in of_floor]
        low_high = "" if score.ci95 is None else f"{digits(score.ci95[0], score)} … {digits(score.ci95[1], score)}"
        error = "no std. error" if score.stderr is None else digits(score.stderr, score)
        value = f"{digits(score.value, score)} ± {error}" + "".join(marks)
        floor = " ± ".join(filter(None, floor_text(score))) or "-"
        floor += "".join(_mark(notes, warning) for warning in of_floor)
        cells = (score.label, ARROWS[score.better], value, *[low_high] * is_wide, *[floor] * has_floors)
        table.add_row(*map(Text, cells))
    return Group(title, table, *_footnotes(notes), *_recorded(card))


def floor_text(score: Score) -> tuple[str, str]:
    """Return the floor and its standard error, digits by that error; "" where there is none."""
    if score.floor is None:
        return "", ""
    own = score.model_copy(update={"stderr": score.floor_stderr})
    return digits(score.floor, own), "" if score.floor_stderr is None else digits(score.floor_stderr, own)


def contrast_table(cards: Sequence[Scorecard]) -> Group:
    """Return several fakes side by side, a column each; cells far from the first column's (the baseline) stand out.

    A cell is red where it is worse than the baseline by more than ``STANDS_OUT`` standard errors of the difference
    (for a metric without direction: lower), blue where it is better by as much.
    """
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=0)
    table.add_column("metric", no_wrap=True)
    for card in cards:
        table.add_column(Text(card.fake), justify="right", no_wrap=True)
    notes: dict[str, list[str]] = {}
    for row in zip(*(card.scores for card in cards), strict=True):
        is_tiny = all(abs(score.value) < 1 and (score.stderr or 0) < 0.01 for score in row)
        label = f"{row[0].metric}{' x1000' if is_tiny else ''} {ARROWS[row[0].better]}"
        table.add_row(Text(label), *(_contrast(score, row[0], 1000 if is_tiny else 1) for score in row))
        for warning in dict.fromkeys(warning for score in row for warning in score.warnings):
            notes.setdefault(warning, []).append(row[0].metric)
    return Group(table, *(Text(f"{', '.join(names)}: {note}", style="yellow") for note, names in notes.items()))


def _contrast(score: Score, baseline: Score, scale: float) -> Text:
    text = Text(digits(score.value * scale, score, scale, significant=1))
    if score.stderr is not None:
        text.append(f" ± {digits(score.stderr * scale, score, scale, significant=1)}")
    gap = score.value - baseline.value
    spread = math.hypot(score.stderr or 0.0, baseline.stderr or 0.0)
    is_worse = (gap > 0) == (score.better == "lower")
    is_nothing = score is baseline or abs(gap) <= STANDS_OUT * spread or (score.better == "none" and not is_worse)
    if is_nothing:
        return text.append("  ")
    text.stylize("bold red" if is_worse else "bold blue")
    return text.append(" ✗" if is_worse else " !")


def digits(value: float, score: Score, scale: float = 1.0, significant: int = 2) -> str:
    """Print ``value`` to as many places as show so many digits of the score's standard error, both times ``scale``."""
    error = (score.stderr or 0.0) * scale
    if error <= 0 or not math.isfinite(value):
        return f"{value:.4g}"
    places = max(0, significant - 1 - math.floor(math.log10(float(f"{error:.{significant}g}"))))
    return f"{value:.{min(places, 8)}f}"


def _mark(notes: list[str], warning: str) -> str:
    if warning not in notes:
        notes.append(warning)
    return f" [{notes.index(warning) + 1}]"


def _footnotes(notes: Sequence[str]) -> list[Text]:
    return [Text(f"[{i}] {note}", style="yellow") for i, note in enumerate(notes, 1)]


def _recorded(card: Scorecard) -> list[Text]:
    lines = [Text(f"cache: damaged, computed again: {row}", style="yellow") for row in card.provenance["damaged_rows"]]
    if protocol := card.provenance.get("protocol"):
        doubt = "" if protocol["is_proven"] else f"; held to it in parts: {protocol['proof']}"
        lines.append(Text(f"protocol {protocol['name']}: {protocol['tool']}{doubt}", style="dim"))
    for sides, count in card.provenance["shared_images"].items():
        if count:
            lines.append(Text(f"{sides} share {count} images, byte for byte", style="yellow"))
    for side, facts in card.provenance["sources"].items():
        if changes := source_changes(facts):
            lines.append(Text(f"{side}: {changes}", style="yellow"))
    return lines


def source_changes(facts: Mapping[str, Any]) -> str:
    """Return what was done to the images of a source, from its description in the provenance; "" for nothing."""
    changes = [f"{name} in {count}" for name, count in facts["conversions"].items()]
    if facts.get("distinct_images", facts["count"]) < facts["count"]:
        changes.append(f"only {facts['distinct_images']} distinct images among {facts['count']}")
    if facts["skipped_count"]:
        changes.append(f"{facts['skipped_count']} unreadable left out")
    return "; ".join([*changes, *facts["notes"]])
