"""One job in a process of its own, ``python -m benchmarks.job FOLDER [PARENT]``: train, draw, judge, write a record.

All is read from ``job.json``. It dies when the process PARENT has. Killed at any moment, the same job goes on from the
newest checkpoint. What training or judging raises is a record that says so; what kills the process is for who started
it to record.
"""

import faulthandler
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.contracts import Record, Status
from benchmarks.home import GRID, RUN, SAMPLES, SCORECARD, Job, read_job, write_record, write_whole
from benchmarks.judging import JUDGES
from benchmarks.judging.images import look_for_copies
from benchmarks.judging.samples import draw_samples, keep_samples, take_samples
from genbench.contracts import Silence, Watch
from genbench.provenance import describe_environment
from zoo import training
from zoo.description import count_parameters
from zoo.model import Model
from zoo.runs import RECIPE, open_trained, plan, refuse_another, start

CURVES = f"{RUN}/curves.png"
LOOK_S = 0.2  # between two looks whether the parent lives


def work(folder: Path, watch: Watch | None = None) -> Record:
    """Carry out the job in ``folder``, write its record and return it."""
    job = read_job(folder)
    torch.set_num_threads(job.threads)
    try:
        record = Record(**facts(job), **carry_out(job, folder, watch or Silence()))
    except training.Diverged as error:
        record = failed(job, "diverged", str(error))
    except Exception as error:  # the other jobs go on
        traceback.print_exc(file=sys.stdout)
        record = failed(job, "crashed", f"{type(error).__name__}: {' '.join(str(error).split())}")
    write_record(record, folder)
    return record


def carry_out(job: Job, folder: Path, watch: Watch) -> dict[str, Any]:
    """Train, as far as that is still to be done, and judge; return the fields of the record that tell of it."""
    if job.source:
        found, samples = {}, take_samples(job)
    else:
        found, model = train(job, folder / RUN, watch)
        started = time.perf_counter()
        samples, found["samples_per_second"] = draw_samples(model, job)
    started = time.perf_counter()
    keep_samples(samples, folder)
    found |= judge(job, folder, samples)
    curves = CURVES if (folder / CURVES).exists() else None
    return found | {"picture": GRID, "curves": curves, "judging_seconds": time.perf_counter() - started}


def train(job: Job, run: Path, watch: Watch) -> tuple[dict[str, Any], Model]:
    """Train until the budget is used up, from the newest checkpoint in ``run``; return facts and the model."""
    recipe, examples = plan(job.model, job.preset, data=job.data, steps=job.steps, minutes=job.minutes, seed=job.seed)
    refuse_another(recipe, run)
    if not (run / RECIPE).exists():
        start(recipe, run)
    training.train(recipe, examples, run, training.open_fabric(job.device), watch)
    model, counters = open_trained(run, device=job.device)
    found = {
        "steps": counters.step,
        "images": counters.images,
        "training_seconds": counters.seconds,
        "parameters": count_parameters(model),
    }
    return found, model


def judge(job: Job, folder: Path, samples: np.ndarray) -> dict[str, Any]:
    """Score the samples, and look for copies where that is asked; return the fields of the record."""
    card = JUDGES.get(job.judge)(job, folder, samples)
    write_whole(folder / SCORECARD, card)
    if not job.copied_from:
        return {"scorecard": card}
    found = look_for_copies(job, folder)
    return {"scorecard": card, "copies": found.words[0], "flagged_share": found.flagged_share}


def facts(job: Job) -> dict[str, Any]:
    """Return the fields of a record that are known before any work."""
    kept = ("suite", "contestant", "model", "preset", "seed", "data", "command")
    machine = {"threads": job.threads, "device": job.device}
    return {
        **{name: getattr(job, name) for name in kept},
        "source": SAMPLES,
        "environment": {**describe_environment(), **machine},
    }


def failed(job: Job, status: Status, error: str) -> Record:
    """Return the record of a job that has no numbers."""
    return Record(**facts(job), status=status, error=error)


def die_with(parent: int) -> None:
    """Kill this process once ``parent`` is gone: an orphan would train on, and keep its folder locked."""
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Carry out the job in the folder that the command line names; a bar is drawn where a terminal looks on."""
    from genbench.cli.progress import Bars

    faulthandler.enable(sys.stdout)
    warnings.filterwarnings("ignore", module="PIL")
    folder, *parents = sys.argv[1:]
    for parent in parents:
        threading.Thread(target=die_with, args=(int(parent),), daemon=True).start()
    if not sys.stderr.isatty():
        work(Path(folder))
        return
    with Bars() as bars:
        work(Path(folder), bars)


if __name__ == "__main__":
    main()
