"""An outsider enters a bench, and what cannot be judged leaves nothing behind: it is mended and entered again."""

import shutil
from pathlib import Path

import numpy as np

from benchmarks.contracts import Suite
from benchmarks.home import (
    JOB,
    SAMPLES,
    Bench,
    Job,
    folder_of,
    locked,
    open_bench,
    put_job,
    read_job,
    read_record,
    slug,
)
from benchmarks.run import Ended, run_job
from genbench.contracts import SourceOptions
from genbench.errors import BadInput
from genbench.images.decode import decode
from genbench.sources import open_source


def enter(job: Job, suite: Suite, bench: Bench, home: Path) -> Ended:
    """Judge an outsider; ``bench.json`` grows by it only once it has a scorecard.

    Args:
        job: what is asked, of ``lineup.outsider``.
        suite: of the bench.
        bench: as it is.
        home: its folder.

    Raises:
        BadInput: if the name is another's, another command enters it, or it cannot be judged; nothing is left then.
    """
    folder = folder_of(home, job.contestant, job.seed)
    _refuse_taken(job, suite, home)
    _clear(folder)
    _refuse_another(job, folder)
    put_job(job, folder)
    ended = run_job(job, folder)
    if ended.record is None:
        raise BadInput(
            f"--name {job.contestant!r}: another command works on it; expected one at a time, got {str(folder)!r} "
            "locked. Wait for it, or choose another name."
        )
    if ended.record.status != "done":
        shutil.rmtree(folder)
        reason = (ended.record.error or "").removeprefix(f"{BadInput.__name__}: ")
        raise BadInput(f"--name {job.contestant!r}: is not entered, and nothing of it is kept; {reason}")
    open_bench(home, bench.model_copy(update={"contestants": [job.contestant], "seeds": [job.seed]}))
    return ended


def other_size(job: Job, folder: Path) -> str:
    """Say that an outsider's images are of another size than the reference's; "" if they are not, or are points."""
    with np.load(folder / SAMPLES) as kept:
        if "images" not in kept.files:
            return ""
        height, width = kept["images"].shape[1:3]
    source = open_source(job.real, SourceOptions())
    (first,) = source.read(source.entries(1)[:1])  # a folder's entries are all of it
    real_height, real_width = decode(first).shape[:2]
    if (height, width) == (real_height, real_width):
        return ""
    return (
        f"warning: images of {job.contestant} are {width} x {height}, those of {job.judged_by} {real_width} x "
        f"{real_height}; scores see the difference in size too"
    )


def _refuse_taken(job: Job, suite: Suite, home: Path) -> None:
    """Raise ``BadInput`` if the name, or its folder, is that of something else; another seed of itself is welcome."""
    kept = [read_job(path.parent) for path in home.glob(f"*/{JOB}")]
    others = [one.contestant for one in kept if not one.source or one.contestant != job.contestant]
    for other in (*suite.outsiders, *others):
        if slug(other) == slug(job.contestant):
            raise BadInput(
                f"--name {job.contestant!r}: expected a name that no contestant has, got that of {other!r} or of its "
                "folder. Choose another."
            )


def _clear(folder: Path) -> None:
    """Remove what is left of an outsider that failed, or was broken off."""
    if not (folder / JOB).exists():
        return
    with locked(folder) as lock:
        if lock is not None and ((record := read_record(folder)) is None or record.status != "done"):
            shutil.rmtree(folder)


def _refuse_another(job: Job, folder: Path) -> None:
    if (folder / JOB).exists() and (kept := read_job(folder)).source != job.source:
        raise BadInput(
            f"--name {job.contestant!r}: is entered already with seed {job.seed}; expected {kept.source!r} as before, "
            f"got {job.source!r}. Give another --name or --seed, or remove {folder}."
        )
