"""Grey levels 0..levels-1: what models with a likelihood learn.

A density of pixel values says nothing (it grows without bound where values repeat), so that either the levels have
probabilities, or level k is spread evenly over [k, k + 1) / levels (Theis et al. 2016, arXiv:1511.01844).
"""

import torch
from torch import Tensor

from genbench.errors import BadInput
from zoo.contracts import DataSpec


def refuse_made_up(model: str, spec: DataSpec) -> None:
    """Raise ``BadInput`` unless ``spec`` is of images in the grey levels that were measured.

    Interpolated pixels follow from their neighbours: their likelihood is of the interpolation.
    """
    if len(spec.shape) == 3 and spec.levels is not None and spec.is_native:
        return
    kind = {1: "points", 3: "resized or drawn pictures"}.get(len(spec.shape), "volumes")
    size = " x ".join(map(str, spec.shape[1:] or spec.shape))
    raise BadInput(
        f"model {model!r}: its likelihood would mean nothing; expected images in the grey levels that were measured, "
        f"got {kind} of {size}, {spec.name!r}. Use {spec.native_as or 'digits8, or folder:PATH@SIDE of one side'}."
    )


def levels_of(x: Tensor, levels: int) -> Tensor:
    """Return grey levels int64 of images float in [0, 1], level k being k / (levels - 1)."""
    return (x * (levels - 1)).round().long().clamp(0, levels - 1)


def from_levels(k: Tensor, levels: int) -> Tensor:
    """Return images float32 in [0, 1] of grey levels."""
    return k.float() / (levels - 1)


def spread(k: Tensor, levels: int, u: Tensor) -> Tensor:
    """Return (k + u) / levels in [0, 1), u uniform in [0, 1): a density of these bounds the levels' probability."""
    return (k + u).to(torch.get_default_dtype()) / levels


def gathered(y: Tensor, levels: int) -> Tensor:
    """Return images in [0, 1], level k being k / (levels - 1), of numbers that ``spread`` made or a density drew."""
    return from_levels((y * levels).floor().clamp(0, levels - 1), levels)
