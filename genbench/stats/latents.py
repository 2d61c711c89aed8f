"""Latents of a model and the images of them; latent i depends on (seed, i) alone, as drawing is by full chunks."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.errors import BadInput
from genbench.seeds import derive

CHUNK = 64
SLACK, FEW = 0.25, 0.25  # without a bounded last layer, few pixels leave [0, 1] by more than a quarter


def chunks(count: int, seed: int, name: str) -> Iterator[tuple[int, Any]]:
    """Yield (images to use, ``torch.Generator``) for each chunk of 64; who draws draws 64 and uses the first."""
    import torch

    for chunk in range(-(-count // CHUNK)):
        yield min(CHUNK, count - CHUNK * chunk), torch.Generator().manual_seed(derive(seed, name, chunk))


def draw_labels(model: Any, generator: Any) -> Any:
    """Return classes of a chunk, int64 [64], as the model itself draws them; None if it knows none."""
    return model.sampled_labels(CHUNK, generator) if hasattr(model, "sampled_labels") else None


def is_conditional(model: Any) -> bool:
    """Whether the model draws images of classes."""
    return any(draw_labels(model, source) is not None for _, source in chunks(1, 0, "conditional"))


def refuse_styleless(who: str, model: Any) -> None:
    """Raise ``BadInput`` if the model has no W (``genbench.capabilities.StyleSpace``)."""
    if not all(hasattr(model, part) for part in ("mapping", "synthesis", "num_ws")):
        raise BadInput(
            f"{who}: the model has no w; expected one with mapping, synthesis and num_ws, got {model}. Set space=z."
        )


def take(labels: Any, part: slice) -> Any:
    """Return part of the labels, if there are any."""
    return None if labels is None else labels[part]


def as_pictures(who: str, images: Any) -> NDArray[np.float32]:
    """Return what a decoder gave, [n, c, h, w] with c 1 or 3, as float32 [n, h, w, 3]; nothing is rounded or cut.

    Raises:
        BadInput: if it is no such tensor, of fewer than 32 bits, not finite, or for a good part outside [0, 1].
    """
    is_tensor = hasattr(images, "detach") and getattr(images, "ndim", 0) == 4
    if not is_tensor or images.shape[1] not in (1, 3):
        raise BadInput(
            f"{who}: the model decodes to no images; expected a tensor [n, 3, h, w] or [n, 1, h, w], got "
            f"{type(images).__name__} {list(getattr(images, 'shape', ()))}. Mend decode."
        )
    if not images.is_floating_point() or images.element_size() < 4:
        raise BadInput(
            f"{who}: the model rounds its images; expected float32 of decode, got {images.dtype}. Return the floats."
        )
    pictures: NDArray[np.float32] = images.detach().cpu().float().numpy().transpose(0, 2, 3, 1)
    is_within = (pictures >= -SLACK) & (pictures <= 1 + SLACK)  # false for NaN
    if not np.isfinite(pictures).all() or is_within.mean() < 1 - FEW:
        raise BadInput(
            f"{who}: the model decodes to values out of range; expected floats in [0, 1], got {pictures.min():g} to "
            f"{pictures.max():g}. Scale them in decode."
        )
    return np.repeat(pictures, 3, axis=3) if pictures.shape[3] == 1 else pictures
