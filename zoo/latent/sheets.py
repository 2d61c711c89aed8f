"""Sheets of pictures that show what a trained model makes of images it has not seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from genbench.errors import BadInput
from genbench.seeds import derive, generator
from zoo.checkpoint import pick
from zoo.contracts import Completes, Encodes, HasLatent, Reconstructs
from zoo.data import open_data
from zoo.data.given import read_given
from zoo.drawing import pick_device
from zoo.latent.interpolation import interpolate, interpolate_images
from zoo.model import Model
from zoo.runs import open_trained, read_recipe, refuse_other_data

COMPLETIONS = 6  # of one image
HIDDEN = 0.5  # grey of what is unknown
ROWS, COUNT = 8, 32  # where none are asked for
Between = Literal["images", "latents"]


@dataclass(frozen=True)
class Choice:
    """Which model shows what.

    Attributes:
        images: files and folders of the user's own pictures; (): images of the test split.
        step: of the checkpoint; None: the newest.
        device: "auto", "cpu" or "cuda".
    """

    images: Sequence[Path] = ()
    step: int | None = None
    device: str = "auto"


DEFAULT = Choice()


def interpolations(
    directory: Path, rows: int | None, steps: int, between: Between | None, seed: int = 0, choice: Choice = DEFAULT
) -> Tensor:
    """Return ways of ``steps`` images one after the other, [rows * steps, c, h, w] in [0, 1].

    Args:
        directory: of a run.
        rows: ways; None: 8, or of the user's own pictures as many as there are pairs.
        steps: images a way, its ends included.
        between: "images": two of the test split, or of the user's own the first and second, third and fourth ...;
            "latents": two draws from the prior; None: images where some are given, else latents.
        seed: of the ends.
        choice: of checkpoint and images.

    Raises:
        BadInput: if the model has no latents, or cannot encode where images are asked for.
    """
    _refuse_few("--rows", rows, 1)
    between = between or ("images" if choice.images else "latents")
    if between not in ("images", "latents"):
        raise BadInput(f"--between: no such ends; expected images or latents, got {between!r}. Correct it.")
    if between == "latents" and choice.images:
        raise BadInput("--images: not used; expected --between images with them, got latents. Leave one of them out.")
    if between == "images":
        model = _open(directory, Encodes, "encodes images", choice)
        _refuse_unable(directory, model, HasLatent, "decodes what it encodes")
        x, labels = _images(directory, model, None if rows is None else 2 * rows, seed, choice, 2 * ROWS)
        if len(x) % 2:
            raise BadInput(f"--images: not in pairs; expected an even number, got {len(x)}. Give one more or less.")
        half = len(x) // 2
        a, b = (x[::2], x[1::2]) if choice.images else (x[:half], x[half:])
        return interpolate_images(model, a, b, steps, None if labels is None else labels[:half]).flatten(0, 1)
    model = _open(directory, HasLatent, "has a prior to go through", choice)
    rows = rows or ROWS
    draws = torch.Generator().manual_seed(derive(seed, "interpolate"))
    ends = model.prior(2 * rows, draws)
    return interpolate(model, ends[:rows], ends[rows:], steps, model.pick_labels(rows, None, draws)).flatten(0, 1)


def reconstructions(directory: Path, count: int | None, seed: int = 0, choice: Choice = DEFAULT) -> Tensor:
    """Return ``count`` images, each followed by its reconstruction, [2 * count, c, h, w] in [0, 1].

    Args:
        directory: of a run.
        count: images; None: 32 of the test split, or all of the user's own.
        seed: of the choice of test images.
        choice: of checkpoint and images.

    Raises:
        BadInput: if the model does not reconstruct, or there are not so many images.
    """
    _refuse_few("-n", count, 1)
    model = _open(directory, Reconstructs, "reconstructs", choice)
    x, labels = _images(directory, model, count, seed, choice, COUNT)
    return torch.stack([x, model.reconstruct(x, labels).detach().float().cpu()], 1).flatten(0, 1)


def completions(
    directory: Path,
    known: str,
    rows: int | None,
    seed: int = 0,
    label: str | None = None,
    choice: Choice = DEFAULT,
) -> Tensor:
    """Return for each of ``rows`` images: itself, what is known of it, and completions of that.

    Args:
        directory: of a run.
        known: see ``known_mask``.
        rows: images; None: 8 of the test split, or all of the user's own.
        seed: of the choice of images, of the mask and of what is drawn.
        label: class that the model is told: a number, or "true", that of each test image; None: it is told none.
        choice: of checkpoint and images.

    Returns:
        float32 [rows * (2 + 6), c, h, w] in [0, 1]; unknown pixels are grey.

    Raises:
        BadInput: if the model does not complete images, or not from such a mask, or takes no such class.
    """
    _refuse_few("--rows", rows, 1)
    model = _open(directory, Completes, "completes images", choice)
    x, true = _images(directory, model, rows, seed, choice)
    labels = None if label is None else _labels_of(label, model, true)
    mask = known_mask(known, *x.shape[-2:], seed)
    drawn = [
        model.complete(x, mask, torch.Generator().manual_seed(derive(seed, "complete", place)), labels=labels)
        for place in range(COMPLETIONS)
    ]
    seen = torch.where(mask, x, torch.full_like(x, HIDDEN))
    return torch.stack([x, seen, *(one.float().cpu() for one in drawn)], 1).flatten(0, 1)


def known_mask(known: str, height: int, width: int, seed: int = 0) -> Tensor:
    """Return bool [h, w]: "top" half, "left" half, or a percentage of the pixels ("25" or "25%"), at random places.

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
    if 0 < share < 0.01 and not percent.endswith("%"):
        raise BadInput(
            f"--known: below 1 without a percent sign; expected a percentage, got {percent!r}. "
            f"Write {share * 1e4:g}% for this share, or {percent}% if you mean so few."
        )
    return generator(seed, "known").permutation(pixels)[: round(share * pixels)]


