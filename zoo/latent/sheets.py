"""Sheets of pictures that show what a trained model makes of images it has not seen."""

from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from genbench.errors import BadInput
from genbench.seeds import derive, generator
from zoo.contracts import Completes, Encodes, HasLatent, Reconstructs
from zoo.data import open_data
from zoo.latent.interpolation import interpolate, interpolate_images
from zoo.model import Model
from zoo.runs import open_trained, read_recipe

COMPLETIONS = 6  # of one image
HIDDEN = 0.5  # grey of what is unknown
Between = Literal["images", "latents"]


def interpolations(directory: Path, rows: int, steps: int, between: Between, seed: int = 0) -> Tensor:
    """Return ``rows`` ways of ``steps`` images one after the other, [rows * steps, c, h, w] in [0, 1].

    Args:
        directory: of a run.
        rows: ways.
        steps: images a way, its ends included.
        between: "images": two of the test split; "latents": two draws from the prior.
        seed: of the ends.

    Raises:
        BadInput: if the model has no latents, or cannot encode where images are asked for.
    """
    _refuse_few("--rows", rows, 1)
    if between not in ("images", "latents"):
        raise BadInput(f"--between: no such ends; expected images or latents, got {between!r}. Correct it.")
    model = _open(directory, HasLatent, "has a prior to go through")
    if between == "images":
        _refuse_unable(directory, model, Encodes, "encodes images")
        x, labels = _held_out(directory, model, 2 * rows, seed)
        return interpolate_images(model, x[:rows], x[rows:], steps, _first(labels, rows)).flatten(0, 1)
    draws = torch.Generator().manual_seed(derive(seed, "interpolate"))
    ends = model.prior(2 * rows, draws)
    return interpolate(model, ends[:rows], ends[rows:], steps, model.pick_labels(rows, None, draws)).flatten(0, 1)


def reconstructions(directory: Path, count: int, seed: int = 0) -> Tensor:
    """Return ``count`` test images, each followed by its reconstruction, [2 * count, c, h, w] in [0, 1].

    Raises:
        BadInput: if the model does not reconstruct, or there are not so many test images.
    """
    _refuse_few("-n", count, 1)
    model = _open(directory, Reconstructs, "reconstructs")
    x, labels = _held_out(directory, model, count, seed)
    return torch.stack([x, model.reconstruct(x, labels).detach().float().cpu()], 1).flatten(0, 1)


def completions(directory: Path, known: str, rows: int, seed: int = 0) -> Tensor:
    """Return for each of ``rows`` test images: itself, what is known of it, and completions of that.

    Args:
        directory: of a run.
        known: see ``known_mask``.
        rows: images.
        seed: of the choice of images, of the mask and of what is drawn.

    Returns:
        float32 [rows * (2 + 6), c, h, w] in [0, 1]; unknown pixels are grey.

    Raises:
        BadInput: if the model does not complete images, or not from such a mask.
    """
    _refuse_few("--rows", rows, 1)
    model = _open(directory, Completes, "completes images")
    x, labels = _held_out(directory, model, rows, seed)
    mask = known_mask(known, *x.shape[-2:], seed)
    drawn = [
        model.complete(x, mask, torch.Generator().manual_seed(derive(seed, "complete", place)), labels=labels)
        for place in range(COMPLETIONS)
    ]
    seen = torch.where(mask, x, torch.full_like(x, HIDDEN))
    return torch.stack([x, seen, *(one.float().cpu() for one in drawn)], 1).flatten(0, 1)


def known_mask(known: str, height: int, width: int, seed: int = 0) -> Tensor:
    """Return bool [h, w]: "top" half, "left" half, or a percentage of the pixels, at random places.

    Raises:
        BadInput: for anything else, or if nothing would be known or nothing unknown.
    """
    mask = torch.zeros(height, width, dtype=torch.bool)
    if known == "top":
        mask[: height // 2] = True
    elif known == "left":
        mask[:, : width // 2] = True
    else:
        mask.view(-1)[torch.from_numpy(_places(known, height * width, seed))] = True
    if not mask.any() or mask.all():
        raise BadInput(
            f"--known: nothing to complete; expected some pixels known and some not, got {int(mask.sum())} of "
            f"{mask.numel()} known. Choose another share."
        )
    return mask


def _places(percent: str, pixels: int, seed: int) -> Any:
    try:
        share = float(percent.removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise BadInput(f"--known: no such mask; expected top, left or a percentage, got {percent!r}. Correct it.")
    return generator(seed, "known").permutation(pixels)[: round(share * pixels)]


def _open(directory: Path, capability: type, what: str) -> Any:
    model, _ = open_trained(directory, device="cuda" if torch.cuda.is_available() else "cpu")
    _refuse_unable(directory, model, capability, what)
    return model


def _refuse_unable(directory: Path, model: Model, capability: type, what: str) -> None:
    if not isinstance(model, capability):
        raise BadInput(
            f"zoo {str(directory)!r}: the model cannot do that; expected one that {what}, got {model.info.name!r}. "
            "Choose another run."
        )


def _refuse_few(name: str, count: int, least: int) -> None:
    if count < least:
        raise BadInput(f"{name}: too few; expected at least {least}, got {count}. Give more.")


def _held_out(directory: Path, model: Model, count: int, seed: int) -> tuple[Tensor, Tensor | None]:
    """Return test images of a run's data float32 [count, c, h, w] in [0, 1], points as they are, and their classes."""
    examples = open_data(read_recipe(directory).data, "test")
    if count > len(examples.x):
        raise BadInput(
            f"zoo {str(directory)!r}: too few test images; expected at most {len(examples.x)} of {examples.name!r} to "
            f"be asked for, got {count}. Ask for fewer."
        )
    rows = generator(seed, "held out").permutation(len(examples.x))[:count]
    x = torch.from_numpy(examples.x[rows]).float()
    labels = torch.from_numpy(examples.labels[rows]) if model.is_conditional and examples.labels is not None else None
    return x if examples.levels is None else x / (examples.levels - 1), labels


def _first(labels: Tensor | None, rows: int) -> Tensor | None:
    return None if labels is None else labels[:rows]
