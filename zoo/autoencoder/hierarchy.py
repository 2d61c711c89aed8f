"""Autoencoder of two levels of codes (Razavi et al. 2019, arXiv:1906.00446, figure 2a).

    x -> fine features, 1/4 of the side -> coarse features, 1/8 -> top codes
    (fine features, top codes) -> bottom codes
    (top codes, bottom codes) -> x

The top has what an image is as a whole, the bottom the details that the top leaves open. Blocks as in the authors'
code for one level: residual blocks of a 3 x 3 and a 1 x 1 convolution, no norm.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.layers.quantizer import Mean, Quantized, VectorQuantizer

SHRINKS = 8  # from the side of an image to that of its top codes


class Levels(NamedTuple):
    """What there is once for each level.

    Attributes:
        top: of 1/8 of the image's side.
        bottom: of 1/4.
    """

    top: Quantized
    bottom: Quantized


class Hierarchy(nn.Module):
    """Images [n, c, h, w] in [-1, 1], h and w multiples of 8, to codes and back.

    Args:
        colours: c.
        channels: feature maps.
        blocks: residual blocks of each encoder and decoder.
        size: vectors in each codebook.
        width: of a vector.
        decay: of the codebooks' running sums.
    """

    def __init__(self, colours: int, channels: int, blocks: int, *, size: int, width: int, decay: float) -> None:
        super().__init__()
        half = channels // 2
        self.fine = nn.Sequential(
            *(nn.Conv2d(colours, half, 4, 2, 1), nn.ReLU(), nn.Conv2d(half, channels, 4, 2, 1), nn.ReLU()),
            nn.Conv2d(channels, channels, 3, padding=1),
            residual(channels, blocks),
        )
        self.coarse = nn.Sequential(
            *(nn.Conv2d(channels, half, 4, 2, 1), nn.ReLU(), nn.Conv2d(half, channels, 3, padding=1)),
            *(residual(channels, blocks), nn.Conv2d(channels, width, 1)),
        )
        self.seen = nn.Sequential(
            nn.Conv2d(width, channels, 3, padding=1),
            *(residual(channels, blocks), nn.ConvTranspose2d(channels, width, 4, 2, 1)),
        )
        self.joined = nn.Conv2d(channels + width, width, 1)
        self.top = VectorQuantizer(size, width, decay)
        self.bottom = VectorQuantizer(size, width, decay)
        self.enlarge = nn.ConvTranspose2d(width, width, 4, 2, 1)
        self.draw = nn.Sequential(
            *(nn.Conv2d(2 * width, channels, 3, padding=1), residual(channels, blocks)),
            *(nn.ConvTranspose2d(channels, half, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(half, colours, 4, 2, 1)),
        )

    def encode(self, x: Tensor, mean: Mean | None = None) -> Levels:
        """Return what images become at either level; with ``mean``, ``Run.mean``, the codebooks learn."""
        fine = self.fine(x)
        top = self.top(self.coarse(fine), mean)
        return Levels(top, self.bottom(self.joined(torch.cat([fine, self.seen(top.vectors)], dim=1)), mean))

    def decode(self, top: Tensor, bottom: Tensor) -> Tensor:
        """Return images of vectors [n, width, h / 8, w / 8] and [n, width, h / 4, w / 4]; nothing bounds them."""
        return self.draw(torch.cat([self.enlarge(top), bottom], dim=1))

    def forward(self, x: Tensor, mean: Mean | None = None, withheld: float = 0.0) -> tuple[Tensor, Levels]:
        """Return images through their codes, a share ``withheld`` of them, drawn, by their top codes alone; and these.

        What the bottom can do by itself it does by itself, and the top is left empty (Dhariwal et al. 2020,
        arXiv:2005.00341, section 3): so it must do without at times.
        """
        levels = self.encode(x, mean)
        kept = torch.rand(len(x), 1, 1, 1, device=x.device) >= withheld
        return self.decode(levels.top.vectors, kept * levels.bottom.vectors), levels


class Residual(nn.Module):
    """x + conv 1 (ReLU conv 3 (ReLU x)), half as many channels between."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.wide = nn.Conv2d(channels, channels // 2, 3, padding=1)
        self.narrow = nn.Conv2d(channels // 2, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map x [n, channels, h, w] to the same shape."""
        return x + self.narrow(F.relu(self.wide(F.relu(x))))


def residual(channels: int, blocks: int) -> nn.Sequential:
    """Return ``blocks`` residual blocks, then ReLU."""
    return nn.Sequential(*(Residual(channels) for _ in range(blocks)), nn.ReLU())
