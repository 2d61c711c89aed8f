"""Blocks that double or halve the resolution: DCGAN's strided convolutions, and resize with a plain convolution.

A transposed convolution of kernel 4 and stride 2 covers the grid evenly (arXiv:1511.06434); resizing first is the
stronger remedy against checkerboard patterns (Odena et al. 2016, doi:10.23915/distill.00003).
"""

from torch import Tensor, nn

from zoo.layers.choice import chosen
from zoo.layers.norms import make_norm
from zoo.layers.rank import ranked

_ACTIVATIONS = {"relu": lambda: nn.ReLU(), "lrelu": lambda: nn.LeakyReLU(0.2)}
_RESIZES = {"transposed": None, "nearest": ("nearest", "nearest"), "bilinear": ("bilinear", "trilinear")}


class UpConv(nn.Sequential):
    """Convolution [n, in, s...] -> [n, out, 2s...].

    Args:
        in_channels: of the input.
        out_channels: of the output.
        mode: "transposed" (kernel 4, stride 2, padding 1); "nearest" or "bilinear" resize, then kernel 3.
        nd: spatial axes, 2 or 3.
        bias: of the convolution.

    Raises:
        UnknownName: for another mode.
    """

    def __init__(
        self, in_channels: int, out_channels: int, mode: str = "transposed", nd: int = 2, bias: bool = True
    ) -> None:
        resize = chosen("upsampling", mode, _RESIZES)
        if resize is None:
            super().__init__(ranked("ConvTranspose", nd)(in_channels, out_channels, 4, 2, 1, bias=bias))
            return
        conv = ranked("Conv", nd)(in_channels, out_channels, 3, padding=1, bias=bias)
        super().__init__(nn.Upsample(scale_factor=2, mode=resize[nd - 2]), conv)


class DownConv(nn.Sequential):
    """Convolution [n, in, 2s...] -> [n, out, s...].

    Args:
        in_channels: of the input.
        out_channels: of the output.
        mode: "strided" (kernel 4, stride 2, padding 1) or "pool" (kernel 3, then the mean of 2 positions per axis).
        nd: spatial axes, 2 or 3.
        bias: of the convolution.

    Raises:
        UnknownName: for another mode.
    """

    def __init__(
        self, in_channels: int, out_channels: int, mode: str = "strided", nd: int = 2, bias: bool = True
    ) -> None:
        conv = ranked("Conv", nd)
        if chosen("downsampling", mode, {"strided": True, "pool": False}):
            super().__init__(conv(in_channels, out_channels, 4, 2, 1, bias=bias))
        else:
            super().__init__(conv(in_channels, out_channels, 3, padding=1, bias=bias), ranked("AvgPool", nd)(2))


class UpBlock(nn.Module):
    """``UpConv``, norm, activation; the convolution has a bias where there is no norm.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        mode: of ``UpConv``.
        norm: of ``make_norm``.
        activation: "relu" or "lrelu" (slope 0.2).
        nd: spatial axes, 2 or 3.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        mode: str = "transposed",
        norm: str = "bn",
        *,
        activation: str = "relu",
        nd: int = 2,
    ) -> None:
        super().__init__()
        self.conv = UpConv(in_channels, out_channels, mode, nd, bias=norm == "none")
        self.norm = make_norm(norm, out_channels, nd)
        self.activation = chosen("activation", activation, _ACTIVATIONS)()

    def forward(self, x: Tensor) -> Tensor:
        """Map x [n, in, s...] to [n, out, 2s...]."""
        return self.activation(self.norm(self.conv(x)))


class DownBlock(nn.Module):
    """``DownConv``, norm, activation; the convolution has a bias where there is no norm.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        mode: of ``DownConv``.
        norm: of ``make_norm``.
        activation: "relu" or "lrelu" (slope 0.2).
        nd: spatial axes, 2 or 3.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        mode: str = "strided",
        norm: str = "bn",
        *,
        activation: str = "lrelu",
        nd: int = 2,
    ) -> None:
        super().__init__()
        self.conv = DownConv(in_channels, out_channels, mode, nd, bias=norm == "none")
        self.norm = make_norm(norm, out_channels, nd)
        self.activation = chosen("activation", activation, _ACTIVATIONS)()

    def forward(self, x: Tensor) -> Tensor:
        """Map x [n, in, 2s...] to [n, out, s...]."""
        return self.activation(self.norm(self.conv(x)))
