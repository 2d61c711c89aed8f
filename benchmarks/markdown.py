"""A leaderboard as README.md."""

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from benchmarks import verdicts
from benchmarks.board import Leaderboard
from benchmarks.cells import NOTHING, cell_of, commands, facts_of, failure_of, heads, origins, place_of, who


def to_markdown(board: Leaderboard) -> str:
    """Return README.md: question, table, verdicts, what must be read beside them, pictures, what made it."""
    question = board.question
    parts = [
        f"# {_escape(question.title or question.suite)}",
        _escape(verdicts.asked(board)),
        *([] if question.is_tested else [f"**{verdicts.UNTESTED}**"]),
        _escape(verdicts.legend(board)),
        _table(board),
        *_section("Who is better", list(_verdicts(board))),
        *_section("Read beside it", _bullets(verdicts.cautions(board))),
        *_section("What it shows", [_escape(question.shows)] if question.shows else []),
        *_section("What it cannot show", [_escape(question.cannot)] if question.cannot else []),
        *_section("Samples", list(_pictures(board))),
        *_section("What made it", list(_provenance(board))),
    ]
    return "\n\n".join(parts) + "\n"


def _table(board: Leaderboard) -> str:
    facts = list(facts_of(board, board.rows[0])) if board.rows else []
    columns = ["contestant", "place", *heads(board).values(), *facts, *["status"] * bool(board.failed)]
    is_text = {"contestant", "copies", "status"}
    lines = [_row(columns), _row(["---" if name in is_text else "---:" for name in columns])]
    for row in board.rows:
        found = [cell_of(row.scores[metric]) if metric in row.scores else None for metric in board.metrics]
        cells = [NOTHING if cell is None else f"{cell.text} (sd {cell.spread})" for cell in found]
        name = f"**{_escape(row.contestant)}**" if row.is_best else _escape(row.contestant)
        told = [_escape(text) for text, _ in facts_of(board, row).values()]
        lines.append(_row([name, place_of(row), *cells, *told, *["done"] * bool(board.failed)]))
    empty = [NOTHING] * (len(columns) - 2)
    lines += [_row([_escape(who(one)), *empty, _escape(failure_of(one))]) for one in board.failed]
    return "\n".join(lines)


def _verdicts(board: Leaderboard) -> Iterator[str]:
    better = _bullets(verdicts.winners(board))
    yield from better or (["No difference is resolved."] if board.pairs else [])
    if unresolved := _bullets(verdicts.open_pairs(board)):
        yield f"{'Not resolved. ' if better else ''}{verdicts.remedy(board)}"
        yield from unresolved
    if neither := _bullets(verdicts.without_verdict(board)):
        yield "Without a verdict:"
        yield from neither
    yield from (_escape(text) for text in (verdicts.rule(board), verdicts.floor(board)) if text)


def _pictures(board: Leaderboard) -> Iterator[str]:
    pictures = {name: board.pictures(name).get("samples") for name in board.contestants}
    if any(pictures.values()):
        yield "Of the first run with numbers, not chosen."
    for name, file in pictures.items():
        if file is not None:
            yield _escape(name)
            yield f"![samples of {_escape(name)}]({quote(file, safe='+')})"


def _provenance(board: Leaderboard) -> Iterator[str]:
    yield "\n".join(f"    {command}" for command in commands(board))
    yield _escape(origins(board))
    yield (
        "Every number follows from `comparison.json` and `records/`, as `genbench bench table . --check` says; SHA-256 "
        f"of both: `{board.seal}`. `index.html` is the same table, sortable, with training curves."
    )


def _bullets(lines: Sequence[str]) -> list[str]:
    """Return a list as one block; nothing of nothing."""
    return ["\n".join(f"- {_escape(line)}" for line in lines)] if lines else []


def _section(head: str, parts: Sequence[str]) -> list[str]:
    """Return a heading and what is below it; nothing where there is nothing."""
    return [f"## {head}", *parts] if parts else []


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    for mark in "\\`*_[]<>|":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
