"""A comparison of models as tables for a terminal."""

import math
from collections.abc import Iterator
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from genbench.comparison import Comparison, ModelScore, PairedDifference
from genbench.report.table import source_changes

ARROWS = {"lower": "↓", "higher": "↑", "none": "·"}
STYLES = {"first better": "bold green", "second better": "bold green", "not resolved": "", "none": "dim"}
WINNERS = {"first better": "first", "second better": "second"}
SMALLEST_P = 1e-4
NARROWEST = 16  # names of a pair that are longer may be folded, numbers never
EXPLAINED = (
    "Intervals ({level}) are of one pair alone; p and verdicts are corrected for all {tests} tests together (Holm): "
    "the chance of any false verdict is {chance}. Images needed: a run of each model, to resolve the difference with "
    "80 % power were it the true one."
)
ENDLESS = "∞: no number of images of the models would; it takes more reference images, or more runs."


def comparison_tables(comparison: Comparison) -> Group:
    """Return two tables: models with scores and places, metric by metric; then pairs with verdicts. Notes follow."""
    first = comparison.scores[0]
    against = f"{first.n_real} images" if first.n_real else "statistics of an unknown number of images"
    title = f"{len(comparison.models)} models, {first.n_fake} images a run, against {comparison.real} ({against})"
    level = f"{100 * (1 - comparison.alpha):g} %"
    told: dict[str, list[str]] = {}
    for score in comparison.scores:
        for warning in score.warnings:
            told.setdefault(warning, []).append(score.metric)
    tested = sum(one.p is not None for one in comparison.differences)
    return Group(
        Text(title, style="bold"),
        _models(comparison),
        Text("Pairs, judged by the same reference images", style="bold"),
        _pairs(comparison, level),
        Text(EXPLAINED.format(level=level, tests=tested, chance=f"{100 * comparison.alpha:g} %"), style="dim"),
        *([Text(ENDLESS, style="dim")] if any(map(_is_hopeless, comparison.differences)) else []),
        *(Text(f"{', '.join(dict.fromkeys(names))}: {note}", style="yellow") for note, names in told.items()),
        *(Text(note, style="yellow") for note in [*comparison.notes, *_changes(comparison)]),
        *(Text(f"cache: damaged, computed again: {row}") for row in comparison.provenance.get("damaged_rows", [])),
    )


def _models(comparison: Comparison) -> Table:
    table = _empty(("model",), ("value ± std. error", "place"))
    has_runs = any(len(score.runs) > 1 for score in comparison.scores)
    if has_runs:
        table.add_column("runs: sd of\ntraining, sampling", justify="right")
    for _, group in groupby(comparison.scores, key=lambda score: score.metric):
        scores = list(group)
        table.add_row(Text(f"{scores[0].label} {ARROWS[scores[0].better]}", style="bold"))
        for score in scores:
            error = "no std. error" if score.stderr is None else digits(score.stderr, score.stderr)
            value = f"{digits(score.value, score.stderr)} ± {error}"
            table.add_row(*map(Text, [score.model, value, _place(score), *[_spread(score)] * has_runs]))
        if scores[0].floor is not None:
            name = f"floor, n = {scores[0].floor_count}"
            table.add_row(Text(name, style="dim"), Text(_floor(scores[0]), style="dim"))
        table.add_section()
    return table


def _pairs(comparison: Comparison, level: str) -> Table:
    table = _empty(("pair",), ("difference", level, "p"))
    table.add_column("verdict", overflow="fold")
    table.add_column("images\nneeded", justify="right", no_wrap=True)
    names = [f"{one.first} - {one.second}" for one in comparison.differences]
    table.columns[0].min_width = min(max(map(len, names)), NARROWEST)
    for column in table.columns[1:4]:
        column.no_wrap = True
    arrows = {score.metric: ARROWS[score.better] for score in comparison.scores}
    for metric, group in groupby(comparison.differences, key=lambda one: one.metric):
        table.add_row(Text(f"{metric} {arrows[metric]}", style="bold"))
        for one in group:
            interval = "" if one.interval is None else " … ".join(digits(end, one.stderr) for end in one.interval)
            cells = f"{one.first} - {one.second}", digits(one.value, one.stderr), interval, _p(one)
            table.add_row(*map(Text, cells), Text(_verdict(one), style=STYLES[one.verdict]), _needed(one))
        table.add_section()
    return table


def _changes(comparison: Comparison) -> Iterator[str]:
    """Yield what was done to the images of each run, and of the reference."""
    for model, runs in comparison.provenance.get("models", {}).items():
        for number, facts in enumerate(runs, 1):
            if changes := source_changes(facts):
                yield f"{model}, run {number}: {changes}" if len(runs) > 1 else f"{model}: {changes}"
    for side, facts in comparison.provenance.get("sources", {}).items():
        if changes := source_changes(facts):
            yield f"{side}: {changes}"


def _verdict(one: PairedDifference) -> str:
    if one.verdict in WINNERS:
        return f"{getattr(one, WINNERS[one.verdict])} better"
    return "no verdict" if one.verdict == "none" else one.verdict


def _is_hopeless(one: PairedDifference) -> bool:
    return one.verdict == "not resolved" and one.images_needed is None


def _needed(one: PairedDifference) -> str:
    if one.images_needed is None:
        return "∞" if _is_hopeless(one) else ""
    return f"{float(f'{one.images_needed:.2g}'):,.0f}"


def _empty(left: tuple[str, ...], right: tuple[str, ...]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for name in left:
        table.add_column(name, overflow="fold")
    for name in right:
        table.add_column(name, justify="right", overflow="fold")
    return table


def _place(score: ModelScore) -> str:
    if score.rank is None:
        return ""
    first, last = score.rank
    return f"{first}" if first == last else f"{first} to {last}"


def _spread(score: ModelScore) -> str:
    if score.run_sd is None or score.sampling_sd is None:
        return "one run" if len(score.runs) == 1 else ""
    spreads = (digits(sd, score.sampling_sd) for sd in (score.run_sd, score.sampling_sd))
    return f"{len(score.runs)}: {', '.join(spreads)}"


def _floor(score: ModelScore) -> str:
    assert score.floor is not None, "only scores with a floor come here"
    error = "" if score.floor_stderr is None else f" ± {digits(score.floor_stderr, score.floor_stderr)}"
    return digits(score.floor, score.floor_stderr) + error


def _p(one: PairedDifference) -> str:
    if one.p_holm is None:
        return ""
    return f"< {SMALLEST_P:.4f}" if one.p_holm < SMALLEST_P else f"{one.p_holm:.2g}"


def digits(value: float, error: float | None) -> str:
    """Print ``value`` to as many places as show two digits of its standard error."""
    if not error or not math.isfinite(value):
        return f"{value:.4g}"
    places = max(0, 1 - math.floor(math.log10(float(f"{error:.2g}"))))
    return f"{value:.{min(places, 8)}f}"
