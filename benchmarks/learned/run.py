"""READ FIRST. One run: train, score before and after, check, write ``result.json``.

    DIR/gan-small-0/run/          as genbench zoo train leaves it
    DIR/gan-small-0/result.json   what the table is made from

Killed at any moment, the same command goes on: finished runs are left as they are, training resumes from its newest
checkpoint, a run that crashed is tried again. Remove a ``result.json`` to judge that run again without training it.
"""

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks.learned.checks import check_all
from benchmarks.learned.results import Measured, Result, read_result, write_result
from benchmarks.learned.subject import Subject
from benchmarks.learned.trials import Trial, folder_of
from genbench.contracts import Silence, Watch
from genbench.provenance import describe_environment
from genbench.seeds import derive
from zoo import training
from zoo.data import Examples, open_data
from zoo.description import count_parameters
from zoo.model import Model
from zoo.runs import RECIPE, Recipe, build, open_trained, plan, read_recipe, refuse_another, start

RUN, TRACEBACK = "run", "traceback.txt"


@dataclass(frozen=True)
class How:
    """What all runs of a command share.

    Attributes:
        home: folder of the runs' folders.
        steps: updates of every run; None: the preset's.
        threads: of torch.
        device: where training runs; judging is on the CPU.
        command: that was given, for the record.
        watch: told of progress.
    """

    home: Path
    steps: int | None = None
    threads: int = 1
    device: str = "cpu"
    command: str = ""
    watch: Watch = field(default_factory=Silence)


def run_all(
    trials: Sequence[Trial], seeds: Sequence[int], how: How, tell: Callable[[Result], None] | None = None
) -> list[Result]:
    """Run every trial with every seed, seed by seed; return their results, ``tell`` each as soon as it is there."""
    torch.set_num_threads(how.threads)
    results = []
    for seed in seeds:
        for trial in trials:
            results.append(run_one(trial, seed, how))
            if tell is not None:
                tell(results[-1])
    return results


def run_one(trial: Trial, seed: int, how: How) -> Result:
    """Return the result of one run, kept or made now; a crash is a result that says so."""
    folder = folder_of(how.home, trial.model, trial.preset, seed)
    facts = {
        "model": trial.model,
        "preset": trial.preset,
        "seed": seed,
        "command": how.command,
        "environment": {**describe_environment(), "threads": how.threads, "device": how.device},
    }
    try:
        recipe, train = plan(
            trial.model, trial.preset, steps=how.steps, seed=seed, settings={"checkpoints": trial.checkpoints}
        )
        refuse_another(recipe, folder / RUN)
        kept = read_result(folder)
        if kept is not None and kept.error is None:
            return kept
        result = Result(**facts, **carry_out(trial, recipe, train, folder, how))
    except Exception as error:  # the other runs go on
        folder.mkdir(parents=True, exist_ok=True)
        (folder / TRACEBACK).write_text(traceback.format_exc(), encoding="utf-8")
        result = Result(**facts, error=f"{type(error).__name__}: {' '.join(str(error).split())}")
    write_result(result, folder)
    return result


def carry_out(trial: Trial, recipe: Recipe, train: Examples, folder: Path, how: How) -> dict[str, Any]:
    """Train, as far as that is still to be done, and judge; return the fields of the result."""
    directory = folder / RUN
    if not (directory / RECIPE).exists():
        start(recipe, directory)
    training.train(recipe, train, directory, training.open_fabric(how.device), how.watch)
    return judge(trial, directory, train)


def judge(trial: Trial, directory: Path, train: Examples) -> dict[str, Any]:
    """Score and check the newest checkpoint of a run; return the fields of the result."""
    started = time.perf_counter()
    recipe = read_recipe(directory)
    model, counters = open_trained(directory)
    test = open_data(recipe.data, "test")
    subject = Subject(model, untrained(recipe), train, test, recipe.seed, directory)
    distances = {}
    if not recipe.spec.is_points:
        distances = {"floor": subject.floor, "untrained": subject.before, "trained": subject.trained}
    checks = check_all(trial.thresholds, subject)
    pictures = sorted((directory / "samples").glob("*.png"))
    return {
        "data": recipe.data,
        "steps": counters.step,
        "images": counters.images,
        "training_seconds": counters.seconds,
        "parameters": count_parameters(model),
        "count": subject.count,
        "extractor": subject.extractor if distances else "",
        "distances": {name: Measured(value=score.value, stderr=score.stderr) for name, score in distances.items()},
        "checks": checks,
        "picture": str(pictures[-1].relative_to(directory.parent)) if pictures else None,
        "judging_seconds": time.perf_counter() - started,
    }


def untrained(recipe: Recipe) -> Model:
    """Return the model of a recipe as it is at step 0, its batch-norm statistics estimated as for a checkpoint."""
    model = build(recipe).eval()
    model.calibrate(torch.Generator().manual_seed(derive(recipe.seed, "look")))
    return model
