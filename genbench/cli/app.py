"""All commands in one application."""

from importlib.metadata import entry_points
from typing import Annotated

import typer

from genbench import __version__
from genbench.cli import (
    cache,
    compare,
    demo,
    diff,
    images,
    ladder,
    listing,
    memorization,
    protocols,
    report,
    score,
    selftest,
    stats,
    weights,
)

app = typer.Typer(
    name="genbench",
    help="Evaluate image generators: every number with a standard error and its provenance.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"genbench {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take what stands before a command."""


app.command("score")(score.score)
app.command("compare")(compare.compare)
app.command("stats")(stats.stats)
app.command("demo")(demo.demo)
app.command("images")(images.images)
app.command("report")(report.report)
app.command("ladder")(ladder.ladder)
app.command("memorization")(memorization.memorization)
app.command("selftest")(selftest.selftest)
app.command("protocols")(protocols.protocols)
app.command("diff")(diff.diff)
app.add_typer(listing.app, name="list")
app.add_typer(cache.app, name="cache")
app.add_typer(weights.app, name="weights")

for point in entry_points(group="genbench.commands"):
    app.add_typer(point.load(), name=point.name)
