"""StyleGAN2's modulated convolution, toRGB, and the noise of both StyleGANs (arXiv:1812.04948, 1912.04958)."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genbench.errors import BadInput
from zoo.layers.blur import blur_after_transposed
from zoo.layers.equalized import EqLinear

EPS = 1e-8


class ModulatedConv(nn.Module):
    """Convolution whose input channels are scaled by a style, and whose outputs are rescaled to unit weight norm.

    With s = affine(w), s = 1 at w = 0: weight''_oik = d_o s_i weight_oik, d_o = 1 / sqrt(sum_ik (s_i weight_oik)^2 +
    1e-8), for every image its own. Computed as conv(x * s) * d, which is equal and needs no grouped convolution. A bias
    follows; noise that is added after it commutes with it.

    Args:
        in_channels: of x.
        out_channels: of the output.
        kernel: side, odd; the size is kept.
        style_width: of w.
        demodulate: multiply by d; without, the weight is scaled by 1 / sqrt(fan_in) instead.
        up: double the resolution: zeros between the pixels, convolution, ``TAPS`` with gain 4.

    Raises:
        BadInput: for an even kernel.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        style_width: int,
        demodulate: bool = True,
        *,
        up: bool = False,
    ) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise BadInput(f"ModulatedConv: an even kernel cannot keep the size; expected odd, got {kernel}.")
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.affine = EqLinear(style_width, in_channels, bias_init=1.0)
        self.demodulate, self.up = demodulate, up
        self.scale = 1.0 if demodulate else 1 / math.sqrt(in_channels * kernel**2)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Map x [n, in, h, w] in the style w [n, style_width] to [n, out, h, w] (2h, 2w with ``up``)."""
        style = self.affine(w) * self.scale
        out = self._convolve(x * style[:, :, None, None])
        if self.demodulate:
            out = out * self.demodulation(style)[:, :, None, None]
        return out + self.bias[:, None, None]

    def demodulation(self, style: Tensor) -> Tensor:
        """Return d [n, out] for styles [n, in]: one over the norm of each image's modulated filters."""
        return torch.rsqrt(style.square() @ self.weight.square().sum((2, 3)).T + EPS)

    def _convolve(self, x: Tensor) -> Tensor:
        side = self.weight.shape[-1]
        if not self.up:
            return F.conv2d(x, self.weight, padding=side // 2)
        flipped = self.weight.transpose(0, 1).flip(2, 3)  # torch's transposed convolution mirrors its kernel
        return blur_after_transposed(F.conv_transpose2d(x, flipped, stride=2), side)


class ToRGB(ModulatedConv):
    """1x1 modulated convolution to ``colours`` channels, without demodulation.

    Args:
        in_channels: of x.
        colours: 1 or 3.
        style_width: of w.
    """

    def __init__(self, in_channels: int, colours: int, style_width: int) -> None:
        super().__init__(in_channels, colours, 1, style_width, demodulate=False)


class Noise(nn.Module):
    """x + strength * noise, one normal number per image and position, shared by the channels; strength starts at 0.

    Args:
        channels: strengths: one per channel (StyleGAN), or 1 for all (StyleGAN2).
    """

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.strength = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor, noise: Tensor | None = None, generator: torch.Generator | None = None) -> Tensor:
        """Add noise to x [n, c, h, w].

        Args:
            x: features.
            noise: [n, 1, h, w], or [1, 1, h, w] for the same in every image; None: drawn from N(0, 1).
            generator: drawn from; None: torch's global state.
        """
        if noise is None:
            n, _, h, w = x.shape
            source = x.device if generator is None else generator.device
            noise = torch.randn(n, 1, h, w, generator=generator, device=source, dtype=x.dtype).to(x.device)
        return x + self.strength * noise
