"""``genbench demo``: four generators with known faults, scored against real digits."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from genbench.cli.progress import Bars

EXPLAINED = {
    "held-out": "other real digits: the floor, the best an honest generator gets",
    "blurred": "real digits, blurred",
    "collapsed": "a dozen digits again and again: good pictures, no variety",
    "copier": "the reference itself with a little noise",
}


def demo(
    out: Annotated[Path, typer.Option(help="Where scorecard.json and neighbours.png are written.")] = Path(
        "genbench-demo"
    ),
    cache: Annotated[
        Path | None, typer.Option(help="Feature store; default: $GENBENCH_CACHE or the user cache.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Deals the digits into sets.")] = 0,
) -> None:
    """Score four "generators" with known faults against real digits: what does each metric react to?

    Uses scikit-learn's 1,797 digits and EfficientNet-Lite0; needs no network connection and no data.
    """
    from genbench.analyses.demo import EXTRACTOR, copied, run_demo
    from genbench.report.table import STANDS_OUT, contrast_table

    console = Console()
    with Bars() as bars:
        cards = run_demo(out, seed, cache, bars)
    console.print(f"\nFour generators against {cards[0]['fd'].n_real} real digits, features of {EXTRACTOR}:")
    for name, what in EXPLAINED.items():
        console.print(f"  {name:<10} {what}", highlight=False)
    console.print(contrast_table(cards))
    console.print(
        f"✗ worse, ! better than held-out by more than {STANDS_OUT:g} standard errors of the difference. "
        "fd, kd: distance of the sets; precision, density: quality; recall, coverage: variety; "
        "nn: distance to the nearest reference image, 1 as among real images, near 0 copied.",
        style="dim",
        highlight=False,
    )
    for verdict in copied(cards):
        console.print(verdict, style="bold red", highlight=False)
    console.print(f"written: {out / 'scorecard.json'}, {out / 'neighbours.png'}", highlight=False)
