"""``genbench weights``: which published weight files are on this machine, are they sound, and how to bring one."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.table import Column, Table

from genbench.features.store import default_cache
from genbench.features.weights import (
    PUBLISHED,
    WeightFile,
    find,
    how_to_get,
    import_file,
    published,
    sha256_of,
    weights_folder,
)

app = typer.Typer(help="List, verify or import the published weight files.", no_args_is_help=True)
Directory = Annotated[
    Path | None, typer.Option("--cache", help="The cache; default: $GENBENCH_CACHE or the user's cache directory.")
]


@app.command("list")
def list_files(cache: Directory = None) -> None:
    """List the published weight files: where each is, and whether its hash is right."""
    folder = weights_folder(cache or default_cache())
    table = Table("extractor", "size", "hash", Column("where", overflow="fold"), "source")
    for wanted in PUBLISHED.values():
        path = find(wanted, folder)
        state = "" if path is None else "ok" if sha256_of(path) == wanted.sha256 else "WRONG"
        where = f"missing: {wanted.file}" if path is None else str(path)
        table.add_row(wanted.network, decimal(wanted.size), state, where, wanted.source)
    Console().print(table)


@app.command()
def verify(
    name: Annotated[str | None, typer.Argument(help="Extractor whose file to check; default: all.")] = None,
    cache: Directory = None,
) -> None:
    """Check the SHA-256 of the files that are here; exit 1 if one is wrong, or if the one that is named is missing."""
    folder = weights_folder(cache or default_cache())
    chosen = list(PUBLISHED.values()) if name is None else [published(name)]
    states = [_check(wanted, folder) for wanted in chosen]
    if False in states or (name is not None and None in states):
        raise typer.Exit(1)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A weight file; it is recognised by its SHA-256.")],
    cache: Directory = None,
) -> None:
    """Copy a published weight file into the cache, where the extractors find it."""
    wanted, path = import_file(file, weights_folder(cache or default_cache()))
    _say(f"{wanted.network}: {path}")


def _check(wanted: WeightFile, folder: Path) -> bool | None:
    """Print one line about a file; return whether it is right, None where there is none."""
    path = find(wanted, folder)
    if path is None:
        _say(how_to_get(wanted, folder, "nothing is downloaded here"))
        return None
    found = sha256_of(path)
    if found == wanted.sha256:
        _say(f"{wanted.network}: {path} is the published file")
        return True
    _say(f"{wanted.network}: {path} is not the published file; expected SHA-256 {wanted.sha256}, got {found}")
    return False


def _say(text: str) -> None:
    Console(soft_wrap=True).print(text, markup=False, highlight=False)
