"""Scores as text for papers and programs: Markdown, LaTeX (booktabs) and CSV."""

import csv
import io
from collections.abc import Sequence

from genbench.contracts import Score
from genbench.report.columns import Column, labels_of, sample_of, shared_floors, short_names
from genbench.report.table import ARROWS, digits, floor_text

LATEX_ARROWS = {"lower": r"$\downarrow$", "higher": r"$\uparrow$", "none": ""}
LATEX = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
LATEX |= {mark: f"\\{mark}" for mark in "&%$#_"}
NOTHING = "-"
FIELDS = "metric", "extractor", "value", "stderr", "better", "n_real", "n_fake", "floor", "floor_stderr", "floor_count"


def to_markdown(columns: Sequence[Column]) -> str:
    """Return a Markdown table: value ± standard error, digits by the error; floors, places and warnings below."""
    notes: list[str] = []
    floors = shared_floors(columns)
    names = [*map(_escape_markdown, short_names(columns)), *["floor"] * bool(floors)]
    lines = [_row(["", *names]), _row(["---", *["---:"] * len(names)])]
    for label in labels_of(columns):
        arrow = ARROWS[sample_of(columns, label).better]
        cells = [_markdown_cell(column.scores.get(label), notes) for column in columns]
        cells += [_with_error(*floor_text(floors[label])) if label in floors else NOTHING] * bool(floors)
        lines.append(_row([f"{_escape_markdown(label)} {arrow}".rstrip(" ·"), *cells]))
    below = [f"{i}. {_escape_markdown(note)}" for i, note in enumerate(notes, 1)]
    standing = [f"- {_escape_markdown(line)}" for line in _standing(columns)]
    return "\n".join([*lines, "", _escape_markdown(_legend(columns)), *_block(standing), *_block(below), ""])


def to_latex(columns: Sequence[Column]) -> str:
    """Return a LaTeX tabular (packages booktabs; text mode), with its legend and warnings below."""
    notes: list[str] = []
    floors = shared_floors(columns)
    names = [*map(_escape_latex, short_names(columns)), *["floor"] * bool(floors)]
    head = " & ".join(["", *names])
    lines = [f"\\begin{{tabular}}{{l{'r' * len(names)}}}", r"\toprule", head + r" \\", r"\midrule"]
    for label in labels_of(columns):
        name = f"{_escape_latex(label)} {LATEX_ARROWS[sample_of(columns, label).better]}".rstrip()
        cells = [_latex_cell(column.scores.get(label), notes) for column in columns]
        cells += [_latex_number(*floor_text(floors[label])) if label in floors else NOTHING] * bool(floors)
        lines.append(" & ".join([name, *cells]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}", ""]
    below = [_escape_latex(_legend(columns)), *map(_escape_latex, _standing(columns))]
    below += [f"$^{{{i}}}$ {_escape_latex(note)}" for i, note in enumerate(notes, 1)]
    return "\n".join([*lines, *(f"{{\\footnotesize {line}\\par}}" for line in below), ""])


def to_csv(columns: Sequence[Column]) -> str:
    """Return a row a score, numbers in full; an empty field where there is none."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["fake", "real", *FIELDS, "low95", "high95", "ladder", "warnings"])
    for column in columns:
        for label, score in column.scores.items():
            more = [*(score.ci95 or (None, None)), column.places.get(label), "; ".join(score.warnings)]
            writer.writerow([column.fake, column.real, *(getattr(score, name) for name in FIELDS), *more])
    return stream.getvalue()


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _block(lines: Sequence[str]) -> list[str]:
    return ["", *lines] if lines else []


def _markdown_cell(score: Score | None, notes: list[str]) -> str:
    if score is None:
        return NOTHING
    marks = "".join(f" <sup>{mark}</sup>" for mark in _marks(score, notes))
    return _with_error(digits(score.value, score), _error(score)) + marks


def _with_error(value: str, error: str) -> str:
    return f"{value} ± {error}" if error else value


def _latex_cell(score: Score | None, notes: list[str]) -> str:
    if score is None:
        return NOTHING
    return _latex_number(digits(score.value, score), _error(score), ",".join(map(str, _marks(score, notes))))


def _latex_number(value: str, error: str, marks: str = "") -> str:
    number = rf"{value} \pm {error}" if error else value
    return f"${number}^{{{marks}}}$" if marks else f"${number}$"


def _error(score: Score) -> str:
    return "" if score.stderr is None else digits(score.stderr, score)


def _marks(score: Score, notes: list[str]) -> list[int]:
    """Return the numbers of the score's warnings; new ones are added to ``notes``."""
    notes += [warning for warning in dict.fromkeys(score.warnings) if warning not in notes]
    return sorted(notes.index(warning) + 1 for warning in set(score.warnings))


def _legend(columns: Sequence[Column]) -> str:
    counts = [fake for fake, _ in (column.counts for column in columns)]
    references = dict.fromkeys((column.real, column.counts[1]) for column in columns)
    against = "; ".join(f"{real} ({count or 'an unknown number of'} images)" for real, count in references)
    fakes = f"{counts[0]}" if len(set(counts)) == 1 else ", ".join(map(str, counts))
    sizes = {score.floor_count for column in columns for score in column.scores.values() if score.floor is not None}
    counted = ", ".join(map(str, sorted(filter(None, sizes))))
    floor = f" Floor: {counted} of them against the rest." if counted else ""
    return f"Value ± standard error. {fakes} fake images against {against}.{floor}"


def _standing(columns: Sequence[Column]) -> list[str]:
    """Return a sentence for each place on the ladder, and for each floor where they differ between the columns."""
    has_column, lines = bool(shared_floors(columns)), []
    for name, column in zip(short_names(columns), columns, strict=True):
        for label, score in column.scores.items():
            words = [f"on the ladder {column.places[label]}"] if label in column.places else []
            if score.floor is not None and not has_column:
                words.insert(0, f"floor {_with_error(*floor_text(score))}")
            lines += [f"{name}, {label}: {'; '.join(words)}"] if words else []
    return lines


def _escape_markdown(text: str) -> str:
    for mark in "\\`*_[]<>|":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())


def _escape_latex(text: str) -> str:
    return "".join(LATEX.get(letter, letter) for letter in text).replace("±", r"$\pm$")
