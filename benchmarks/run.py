"""READ FIRST. A suite: jobs in order, each in a process of its own, each ending in a record.

    suite -> contestants x seeds -> jobs -> (train, draw, judge: job.py) -> records -> table

Killed at any moment, the same command goes on: finished jobs are left as they are, training resumes from its newest
checkpoint; the process of a job dies with the one that started it. A folder in which another command works is skipped:
several commands, or the jobs of a Slurm array, share one bench. A job that diverges or crashes is a record that says
so, and the others go on.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contracts import Record
from benchmarks.home import (
    LOG,
    RECORD,
    Bench,
    Job,
    folder_of,
    locked,
    open_bench,
    put_job,
    read_record,
    write_record,
)


@dataclass(frozen=True)
class Ended:
    """What became of a job.

    Attributes:
        job: what was asked.
        folder: where.
        record: what it answered; None: another command works on it.
        is_old: it was there already.
    """

    job: Job
    folder: Path
    record: Record | None
    is_old: bool = False


Tell = Callable[[Ended], None]


def run_jobs(jobs: Sequence[Job], home: Path, tell: Tell, *, bench: Bench, retry: bool = False) -> list[Ended]:
    """Carry out jobs one after the other; ``tell`` of each as soon as it has ended.

    Args:
        jobs: what is asked.
        home: folder of the bench.
        tell: told of each.
        bench: what the jobs have in common.
        retry: do again what diverged or crashed.

    Raises:
        BadInput: before any work, if ``home`` holds another bench, or the folder of one another job.
    """
    put_jobs(jobs, home, bench)
    ended = []
    for job in jobs:
        ended.append(run_job(job, folder_of(home, job.contestant, job.seed), retry=retry))
        tell(ended[-1])
    return ended


def put_jobs(jobs: Sequence[Job], home: Path, bench: Bench) -> None:
    """Write ``bench.json`` and every ``job.json``, before any work."""
    open_bench(home, bench)
    for job in jobs:
        put_job(job, folder_of(home, job.contestant, job.seed))


def run_job(job: Job, folder: Path, *, retry: bool = False) -> Ended:
    """Carry out one job in a child process; whatever kills the child is a record."""
    with locked(folder) as lock:
        if lock is None:
            return Ended(job, folder, None)
        kept = settled(folder, retry=retry)
        if kept is not None:
            return Ended(job, folder, kept, is_old=True)
        code = start_child(job, folder, lock)
        record = read_record(folder)
        if record is None:
            record = record_death(job, folder, reason_of(code))
        return Ended(job, folder, record)


def settled(folder: Path, *, retry: bool) -> Record | None:
    """Return the record that stands; one of a failure is removed where it is to be tried again.

    A job that somebody stopped goes on without being asked to.
    """
    kept = read_record(folder)
    if kept is not None and kept.status != "done" and (retry or kept.error in STOPPED):
        (folder / RECORD).unlink()
        return None
    return kept


def start_child(job: Job, folder: Path, lock: int) -> int:
    """Run ``python -m benchmarks.job`` until it ends; return its exit code. It holds the lock too, and dies with us.

    What it says goes to ``log.txt``; progress to a terminal, where there is one.
    """
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(job.threads))
    with open(folder / LOG, "a", encoding="utf-8") as log:
        return subprocess.call(
            [sys.executable, "-m", "benchmarks.job", str(folder), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=None if sys.stderr.isatty() else log,
            env={**os.environ, **threads},
            pass_fds=(lock,),
        )


def record_death(job: Job, folder: Path, reason: str) -> Record:
    """Write and return the record of a job whose process died."""
    from benchmarks.job import failed

    record = failed(job, "crashed", reason)
    write_record(record, folder)
    return record


def reason_of(code: int) -> str:
    """Return why a process that wrote no record ended."""
    if code >= 0:
        return f"ended with exit code {code} and no record; {LOG} says more"
    name = signal.Signals(-code).name
    return f"killed by signal {-code} ({name})" + ("; out of memory?" if code == -signal.SIGKILL else "")


STOPPED = tuple(reason_of(-number) for number in (signal.SIGINT, signal.SIGTERM))
