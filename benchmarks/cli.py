"""``genbench bench``: train models on the same terms, judge them alike, and rank them. Parsing only."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.contracts import Suite
from genbench.errors import BadInput

app = typer.Typer(help="Benchmarks of models: list, run, jobs, add, table, curve.", no_args_is_help=True)

SuiteName = Annotated[str, typer.Argument(help="Of genbench bench list.")]
Models = Annotated[str | None, typer.Option(help="Contestants, or MODEL:PRESET, with commas; default: all.")]
Seeds = Annotated[int | None, typer.Option(help="Runs of each contestant; default: the suite's.")]
Minutes = Annotated[float | None, typer.Option(help="Of training, a run; default: the suite's.")]
Full = Annotated[bool, typer.Option("--full", help="Each preset's own number of updates in place of minutes.")]
Steps = Annotated[int | None, typer.Option(help="So many updates in place of minutes.")]
Count = Annotated[int | None, typer.Option(help="Samples a run that are judged; default: the suite's.")]
Threads = Annotated[int, typer.Option(help="Of torch, a run: 1, so that numbers do not hang on the machine's cores.")]
Device = Annotated[str | None, typer.Option(help="cpu or cuda; default: as each preset says.")]
Out = Annotated[Path | None, typer.Option(help="Folder of the bench; what is there goes on.")]


@app.command("list")
def list_suites() -> None:
    """List the suites."""
    from benchmarks.suites import SUITES

    table = Table("suite", "what", "data", "models", "min", "judged by", box=None, header_style="bold")
    for name in SUITES:
        try:
            suite = SUITES.get(name)
        except Exception as error:  # another package's: the others are listed all the same
            table.add_row(name, f"broken: {type(error).__name__}: {' '.join(str(error).split())}", "", "", "", "")
            continue
        if not isinstance(suite, Suite):
            table.add_row(name, ", ".join(one.name for one in suite), "", "", "", "")
            continue
        title = suite.title if suite.is_tested else f"{suite.title} (never run here)"
        who = str(len(suite.contestants))
        table.add_row(name, title, suite.data, who, f"{suite.minutes:g}", suite.judge)
    Console().print(table, highlight=False)


@app.command()
def run(
    suite: SuiteName,
    models: Models = None,
    seeds: Seeds = None,
    only_seed: Annotated[int | None, typer.Option(help="This seed alone, and no table: a job of an array.")] = None,
    minutes_per_model: Minutes = None,
    full: Full = False,
    steps: Steps = None,
    count: Count = None,
    out: Out = None,
    retry: Annotated[bool, typer.Option("--retry", help="Try again what diverged or crashed.")] = False,
    threads: Threads = 1,
    device: Device = None,
    cluster: Annotated[str | None, typer.Option(help="Address of a Ray cluster, or auto (extra: cluster).")] = None,
) -> None:
    """Train, draw and judge every contestant with every seed; then the table; exit 1 if a run crashed or diverged.

    Killed at any moment, the same command goes on. A run that crashed or diverged, or whose own process was killed
    with SIGKILL (out of memory?), stands as a row that says so until --retry. With minutes, two machines give
    different numbers; with --full or --steps the same but for rounding.
    """
    budget = {"minutes": minutes_per_model, "full": full, "steps": steps}
    shared = {"count": count, "threads": threads, "device": device}
    failed = 0
    for one, home, names in _parts(suite, out, models):
        bench = _bench(one, budget, shared)
        failed += _run_one(one, bench, home, names, _seeds(one, seeds, only_seed), retry=retry, cluster=cluster)
        if only_seed is None:
            _show(home)
    if failed:
        raise typer.Exit(1)


@app.command()
def jobs(
    suite: SuiteName,
    out: Annotated[Path, typer.Option(help="Folder of the bench, which all machines see.")],
    models: Models = None,
    seeds: Seeds = None,
    minutes_per_model: Minutes = None,
    full: Full = False,
    steps: Steps = None,
    count: Count = None,
    threads: Threads = 1,
    device: Device = None,
) -> None:
    """Print one command a line, a run each, for a Slurm array; beside them, on stderr, what makes the tables then."""
    from benchmarks.lineup import choose_contestants

    options = {
        "--minutes-per-model": minutes_per_model,
        "--steps": steps,
        "--count": count,
        "--threads": threads if threads != 1 else None,
        "--device": device,
    }
    given = [word for name, value in options.items() if value is not None for word in (name, str(value))]
    given += ["--full"] if full else []
    for one, home, names in _parts(suite, out, models):
        _bench(one, {"minutes": minutes_per_model, "full": full, "steps": steps}, {"count": count, "device": device})
        for seed in _seeds(one, seeds, None):
            for who in choose_contestants(one, names):
                words = ["run", one.name, "--models", who.name, "--only-seed", str(seed), *given, "--out", str(home)]
                typer.echo(shlex.join(["genbench", "bench", *words]))
        typer.echo(f"# then: {shlex.join(['genbench', 'bench', 'table', str(home)])}", err=True)


@app.command()
def add(
    directory: Annotated[Path, typer.Argument(help="Folder of a bench.")],
    fake: Annotated[str, typer.Argument(help="Images, or what makes them, as genbench score takes it.")],
    name: Annotated[str, typer.Option(help="In the table: letters, digits, spaces and . _ + : -")],
    seed: Annotated[int, typer.Option(help="Of drawing, and of several runs of one name.")] = 0,
) -> None:
    """Enter an outsider: a folder, an archive or a module, judged like the others. Then: genbench bench table DIR.

    What cannot be judged is refused with the reason (exit 2), and leaves nothing behind.
    """
    from benchmarks.entry import enter, other_size
    from benchmarks.home import read_bench
    from benchmarks.lineup import outsider
    from benchmarks.suites import suites_of

    bench = read_bench(directory)
    (suite,) = suites_of(bench.suite)
    source = str(Path(fake).resolve()) if Path(fake).exists() else fake
    job = outsider(suite, bench, name, source, seed, _command())
    ended = enter(job, suite, bench, directory)
    _telling(1)(ended)
    if note := other_size(job, ended.folder):
        _echo(note)
    _echo(f"{ended.folder}; the table: genbench bench table {directory}")


@app.command()
def table(
    directory: Annotated[Path, typer.Argument(help="Folder of a bench, or of a table with --check.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Folder of the table; default: DIR.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Does the table in DIR follow from its records?")] = False,
) -> None:
    """Write the table: README.md, index.html, leaderboard.csv, and show it; exit 1 if --check finds another."""
    from benchmarks.leaderboard import check_leaderboard, print_leaderboard, write_leaderboard

    if not check:
        print_leaderboard(write_leaderboard(directory, out or directory), Console())
        _echo(f"written: {out or directory}/README.md, index.html, leaderboard.csv")
        return
    faults = check_leaderboard(directory)
    for fault in faults:
        _echo(fault)
    if faults:
        raise typer.Exit(1)
    _echo(f"{directory}: follows from its records")


@app.command()
def curve(
    run: Annotated[Path, typer.Argument(help="Folder of a run in a bench, or of genbench zoo train.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Folder of the curve; default: the run's.")] = None,
    real: Annotated[str | None, typer.Option(help="Reference; default: what judges the run.")] = None,
    count: Annotated[int | None, typer.Option(help="Samples of each checkpoint; default: the job's.")] = None,
    metric: Annotated[str, typer.Option(help="Of genbench list metrics.")] = "fd",
) -> None:
    """Score every checkpoint of a run: a metric with intervals against images seen; curve.png, curve.csv, curve.json.

    Of a run in a bench, with its bench's extractor and protocol.
    """
    from benchmarks.curve import PICTURE, draw_curve

    drawn = draw_curve(run, out, real=real, count=count, metric=metric)
    ends = [f"{point.value:.4g} at {point.images:,} images" for point in (drawn.points[0], drawn.points[-1])]
    _echo(f"{drawn.model}: {drawn.label} {' -> '.join(ends)}")
    _echo(f"written: {(out or run) / PICTURE}")


# ------------------------------------------------------------------------------------------------- parts of a command


def _parts(name: str, out: Path | None, models: str | None) -> list[tuple[Suite, Path, str | None]]:
    """Return the suites called ``name`` with their folders and contestants; each one's own where there are several."""
    from benchmarks.lineup import takes_part
    from benchmarks.suites import suites_of

    suites, home = suites_of(name), out or Path("genbench-bench") / name
    if len(suites) == 1:
        return [(suites[0], home, models)]
    found = [(suite, home / suite.data, takes_part(suite, models)) for suite in suites]
    chosen = [part for part in found if part[2] != ""]
    if not chosen:
        raise BadInput(f"--models {models!r}: none takes part in {name!r}; expected contestants of {_names(suites)}.")
    return chosen


