"""All commands in one application."""

from importlib.metadata import entry_points

import typer

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
