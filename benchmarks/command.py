"""What the command lines of this package share. Parsing only."""

import sys

import typer
from rich.console import Console

from genbench.errors import BadInput, GenbenchError


def run_app(app: typer.Typer) -> None:
    """Run a command line; what the user can mend is one line and exit code 2."""
    try:
        app()
    except GenbenchError as error:
        Console(stderr=True).print(str(error), highlight=False, markup=False, soft_wrap=True)
        sys.exit(2)


def whole_numbers(option: str, text: str) -> list[int]:
    """Return the numbers of "0,1"; raises ``BadInput`` for anything else."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() for part in parts):
        raise BadInput(f"{option}: not whole numbers; expected such as 0,1, got {text!r}. Correct them.")
    return [int(part) for part in parts]
