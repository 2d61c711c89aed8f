"""A leaderboard as one page that needs nothing else: pictures are inside, and it asks no other machine."""

import base64
from collections.abc import Mapping
from typing import Any

from benchmarks import verdicts
from benchmarks.board import Leaderboard, Row
from benchmarks.cells import cell_of, commands, facts_of, failure_of, heads, origins, place_of, who
from genbench.report.comparison_table import digits
from genbench.report.page import DIRECTIONS

SIGNS = {True: ("▲", "better"), False: ("▼", "worse"), None: ("·", "not resolved")}


def draw_page(board: Leaderboard, pictures: Mapping[str, bytes]) -> str:
    """Return the page as HTML.

    Args:
        board: the leaderboard.
        pictures: file name -> PNG of every picture that ``board.pictures`` names.
    """
    import jinja2

    loaders = [jinja2.PackageLoader("benchmarks", "."), jinja2.PackageLoader("genbench.report", ".")]
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(loaders),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["picture"] = lambda file: f"data:image/png;base64,{base64.b64encode(pictures[file]).decode()}"
    return environment.get_template("page.html.j2").render(
        board=board,
        title=board.question.title or board.question.suite,
        says=verdicts,
        heads={metric: (head, _direction(board, metric)) for metric, head in heads(board).items()},
        facts=list(facts_of(board, board.rows[0])) if board.rows else [],
        rows=[_row(board, row) for row in board.rows],
        failed=[(who(record), failure_of(record)) for record in board.failed],
        matrix=[(row.contestant, [_verdict(board, row, other) for other in board.rows]) for row in board.rows],
        exhibits=[(name, found) for name in board.contestants if (found := board.pictures(name))],
        commands=commands(board),
        origins=origins(board),
    )


def _row(board: Leaderboard, row: Row) -> dict[str, Any]:
    """Return what the template shows of a contestant."""
    place = "" if row.place is None else f"{row.place[0]}.{row.place[1]:03d}"
    found = [row.scores.get(metric) for metric in board.metrics]
    return {
        "contestant": row.contestant,
        "is_best": row.is_best,
        "place": (place_of(row), place),
        "cells": [None if score is None else cell_of(score) for score in found],
        "facts": [(text, "" if value is None else value) for text, value in facts_of(board, row).values()],
    }


def _direction(board: Leaderboard, metric: str) -> str:
    return DIRECTIONS[board.sample_of(metric).better]


def _verdict(board: Leaderboard, row: Row, other: Row) -> dict[str, str] | None:
    """Return the cell of the matrix: whether the contestant of the row is better than that of the column."""
    pair = board.pair_of(row, other)
    if row is other or pair is None:
        return None
    winner = board.winner_of(row, other)
    sign, words = SIGNS[None if winner is None else winner == row.contestant]
    value = pair.value if pair.first == row.contestant else -pair.value
    error = "" if pair.stderr is None else f" ± {digits(pair.stderr, pair.stderr)}"
    p = "" if pair.p_holm is None else f", p {verdicts.p_text(pair.p_holm)}"
    told = words if pair.verdict != "none" else "no verdict"
    note = f"{row.contestant} minus {other.contestant}: {digits(value, pair.stderr)}{error}{p}: {told}"
    return {"sign": sign, "kind": words.partition(" ")[0], "words": told, "note": note}
