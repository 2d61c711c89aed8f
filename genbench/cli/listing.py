"""``genbench list``: what is registered."""

import inspect

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from genbench.contracts import Metric
from genbench.errors import BadInput
from genbench.parameters import parameters_of
from genbench.report.table import ARROWS

app = typer.Typer(
    help="List what is registered: metrics, extractors, measures, sources, protocols.", no_args_is_help=True
)


@app.command()
def metrics() -> None:
    """List the metrics."""
    from genbench.metrics import METRICS

    table = _table("metric", "", "what it measures")
    for name in METRICS:
        metric = METRICS.get(name)
        what = Text.assemble(metric.summary, (f"\nfrom {seen_by(metric)}; {metric.source}{_settable(metric)}", "dim"))
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
def measures() -> None:
    """List the measures: what compares images two by two, for metrics of pairs and --perceptual."""
    from genbench.pairs import MEASURES

    table = _table("measure", "what it is")
    for name in MEASURES:
        table.add_row(name, _first_line(MEASURES.get(name)))
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


@app.command()
def protocols() -> None:
    """List the protocols: the published tools whose numbers can be had."""
    from genbench.protocols import PROTOCOLS

    table = _table("protocol", "what it is")
    for name in PROTOCOLS:
        one = PROTOCOLS.get(name)
        proof = f"{'proven' if one.is_proven else 'held in parts'}: {one.proof}"
        networks: dict[str, list[str]] = {}
        for metric in one.metrics:
            networks.setdefault(one.extractor_of(metric) or "any extractor", []).append(metric)
        reads = [f"{', '.join(metrics)} of {network}" for network, metrics in networks.items()]
        what = Text.assemble(one.summary, (f"\n{one.tool}: {'; '.join(reads)}\n{proof}", "dim"))
        table.add_row(name, what)
    Console().print(table)


def _settable(metric: Metric) -> str:
    known = parameters_of(metric)
    return "\n--set " + " ".join(f"{metric.name}.{name}={value}" for name, value in known.items()) if known else ""


def seen_by(metric: Metric) -> str:
    """Return what ``metric`` looks at, in words."""
    if metric.pairs:
        partners = "fake and real images of one name" if metric.pairs == "matched" else "fake images with each other"
        return f"{metric.measure} of {partners}"
    features = f"{metric.layer} features" if metric.layer else metric.measure or "no features"
    return f"{features} of {metric.extractor}" if metric.extractor else features


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column in ("metric", "extractor", "source", "protocol"))
    return table


def _first_line(thing: object) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0].replace("`", "")