def _names(suites: tuple[Suite, ...]) -> str:
    return ", ".join(dict.fromkeys(one.name for suite in suites for one in suite.contestants))


def _bench(suite: Suite, budget: dict[str, Any], shared: dict[str, Any]) -> Any:
    """Return the bench that is asked for; raises ``BadInput`` for budgets that exclude each other."""
    from benchmarks.home import Bench

    minutes, full, steps = budget["minutes"], budget["full"], budget["steps"]
    if sum((minutes is not None, full, steps is not None)) > 1:
        raise BadInput(
            "bench: more than one budget; expected one of --minutes-per-model, --full and --steps, got more."
        )
    for option, value in (("--minutes-per-model", minutes), ("--steps", steps), ("--count", shared.get("count"))):
        if value is not None and not value > 0:
            raise BadInput(f"{option}: too little; expected more than 0, got {value}. Give more.")
    if shared.get("device") not in (None, "cpu", "cuda"):
        raise BadInput(f"--device: unknown device; expected cpu or cuda, got {shared['device']!r}.")
    is_timed = not full and steps is None
    given = {name: value for name, value in shared.items() if value is not None}
    return Bench(
        suite=suite.name,
        minutes=(minutes or suite.minutes) if is_timed else None,
        steps=steps,
        **{"count": suite.count, **given},
    )


