"""``genbench diff``: may two scorecards be compared, and why not?"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from genbench.analyses.difference import explain
from genbench.report.difference import difference_table
from genbench.report.read import read_one_scorecard


def diff(
    first: Annotated[Path, typer.Argument(help="A scorecard: JSON of `genbench score --out`.")],
    second: Annotated[Path, typer.Argument(help="Another.")],
) -> None:
    """Say in words whether two scorecards may be compared, metric by metric, and why not.

    Exit code 0: every metric they share can be compared; 1: one cannot, or they share none; 2: no scorecards.

    Example: genbench diff monday.json tuesday.json
    """
    found = explain(read_one_scorecard(first), read_one_scorecard(second))
    Console().print(difference_table(found, (str(first), str(second))))
    if not found.is_comparable:
        raise typer.Exit(1)
