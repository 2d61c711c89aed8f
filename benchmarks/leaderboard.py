"""The folder of a leaderboard: written from a bench, read back, and checked.

README.md  index.html  leaderboard.csv  leaderboard.parquet   what people and programs read
comparison.json  records/dcgan-0.json                         what all of it follows from
dcgan-0.png  dcgan-0-curves.png                               samples and training curves
"""

import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from benchmarks.audit import differing, inconsistencies
from benchmarks.board import QUESTION, Leaderboard, Question
from benchmarks.contracts import Record, Suite
from benchmarks.home import BENCH, JOB, RECORD, Bench, read_bench, read_job, read_records, writing
from benchmarks.learned.table import shrink
from benchmarks.markdown import to_markdown
from benchmarks.page import draw_page
from benchmarks.spreadsheet import same_parquet, to_csv, write_parquet
from benchmarks.standing import Outcome, compare_jobs
from benchmarks.terminal import print_leaderboard as print_leaderboard
from genbench.comparison import Comparison
from genbench.contracts import Watch
from genbench.errors import BadInput, GenbenchError
from genbench.report.read import read_record
from genbench.report.write import write_text

COMPARISON, RECORDS = "comparison.json", "records"
README, TABLE, PARQUET, PAGE = "README.md", "leaderboard.csv", "leaderboard.parquet", "index.html"
COMMAND = "genbench bench table DIR"


def write_leaderboard(home: Path, out: Path, watch: Watch | None = None) -> Leaderboard:
    """Compare the runs of a bench, and write the leaderboard's folder.

    Args:
        home: folder of a bench; or of a leaderboard, which is only drawn again from its numbers.
        out: folder of the leaderboard, made if need be.
        watch: told of progress.

    Raises:
        BadInput: if there is no record in ``home``, runs were judged in different ways, samples do not give the
            scores of their scorecards, or ``out`` cannot be written.
    """
    is_drawn_again = not (home / BENCH).exists() and (home / COMPARISON).exists()
    outcomes = [] if is_drawn_again else [Outcome(*pair) for pair in read_records(home)]
    board = read_leaderboard(home) if is_drawn_again else compare_bench(home, outcomes, watch)
    with writing(out):
        (out / RECORDS).mkdir(parents=True, exist_ok=True)
        if is_drawn_again and home.resolve() != out.resolve():
            for file in _pictures(board):
                shutil.copy(home / file, out / file)
        for outcome in outcomes:
            _shrink_pictures(board, outcome, out)
        _write(board, out)
    return board


def compare_bench(home: Path, outcomes: Sequence[Outcome], watch: Watch | None = None) -> Leaderboard:
    """Return the leaderboard of the records that are there by now."""
    from benchmarks.suites import SUITES

    bench = read_bench(home)
    if not outcomes:
        raise BadInput(
            f"leaderboard {str(home)!r}: no job has ended; expected a folder with {RECORD}, got none. "
            "Run the suite: genbench bench run."
        )
    suite: Suite = SUITES.get(bench.suite)
    comparison = compare_jobs(outcomes, suite.judge, suite.metrics, watch)
    question = _question(suite, bench, outcomes, home)
    told = comparison.provenance | {QUESTION: question.model_dump(mode="json")}
    records = {outcome.folder.name: outcome.record for outcome in outcomes}
    return Leaderboard(comparison.model_copy(update={"provenance": told}), records)


def read_leaderboard(folder: Path) -> Leaderboard:
    """Return the leaderboard whose numbers a folder holds.

    Raises:
        BadInput: if a file is missing or cannot be read.
    """
    comparison = read_record(folder / COMPARISON, Comparison, "comparison", COMMAND)
    if QUESTION not in comparison.provenance:
        raise BadInput(
            f"leaderboard {str(folder)!r}: its comparison is of no bench; expected one that `{COMMAND}` wrote, got no "
            f"{QUESTION!r} in its provenance. Make the table again."
        )
    jobs = Question.model_validate(comparison.provenance[QUESTION]).jobs
    found = {path.stem: path for path in sorted((folder / RECORDS).glob("*.json"))}
    for job in [*jobs, *found]:
        if (job in jobs) != (job in found):
            raise BadInput(
                f"leaderboard {str(folder)!r}: record {job!r} is {'missing' if job in jobs else 'not of this table'}; "
                f"expected the {len(jobs)} records that {COMPARISON} names, got {len(found)}. Make the table again."
            )
    return Leaderboard(comparison, {job: read_record(found[job], Record, "record", COMMAND) for job in jobs})


