"""The ``genbench`` command. One file a command; parsing only."""

import sys
import warnings
from importlib.metadata import entry_points

import typer
from rich.console import Console

from genbench.cli import cache, demo, listing, score
from genbench.errors import GenbenchError

app = typer.Typer(
    name="genbench",
    help="Evaluate image generators: every number with a standard error and its provenance.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("score")(score.score)
app.command("demo")(demo.demo)
app.add_typer(listing.app, name="list")
app.add_typer(cache.app, name="cache")


def main() -> None:
    """Run the command line; exit 0 done, 1 a threshold failed, 2 an input cannot be used."""
    warnings.filterwarnings("ignore", module="PIL")  # odd files are counted in the scorecard instead
    for point in entry_points(group="genbench.commands"):
        app.add_typer(point.load(), name=point.name)
    try:
        app()
    except GenbenchError as error:
        Console(stderr=True, soft_wrap=True).print(str(error), style="red", markup=False, highlight=False)
        sys.exit(2)
    except KeyboardInterrupt:
        Console(stderr=True).print("stopped; what was computed is kept, run the same command to go on", style="yellow")
        sys.exit(130)
