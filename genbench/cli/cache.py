"""``genbench cache``: what the feature store holds, whether it is sound, and how to shrink it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from genbench.errors import BadInput
from genbench.features.store import FILE, Store, default_cache, erase

app = typer.Typer(help="Look at, check or shrink the feature store.", no_args_is_help=True)
Directory = Annotated[
    Path | None, typer.Option("--cache", help="Its directory; default: $GENBENCH_CACHE or the user's cache directory.")
]


def existing(cache: Path | None) -> Path:
    """Return the store's directory; one without a store raises ``BadInput``: looking must not make it."""
    directory = cache or default_cache()
    if not (directory / FILE).exists():
        raise BadInput(f"cache: no feature store in {directory}; expected {FILE}, got none. Score something first.")
    return directory


@app.command()
def info(cache: Directory = None) -> None:
    """Print what the store holds."""
    with Store(existing(cache)) as store:
        held = store.info()
    console = Console()
    console.print(
        f"{held.path}: {decimal(held.bytes)}, {held.files} files remembered, {held.scores} scores", soft_wrap=True
    )
    if not held.extractors:
        return
    table = Table("key", "extractor", "images", "size", "last used", "resize, runtime")
    for row in held.extractors:
        used = datetime.fromtimestamp(row.used, UTC).strftime("%Y-%m-%d")
        how = f"{row.facts.get('resize', '')}, {row.facts.get('runtime', '')}"
        name = row.facts.get("extractor", "?")
        table.add_row(row.fingerprint[:12], name, f"{row.images:,}", decimal(row.bytes), used, how)
    console.print(table)


@app.command()
def verify(cache: Directory = None) -> None:
    """Check every row's checksum; damaged rows are deleted, to be computed again, and the exit code is 1."""
    with Store(existing(cache)) as store, Console(stderr=True).status("checking"):
        result = store.verify()
    console = Console(soft_wrap=True)
    console.print(f"{result.checked:,} rows checked, {len(result.damaged)} damaged")
    for row in result.damaged:
        console.print(f"  deleted: {row}", markup=False)
    if result.damaged:
        raise typer.Exit(1)


@app.command()
def prune(
    cache: Directory = None,
    everything: Annotated[bool, typer.Option("--all", help="Delete the whole store, sound or not.")] = False,
    extractor: Annotated[
        str | None, typer.Option(help="Delete one extractor's features: its key in `cache info`.")
    ] = None,
    unused_days: Annotated[float | None, typer.Option(help="Delete extractors not used for so many days.")] = None,
) -> None:
    """Delete features and give the space back."""
    directory = cache or default_cache()
    if everything == (extractor is not None or unused_days is not None):
        raise BadInput("cache prune: say what to delete; expected --all, or --extractor KEY and/or --unused-days N.")
    if everything:
        freed = erase(directory)
    else:
        with Store(existing(directory)) as store:
            freed = store.prune(extractor=extractor, unused_days=unused_days)
    Console(soft_wrap=True).print(f"{directory}: {decimal(freed)} freed")