def _open(directory: Path, capability: type, what: str, choice: Choice) -> Any:
    checkpoint = None if choice.step is None else pick(directory, choice.step)
    model, _ = open_trained(directory, checkpoint, pick_device(choice.device))
    _refuse_unable(directory, model, capability, what)
    return model


def _refuse_unable(directory: Path, model: Model, capability: type, what: str) -> None:
    if not isinstance(model, capability):
        raise BadInput(
            f"zoo {str(directory)!r}: the model cannot do that; expected one that {what}, got {model.info.name!r}. "
            "Choose another run."
        )


def _refuse_few(name: str, count: int | None, least: int) -> None:
    if count is not None and count < least:
        raise BadInput(f"{name}: too few; expected at least {least}, got {count}. Give more.")


def _labels_of(label: str, model: Model, true: Tensor | None) -> Any:
    """Return what ``--label`` says, in a form that models take; whether there is such a class is theirs to say."""
    if label == "true" and true is None:
        raise BadInput(
            f"--label: no class is known; expected test images with classes and a model that takes them, got "
            f"{model.info.name!r}. Leave it out, or give a number."
        )
    if label != "true" and not label.isdigit():
        raise BadInput(f"--label: no such class; expected a number or true, got {label!r}. Correct it.")
    return true if label == "true" else int(label)


def _images(
    directory: Path, model: Model, count: int | None, seed: int, choice: Choice, default: int = ROWS
) -> tuple[Tensor, Tensor | None]:
    """Return images float32 [count, c, h, w] in [0, 1], points as they are, and their classes where they are known."""
    if not choice.images:
        return _held_out(directory, model, count or default, seed)
    found = read_given(choice.images, model.spec.shape, model.spec.levels)
    _refuse_more(directory, "--images", count or 0, len(found))
    return torch.from_numpy(found[:count]).float() / ((model.spec.levels or 0) - 1), None


def _held_out(directory: Path, model: Model, count: int, seed: int) -> tuple[Tensor, Tensor | None]:
    """Return test images of a run's data, and their classes."""
    recipe = read_recipe(directory)
    examples = open_data(recipe.data, "test")
    refuse_other_data(recipe, examples)
    _refuse_more(directory, examples.name, count, len(examples.x))
    rows = generator(seed, "held out").permutation(len(examples.x))[:count]
    x = torch.from_numpy(examples.x[rows]).float()
    labels = torch.from_numpy(examples.labels[rows]) if model.is_conditional and examples.labels is not None else None
    return x if examples.levels is None else x / (examples.levels - 1), labels


def _refuse_more(directory: Path, whose: str, count: int, there: int) -> None:
    if count > there:
        raise BadInput(
            f"zoo {str(directory)!r}: too few images; expected at most {there} of {whose!r} to be asked for, got "
            f"{count}. Ask for fewer."
        )
