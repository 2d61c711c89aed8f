"""Normalisations: batch, instance, layer, group; conditional; PixelNorm; adaptive instance normalisation."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from zoo.layers.choice import chosen
from zoo.layers.equalized import EqLinear
from zoo.layers.rank import ranked
from zoo.layers.spectral import spectral

Make = Callable[[int, int, bool], nn.Module]


def group_count(channels: int) -> int:
    """Groups of a group norm: the largest divisor of ``channels`` that is at most min(32, channels / 4), at least 1."""
    most = max(1, min(32, channels // 4))
    return max(count for count in range(1, most + 1) if channels % count == 0)


_NORMS: dict[str, Make] = {
    "bn": lambda channels, nd, affine: ranked("BatchNorm", nd)(channels, affine=affine),
    "in": lambda channels, nd, affine: ranked("InstanceNorm", nd)(channels, affine=affine),
    "ln": lambda channels, nd, affine: nn.GroupNorm(1, channels, affine=affine),
    "gn": lambda channels, nd, affine: nn.GroupNorm(group_count(channels), channels, affine=affine),
    "none": lambda channels, nd, affine: nn.Identity(),
}


def make_norm(kind: str, channels: int, nd: int = 2, *, affine: bool | None = None) -> nn.Module:
    """Return a normalisation of [n, channels, *nd spatial axes].

    Args:
        kind: "bn" batch, "in" instance, "ln" layer (over channels and positions, scale per channel), "gn" group (Wu &
            He 2018, arXiv:1803.08494; ``group_count`` groups), "none".
        channels: of the input.
        nd: spatial axes, 2 or 3.
        affine: a learned scale and shift per channel. None: as is usual, for all but "in".

    Raises:
        UnknownName: for another kind.
    """
    make = chosen("norm", kind, _NORMS)
    return make(channels, nd, kind != "in" if affine is None else affine)


class ConditionalNorm(nn.Module):
    """norm(x) * (1 + gain(condition)) + bias(condition), gain and bias linear without an offset.

    Dumoulin et al. 2017, arXiv:1610.07629; BigGAN's form of it (Brock et al. 2019, arXiv:1809.11096). It starts as the
    plain norm: gain and bias are 0, and initialisers leave them so. With ``spectral`` they start orthogonal instead,
    because a normalised weight cannot be 0.

    Args:
        channels: of x.
        condition_width: of the condition: a class embedding, a latent vector, or both side by side.
        kind: of ``make_norm``.
        spectral: normalise gain and bias spectrally.
        nd: spatial axes, 2 or 3.
    """

    governs_own_weights = True

    def __init__(
        self, channels: int, condition_width: int, kind: str = "bn", spectral: bool = False, nd: int = 2
    ) -> None:
        super().__init__()
        self.norm = make_norm(kind, channels, nd, affine=False)
        self.gain = _projection(condition_width, channels, spectral)
        self.bias = _projection(condition_width, channels, spectral)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Return x [n, c, ...] normalised, scaled and shifted by condition [n, width]."""
        gain, bias = (_per_channel(part(condition), x) for part in (self.gain, self.bias))
        return self.norm(x) * (1 + gain) + bias


def _projection(width: int, channels: int, is_spectral: bool) -> nn.Module:
    layer = nn.Linear(width, channels, bias=False)
    if is_spectral:
        nn.init.orthogonal_(layer.weight)
        return spectral(layer)
    nn.init.zeros_(layer.weight)
    return layer


class PixelNorm(nn.Module):
    """x / sqrt(mean over channels of x^2 + eps), at every position (Karras et al. 2018, arXiv:1710.10196)."""

    def __init__(self, eps: float = 1e-8) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x [n, c, ...] over axis 1."""
        return x * torch.rsqrt(x.square().mean(1, keepdim=True) + self.eps)


def adain(x: Tensor, scale: Tensor, shift: Tensor, eps: float = 1e-8) -> Tensor:
    """Give each channel of each image the mean ``shift`` and the standard deviation ``scale``.

    Huang & Belongie 2017, arXiv:1703.06868. Variance with divisor (number of positions), eps added to it; a constant
    channel becomes ``shift``.

    Args:
        x: [n, c, ...].
        scale: [n, c].
        shift: [n, c].
        eps: see above.
    """
    flat = x.flatten(2)
    deviation = flat - flat.mean(2, keepdim=True)
    normal = deviation * torch.rsqrt(deviation.square().mean(2, keepdim=True) + eps)
    return normal.view_as(x) * _per_channel(scale, x) + _per_channel(shift, x)


class AdaIN(nn.Module):
    """``adain`` with scale 1 + s and shift b, (s, b) = affine(w), equalised; StyleGAN's style (arXiv:1812.04948).

    Args:
        channels: of x.
        style_width: of w.
    """

    def __init__(self, channels: int, style_width: int) -> None:
        super().__init__()
        self.affine = EqLinear(style_width, 2 * channels)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Return x [n, c, ...] in the style of w [n, width]."""
        scale, shift = self.affine(w).chunk(2, dim=1)
        return adain(x, 1 + scale, shift)


def _per_channel(values: Tensor, x: Tensor) -> Tensor:
    """[n, c] -> [n, c, 1, 1], as many axes as x."""
    return values.reshape(*x.shape[:2], *(1,) * (x.ndim - 2))
