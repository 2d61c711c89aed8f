"""Minibatch standard deviation: lets a critic see how much the images of a batch differ (arXiv:1710.10196)."""

import torch
from torch import Tensor, nn

from genbench.errors import BadInput

EPS = 1e-8


class MinibatchStd(nn.Module):
    """Append constant channels: the standard deviation within groups of images, mean over channels and positions.

    Divisor (group size); eps 1e-8 under the root, whose own root is taken off again, so that equal images give 0. Group
    j of m is images j, j + m, j + 2m ...

    Args:
        group: images in a group, at most; the largest divisor of the batch up to it. A batch of 1 gives 0.
        features: channels to append, each over its own share of the channels.
    """

    def __init__(self, group: int = 4, features: int = 1) -> None:
        super().__init__()
        self.group, self.features = group, features

    def forward(self, x: Tensor) -> Tensor:
        """Map x [n, c, h, w] to [n, c + features, h, w]; ``BadInput`` if ``features`` does not divide c."""
        n, channels = x.shape[:2]
        if channels % self.features:
            raise BadInput(
                f"MinibatchStd: channels cannot be shared out; expected a multiple of {self.features}, got {channels}."
            )
        size = max(count for count in range(1, min(self.group, n) + 1) if n % count == 0)
        groups = x.reshape(size, n // size, self.features, -1)
        variance = (groups - groups.mean(0)).square().mean(0)
        std = (torch.sqrt(variance + EPS) - EPS**0.5).mean(2)  # [n / size, features]
        planes = std.repeat(size, 1)[:, :, None, None].expand(-1, -1, *x.shape[2:])
        return torch.cat([x, planes], dim=1)
