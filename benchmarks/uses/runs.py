"""Trained models put to use: opens a run, applies a use, and makes its record."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from benchmarks.uses.anomalies import tell_anomalies
from benchmarks.uses.labels import SHOTS, compare_inputs
from benchmarks.uses.records import Anomalies, Labels, Made
from benchmarks.uses.tuning import compare_starts
from genbench.provenance import describe_environment
from zoo.autoencoder.coding import CodingModel
from zoo.data import open_data
from zoo.model import Model
from zoo.runs import Recipe, build, open_trained, read_recipe


def judge_anomalies(run: Path, *, seed: int = 0, command: str = "") -> Anomalies:
    """Return how well the newest checkpoint of a run tells odd images from the held-out ones of its data."""
    recipe, model, made = _open(run, seed, command)
    found = tell_anomalies(model, open_data(recipe.data), open_data(recipe.data, "test"), seed)
    return Anomalies(
        made=made,
        likelihood=model.kind,
        count=found.count,
        bits=found.bits,
        training_bits=found.training_bits,
        kinds=found.kinds,
    )


def judge_labels(run: Path, *, shots: Sequence[int] = SHOTS, seed: int = 0, command: str = "") -> Labels:
    """Return what the newest checkpoint of a run is worth to classifiers of few labels of its data."""
    recipe, model, made = _open(run, seed, command)
    untrained = build(recipe).eval()
    train, test = open_data(recipe.data), open_data(recipe.data, "test")
    probes = compare_inputs(model, untrained, train, test, shots=shots, seed=seed)
    tuned = compare_starts(model, untrained, train, test, seed=seed) if isinstance(model, CodingModel) else []
    return Labels(made=made, training=len(train.x), held_out=len(test.x), probes=probes, tuned=tuned)


def name_of(run: Path) -> str:
    """Return a name for the records of a run that no run of another recipe has."""
    recipe = read_recipe(run)
    told = recipe.model_dump_json(exclude={"made_by"})
    return f"{recipe.model}-{recipe.preset}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"


def _open(run: Path, seed: int, command: str) -> tuple[Recipe, Model, Made]:
    recipe = read_recipe(run)
    model, counters = open_trained(run)
    made = Made(
        model=recipe.model,
        preset=recipe.preset,
        data=recipe.data,
        trained_seed=recipe.seed,
        steps=counters.step,
        seed=seed,
        command=command,
        environment=describe_environment(),
    )
    return recipe, model, made
