"""A leaderboard for a terminal, as wide as it is."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks import verdicts
from benchmarks.board import Leaderboard
from benchmarks.cells import NOTHING, Cell, cell_of, facts_of, failure_of, heads, place_of, who

NAME = 16  # letters of a contestant that are not folded
SHOWN = ("seeds", "train min", "copies")


def print_leaderboard(board: Leaderboard, console: Console) -> None:
    """Print the ranking metric with its errors, the means of the others, who is better, and what to read beside it."""
    console.print(Text(board.question.title or board.question.suite, style="bold"))
    if board.rows:
        console.print(_ranking(board))
    if len(board.metrics) > 1:
        console.print()
        console.print(_others(board))
    console.print()
    for line in _words(board) if board.rows else ():
        console.print(Text(line))
    for record in board.failed:
        console.print(Text(f"{who(record)}: {failure_of(record)}", style="red"))
    for line in filter(None, [verdicts.rule(board), *verdicts.cautions(board)]):
        console.print(Text(line, style="dim"))


def _ranking(board: Leaderboard) -> Table:
    metric = board.ranking
    told = [facts_of(board, row) for row in board.rows]
    facts = [name for name in SHOWN if name in told[0]]
    table = _empty(board, "contestant", ["place", heads(board)[metric], "sd: train;\nsample", *facts])
    for row, texts in zip(board.rows, told, strict=True):
        cell = cell_of(row.scores[metric]) if metric in row.scores else None
        cells = [place_of(row), *_printed(cell), *(texts[name][0] for name in facts)]
        table.add_row(*map(Text, [row.contestant, *cells]), style="bold" if row.is_best else "")
    return table


def _others(board: Leaderboard) -> Table:
    names = board.metrics[1:]
    table = _empty(board, "mean", [heads(board)[name] for name in names])
    for row in board.rows:
        found = [row.scores.get(name) for name in names]
        table.add_row(*map(Text, [row.contestant, *(NOTHING if one is None else cell_of(one).value for one in found)]))
    return table


def _printed(cell: Cell | None) -> tuple[str, str]:
    return (NOTHING, NOTHING) if cell is None else (cell.text, cell.spread)


def _words(board: Leaderboard) -> list[str]:
    unresolved = verdicts.open_pairs(board)
    told = [*verdicts.winners(board), *([f"Not resolved. {verdicts.remedy(board)}"] if unresolved else [])]
    return [*told, *unresolved, *verdicts.without_verdict(board), *filter(None, [verdicts.floor(board)])]


def _empty(board: Leaderboard, left: str, right: Sequence[str]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column(left, overflow="fold", min_width=min(NAME, max(len(row.contestant) for row in board.rows)))
    for name in right:
        table.add_column(name.replace(" ", "\n", 1) if name in SHOWN else name, justify="right", overflow="fold")
    return table
