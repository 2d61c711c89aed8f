"""Torch's own layers by the number of spatial axes: 2 for images, 3 for voxels."""

from typing import Any

from torch import nn

from genbench.errors import BadInput


def ranked(name: str, nd: int) -> Any:
    """Return ``torch.nn``'s class ``name`` for nd spatial axes: ("Conv", 3) -> ``nn.Conv3d``."""
    if nd not in (2, 3):
        raise BadInput(f"{name}: unknown number of spatial axes; expected nd = 2 (images) or 3 (voxels), got {nd}.")
    return getattr(nn, f"{name}{nd}d")