def _seeds(suite: Suite, seeds: int | None, only_seed: int | None) -> list[int]:
    if seeds is not None and seeds < 1:
        raise BadInput(f"--seeds: too few; expected 1 or more, got {seeds}. Give more.")
    return [only_seed] if only_seed is not None else list(range(suite.seeds if seeds is None else seeds))


def _run_one(
    suite: Suite, bench: Any, home: Path, names: str | None, seeds: list[int], *, retry: bool, cluster: str | None
) -> int:
    """Carry out a suite's jobs, here or on a cluster; say what failed, and return how many did."""
    from benchmarks.lineup import choose_contestants, jobs_of

    chosen = choose_contestants(suite, names)
    asked = jobs_of(suite, bench, chosen, seeds, _command())
    _refuse_missing_gpu(asked, cluster)
    _refuse_missing_judges(asked, cluster)
    bench = bench.model_copy(update={"contestants": [one.contestant for one in asked], "seeds": seeds})
    if cluster is None:
        from benchmarks.run import run_jobs

        ended = run_jobs(asked, home, _telling(len(asked)), bench=bench, retry=retry)
    else:
        from benchmarks.cluster import run_on_cluster

        ended = run_on_cluster(asked, home, _telling(len(asked)), cluster, bench=bench, retry=retry)
    failed = [one for one in ended if one.record is not None and one.record.status != "done"]
    busy = [one for one in ended if one.record is None]
    if failed:
        _echo(f"{len(failed)} of {len(ended)} runs failed: {', '.join(one.folder.name for one in failed)}")
    if busy:
        _echo(f"{len(busy)} of {len(ended)} runs are worked on by another command; this one did not wait for them")
    return len(failed)


def _refuse_missing_gpu(asked: list[Any], cluster: str | None) -> None:
    """Raise ``BadInput`` if a job here needs a GPU that is not there."""
    import torch

    wanting = [job.contestant for job in asked if job.device == "cuda"]
    if wanting and cluster is None and not torch.cuda.is_available():
        raise BadInput(
            f"bench: {', '.join(dict.fromkeys(wanting))} want a GPU; expected a CUDA device, got none. Use --cluster, "
            "or --device cpu, which takes days."
        )


def _refuse_missing_judges(asked: list[Any], cluster: str | None) -> None:
    """Raise what is raised if jobs here could not be judged once they are trained: weights that are not here."""
    from benchmarks.judging.images import refuse_unready

    if cluster is None:
        for one in {(job.device, *job.metrics): job for job in asked}.values():
            refuse_unready(one)


def _telling(total: int) -> Any:
    """Return what tells of each job as it ends, in a line."""
    from benchmarks.telling import in_a_line

    done = iter(range(1, total + 1))
    return lambda ended: _echo(f"[{next(done)}/{total}] {in_a_line(ended)}")


def _show(home: Path) -> None:
    """Write the table of what has ended, and show it."""
    from benchmarks.home import read_records
    from benchmarks.leaderboard import print_leaderboard, write_leaderboard

    if not read_records(home):
        return
    print_leaderboard(write_leaderboard(home, home), Console())
    _echo(f"written: {home}/README.md, index.html, leaderboard.csv; a run each: {home}/*/")


def _command() -> str:
    return shlex.join(["genbench", *sys.argv[1:]])


def _echo(text: str) -> None:
    Console().print(text, highlight=False, markup=False, soft_wrap=True)
