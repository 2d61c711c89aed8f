"""Drawing from a trained model, by the same chunks and seeds as the scoring engine draws."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genbench.errors import BadInput
from genbench.seeds import derive
from zoo.checkpoint import pick
from zoo.contracts import Samples
from zoo.runs import open_trained

CHUNK = 64


def draw(
    directory: Path,
    count: int,
    seed: int = 0,
    *,
    step: int | None = None,
    labels: Any = None,
    truncation: float | None = None,
    device: str = "cpu",
) -> Tensor:
    """Return ``count`` images of a run's model, float32 [count, c, h, w] in [0, 1].

    Args:
        directory: of the run.
        count: images.
        seed: image i depends on it and i alone.
        step: of the checkpoint; None: the newest.
        labels: class of all; None: drawn with the training data's shares.
        truncation: as the model defines it.
        device: "auto", "cpu" or "cuda".
    """
    model, _ = open_trained(directory, None if step is None else pick(directory, step), _device(device))
    if not isinstance(model, Samples):
        raise BadInput(f"zoo {str(directory)!r}: this model does not generate; expected one that samples.")
    chunks = [
        model.sample(
            CHUNK,
            torch.Generator().manual_seed(derive(seed, "sample", chunk)),
            labels=labels,
            **({} if truncation is None else {"truncation": truncation}),
        )
        for chunk in range(-(-count // CHUNK))
    ]
    return torch.cat(chunks)[:count]


def _device(device: str) -> str:
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device
