"""``genbench ladder``: which metric notices which corruption, from which strength on, and at what cost."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from genbench.cli import options
from genbench.cli.progress import Bars
from genbench.errors import BadInput
from genbench.report.write import check_writable, write_text
from genbench.request import DEFAULT_EXTRACTOR, Request


def ladder(
    real: Annotated[str, typer.Argument(help=f"Real pictures, split into two halves: {options.SOURCE_HELP}.")],
    metrics: options.Metrics = options.USUAL_METRICS,
    extractor: options.ExtractorName = DEFAULT_EXTRACTOR,
    weights: options.Weights = None,
    count: Annotated[int | None, typer.Option(help="At most N pictures, both halves together.")] = None,
    corruptions: Annotated[str | None, typer.Option(help="Comma-separated ids; default: all.")] = None,
    severities: Annotated[str, typer.Option(help="Some of 1 to 5.")] = "1,2,3,4,5",
    seed: Annotated[int, typer.Option(help="Of the halves, of what is random in a corruption, of --count.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write the ladder to this JSON file.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="Write a PNG: one picture under all corruptions.")] = None,
    cache: options.Cache = None,
    device: options.Device = "auto",
    runtime: options.Runtime = "auto",
    batch_size: options.BatchSize = None,
    labels: Annotated[
        str | None, typer.Option(help="folders: sub-folders of folders and archives are classes, and modes.")
    ] = None,
    skip_unreadable: options.SkipUnreadable = False,
) -> None:
    """Audit the metrics: score REAL's pictures under corruptions of known strength against other pictures of REAL.

    Says which metric notices what, from which severity on and at how many standard errors, with how many pictures, and
    in how many seconds.

    Example: genbench ladder photos.zip --extractor efficientnet-lite0 --count 2000 -o ladder.json --sheet ladder.png
    """
    for path, option in ((out, "--out"), (sheet, "--sheet")):
        if path is not None:
            check_writable(path, option)
    from genbench.analyses.ladder import check_severities, make_ladder
    from genbench.analyses.ladder_sheet import check_sheet, write_sheet
    from genbench.images.corruptions import CORRUPTIONS
    from genbench.report.ladder import ladder_tables

    names = list(CORRUPTIONS) if corruptions is None else _split(corruptions)
    steps = check_severities(parse_severities(severities))
    if sheet is not None:
        check_sheet(sheet, names)
    request = Request(
        metrics=metrics,
        extractor=extractor,
        weights=weights,
        count=count,
        seed=seed,
        device=device,
        runtime=runtime,
        batch_size=batch_size,
        cache=cache,
        labels=labels,
        skip_unreadable=skip_unreadable,
    )
    with Bars() as bars:
        found = make_ladder(real, request, names, steps, bars)
    if out is not None:
        write_text(out, found.to_json() + "\n", "--out")
    console = Console()
    console.print(ladder_tables(found, across=6 if console.width >= 100 else 4))
    if sheet is not None:
        write_sheet(real, request, names, steps, sheet)
    for path in filter(None, (out, sheet)):
        console.print(f"written: {path}", style="dim", highlight=False)


def parse_severities(text: str) -> list[int]:
    """Parse "1,3,5"."""
    parts = _split(text)
    if not all(part.isdigit() for part in parts):
        raise BadInput(f"--severities: not severities; expected some of 1 to 5 like 1,3,5, got {text!r}.")
    return [int(part) for part in parts]


def _split(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
