"""The scoring source ``zoo:DIR``: the trained model in a run's folder."""

from pathlib import Path
from typing import Any

from genbench.contracts import SourceOptions
from genbench.errors import BadInput


def open_trained_source(rest: str, options: SourceOptions) -> Any:
    """A trained model of the zoo: zoo:DIR, its newest checkpoint; zoo:DIR@500, the one of that step.

    Conditional models draw their labels with the shares of the training data.
    """
    from zoo.checkpoint import pick as pick_checkpoint
    from zoo.contracts import Samples
    from zoo.runs import open_trained, read_recipe

    folder, at, step = rest.rpartition("@")
    directory = Path(folder if at and step.isdigit() else rest)
    recipe = read_recipe(directory)
    if len(recipe.spec.shape) == 1:
        raise BadInput(
            f"source 'zoo:{rest}': makes points, not images; expected a model of images, got {recipe.model!r} on "
            f"{recipe.data!r}. See genbench zoo sample {directory} for what it draws."
        )
    chosen = pick_checkpoint(directory, int(step)) if at and step.isdigit() else None
    model, _ = open_trained(directory, chosen, options.device)
    if not isinstance(model, Samples):
        raise BadInput(
            f"source 'zoo:{rest}': {recipe.model!r} does not generate; expected a model that samples. Choose another."
        )
    return model
