"""From one image to another through the latents between them.

Normally distributed latents of d numbers have a length near sqrt(d); the middle of a straight line between two of them
is shorter, near sqrt(d / 2), where a generator has seen next to nothing. So the direction goes along the great circle
(Shoemake 1985; White 2016, arXiv:1609.04468) and the length in proportion, from that of one end to that of the other.
"""

from typing import Any, Literal

import torch
from torch import Tensor

from genbench.errors import BadInput
from zoo.contracts import Encodes, HasLatent

Geometry = Literal["gaussian", "sphere", "uniform"]
FLAT = 1e-4  # sine of an angle below which two directions span no plane
CHUNK = 64  # images decoded at once


def interpolate(model: HasLatent, a: Tensor, b: Tensor, steps: int, labels: Any = None) -> Tensor:
    """Return the images of ``steps`` latents from a to b, both included, float32 [n, steps, c, h, w] in [0, 1].

    Args:
        model: decodes.
        a: [n, *latent].
        b: the same shape.
        steps: at least 2.
        labels: class of each row, int64 [n], or one of all; None of a model without classes.
    """
    z = path(a, b, steps, model.geometry)
    if labels is not None:
        labels = torch.as_tensor(labels).expand(len(z)).repeat_interleave(steps)
    flat = z.flatten(0, 1)
    parts = [slice(start, start + CHUNK) for start in range(0, len(flat), CHUNK)]
    with torch.no_grad():
        drawn = [model.decode(flat[part], None if labels is None else labels[part]).float().cpu() for part in parts]
    images = torch.cat(drawn).unflatten(0, (len(z), steps))
    return images if images.ndim == 3 else images.clamp(0, 1)  # points are as they are


def interpolate_images(model: Any, x_a: Tensor, x_b: Tensor, steps: int, labels: Any = None) -> Tensor:
    """Return ``interpolate`` between the codes of two images each; of an exact inverse the ends are the images.

    Args:
        model: encodes, and decodes what it encodes.
        x_a: float32 [n, c, h, w] in [0, 1].
        x_b: the same shape.
        steps: at least 2.
        labels: class of each row, of both its images.

    Raises:
        BadInput: if the model cannot.
    """
    if not isinstance(model, Encodes) or not isinstance(model, HasLatent):
        raise BadInput(
            "interpolate: the model has no codes to go between; expected one that encodes images into the latents that "
            f"it decodes, got {type(model).__name__}. Go between latents, or choose an autoencoder or a flow."
        )
    return interpolate(model, model.encode(x_a, labels), model.encode(x_b, labels), steps, labels)


def path(a: Tensor, b: Tensor, steps: int, geometry: Geometry) -> Tensor:
    """Return latents from a to b in even steps, both included, [n, steps, *latent].

    Args:
        a: [n, *latent].
        b: the same shape.
        steps: at least 2.
        geometry: "gaussian" or "sphere": ``slerp``; "uniform": a straight line, which does not leave the cube.

    Raises:
        BadInput: if the shapes differ, or there are fewer than two steps.
    """
    if a.shape != b.shape:
        raise BadInput(
            f"interpolate: ends do not fit; expected latents of one shape, got {list(a.shape)} and {list(b.shape)}. "
            "Take them from one model."
        )
    if steps < 2:
        raise BadInput(f"interpolate: too few steps; expected at least 2, the ends, got {steps}. Give more.")
    shares = torch.linspace(0, 1, steps, dtype=torch.float64).tolist()
    go = torch.lerp if geometry == "uniform" else slerp
    return torch.stack([a, *(go(a, b, share) for share in shares[1:-1]), b], 1)


def slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """Return the latents [n, *latent] at ``share`` of the way from a to b: directions on the great circle.

    Lengths change linearly. Where the directions are one, or opposite, or a latent is 0, there is no one great circle:
    the straight line.
    """
    flat_a, flat_b = a.flatten(1), b.flatten(1)
    length_a, length_b = (flat.norm(dim=1, keepdim=True) for flat in (flat_a, flat_b))
    smallest = torch.finfo(a.dtype).tiny
    unit_a, unit_b = flat_a / length_a.clamp_min(smallest), flat_b / length_b.clamp_min(smallest)
    angle = torch.acos((unit_a * unit_b).sum(1, keepdim=True).clamp(-1, 1))
    sine = angle.sin()
    bent = (((1 - share) * angle).sin() * unit_a + (share * angle).sin() * unit_b) / sine.clamp_min(FLAT)
    has_circle = (sine >= FLAT) & (length_a > 0) & (length_b > 0)
    found = torch.where(has_circle, bent * torch.lerp(length_a, length_b, share), torch.lerp(flat_a, flat_b, share))
    return found.view_as(a)
