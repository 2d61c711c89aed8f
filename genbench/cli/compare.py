"""``genbench compare``: several models against one reference."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from genbench.cli import options
from genbench.cli.progress import Bars
from genbench.cli.score import given_of, parse_latent, parse_range
from genbench.errors import BadInput
from genbench.report.write import check_writable, write_text
from genbench.request import DEFAULT_EXTRACTOR


def compare(
    ctx: typer.Context,
    models: Annotated[list[str], typer.Argument(help="PATH, NAME=PATH, or NAME=RUN1,RUN2,... for runs of one model.")],
    real: Annotated[str, typer.Option(help=f"Reference images: {options.SOURCE_HELP}.")],
    train: Annotated[str | None, typer.Option(help="Training images, for metrics that look at them.")] = None,
    metrics: options.Metrics = options.USUAL_METRICS,
    extractor: options.ExtractorName = DEFAULT_EXTRACTOR,
    protocol: options.ProtocolName = None,
    weights: options.Weights = None,
    perceptual: options.Perceptual = None,
    set_: options.Settings = None,
    alpha: Annotated[float, typer.Option(help="Chance that any of the verdicts is false.")] = 0.05,
    count: options.Count = None,
    seed: options.Seed = 0,
    out: Annotated[Path | None, typer.Option(help="Write the comparison to this JSON file.")] = None,
    cache: options.Cache = None,
    device: options.Device = "auto",
    runtime: options.Runtime = "auto",
    batch_size: options.BatchSize = None,
    latent: options.Latent = None,
    range_: options.Range = None,
    skip_unreadable: options.SkipUnreadable = False,
    labels: options.Labels = None,
    floor: options.Floor = True,
    verify: options.Verify = False,
) -> None:
    """Compare MODELS by their images: which is better than which, and by how much, as far as the images tell.

    Example: genbench compare old=a/ new=b/run1,b/run2,b/run3 --real photos.zip --extractor efficientnet-lite0
    """
    from genbench.analyses.compare import compare as compare_models
    from genbench.report.comparison_table import comparison_tables

    if out is not None:
        check_writable(out, "--out")
    asked: dict[str, Any] = given_of(ctx, metrics, extractor, set_) | {
        "protocol": protocol,
        "weights": weights,
        "perceptual": perceptual,
        "count": count,
        "seed": seed,
        "device": device,
        "runtime": runtime,
        "batch_size": batch_size,
        "cache": cache,
        "latent": parse_latent(latent),
        "output_range": parse_range(range_),
        "skip_unreadable": skip_unreadable,
        "labels": labels,
        "floor": floor,
        "verify": verify,
    }
    with Bars() as bars:
        found = compare_models(parse_models(models), real=real, train=train, alpha=alpha, watch=bars, **asked)
    if out is not None:
        write_text(out, found.to_json() + "\n", "--out")
    console = Console()
    console.print(comparison_tables(found))
    if out is not None:
        console.print(f"comparison: {out}", style="dim", highlight=False)


def parse_models(texts: list[str]) -> dict[str, list[str]]:
    """Parse ["A=run1,run2", "b/"] to {"A": ["run1", "run2"], "b/": ["b/"]}; what exists as it stands is a path."""
    models: dict[str, list[str]] = {}
    for text in texts:
        name, equals, paths = text.partition("=")
        if not equals or Path(text).exists():
            name, runs = text, [text]
        else:
            runs = [path.strip() for path in paths.split(",")]
        if not name or not all(runs):
            raise BadInput(f"compare: not a model; expected PATH, NAME=PATH or NAME=RUN1,RUN2,..., got {text!r}.")
        if name in models:
            raise BadInput(f"compare: two models of one name; expected each once, got {name!r} again. Rename one.")
        models[name] = runs
    return models
