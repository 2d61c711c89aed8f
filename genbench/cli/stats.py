"""``genbench stats``: a reference as a file of mean and covariance."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from genbench.analyses.reference import write_reference
from genbench.cli import options
from genbench.cli.progress import Bars
from genbench.request import DEFAULT_EXTRACTOR, Request


def stats(
    real: Annotated[str, typer.Argument(help="Reference images: any source that `genbench score` takes.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The .npz file to write.")],
    form: Annotated[str, typer.Option(help="pytorch-fid, or guided-diffusion (spatial features too).")] = "pytorch-fid",
    extractor: options.ExtractorName = DEFAULT_EXTRACTOR,
    weights: options.Weights = None,
    count: Annotated[int | None, typer.Option(help="At most N images, chosen by the seed.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of samplers and of --count.")] = 0,
    cache: options.Cache = None,
    device: options.Device = "auto",
    runtime: options.Runtime = "auto",
    skip_unreadable: options.SkipUnreadable = False,
) -> None:
    """Write mean and covariance of REAL's features; `genbench score FAKE --real FILE.npz` takes them for the images.

    Example: genbench stats photos/ -o ref.npz --extractor efficientnet-lite0
    """
    request = Request(
        metrics=("fd",),
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
        made_by = write_reference(real, out, form, request, bars)
    Console(soft_wrap=True).print(
        f"{out}: {form}'s form, {made_by['source']['count']} images, {made_by['extractor']['extractor']}",
        markup=False,
        highlight=False,
    )
