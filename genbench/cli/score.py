"""``genbench score``: one fake source against one real source."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from genbench.cli import options
from genbench.cli.progress import Bars
from genbench.cli.rerun import rerun as repeat
from genbench.contracts import Scorecard
from genbench.errors import BadInput
from genbench.evaluate import score as evaluate
from genbench.report.write import check_writable, write_text
from genbench.request import DEFAULT_EXTRACTOR, make_request

PYTHON_WORDS = {"True": True, "False": False, "None": None}  # as `genbench list metrics` prints defaults


def score(
    ctx: typer.Context,
    fake: Annotated[
        str | None, typer.Argument(help=f"Images to judge: {options.SOURCE_HELP}.", show_default=False)
    ] = None,
    real: Annotated[
        str | None, typer.Option(help=f"Reference images: {options.SOURCE_HELP}.", show_default=False)
    ] = None,
    train: Annotated[
        str | None, typer.Option(help="Training images: fld needs them, nn compares with them; default: the reference.")
    ] = None,
    metrics: options.Metrics = options.USUAL_METRICS,
    extractor: options.ExtractorName = DEFAULT_EXTRACTOR,
    protocol: options.ProtocolName = None,
    weights: options.Weights = None,
    perceptual: options.Perceptual = None,
    set_: options.Settings = None,
    count: options.Count = None,
    seed: options.Seed = 0,
    out: Annotated[Path | None, typer.Option(help="Write the scorecard to this JSON file.")] = None,
    cache: options.Cache = None,
    device: options.Device = "auto",
    runtime: options.Runtime = "auto",
    batch_size: options.BatchSize = None,
    latent: options.Latent = None,
    range_: options.Range = None,
    fail_above: Annotated[list[str] | None, typer.Option(help="Exit 1 if a score is above: fd=20. Repeatable.")] = None,
    fail_below: Annotated[
        list[str] | None, typer.Option(help="Exit 1 if a score is below: precision=0.5. Repeatable.")
    ] = None,
    skip_unreadable: options.SkipUnreadable = False,
    labels: options.Labels = None,
    floor: options.Floor = True,
    verify: options.Verify = False,
    rerun: Annotated[
        Path | None, typer.Option(help="Repeat this scorecard: no FAKE, and no option but --out and --cache.")
    ] = None,
) -> None:
    """Score FAKE against REAL: a table, and a JSON scorecard with --out.

    Exit code 0: done; 1: a --fail-above or --fail-below threshold was crossed; 2: an input cannot be used.

    Example: genbench score samples/ --real photos.zip --extractor efficientnet-lite0 --count 2000 --out scores.json

    Example: genbench score samples/ --real photos/ --protocol pytorch-fid
    """
    if rerun is not None:
        refuse_beside_rerun(ctx)
        repeat(rerun, out, cache)
        return
    if fake is None or real is None:
        raise BadInput("score: nothing to compare; expected FAKE and --real REAL, or --rerun SCORECARD.")
    if out is not None:
        check_writable(out, "--out")
    given = given_of(ctx, metrics, extractor, set_)
    asked = {
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
    request = make_request(given | asked)
    ceilings = parse_limits(fail_above, "--fail-above", request.metrics)
    floors = parse_limits(fail_below, "--fail-below", request.metrics)
    with Bars() as bars:
        card = evaluate(fake=fake, real=real, train=train, request=request, watch=bars)
    show(card, out)
    crossed = [
        f"{name} {card[name].value:.6g} > {limit:g}" for name, limit in ceilings.items() if card[name].value > limit
    ]
    crossed += [
        f"{name} {card[name].value:.6g} < {limit:g}" for name, limit in floors.items() if card[name].value < limit
    ]
    if crossed:
        Console(stderr=True).print(f"threshold crossed: {'; '.join(crossed)}", style="red", highlight=False)
        raise typer.Exit(1)


def is_given(ctx: typer.Context, name: str) -> bool:
    """Whether the user wrote the option called ``name``."""
    source = ctx.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def refuse_beside_rerun(ctx: typer.Context) -> None:
    """Raise ``BadInput`` if options stand beside --rerun that the scorecard itself answers."""
    beside = [name for name in ctx.params if name not in ("rerun", "out", "cache") and is_given(ctx, name)]
    if beside:
        raise BadInput(
            f"--rerun: repeats a scorecard as it was made; expected no option but --out and --cache, got "
            f"{', '.join(beside)}. Leave them out."
        )


def show(card: Scorecard, out: Path | None) -> None:
    """Print the table; write the JSON file."""
    from genbench.report.table import score_table

    if out is not None:
        write_text(out, card.to_json() + "\n", "--out")
    console = Console()
    console.print(score_table(card, console.width))
    used = card.provenance["features"].values()
    console.print(
        f"features: {sum(t['recalled'] for t in used)} from the cache, {sum(t['computed'] for t in used)} computed"
        + (f"; scorecard: {out}" if out else ""),
        style="dim",
        highlight=False,
    )


def given_of(ctx: typer.Context, metrics: str, extractor: str, settings: Sequence[str] | None) -> dict[str, Any]:
    """Return those of the three that the user has given; the others may be a protocol's."""
    chosen = {"metrics": metrics, "extractor": extractor}
    given: dict[str, Any] = {name: value for name, value in chosen.items() if is_given(ctx, name)}
    return given | ({"parameters": parse_settings(settings)} if settings else {})


def parse_settings(texts: Sequence[str] | None) -> dict[str, dict[str, Any]]:
    """Parse ["precision.k=5"] to {"precision": {"k": 5}}; a value is JSON, or True, False or None, or else a text."""
    settings: dict[str, dict[str, Any]] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        metric, _, parameter = name.partition(".")
        if not (equals and metric and parameter):
            raise BadInput(f"--set: cannot be read; expected METRIC.PARAMETER=VALUE, precision.k=5, got {text!r}.")
        try:
            meant = json.loads(value)
        except json.JSONDecodeError:
            meant = PYTHON_WORDS.get(value, value)
        settings.setdefault(metric, {})[parameter] = meant
    return settings


def parse_limits(texts: Sequence[str] | None, option: str, metrics: Sequence[str]) -> dict[str, float]:
    """Parse ["fd=20"] to {"fd": 20.0}; the metric must be among ``metrics``."""
    limits = {}
    for text in texts or ():
        name, _, number = text.partition("=")
        value = _number(number)
        if name not in metrics or value is None:
            raise BadInput(
                f"{option}: cannot be checked; expected METRIC=NUMBER with a metric of --metrics "
                f"({', '.join(metrics)}), got {text!r}."
            )
        limits[name] = value
    return limits


def parse_latent(text: str | None) -> tuple[int, ...] | None:
    """Parse "128" or "100x1x1"."""
    if text is None:
        return None
    parts = text.split("x")
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise BadInput(f"--latent: not a shape; expected 128 or 100x1x1, got {text!r}.")
    return tuple(int(part) for part in parts)


def parse_range(text: str | None) -> tuple[float, float] | None:
    """Parse "-1,1"."""
    if text is None:
        return None
    numbers = [_number(part) for part in text.split(",")]
    if len(numbers) != 2 or numbers[0] is None or numbers[1] is None or numbers[0] >= numbers[1]:
        raise BadInput(f"--range: not a range; expected --range=LOW,HIGH like --range=-1,1, got {text!r}.")
    return numbers[0], numbers[1]


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
