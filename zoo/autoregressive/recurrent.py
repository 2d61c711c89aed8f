"""The two-dimensional LSTMs of the PixelRNN (van den Oord et al. 2016, arXiv:1601.06759, sections 3.1 and 3.2).

Both compute, at every place, gates from the input there and from neighbouring states, then the usual

    c = f * c' + i * g,   h = o * tanh(c)

Row LSTM: the neighbours are three states of the row above: rows are computed whole, a triangle above is seen.
Diagonal LSTM: the states to the left and above: diagonals are computed whole, everything above and left is seen. A
second one that runs from the right sees what is above and right, and must be shifted down one row, else it would see
the pixels to the right in its own row, which come later. Together they see all pixels before, but for the last of the
row above, which no feature of that row holds: only where the first convolution reaches it is it seen.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.layers.cache import Cache
from zoo.layers.causal_stack import down_one_row
from zoo.layers.masked import MaskedConv, convolve


def cell(gates: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """Return h and c [n, width, ...] of gates [n, 4 width, ...] before their nonlinearities, and of the earlier c."""
    o, f, i, g = gates.chunk(4, dim=1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def skew(x: Tensor) -> Tensor:
    """Return x [n, c, h, w] with row i moved i places to the right, zeros around: [n, c, h, w + h - 1].

    Its columns are the diagonals of x.
    """
    height, width = x.shape[2:]
    return F.pad(x, (0, height)).flatten(2)[..., :-height].unflatten(2, (height, width + height - 1))


def unskew(x: Tensor) -> Tensor:
    """Return [n, c, h, w] of the skewed [n, c, h, w + h - 1]."""
    height, width = x.shape[2], x.shape[3] + 1 - x.shape[2]
    return F.pad(x.flatten(2), (0, height)).unflatten(2, (height, width + height))[..., :width]


class RowLSTM(nn.Module):
    """LSTM down the rows: state (i, j) from the states (i - 1, j - 1 .. j + 1) and the inputs (i, j - 1 .. j).

    Args:
        in_channels: of x.
        width: of the state.
        colours: of a pixel.
    """

    def __init__(self, in_channels: int, width: int, colours: int = 1) -> None:
        super().__init__()
        self.width = width
        self.inputs = MaskedConv(in_channels, 4 * width, 3, "B", colours, above=False, parts=4)
        self.states = nn.Conv2d(width, 4 * width, (1, 3), bias=False)

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        """Map x [n, in, h, w] to states [n, width, h, w]; with ``cache``, one place from its neighbours' states."""
        if cache is not None:
            return self._at(x, cache)
        gates = self.inputs(x)
        h = c = x.new_zeros(len(x), self.width, 1, x.shape[3])
        rows = []
        for row in gates.split(1, dim=2):
            h, c = cell(row + self.states(F.pad(h, (1, 1))), c)
            rows.append(h)
        return torch.cat(rows, dim=2)

    def _at(self, x: Tensor, cache: Cache) -> Tensor:
        states, cells = (cache.open((self, name), x, self.width, 1) for name in ("h", "c"))
        row, column = cache.row, cache.column
        gates = self.inputs(x, cache) + convolve(states.read(row - 1, column - 1, 1, 3), self.states.weight, None)
        h, c = cell(gates, cells.read(row - 1, column))
        states.write(row, column, h)
        cells.write(row, column, c)
        return h


class DiagonalLSTM(nn.Module):
    """LSTM along the diagonals: state (i, j) from the states (i, j - 1) and (i - 1, j) and the input (i, j).

    Args:
        in_channels: of x.
        width: of the state.
        colours: of a pixel.
    """

    def __init__(self, in_channels: int, width: int, colours: int = 1) -> None:
        super().__init__()
        self.width = width
        self.inputs = MaskedConv(in_channels, 4 * width, 1, "B", colours, parts=4)
        self.states = nn.Conv2d(width, 4 * width, (2, 1), bias=False)  # a bias would move the zeros before the image

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        """Map x [n, in, h, w] to states [n, width, h, w]; with ``cache``, one place from its neighbours' states."""
        if cache is not None:
            return self._at(x, cache)
        gates = skew(self.inputs(x))
        h = c = x.new_zeros(len(x), self.width, x.shape[2], 1)
        columns = []
        for column in gates.split(1, dim=3):
            h, c = cell(column + self.states(F.pad(h, (0, 0, 1, 0))), c)
            columns.append(h)
        return unskew(torch.cat(columns, dim=3))

    def _at(self, x: Tensor, cache: Cache) -> Tensor:
        states, cells = (cache.open((self, name), x, self.width, 1) for name in ("h", "c"))
        row, column = cache.row, cache.column
        neighbours = torch.cat([states.read(row - 1, column), states.read(row, column - 1)], dim=2)
        h, c = cell(self.inputs(x, cache) + convolve(neighbours, self.states.weight, None), cells.read(row, column - 1))
        states.write(row, column, h)
        cells.write(row, column, c)
        return h


class DiagonalBiLSTM(nn.Module):
    """A ``DiagonalLSTM`` from the left, and one from the right whose states are shifted down one row; their sum.

    Args:
        in_channels: of x.
        width: of the state.
        colours: of a pixel.
    """

    def __init__(self, in_channels: int, width: int, colours: int = 1) -> None:
        super().__init__()
        self.left = DiagonalLSTM(in_channels, width, colours)
        self.right = DiagonalLSTM(in_channels, width, colours)

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        """Map x [n, in, h, w] to [n, width, h, w]; with ``cache``, one place.

        From the left, the cache gives each place as it comes; from the right, a row whole, once it is complete.
        """
        if cache is not None:
            return self._at(x, cache)
        return self.left(x) + down_one_row(self.right(x.flip(3)).flip(3))

    def _at(self, x: Tensor, cache: Cache) -> Tensor:
        cache.open((self, "x"), x, x.shape[1], 0).write(cache.row, cache.column, x)
        left = self.left(x, cache)
        if not cache.row:
            return left
        above = cache.once((self, cache.row), lambda: self._sweep(cache.at(cache.row - 1, 0)))
        return left + above[..., cache.column : cache.column + 1]

    def _sweep(self, cache: Cache) -> Tensor:
        """Return the states [n, width, 1, w] from the right along one row that is complete."""
        row = cache.canvas((self, "x")).read(cache.row, 0, 1, cache.width).flip(3)
        states = [self.right(x, cache.at(cache.row, column)) for column, x in enumerate(row.split(1, dim=3))]
        return torch.cat(states, dim=3).flip(3)
