"""``genbench selftest``: are the numbers right on this machine?"""

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from genbench.cli.progress import Bars


def selftest() -> None:
    """Compute every metric where its value is known on paper; exit 1 if one is off by more than 1e-6.

    Needs no data, no weights and no network connection.

    Example: genbench selftest
    """
    from genbench.analyses.selftest import TOLERANCE, Selftest, run_selftest

    with Bars() as bars:
        found: Selftest = run_selftest(watch=bars)
    console = Console()
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in ("metric", "sets"):
        table.add_column(name)
    for name in ("expected", "got", "error"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in found.outcomes:
        is_right = one.error <= TOLERANCE
        got = "failed" if one.problem else f"{one.got:.10g}"
        cells = (one.metric, one.about, f"{one.expected:.10g}", got, f"{one.error:.1e}")
        table.add_row(*map(Text, cells), style=None if is_right else "bold red")
    console.print(table)
    for one in found.outcomes:
        if one.problem:
            console.print(Text(f"{one.metric}: {one.problem}", "red"))
    console.print(f"not known on paper: {', '.join(found.untested)}", style="dim", highlight=False)
    packages = ", ".join(f"{name} {found.environment['packages'][name]}" for name in ("numpy", "scipy", "torch"))
    console.print(f"{'; '.join(found.libraries)}; {packages}", style="dim", highlight=False)
    spent = sum(one.seconds for one in found.outcomes)
    verdict = "right" if found.is_right else "WRONG"
    console.print(
        f"{verdict}: largest relative error {found.largest_error:.1e} (at most {TOLERANCE:g}), {spent:.1f} s",
        style="green" if found.is_right else "bold red",
        highlight=False,
    )
    if not found.is_right:
        raise typer.Exit(1)
