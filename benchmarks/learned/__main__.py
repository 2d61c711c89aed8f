"""``python -m benchmarks.learned run`` and ``table``. Parsing only."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.command import run_app, whole_numbers
from benchmarks.learned.results import Result

app = typer.Typer(help="Does every model of the zoo learn?", no_args_is_help=True, pretty_exceptions_enable=False)


@app.command()
def run(
    out: Annotated[Path, typer.Option(help="Folder of the runs; those that are there go on.")],
    models: Annotated[str | None, typer.Option(help="Models or MODEL:PRESET, with commas; default: all.")] = None,
    seeds: Annotated[str, typer.Option(help="With commas.")] = "0",
    preset: Annotated[str, typer.Option(help="In place of small: smoke, to try this program.")] = "small",
    steps: Annotated[int | None, typer.Option(help="Updates of every run; default: the preset's.")] = None,
    threads: Annotated[int, typer.Option(help="Of torch: 1, so that two commands run side by side.")] = 1,
    device: Annotated[str, typer.Option(help="Where training runs: cpu, cuda or auto.")] = "cpu",
) -> None:
    """Train, score and check; a run that fails is a row, not an end."""
    from benchmarks.learned.trials import choose_trials

    trials, chosen_seeds = choose_trials(models, preset), whole_numbers("--seeds", seeds)
    from benchmarks.learned.run import How, run_all  # torch: a moment, not before a slip of the pen
    from genbench.cli.progress import Bars

    command = shlex.join(["python", "-m", "benchmarks.learned", *sys.argv[1:]])
    with Bars() as bars:
        run_all(trials, chosen_seeds, How(out, steps, threads, device, command, bars), _tell)


@app.command()
def table(
    directory: Annotated[Path, typer.Argument(help="Folder of the runs.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the table.")] = Path("reports/zoo"),
) -> None:
    """Write README.md, table.csv and the last sample grids."""
    from benchmarks.learned.results import read_results
    from benchmarks.learned.table import write_table

    results = read_results(directory)
    write_table(results, out)
    passed = sum(result.passed for _, result in results)
    text = f"{passed} of {len(results)} runs passed; written: {out}/README.md, {out}/table.csv"
    Console().print(text, highlight=False, markup=False, soft_wrap=True)


def _tell(result: Result) -> None:
    from benchmarks.learned.table import summarise

    Console().print(summarise(result), highlight=False, markup=False, soft_wrap=True)


if __name__ == "__main__":
    run_app(app)
