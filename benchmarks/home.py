"""The folder of a bench: what it asks, a folder a job, records.

    DIR/bench.json           what all its jobs have in common
    DIR/dcgan-0/job.json     what one is asked
    DIR/dcgan-0/record.json  what it answered; beside it run/, samples.npz, grid.png, scorecard.json, log.txt ...

Every file is written whole: a process that is killed leaves the old one or the new one.
"""

import fcntl
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmarks.contracts import Judge, Record
from genbench.errors import BadInput

BENCH, JOB, RECORD, LOCK, LOG = "bench.json", "job.json", "record.json", ".lock", "log.txt"
RUN, SAMPLES, SCORECARD, MEMORIZATION, GRID = "run", "samples.npz", "scorecard.json", "memorization.json", "grid.png"
GROWING = ("contestants", "seeds")  # of a bench: more of them are welcome
Kind = TypeVar("Kind", bound=BaseModel)


class Bench(BaseModel):
    """What all jobs of a folder have in common; ``bench.json``.

    Attributes:
        version: of this schema.
        suite: name.
        minutes: of training, of every model; None: updates are counted.
        steps: updates of every model; None with ``minutes`` None too: the preset's own.
        count: samples that are judged.
        threads: of torch, a job.
        device: where models are trained and drawn from, "cpu" or "cuda"; None: each preset says.
        contestants: names, in the order they were asked for.
        seeds: of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal["genbench.benchfolder/1"] = "genbench.benchfolder/1"
    suite: str
    minutes: float | None = None
    steps: int | None = None
    count: int
    threads: int = 1
    device: Literal["cpu", "cuda"] | None = None
    contestants: list[str] = []
    seeds: list[int] = []


class Job(BaseModel):
    """What one run is asked; ``job.json`` in its folder, which is all that it is carried out from.

    Attributes:
        version: of this schema.
        suite: name.
        contestant: name in tables.
        model: in the zoo's table; "" for an outsider.
        preset: of it.
        source: of an outsider, as ``genbench.score`` takes it; "" for a model that is trained.
        data: learned from; "" for an outsider.
        judged_by: data set whose test split judges.
        copied_from: the training set as a source, "data:digits32/train"; "": no copies are looked for.
        seed: of training and of sampling.
        minutes: as in ``Bench``.
        steps: likewise.
        judge: how it is judged.
        metrics: ids.
        extractor: whose features.
        protocol: as in ``Suite``.
        count: samples that are judged.
        threads: of torch.
        device: "cpu" or "cuda".
        cpus: cores it wants of a cluster.
        gpus: GPUs likewise.
        command: that asked for it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal["genbench.job/1"] = "genbench.job/1"
    suite: str
    contestant: str
    model: str = ""
    preset: str = ""
    source: str = ""
    data: str = ""
    judged_by: str
    copied_from: str = ""
    seed: int = 0
    minutes: float | None = None
    steps: int | None = None
    judge: Judge
    metrics: list[str]
    extractor: str
    protocol: str | None = None
    count: int
    threads: int = 1
    device: Literal["cpu", "cuda"] = "cpu"
    cpus: int = 1
    gpus: int = 0
    command: str = ""

    @property
    def real(self) -> str:
        """The reference, as a source."""
        return f"data:{self.judged_by}/test"


# ------------------------------------------------------------------------------------------------- the whole


