"""``genbench report``: scorecards as a page, or as tables for papers and programs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from genbench.cli.progress import Bars
from genbench.contracts import Scorecard
from genbench.errors import BadInput
from genbench.report.ladder import Ladder
from genbench.report.read import read_record, read_scorecard
from genbench.report.write import check_writable, write_text

if TYPE_CHECKING:
    from genbench.report.columns import Column

FORMS = {"html": (".html", ".htm"), "markdown": (".md",), "latex": (".tex",), "csv": (".csv",)}


def report(
    scorecards: Annotated[list[Path], typer.Argument(help="JSON files of `genbench score --out`; one column each.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write; without it tables go to the terminal.")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="html, markdown, latex or csv; default: by the ending of --out.")
    ] = None,
    ladder: Annotated[
        Path | None, typer.Option(help="JSON file of `genbench ladder`: says where each score stands on it.")
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Open the images again and show them (html).")] = True,
    cache: Annotated[
        Path | None, typer.Option(help="Feature store; default: the one that each scorecard names.")
    ] = None,
) -> None:
    """Show scorecards as one self-contained HTML page with pictures, or as a Markdown, LaTeX or CSV table.

    Example: genbench report scores.json -o report.html
    """
    form = choose_form(form, out)
    if out is not None:
        check_writable(out, "--out")
    from genbench.report import columns, plain

    cards = [read_scorecard(path) for path in scorecards]
    steps = None if ladder is None else read_record(ladder, Ladder, "ladder", "genbench ladder --out")
    found = columns.make_columns(cards, steps)
    if form == "html":
        assert out is not None
        write_text(out, _page(cards, found, pictures=pictures, cache=cache), "--out")
    else:
        draw = {"markdown": plain.to_markdown, "latex": plain.to_latex, "csv": plain.to_csv}[form]
        if out is None:
            typer.echo(draw(found), nl=False)
            return
        write_text(out, draw(found), "--out")
    Console(soft_wrap=True).print(f"written: {out}", markup=False, highlight=False)


def choose_form(form: str | None, out: Path | None) -> str:
    """Return the form asked for, by --format or by the ending of --out; raises ``BadInput`` if neither tells."""
    if form is None and out is not None:
        form = next((name for name, endings in FORMS.items() if out.suffix.lower() in endings), None)
        if form is None:
            endings = ", ".join(ending for some in FORMS.values() for ending in some)
            raise BadInput(f"--out: unknown form; expected an ending of {endings}, got {str(out)!r}. Or give --format.")
    if form not in (None, *FORMS):
        raise BadInput(f"--format: unknown form; expected one of {', '.join(FORMS)}, got {form!r}.")
    if out is None and form in (None, "html"):
        raise BadInput("--out: missing; expected the page's file, as in -o report.html. Or give --format markdown.")
    assert form is not None
    return form


def _page(cards: list[Scorecard], found: list["Column"], *, pictures: bool, cache: Path | None) -> str:
    from genbench.analyses.page import exhibit
    from genbench.report.page import draw_page

    with Bars() as bars:
        exhibits = [exhibit(card, sets=len(cards), cache=cache, watch=bars, pictures=pictures) for card in cards]
    return draw_page(found, exhibits)
