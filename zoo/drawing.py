"""Drawing from a trained model, by the same chunks and seeds as the scoring engine draws."""

from collections.abc import Iterator
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
    model, _ = open_trained(directory, None if step is None else pick(directory, step), pick_device(device))
    if not isinstance(model, Samples):
        raise BadInput(f"zoo {str(directory)!r}: this model does not generate; expected one that samples.")
    chosen = {"labels": labels} | ({} if truncation is None else {"truncation": truncation})
    return torch.cat(list(chunks(model, count, seed, **chosen)))[:count]


def chunks(model: Samples, count: int, seed: int, **chosen: Any) -> Iterator[Tensor]:
    """Yield ``count`` images or more, ``CHUNK`` at a time; ``chosen`` goes to ``model.sample``."""
    for chunk in range(-(-count // CHUNK)):
        yield model.sample(CHUNK, torch.Generator().manual_seed(derive(seed, "sample", chunk)), **chosen)


def pick_device(device: str) -> str:
    """Return "cpu" or "cuda" of "auto", "cpu" or "cuda"; raises ``BadInput`` for others, or where no CUDA device is."""
    if device not in ("auto", "cpu", "cuda"):
        raise BadInput(f"--device: unknown device; expected auto, cpu or cuda, got {device!r}.")
    if device == "cuda" and not torch.cuda.is_available():
        raise BadInput("--device: no CUDA device answers; expected one for 'cuda', got none. Use --device cpu.")
    return device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
