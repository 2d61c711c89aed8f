"""Encoders and decoders: linear, fully connected, convolutional.

    encoder   images [n, c, h, w] -> [n, out]
    decoder   codes [n, latent] -> [n, c', h, w]

Neither squashes what it puts out: what those numbers mean is for the model to say. The image reaches the decoder by the
code alone; nothing goes past it.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Literal

from pydantic import Field, PositiveInt
from torch import Tensor, nn

from genbench.errors import BadInput
from zoo.contracts import DataSpec
from zoo.descent import DescentConfig
from zoo.layers import DownBlock, UpBlock, UpConv, make_norm

Shape = tuple[int, int, int]  # (c, h, w)
SMALLEST = 4  # side at which convolutions end


class NetworkConfig(DescentConfig):
    """Settings of any autoencoder's networks.

    Attributes:
        network: "linear" (one layer each), "mlp" (fully connected) or "conv" (strided convolutions).
        latent: numbers in a code.
        widths: of the hidden layers of "mlp", from the image inwards; the decoder has them in reverse.
        channels: of "conv" at half the full side; doubled with every halving.
        norm: of "conv": "none", "gn", "in", "ln", "bn".
        up: of its decoder: "transposed" convolutions, or "nearest" or "bilinear" resizing with one, against grain.
    """

    network: Literal["linear", "mlp", "conv"] = "conv"
    latent: int = Field(16, ge=1)
    widths: tuple[PositiveInt, ...] = (256, 128)
    channels: int = Field(32, ge=1)
    norm: Literal["none", "gn", "in", "ln", "bn"] = "none"
    up: Literal["transposed", "nearest", "bilinear"] = "transposed"


def make_encoder(config: NetworkConfig, shape: Shape, out: int) -> nn.Module:
    """Return the encoder that ``config`` names, images [n, *shape] -> [n, out]."""
    if config.network == "conv":
        return ConvEncoder(shape, out, config.channels, norm=config.norm)
    return FullyConnectedEncoder(shape, out, _hidden(config))


def make_decoder(config: NetworkConfig, shape: Shape) -> nn.Module:
    """Return the decoder that ``config`` names, codes [n, config.latent] -> [n, *shape]."""
    if config.network == "conv":
        return ConvDecoder(config.latent, shape, config.channels, norm=config.norm, up=config.up)
    return FullyConnectedDecoder(config.latent, shape, _hidden(config)[::-1])


def refuse_shape(model: str, network: str, spec: DataSpec) -> None:
    """Raise ``BadInput`` unless ``spec`` is of images that ``network`` can halve down to 4 x 4."""
    side = spec.shape[-1]
    is_image = len(spec.shape) == 3
    can_halve = is_image and spec.shape[1] == side and side >= 2 * SMALLEST and not side & (side - 1)
    if is_image and (network != "conv" or can_halve):
        return
    rule = "square images of 8, 16, 32 ... pixels" if network == "conv" else "images"
    raise BadInput(
        f"model {model!r}: cannot learn such data; expected {rule}, got {list(spec.shape)} of {spec.name!r}. "
        "Choose another data set" + (", or network=mlp." if is_image else ".")
    )


class FullyConnectedEncoder(nn.Sequential):
    """Images [n, *shape] to [n, out]; ReLU between layers, none without hidden ones."""

    def __init__(self, shape: Shape, out: int, widths: Sequence[int] = ()) -> None:
        super().__init__(nn.Flatten(), *_layers([prod(shape), *widths, out]))


class FullyConnectedDecoder(nn.Sequential):
    """Codes [n, latent] to [n, *shape]; ReLU between layers, none without hidden ones."""

    def __init__(self, latent: int, shape: Shape, widths: Sequence[int] = ()) -> None:
        super().__init__(*_layers([latent, *widths, prod(shape)]), nn.Unflatten(1, shape))


class ConvEncoder(nn.Module):
    """Images [n, c, s, s] to [n, out]: halved down to 4 x 4, then one linear layer.

    Args:
        shape: of the images; s is a power of two, at least 8.
        out: numbers an image.
        channels: at s / 2; doubled with every halving.
        norm: of ``make_norm``; none before the first activation.
    """

    def __init__(self, shape: Shape, out: int, channels: int, *, norm: str = "none") -> None:
        super().__init__()
        widths = doubled(channels, shape[-1])
        self.blocks = downward(shape[0], widths, norm=norm)
        self.last = nn.Linear(widths[-1] * SMALLEST**2, out)

    def forward(self, x: Tensor) -> Tensor:
        """Return [n, out]."""
        return self.last(self.blocks(x).flatten(1))


class ConvDecoder(nn.Module):
    """Codes [n, latent] to [n, c', s, s]: the encoder's mirror.

    Args:
        latent: numbers in a code.
        shape: of what comes out.
        channels: at s / 2; doubled with every halving.
        norm: of ``make_norm``; none at the end.
        up: mode of ``UpConv``.
    """

    def __init__(self, latent: int, shape: Shape, channels: int, *, norm: str = "none", up: str = "transposed") -> None:
        super().__init__()
        widths = doubled(channels, shape[-1])[::-1]
        self.stem = nn.Sequential(
            nn.Linear(latent, widths[0] * SMALLEST**2),
            nn.Unflatten(1, (widths[0], SMALLEST, SMALLEST)),
            make_norm(norm, widths[0]),
            nn.ReLU(),
        )
        self.blocks = upward(widths, shape[0], norm=norm, mode=up)

    def forward(self, z: Tensor) -> Tensor:
        """Return [n, c', s, s]."""
        return self.blocks(self.stem(z))


def doubled(channels: int, side: int) -> list[int]:
    """Return the channels at side / 2, side / 4 ... 4: ``channels``, then twice as many with every halving."""
    halvings = (side // SMALLEST).bit_length() - 1
    return [channels << halving for halving in range(halvings)]


def downward(in_channels: int, widths: Sequence[int], *, norm: str = "none") -> nn.Sequential:
    """Return convolutions [n, in, s, s] -> [n, widths[-1], s / 2^k, s / 2^k], one halving a width."""
    first = DownBlock(in_channels, widths[0], norm="none")
    return nn.Sequential(first, *(DownBlock(wide, wider, norm=norm) for wide, wider in pairwise(widths)))


def upward(widths: Sequence[int], out_channels: int, *, norm: str = "none", mode: str = "transposed") -> nn.Sequential:
    """Return convolutions [n, widths[0], s, s] -> [n, out, 2^k s, 2^k s], one doubling a width, the last one bare."""
    blocks = (UpBlock(wide, narrower, mode, norm=norm) for wide, narrower in pairwise(widths))
    return nn.Sequential(*blocks, UpConv(widths[-1], out_channels, mode))


def _hidden(config: NetworkConfig) -> tuple[int, ...]:
    return config.widths if config.network == "mlp" else ()


def _layers(widths: Sequence[int]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for width, following in pairwise(widths):
        layers += [nn.Linear(width, following), nn.ReLU()]
    return layers[:-1]