def check_leaderboard(folder: Path) -> list[str]:
    """Return what in a leaderboard's folder does not follow from its records and its comparison; [] if all does.

    ``README.md``, ``leaderboard.csv`` and ``index.html`` must be byte for byte what these give, the scores of the
    comparison those of the scorecards, and its means, places and verdicts what follows from them. ``README.md`` holds
    a SHA-256 of both, so that no number in them can change by itself. Where pyarrow is installed,
    ``leaderboard.parquet`` must be there and hold the rows of ``leaderboard.csv``.
    """
    try:
        board = read_leaderboard(folder)
        found = inconsistencies(board)
        if found:
            return found  # what is drawn from these would differ anyhow
        for name, text in _texts(board, folder).items():
            found += differing(name, folder / name, text)
        found += _of_parquet(board, folder / PARQUET)
    except FileNotFoundError as error:
        return [f"{Path(error.filename).name}: missing"]
    except (GenbenchError, OSError) as error:
        return [str(error)]
    return found


def _of_parquet(board: Leaderboard, path: Path) -> list[str]:
    """Return what is wrong with the Parquet file; [] where pyarrow, without which nobody writes one, is not there."""
    if find_spec("pyarrow") is None:
        return []
    if not path.is_file():
        return [f"{PARQUET}: missing; where pyarrow is installed, as here, `{COMMAND}` writes it"]
    try:
        is_same = same_parquet(board, path)
    except (OSError, ValueError) as error:  # of pyarrow's, whose words are of its own insides
        kind = type(error).__name__
        return [f"{PARQUET}: damaged; expected the rows of {TABLE}, got a file that cannot be read ({kind})"]
    return [] if is_same else [f"{PARQUET}: holds other rows than {TABLE}"]


def _question(suite: Suite, bench: Bench, outcomes: Sequence[Outcome], home: Path) -> Question:
    folders = sorted(path.parent for path in home.glob(f"*/{JOB}") if not (path.parent / RECORD).exists())
    return Question(
        suite=suite.name,
        title=suite.title,
        data=suite.data,
        judge=suite.judge,
        metrics=list(suite.metrics),
        minutes=bench.minutes,
        steps=bench.steps,
        shows=suite.shows,
        cannot=suite.cannot,
        is_tested=suite.is_tested,
        jobs=[outcome.folder.name for outcome in outcomes],
        unfinished={folder.name: read_job(folder).contestant for folder in folders},
    )


def _write(board: Leaderboard, out: Path) -> None:
    """Write everything but the pictures, which are there; files of an older table are removed."""
    write_text(out / COMPARISON, board.comparison.to_json() + "\n", "--out")
    for job, record in board.records.items():
        write_text(out / RECORDS / f"{job}.json", record.model_dump_json(indent=2) + "\n", "--out")
    for file in (out / RECORDS).glob("*.json"):
        if file.stem not in board.records:
            file.unlink()
    for name, text in _texts(board, out).items():
        write_text(out / name, text, "--out")
    if not write_parquet(board, out / PARQUET):
        (out / PARQUET).unlink(missing_ok=True)


def _texts(board: Leaderboard, folder: Path) -> dict[str, str]:
    """Return file -> text of all that is drawn from the numbers, and for the page from the pictures in ``folder``."""
    pictures = {file: (folder / file).read_bytes() for file in _pictures(board)}
    return {README: to_markdown(board), TABLE: to_csv(board), PAGE: draw_page(board, pictures)}


def _pictures(board: Leaderboard) -> list[str]:
    return [file for name in board.contestants for file in board.pictures(name).values()]


def _shrink_pictures(board: Leaderboard, outcome: Outcome, out: Path) -> None:
    shown = board.pictures(outcome.record.contestant).values()
    own = {"": outcome.record.picture, "-curves": outcome.record.curves}
    for ending, source in own.items():
        target = f"{outcome.folder.name}{ending}.png"
        if source is not None and target in shown:
            shrink(outcome.folder / source, out / target)
