"""A training run on disk: ``run.json`` says what made it, ``checkpoints/`` holds the weights.

run.json  log.csv  curves.png  samples/00000500.png  checkpoints/00000500/{model,training}.safetensors, state.json
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from genbench.errors import BadInput
from genbench.provenance import describe_environment
from genbench.seeds import derive
from zoo import MODELS
from zoo.checkpoint import Counters, found, read_counters, read_model
from zoo.contracts import DataSpec
from zoo.data import Examples
from zoo.deck import describe
from zoo.model import Model, choose_preset, read_config

RECIPE = "run.json"


class Recipe(BaseModel):
    """All that decides what a run computes.

    Attributes:
        version: of this schema.
        model: name in the table.
        preset: as written, "small+r1".
        config: every setting of the model.
        data: data set as written.
        spec: what the model was told of it.
        seed: of initialisation, order and noise.
        steps: updates; None: until the minutes are over.
        minutes: time budget of training; None: until the steps are done.
        batch: examples an update, over all processes.
        checkpoints: how many are written, evenly over the run.
        made_by: versions, machine and time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal["zoo.run/1"] = "zoo.run/1"
    model: str
    preset: str
    config: dict[str, Any]
    data: str
    spec: DataSpec
    seed: int
    steps: int | None
    minutes: float | None
    batch: int
    checkpoints: int = 8
    made_by: dict[str, Any]


def plan(
    name: str,
    preset: str = "small",
    *,
    data: str | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
) -> tuple[Recipe, Examples]:
    """Decide everything about a run before any work; return it with its training data.

    Args:
        name: of the model.
        preset: "smoke", "small", "paper", with variants: "small+r1".
        data: data set; None: the preset's.
        steps: updates; None: the preset's, or with ``minutes`` as many as fit.
        minutes: time budget.
        seed: of everything random.
        settings: of the model, over the preset's; "batch" and "checkpoints" are the run's.

    Raises:
        GenbenchError: if the model, the preset, the data or a setting does not exist, or they do not fit: the model is
            built once to see.
    """
    from zoo.data import open_data

    model: type[Model] = MODELS.get(name)
    chosen = choose_preset(model, preset)
    given = dict(settings or {})
    batch = _whole("batch", given.pop("batch", chosen.batch))
    checkpoints = _whole("checkpoints", given.pop("checkpoints", 8))
    for what, value in (("steps", steps), ("minutes", minutes)):
        if value is not None and not value > 0:
            raise BadInput(f"--{what}: too small; expected more than 0, got {value}. Give more.")
    config = read_config(model, {**chosen.config, **given})
    examples = open_data(data or chosen.data)
    recipe = Recipe(
        model=name,
        preset=preset,
        config=config.model_dump(),
        data=data or chosen.data,
        spec=describe(examples),
        seed=seed,
        steps=chosen.steps if steps is None and minutes is None else steps,
        minutes=minutes,
        batch=batch,
        checkpoints=checkpoints,
        made_by=describe_environment(),
    )
    build(recipe).optimizers()  # refuses what does not fit
    return recipe, examples


def start(recipe: Recipe, directory: Path) -> None:
    """Write the recipe into a new folder; raises ``BadInput`` if there is something there already."""
    refuse_full(directory)
    rewrite(recipe, directory)


