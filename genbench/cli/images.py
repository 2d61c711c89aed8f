"""``genbench images``: what every single image is worth."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from genbench.cli import options
from genbench.cli.progress import Bars
from genbench.request import DEFAULT_EXTRACTOR, Request

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 10


def images(
    fake: Annotated[str, typer.Argument(help="Images to judge: any source that `genbench score` takes.")],
    real: Annotated[str, typer.Option(help="Reference images, likewise.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The .csv or .parquet file to write.")],
    train: Annotated[str | None, typer.Option(help="Images to look for copies of; default: the reference.")] = None,
    extractor: options.ExtractorName = DEFAULT_EXTRACTOR,
    weights: options.Weights = None,
    count: options.Count = None,
    seed: Annotated[int, typer.Option(help="Seed of samplers and of --count.")] = 0,
    cache: options.Cache = None,
    device: options.Device = "auto",
    runtime: options.Runtime = "auto",
    skip_unreadable: options.SkipUnreadable = False,
) -> None:
    """Write a row an image of FAKE: its influence on fd, realism, rarity, and the reference image nearest to it.

    Example: genbench images samples/ --real photos.zip -o images.csv --extractor efficientnet-lite0
    """
    from genbench.analyses.per_image import check_target, per_image, write_per_image

    check_target(out)
    request = Request(
        extractor=extractor,
        weights=weights,
        count=count,
        seed=seed,
        cache=cache,
        device=device,
        runtime=runtime,
        skip_unreadable=skip_unreadable,
    )
    with Bars() as bars:
        table = per_image(fake=fake, real=real, train=train, request=request, watch=bars)
    write_per_image(table, out)
    show(table, out)


def show(table: "pd.DataFrame", out: Path) -> None:
    """Print the images that cost the set most."""
    from genbench.report.image_table import image_table

    worst = table.nsmallest(SHOWN, "fd_change", keep="first")
    console = Console()
    console.print(f"The {len(worst)} of {len(table)} images without which fd is lowest:", highlight=False)
    console.print(image_table(worst.to_dict("records")))
    console.print(
        f"Without an average image fd changes by {table['fd_change'].mean():+.3g}, for the count alone; realism 1: on "
        f"the surface of the reference; rarity -: outside it; ratio near 0: copied. All images: {out}",
        style="dim",
        highlight=False,
        soft_wrap=True,
    )
