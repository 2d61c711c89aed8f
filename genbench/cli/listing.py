"""``genbench list``: what is registered."""

import inspect

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from genbench.errors import BadInput
from genbench.report.table import ARROWS

app = typer.Typer(help="List what is registered: metrics, extractors, sources.", no_args_is_help=True)


@app.command()
def metrics() -> None:
    """List the metrics."""
    from genbench.metrics import METRICS

    table = _table("metric", "", "what it measures")
    for name in METRICS:
        metric = METRICS.get(name)
        what = Text.assemble(metric.summary, (f"\nfrom {metric.layer} features; {metric.source}", "dim"))
        table.add_row(name, ARROWS[metric.better], what)
    Console().print(table)


@app.command()
def extractors() -> None:
    """List the extractors."""
    from genbench.features import EXTRACTORS

    table = _table("extractor", "layers", "what it is")
    for name in EXTRACTORS:
        extractor = EXTRACTORS.get(name)
        layers = ", ".join(f"{layer} {width}" for layer, width in extractor.widths.items()) or "pooled, any width"
        table.add_row(name, layers, _first_line(extractor))
    Console().print(table)


@app.command()
def sources() -> None:
    """List the kinds of source."""
    from genbench.sources import SOURCES

    table = _table("source", "what it reads")
    for name in SOURCES:
        try:
            table.add_row(name, _first_line(SOURCES.get(name)))
        except BadInput as problem:
            table.add_row(name, Text(str(problem), style="red"))
    Console().print(table)


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column in ("metric", "extractor", "source"))
    return table


def _first_line(thing: object) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0].replace("`", "")