def refuse_full(directory: Path) -> None:
    """Make a folder; raise ``BadInput`` if there is something in it already, or it cannot be made."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        todo = f"genbench zoo resume {directory}" if (directory / RECIPE).exists() else "another --out"
        raise BadInput(f"--out {str(directory)!r}: not empty; expected a new folder, got one with files. Use {todo}.")
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"--out {str(directory)!r}: cannot be made; expected a folder that can be written, got {error.strerror}. "
            "Use another --out."
        ) from error


def rewrite(recipe: Recipe, directory: Path) -> None:
    """Replace the recipe of a run, whole."""
    scratch = directory / f".{RECIPE}"
    scratch.write_text(recipe.model_dump_json(indent=2) + "\n", encoding="utf-8")
    os.replace(scratch, directory / RECIPE)


def extend(recipe: Recipe, directory: Path, steps: int | None = None, minutes: float | None = None) -> Recipe:
    """Return the recipe of a run with more steps or minutes; None: as they are.

    Raises:
        BadInput: if they are fewer than in the recipe or, where it has none, than are done.
    """
    kept = found(directory)
    done = read_counters(kept[-1]) if kept else Counters()
    changes = {}
    for name, value, planned, spent in (
        ("steps", steps, recipe.steps, max(1, done.step)),
        ("minutes", minutes, recipe.minutes, done.seconds / 60),
    ):
        least = spent if planned is None else planned
        if value is None:
            continue
        if value < least or value <= 0:
            raise BadInput(
                f"--{name}: less than the run {str(directory)!r} has; expected at least {round(least, 2)}, got "
                f"{value}. Give more, or leave it out."
            )
        changes[name] = value
    return recipe.model_copy(update=changes)


def refuse_other_data(recipe: Recipe, examples: Examples) -> None:
    """Raise ``BadInput`` unless ``examples`` are of the kind that the model of ``recipe`` was made for."""
    now, then = describe(examples), recipe.spec
    for what, here, there in (
        ("shape", now.shape, then.shape),
        ("number of grey levels", now.levels, then.levels),
        ("shape of partners", now.partner_shape, then.partner_shape),
        ("number of classes", now.classes, then.classes),
    ):
        if here != there:
            raise BadInput(
                f"data set {recipe.data!r}: has changed since the training; expected the {what} {there}, got {here}. "
                "Bring back what it was, or train again."
            )


def read_recipe(directory: Path) -> Recipe:
    """Return the recipe of a run; raises ``BadInput`` if there is none."""
    path = directory / RECIPE
    if not path.is_file():
        raise BadInput(
            f"zoo {str(directory)!r}: no trained model there; expected a folder with {RECIPE}, got none. "
            "Train one: genbench zoo train NAME --out DIR."
        )
    try:
        return Recipe.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, ValidationError) as error:
        raise BadInput(
            f"zoo {str(path)!r}: cannot be read; expected a recipe of this program, got "
            f"{' '.join(str(error).split())[:200]}. Train again."
        ) from error


def refuse_another(recipe: Recipe, directory: Path) -> None:
    """Raise ``BadInput`` if there is a run in ``directory`` that is not that of ``recipe``: settings have changed."""
    if not (directory / RECIPE).exists():
        return
    asked, kept = (one.model_dump(mode="json", exclude={"made_by"}) for one in (recipe, read_recipe(directory)))
    other = [name for name in asked if asked[name] != kept[name]]
    if other:
        raise BadInput(
            f"run {str(directory)!r}: its {other[0]} is another; expected {asked[other[0]]}, got {kept[other[0]]}. "
            "Remove the folder, or give another --out."
        )


def build(recipe: Recipe) -> Model:
    """Return the untrained model of a recipe, its weights drawn from the recipe's seed."""
    model: type[Model] = MODELS.get(recipe.model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(recipe.seed, "initialise"))
        return model.make(recipe.spec, recipe.config)


def open_trained(directory: Path, checkpoint: Path | None = None, device: str = "cpu") -> tuple[Model, Counters]:
    """Return the model of a run as a checkpoint holds it (None: the newest), and where the run stood."""
    recipe = read_recipe(directory)
    kept = found(directory)
    if checkpoint is None and not kept:
        raise BadInput(
            f"zoo {str(directory)!r}: nothing trained yet; expected a checkpoint, got none. "
            f"Go on with: genbench zoo resume {directory}."
        )
    model = build(recipe)
    counters = read_model(checkpoint or kept[-1], model)
    return model.to(device).eval(), counters


def _whole(name: str, value: Any) -> int:
    text = str(value)
    if not text.isdigit() or int(text) < 1:
        raise BadInput(f"setting {name!r} is wrong; expected a whole number above 0, got {value!r}. Correct it.")
    return int(text)
