"""``genbench protocols``: one pair of sets under every published tool's conventions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from genbench.analyses.protocol_table import score_under_all
from genbench.cli import options
from genbench.cli.progress import Bars
from genbench.errors import BadInput, MissingWeights
from genbench.report.protocols import protocols_table
from genbench.report.write import check_writable, write_text


def protocols(
    fake: Annotated[str, typer.Argument(help="Images to judge: any source that `genbench score` takes.")],
    real: Annotated[str, typer.Option(help="Reference images, likewise.")],
    weights: Annotated[
        list[str] | None, typer.Option(help="NETWORK=FILE: a weight file that is not the published one. Repeatable.")
    ] = None,
    count: options.Count = None,
    seed: options.Seed = 0,
    out: Annotated[Path | None, typer.Option(help="Write the scorecards, JSON lines, to this file.")] = None,
    cache: options.Cache = None,
    device: options.Device = "auto",
) -> None:
    """Score FAKE against REAL as each published tool would: how far apart are they, and why?

    What lacks its weights or enough images is left out, with the reason. Networks run once an image.

    Example: genbench protocols samples/ --real photos/ --weights inception=pt_inception.pth
    """
    if out is not None:
        check_writable(out, "--out")
    asked = {"count": count, "seed": seed, "cache": cache, "device": device, "floor": False}
    with Bars() as bars:
        outcomes = score_under_all(fake, real, weights=parse_weights(weights), options=asked, watch=bars)
    cards = [card for outcome in outcomes for card in outcome.cards]
    if out is not None:
        write_text(out, "".join(card.model_dump_json() + "\n" for card in cards), "--out")
    Console().print(protocols_table(outcomes))
    if not cards:
        raise MissingWeights(
            "protocols: none could be run; expected the weights of one network at least. See the reasons above, and "
            "`genbench weights list`."
        )


def parse_weights(texts: Sequence[str] | None) -> dict[str, Path]:
    """Parse ["inception=FILE"] to {"inception": FILE}."""
    found = {}
    for text in texts or ():
        network, equals, file = text.partition("=")
        if not (network and equals and file):
            raise BadInput(f"--weights: not understood; expected NETWORK=FILE like inception=f.pth, got {text!r}.")
        found[network] = Path(file)
    return found
