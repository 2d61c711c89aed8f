"""``genbench score --rerun``: the scores of a scorecard once more."""

from pathlib import Path

import typer
from rich.console import Console

from genbench.analyses.repetition import repeat
from genbench.cli.progress import Bars
from genbench.report.difference import is_repeated, repetition_table
from genbench.report.read import read_one_scorecard
from genbench.report.write import check_writable, write_text


def rerun(scorecard: Path, out: Path | None, cache: Path | None) -> None:
    """Repeat a scorecard; print each score before and now; exit 1 if one is another, beyond rounding."""
    if out is not None:
        check_writable(out, "--out")
    old = read_one_scorecard(scorecard)
    with Bars() as bars:
        new = repeat(old, bars, cache)
    if out is not None:
        write_text(out, new.to_json() + "\n", "--out")
    console = Console()
    console.print(repetition_table(old, new))
    used = new.provenance["features"].values()
    console.print(
        f"features: {sum(t['recalled'] for t in used)} from the cache, {sum(t['computed'] for t in used)} computed; "
        "scores computed again",
        style="dim",
        highlight=False,
    )
    if not is_repeated(old, new):
        raise typer.Exit(1)
