"""``python -m benchmarks.uses anomalies``, ``labels`` and ``table``. Parsing only."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.command import run_app, whole_numbers

app = typer.Typer(help="What one does with a trained model.", no_args_is_help=True, pretty_exceptions_enable=False)

Out = Annotated[Path, typer.Option(help="Folder of the records.")]
Seed = Annotated[int, typer.Option(help="Of everything random.")]


@app.command()
def anomalies(
    run: Annotated[Path, typer.Argument(help="Folder of a trained model that has a likelihood.")],
    out: Out = Path("uses"),
    seed: Seed = 0,
) -> None:
    """Tell odd images from held-out ones by likelihood; train on digits8:no-9 to leave a class out."""
    from benchmarks.uses.records import write_record
    from benchmarks.uses.runs import judge_anomalies, name_of
    from benchmarks.uses.table import anomaly_lines

    record = judge_anomalies(run, seed=seed, command=_command())
    path = write_record(record, out, name_of(run))
    _tell(f"{anomaly_lines(record)}\nwritten: {path}")


@app.command()
def labels(
    runs: Annotated[list[Path], typer.Argument(help="Folders of trained models that give features.")],
    out: Out = Path("uses"),
    shots: Annotated[str, typer.Option(help="Labelled examples a class, with commas.")] = "5,10,50",
    seed: Seed = 0,
) -> None:
    """Learn from few labels: features against pixels, principal components and the untrained network."""
    counts = whole_numbers("--shots", shots)
    from benchmarks.uses.records import write_record
    from benchmarks.uses.runs import judge_labels, name_of
    from benchmarks.uses.table import label_lines

    for run in runs:
        record = judge_labels(run, shots=counts, seed=seed, command=_command())
        path = write_record(record, out, name_of(run))
        _tell(f"{label_lines(record)}\nwritten: {path}")


@app.command()
def table(
    directory: Annotated[Path, typer.Argument(help="Folder of the records.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the table.")] = Path("reports/uses"),
) -> None:
    """Write README.md."""
    from benchmarks.uses.records import read_records
    from benchmarks.uses.table import write_table

    _tell(f"written: {write_table(read_records(directory), out)}")


def _command() -> str:
    return shlex.join(["python", "-m", "benchmarks.uses", *sys.argv[1:]])


def _tell(text: str) -> None:
    Console().print(text, highlight=False, markup=False, soft_wrap=True)


if __name__ == "__main__":
    run_app(app)
