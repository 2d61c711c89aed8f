"""Vector quantisation: each vector gives way to the nearest of a codebook (van den Oord et al. 2017, arXiv:1711.00937).

No gradient reaches the codebook; each of its vectors follows the mean of those that chose it, by running sums
(appendix A.1 there; the defaults of the authors' code in Sonnet):

    N <- g N + (1 - g) n,   m <- g m + (1 - g) sum of z,   e = m / N

A vector that nearly nobody chooses is dead, for nothing moves it: it is put where vectors are far from their codes.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

LAPLACE = 1e-5  # added to every count: no vector is divided by 0
DEAD = 0.03  # share of the mean count below which a vector is dead
NEW = 0.06  # share of the mean count that a vector starts with: it moves fast, and is soon dead if nobody wants it
TINY = 1e-12  # chance, before it is normalised, of a vector that is its code
ODDS = 700.0  # exponent between the least and the greatest lot, within the range of float64

Mean = Callable[[Tensor], Tensor]  # over processes


class Quantized(NamedTuple):
    """What became of vectors z [n, width, ...].

    Attributes:
        codes: places in the codebook, int64 [n, ...].
        vectors: those of the codebook, float32 [n, width, ...]; their gradient is that of z.
        commitment: mean of (z - e)^2 over all numbers, which draws z towards e alone.
    """

    codes: Tensor
    vectors: Tensor
    commitment: Tensor


class VectorQuantizer(nn.Module):
    """Vectors [n, width, ...] to the nearest in a codebook, in float32.

    Args:
        size: vectors in the codebook.
        width: of a vector.
        decay: g, the share of the running sums that an update keeps.

    Attributes:
        codebook: float32 [size, width]; N(0, 1) until it has learned, then such vectors as it was shown.
        counts: N, float32 [size]; 0 until it has learned.
        sums: m, float32 [size, width].
    """

    codebook: Tensor
    counts: Tensor
    sums: Tensor

    def __init__(self, size: int, width: int, decay: float = 0.99) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("codebook", torch.randn(size, width))
        self.register_buffer("counts", torch.zeros(size))
        self.register_buffer("sums", torch.zeros(size, width))

    def forward(self, z: Tensor, mean: Mean | None = None) -> Quantized:
        """Quantise z [n, width, ...].

        Args:
            z: in any float type.
            mean: ``Run.mean``: the codebook learns from z, of all processes. None: it stays as it is.
        """
        with torch.autocast(z.device.type, enabled=False):
            z = z.float()
            rows = z.detach().movedim(1, -1).flatten(0, -2)
            if mean is not None and not self.counts.any():
                self._renew(self.counts == 0, rows, torch.ones_like(rows[:, 0]), len(rows) / len(self.counts), mean)
            chosen = self.nearest(rows)
            codes = chosen.view(len(z), *z.shape[2:])
            e = self.look_up(codes)  # as it is before it learns
            if mean is not None:
                self._learn(rows, chosen, mean)
            return Quantized(codes, e + (z - z.detach()), (z - e).square().mean())

    def nearest(self, rows: Tensor) -> Tensor:
        """Return the place of the nearest vector, int64 [n], of each row [n, width]."""
        half = 0.5 * self.codebook.square().sum(1)
        return torch.addmm(half, rows, self.codebook.T, alpha=-1).argmin(1)  # |z - e|^2 / 2, but for |z|^2 / 2

    def look_up(self, codes: Tensor) -> Tensor:
        """Return the vectors [n, width, ...] of codes int64 [n, ...]."""
        return self.codebook[codes].movedim(-1, 1)

    @torch.no_grad()
    def _learn(self, rows: Tensor, chosen: Tensor, mean: Mean) -> None:
        count = torch.zeros_like(self.counts).index_add_(0, chosen, torch.ones_like(rows[:, 0]))
        total = torch.zeros_like(self.sums).index_add_(0, chosen, rows)
        self.counts.lerp_(mean(count), 1 - self.decay)
        self.sums.lerp_(mean(total), 1 - self.decay)
        whole = self.counts.sum()
        smoothed = (self.counts + LAPLACE) / (whole + len(self.counts) * LAPLACE) * whole
        errors = (rows - self.codebook[chosen]).square().sum(1)
        self.codebook.copy_(self.sums / smoothed[:, None])
        usual = float(self.counts.mean())
        self._renew(self.counts < DEAD * usual, rows, errors, usual, mean)

    @torch.no_grad()
    def _renew(self, which: Tensor, rows: Tensor, weights: Tensor, usual: float, mean: Mean) -> None:
        """Put the vectors ``which``, bool [size], onto rows drawn with ``weights``; ``usual`` is the mean count."""
        if not which.any():
            return
        drawn = torch.multinomial(weights + TINY, len(which), replacement=len(rows) < len(which))
        count = torch.where(which, NEW * usual, self.counts)
        self.codebook.copy_(torch.where(which[:, None], lottery(rows[drawn], mean), self.codebook))
        self.sums.copy_(torch.where(which[:, None], count[:, None] * self.codebook, self.sums))
        self.counts.copy_(count)


def lottery(rows: Tensor, mean: Mean) -> Tensor:
    """Return for each place of rows [n, width] the row that one process has there, the same on all of them.

    Every process draws lots, and rows are averaged by weights exponential in them: one outweighs all others.
    """
    weights = torch.exp(ODDS * (torch.rand_like(rows[:, :1], dtype=torch.float64) - 1))
    return (mean(weights * rows) / mean(weights)).to(rows)
