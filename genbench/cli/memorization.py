"""``genbench memorization``: did the model copy its training set?"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from genbench.cli import options
from genbench.cli.progress import Bars
from genbench.cli.score import parse_latent, parse_range
from genbench.errors import BadInput
from genbench.request import Request

SHARE = "flagged-share"


def memorization(
    fake: Annotated[str, typer.Argument(help=f"Pictures to judge: {options.SOURCE_HELP}.")],
    train: Annotated[str, typer.Option(help="All pictures the model was trained on, likewise.")],
    test: Annotated[
        str | None,
        typer.Option(help="Pictures of the same kind it was not trained on; default: training pictures stand in."),
    ] = None,
    alpha: Annotated[
        float, typer.Option(help="False-positive rate of a flag; needs 1 / alpha - 1 --test pictures.")
    ] = 0.01,
    spaces: Annotated[
        str | None,
        typer.Option(
            help="Extractors beside pixels and their quarters, comma-separated, or pixels; default: "
            "efficientnet-lite0, and inception and dinov2-l14 where their weights are."
        ),
    ] = None,
    power: Annotated[
        bool, typer.Option(help="Plant copies among --test: what share of which kind would be seen?")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for memorization.json, images.csv and index.html.")
    ] = None,
    fail_above: Annotated[str | None, typer.Option(help="Exit 1 if more are flagged: flagged-share=0.05.")] = None,
    count: Annotated[int | None, typer.Option(help="Judge at most N pictures; a generator draws N.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of samplers and of --count.")] = 0,
    cache: options.Cache = None,
    device: options.Device = "auto",
    runtime: options.Runtime = "auto",
    batch_size: options.BatchSize = None,
    latent: options.Latent = None,
    range_: options.Range = None,
    skip_unreadable: options.SkipUnreadable = False,
) -> None:
    """Look for training pictures among FAKE: pairs, a p-value each, and a verdict on the set.

    Exit code 0: done, whatever the verdict; 1: the --fail-above threshold was crossed; 2: an input cannot be used.

    Example: genbench memorization samples/ --train photos.zip --test held-out.zip --out report/
    """
    from genbench.analyses.memorization import memorization as look_for_copies
    from genbench.report.memorization import memorization_table

    limit = parse_share(fail_above)
    request = Request(
        count=count,
        seed=seed,
        cache=cache,
        device=device,
        runtime=runtime,
        batch_size=batch_size,
        latent=parse_latent(latent),
        output_range=parse_range(range_),
        skip_unreadable=skip_unreadable,
    )
    with Bars() as bars:
        found = look_for_copies(
            fake=fake,
            train=train,
            test=test,
            alpha=alpha,
            spaces=spaces,
            power=power,
            out=out,
            request=request,
            watch=bars,
        )
    console = Console()
    console.print(memorization_table(found))
    if out is not None:
        console.print(f"pairs of pictures: {out / 'index.html'}", style="dim", highlight=False)
    if limit is not None and found.flagged_share > limit:
        told = f"threshold crossed: {SHARE} {found.flagged_share:.6g} > {limit:g}"
        Console(stderr=True).print(told, style="red", highlight=False)
        raise typer.Exit(1)


def parse_share(text: str | None) -> float | None:
    """Parse "flagged-share=0.05"."""
    if text is None:
        return None
    name, _, number = text.partition("=")
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if name != SHARE or not 0 <= value <= 1:
        raise BadInput(f"--fail-above: cannot be checked; expected {SHARE}=NUMBER from 0 to 1, got {text!r}.")
    return value
