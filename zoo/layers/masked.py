"""Convolutions that see only what comes before in raster order, and red before green before blue within a pixel.

The feature maps of a layer belong to the colours in equal shares. At the pixel itself, mask "A" (of the first layer)
lets a colour see those before it, mask "B" those and itself: van den Oord et al. 2016, arXiv:1601.06759, section 3.4.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genbench.errors import BadInput
from zoo.layers.cache import Cache

Kind = Literal["A", "B"]


def colours_of(channels: int, colours: int, parts: int = 1) -> Tensor:
    """Return the colour, int64 [channels], that each map belongs to: equal shares in order, in each of ``parts``.

    Parts are blocks of maps that meet later channel by channel, such as the gates of an LSTM.
    """
    share = channels // parts
    return (torch.arange(share) * colours // share).repeat(parts)


def convolve(window: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """Return the convolution, without padding; of one place it is a matrix product, which is faster called so."""
    if window.shape[2:] != kernel.shape[2:]:
        return F.conv2d(window, kernel, bias)
    return F.linear(window.flatten(1), kernel.flatten(1), bias)[..., None, None]


class CausalConv(nn.Conv2d):
    """Convolution that at (i, j) sees row i and ``kernel // 2`` rows above it, as many columns to each side.

    Zeros lie beyond the borders; the size is kept. The lower half of the kernel, which would see rows below, does not
    exist.

    Args:
        in_channels: of x.
        out_channels: of the output.
        kernel: side, odd.
        above: see rows above too; without, only row i from j - ``kernel // 2`` to j.

    Raises:
        BadInput: for an even kernel.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, *, above: bool = True) -> None:
        if kernel % 2 == 0:
            raise BadInput(f"CausalConv: an even kernel has no middle; expected odd, got {kernel}. Choose another.")
        self.reach = kernel // 2
        super().__init__(in_channels, out_channels, (self.reach + 1, kernel) if above else (1, self.reach + 1))
        self.up, self.right = (self.reach, self.reach) if above else (0, 0)

    def kernel(self) -> Tensor:
        """Return the weight as it is used."""
        return self.weight

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        """Map x [n, in, h, w] to [n, out, h, w]; with ``cache``, x [n, in, 1, span] is what is at its place."""
        if cache is None:
            padded = F.pad(x, (self.reach, self.right, self.up, 0)) if self.reach else x
            return convolve(padded, self.kernel(), self.bias)
        if not self.reach:
            return convolve(x, self._kept_kernel(cache), self.bias)
        self.write(x, cache)
        return self.read(cache, x.shape[3])

    def write(self, x: Tensor, cache: Cache) -> None:
        """Keep the input x [n, in, 1, span] of the cache's place."""
        cache.open(self, x, self.in_channels, self.reach).write(cache.row, cache.column, x)

    def read(self, cache: Cache, span: int = 1) -> Tensor:
        """Return the output [n, out, 1, span] at the cache's place, of inputs that were written."""
        corner = (cache.row - self.up, cache.column - self.reach)
        window = cache.canvas(self).read(*corner, self.up + 1, self.reach + span + self.right)
        return convolve(window, self._kept_kernel(cache), self.bias)

    def _kept_kernel(self, cache: Cache) -> Tensor:
        return cache.once((self, "kernel"), self.kernel)


class MaskedConv(CausalConv):
    """A ``CausalConv`` whose output sees no pixel after its own, and of its own only some colours.

    The mask is applied at every use: weights that momentum or decay moves behind it count for nothing.

    Args:
        in_channels: of x.
        out_channels: of the output.
        kernel: side, odd.
        kind: "A": a colour sees those before it; "B": those and itself.
        colours: of a pixel.
        above: see rows above too.
        parts: of the output, each with its own share of maps for each colour.
    """

    mask: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        kind: Kind,
        colours: int = 1,
        *,
        above: bool = True,
        parts: int = 1,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel, above=above)
        seen, sees = colours_of(in_channels, colours), colours_of(out_channels, colours, parts)[:, None]
        mask = torch.ones(self.weight.shape, dtype=torch.bool)
        mask[:, :, -1, self.reach + 1 :] = False
        mask[:, :, -1, self.reach] = seen < sees if kind == "A" else seen <= sees
        self.register_buffer("mask", mask, persistent=False)

    def kernel(self) -> Tensor:
        """Return the weight, zero where the mask is."""
        return self.weight * self.mask
