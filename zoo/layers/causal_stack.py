"""The two stacks of the gated PixelCNN: one that goes down the rows, one along the row (arXiv:1606.05328).

The vertical stack sees all columns of the rows above, the horizontal one the pixels to the left and, row by row, what
the vertical one has found; together they see every pixel before their own within reach: there is no blind spot. Every
layer gates, tanh(a + V_a c) * sigmoid(b + V_b c), where the condition c is one vector an image (a class, say) or one
at every place (a map).
"""

from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from genbench.errors import BadInput
from zoo.layers.cache import Cache
from zoo.layers.masked import CausalConv, Kind, MaskedConv


def gate(x: Tensor) -> Tensor:
    """Return tanh of the first half of the channels times sigmoid of the second."""
    a, b = x.chunk(2, dim=1)
    return a.tanh() * b.sigmoid()


def down_one_row(x: Tensor) -> Tensor:
    """Return x [n, c, h, w] with zeros as its first row and its last row gone: nothing sees its own row."""
    return F.pad(x, (0, 0, 1, -1))


class GatedLayer(nn.Module):
    """A layer of both stacks.

    Args:
        in_channels: of what either stack gets.
        width: of what either stack gives.
        kernel: side, odd.
        kind: of the mask along the row; a layer "A" has no residual connection.
        colours: of a pixel.
        condition_channels: of the condition; 0: none is taken.
        dropout: share of the gated features that is dropped in training.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        kernel: int,
        kind: Kind,
        *,
        colours: int = 1,
        condition_channels: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.is_residual, self.width = kind == "B", width
        self.vertical = CausalConv(in_channels, 2 * width, kernel)
        self.link = nn.Conv2d(2 * width, 2 * width, 1, bias=False)
        self.horizontal = MaskedConv(in_channels, 2 * width, kernel, kind, colours, above=False, parts=2)
        self.dropout = nn.Dropout(dropout)
        self.out = MaskedConv(width, width, 1, "B", colours)
        self.condition = nn.Conv2d(condition_channels, 4 * width, 1, bias=False) if condition_channels else None

    def bias(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return what a condition adds before the gates of the vertical and of the horizontal stack."""
        if self.condition is None:
            return condition, condition  # zeros
        vertical, horizontal = self.condition(condition).chunk(2, dim=1)
        return vertical, horizontal

    def across(self, h: Tensor | None, seen: Tensor, link: Tensor, bias: Tensor, cache: Cache | None = None) -> Tensor:
        """Return the horizontal stack's output, of its convolution ``seen`` and what comes from the rows above."""
        out = self.out(self.dropout(gate(seen + link + bias)), cache)
        return h + out if self.is_residual else out


class CausalStack(nn.Module):
    """Maps [n, in, h, w] to features [n, width, h, w], those at (i, j) of what comes before (i, j) alone.

    Args:
        in_channels: of x: colours, or the width of an embedding of codes.
        width: of the features.
        layers: gated layers, the first one without residual connection.
        first_kernel: side of the first layer's kernel, odd.
        kernel: of the others.
        colours: of a pixel, one map of x each; 1 for codes.
        condition_channels: of the condition; 0: none is taken.
        dropout: in training.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        layers: int,
        *,
        first_kernel: int = 5,
        kernel: int = 3,
        colours: int = 1,
        condition_channels: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.condition_channels = condition_channels
        settings = {"colours": colours, "condition_channels": condition_channels, "dropout": dropout}
        first = GatedLayer(in_channels, width, first_kernel, "A", **settings)
        others = (GatedLayer(width, width, kernel, "B", **settings) for _ in range(layers - 1))
        self.layers = nn.ModuleList([first, *others])

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the features of whole images.

        Args:
            x: [n, in, h, w].
            condition: [n, condition_channels, 1, 1] or [n, condition_channels, h, w], if and only if there are any.
        """
        condition = self._checked(condition, x)
        v, h = x, x
        for layer in self.layers:
            downwards, sideways = layer.bias(condition)
            seen = layer.vertical(v)
            h = layer.across(h, layer.horizontal(h), layer.link(down_one_row(seen)), sideways)
            v = gate(seen + downwards)
        return h

    def write(self, x: Tensor, cache: Cache) -> None:
        """Keep x [n, in, 1, 1] of the cache's place."""
        self.layers[0].vertical.write(x, cache)
        self.layers[0].horizontal.write(x, cache)

    def read(self, cache: Cache, condition: Tensor | None = None) -> Tensor:
        """Return the features [n, width, 1, 1] at the cache's place, of inputs that were written."""
        condition = self._checked(condition, self.layers[0].link.weight)
        if cache.row:
            cache.once((self, cache.row), lambda: self._descend(cache.at(cache.row - 1, 0), condition))
        h = None
        for layer in self.layers:
            seen = layer.horizontal.read(cache) if h is None else layer.horizontal(h, cache)
            link = cache.open((layer, "link"), seen, 2 * layer.width, 1).read(cache.row - 1, cache.column)
            _, sideways = cache.once((layer, "bias"), partial(layer.bias, condition))
            h = layer.across(h, seen, link, _crop(sideways, cache, 1), cache)
        return h

    def _descend(self, cache: Cache, condition: Tensor) -> Tensor:
        """Run the vertical stack along one row that is complete, and keep what it tells the row below."""
        v = None
        for layer in self.layers:
            seen = layer.vertical.read(cache, cache.width) if v is None else layer.vertical(v, cache)
            cache.open((layer, "link"), seen, 2 * layer.width, 1).write(cache.row, 0, layer.link(seen))
            downwards, _ = cache.once((layer, "bias"), partial(layer.bias, condition))
            v = gate(seen + _crop(downwards, cache, cache.width))
        return v

    def _checked(self, condition: Tensor | None, like: Tensor) -> Tensor:
        """Return the condition, zeros where none is taken."""
        found = 0 if condition is None else condition.shape[1]
        if found != self.condition_channels:
            raise BadInput(
                f"CausalStack: wrong condition; expected {self.condition_channels} channels, got {found}. "
                "Give the one that it was built for."
            )
        return like.new_zeros(1, 1, 1, 1) if condition is None else condition


def _crop(x: Tensor, cache: Cache, span: int) -> Tensor:
    """Return a map at the cache's place; one vector an image as it is."""
    if x.shape[2:] == (1, 1):
        return x
    return x[:, :, cache.row : cache.row + 1, cache.column : cache.column + span]