def open_bench(home: Path, asked: Bench) -> Bench:
    """Write ``bench.json``, or add contestants and seeds to the one that is there; return it.

    Raises:
        BadInput: if what is there asks something else, or the folder cannot be written.
    """
    with writing(home):
        home.mkdir(parents=True, exist_ok=True)
        with open(home / LOCK, "w", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # the jobs of a Slurm array start together
            if (home / BENCH).exists():
                asked = _joined(read_bench(home), asked, home)
            write_whole(home / BENCH, asked)
    return asked


def read_bench(home: Path) -> Bench:
    """Return what the bench in ``home`` asks; raises ``BadInput`` if there is none."""
    if not (home / BENCH).is_file():
        raise BadInput(
            f"bench {str(home)!r}: nothing was run there; expected a folder with {BENCH}, got none. "
            "Run a suite: genbench bench run digits --out DIR."
        )
    return _read(home / BENCH, Bench, f"Restore it; or remove {BENCH} alone and run the same command: runs stay.")


def _joined(kept: Bench, asked: Bench, home: Path) -> Bench:
    for name in Bench.model_fields:
        ours, theirs = getattr(asked, name), getattr(kept, name)
        if name not in GROWING and ours != theirs:
            raise BadInput(
                f"bench {str(home)!r}: its {name} is another; expected {_plain(theirs)} as before, got "
                f"{_plain(ours)}. Ask for the same, or give another --out."
            )
    together = {name: list(dict.fromkeys([*getattr(kept, name), *getattr(asked, name)])) for name in GROWING}
    return kept.model_copy(update=together | {"seeds": sorted(together["seeds"])})


# ------------------------------------------------------------------------------------------------- one job


def folder_of(home: Path, contestant: str, seed: int) -> Path:
    """Return the folder of a job."""
    return home / f"{slug(contestant)}-{seed}"


def slug(contestant: str) -> str:
    """Return a contestant's name as folders have it."""
    return contestant.replace(":", "-").replace("/", "-")


def put_job(job: Job, folder: Path) -> None:
    """Write ``job.json``; raises ``BadInput`` if another job was begun in ``folder``, or nothing can be written."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if (folder / JOB).exists():
        kept = read_job(folder)
        other = [name for name in Job.model_fields if name != "command" and getattr(job, name) != getattr(kept, name)]
        if other:
            raise BadInput(
                f"job {str(folder)!r}: its {other[0]} is another; expected {_plain(getattr(kept, other[0]))} as "
                f"before, got {_plain(getattr(job, other[0]))}. Remove the folder, or give another --out."
            )
        return
    with writing(folder):
        write_whole(folder / JOB, job)


def read_job(folder: Path) -> Job:
    """Return what the job in ``folder`` is asked."""
    return _read(folder / JOB, Job, "Remove the folder to run it again.")


def write_record(record: Record, folder: Path) -> None:
    """Write ``record.json``, which ends a job."""
    write_whole(folder / RECORD, record)


def read_record(folder: Path) -> Record | None:
    """Return the record in ``folder``, None if there is none; raises ``BadInput`` for a file that is no record."""
    if not (folder / RECORD).is_file():
        return None
    return _read(folder / RECORD, Record, "Remove it to judge that run again.")


def read_records(home: Path) -> list[tuple[Path, Record]]:
    """Return the folders in ``home`` that hold a record, with it, by contestant and seed."""
    folders = [path.parent for path in home.glob(f"*/{RECORD}")]
    found = [(folder, record) for folder in folders if (record := read_record(folder)) is not None]
    return sorted(found, key=lambda pair: (pair[1].contestant, pair[1].seed))


@contextmanager
def locked(folder: Path) -> Iterator[int | None]:
    """Hold a job's folder: yield the lock's file descriptor, or None where another process holds it.

    A child that is given the descriptor holds the lock too; when all of them are dead, however they died, it is free.
    """
    with open(folder / LOCK, "a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        file.truncate(0)
        file.write(f"{os.getpid()} {platform.node()}\n")  # for who wonders
        file.flush()
        yield file.fileno()


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Write files in ``folder``; what the system refuses becomes a ``BadInput``."""
    try:
        yield
    except OSError as error:
        raise BadInput(
            f"folder {str(folder)!r}: cannot be written; expected room and rights, got {error}. Give another one."
        ) from error


def write_whole(path: Path, record: BaseModel) -> None:
    """Write a record as JSON so that the file is the old one or the new one, never a part."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
    os.replace(scratch, path)


def _read(path: Path, kind: type[Kind], todo: str) -> Kind:
    try:
        return kind.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise BadInput(
            f"{kind.__name__.lower()} {str(path)!r}: cannot be read; expected one that this program wrote, got "
            f"{' '.join(str(error).split())[:200]}. {todo}"
        ) from error


def _plain(value: object) -> str:
    return "none" if value is None else repr(value) if isinstance(value, str) else str(value)
