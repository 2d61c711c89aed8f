"""Self-attention over the positions of a feature map, as in the released code of SAGAN and BigGAN."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.layers.spectral import spectral as normalised


class SelfAttention(nn.Module):
    """x + gamma * output(attention over positions), gamma 0 at the start.

    Queries and keys have c/8 channels, values c/2 (at least 1), all by 1x1 convolutions without bias; logits are not
    scaled; the softmax runs over keys. Zhang et al. 2019, arXiv:1805.08318, whose text has other widths than its code.

    Args:
        channels: of x.
        spectral: normalise the four convolutions spectrally.
        pool: keys and values are maxima over 2x2 positions, as released; False: all positions.
    """

    def __init__(self, channels: int, spectral: bool = True, *, pool: bool = True) -> None:
        super().__init__()
        narrow, wide = max(1, channels // 8), max(1, channels // 2)

        def pointwise(width_in: int, width_out: int) -> nn.Module:
            conv = nn.Conv2d(width_in, width_out, 1, bias=False)
            return normalised(conv) if spectral else conv

        self.query, self.key = pointwise(channels, narrow), pointwise(channels, narrow)
        self.value, self.output = pointwise(channels, wide), pointwise(wide, channels)
        self.gamma = nn.Parameter(torch.zeros(()))
        self.pool = pool

    def attention(self, x: Tensor) -> Tensor:
        """Return the weights [n, positions, keys] of x [n, c, h, w]; rows sum to 1."""
        query, key = self.query(x).flatten(2), self._pooled(self.key(x)).flatten(2)
        return torch.softmax(query.transpose(1, 2) @ key, dim=2)

    def forward(self, x: Tensor) -> Tensor:
        """Map x [n, c, h, w] to the same shape."""
        value = self._pooled(self.value(x)).flatten(2)
        mixed = value @ self.attention(x).transpose(1, 2)
        return x + self.gamma * self.output(mixed.view(len(x), -1, *x.shape[2:]))

    def _pooled(self, x: Tensor) -> Tensor:
        return F.max_pool2d(x, 2, ceil_mode=True) if self.pool else x
