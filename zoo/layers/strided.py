"""Plain counterparts of the residual blocks, in the same order: norm (or none), activation, convolution.

The convolutional networks of SNGAN (Miyato et al. 2018, arXiv:1802.05957, table 3).
"""

import torch.nn.functional as F
from torch import Tensor, nn

from genbench.errors import BadInput
from zoo.layers.norms import ConditionalNorm
from zoo.layers.spectral import spectral as normalised

SLOPE = 0.1


class StridedUp(nn.Module):
    """Batch norm, ReLU, transposed convolution of kernel 4 and stride 2, without bias: a norm follows.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        condition_width: of the condition that scales and shifts the norm; None: a plain norm.
        spectral: normalise all weights spectrally, those of the condition included.
    """

    def __init__(
        self, in_channels: int, out_channels: int, condition_width: int | None = None, spectral: bool = False
    ) -> None:
        super().__init__()
        self.is_conditional = condition_width is not None
        self.norm: nn.Module = nn.BatchNorm2d(in_channels)
        if condition_width is not None:
            self.norm = ConditionalNorm(in_channels, condition_width, spectral=spectral)
        conv = nn.ConvTranspose2d(in_channels, out_channels, 4, 2, 1, bias=False)
        self.conv = normalised(conv) if spectral else conv

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map x [n, in, h, w] to [n, out, 2h, 2w].

        Args:
            x: features.
            condition: [n, condition_width] if and only if the block is conditional; else ``BadInput``.
        """
        if (condition is not None) != self.is_conditional:
            rule = "one, for it has a condition_width" if self.is_conditional else "none, for it has no condition_width"
            raise BadInput(f"StridedUp: wrong use of the condition; expected {rule}.")
        given = () if condition is None else (condition,)
        return self.conv(F.relu(self.norm(x, *given)))


class StridedDown(nn.Module):
    """Leaky ReLU of slope 0.1 (not in the first block), conv 3; to halve, leaky ReLU and conv 4 of stride 2.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        first: the input is an image: no activation before the first convolution.
        down: halve the resolution.
    """

    def __init__(self, in_channels: int, out_channels: int, first: bool = False, down: bool = True) -> None:
        super().__init__()
        layers: list[nn.Module] = [] if first else [nn.LeakyReLU(SLOPE)]
        layers.append(nn.Conv2d(in_channels, out_channels, 3, padding=1))
        if down:
            layers += [nn.LeakyReLU(SLOPE), nn.Conv2d(out_channels, out_channels, 4, 2, 1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Map x [n, in, h, w] to [n, out, h/2, w/2], or [n, out, h, w] without ``down``."""
        return self.layers(x)
