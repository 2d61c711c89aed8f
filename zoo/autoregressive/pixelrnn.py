"""PixelRNN: two-dimensional LSTMs over the pixels before (van den Oord et al. 2016, arXiv:1601.06759).

One convolution with mask "A", then LSTM layers with residual connections: "diagonal", two LSTMs that together see all
pixels before (but see ``recurrent``), or "row", one whose states go down the rows and see a triangle, at less cost.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import PositiveFloat, PositiveInt
from torch import Tensor, nn

from zoo.autoregressive.network import GreyLevels, LayeredNetwork, RasterNetwork
from zoo.autoregressive.raster import RasterConfig, RasterModel
from zoo.autoregressive.recurrent import DiagonalBiLSTM, RowLSTM
from zoo.contracts import ModelInfo, Preset
from zoo.layers.cache import Cache
from zoo.layers.masked import MaskedConv

LSTMS = {"diagonal": DiagonalBiLSTM, "row": RowLSTM}


class PixelRNNConfig(RasterConfig):
    """Settings of the PixelRNN; ``width``, 2h in the paper, is twice that of the LSTMs' states.

    Attributes:
        kind: "diagonal" or "row".
    """

    kind: Literal["diagonal", "row"] = "diagonal"
    layers: PositiveInt = 2
    clip: PositiveFloat | None = 1.0


class PixelRNN(RasterModel):
    """Any native grey levels, grey or coloured."""

    info: ClassVar = ModelInfo(
        name="pixelrnn",
        title="PixelRNN",
        paper="van den Oord et al. 2016, arXiv:1601.06759",
        summary="LSTMs along diagonals or down the rows see pixels however far before",
        family="autoregressive",
    )
    config: PixelRNNConfig
    config_type: ClassVar = PixelRNNConfig
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset("digits8", steps=2, batch=8, config={"width": 8, "layers": 1, "hidden": 8}),
        "small": Preset("digits8", steps=800, batch=64, config={"lr_decay": "linear"}),
        "paper": Preset(
            "torchvision:CIFAR10",
            steps=500_000,
            batch=16,
            config={
                "optimizer": "rmsprop",
                "lr": 1e-3,
                "width": 256,  # 2h of h = 128
                "layers": 12,
                "kernel": 7,
                "hidden": 1024,
                "dropout": 0.0,
                "clip": None,
            },
            is_tested=False,
            gpus=1,
            source="paper",
        ),
    }
    variants: ClassVar = {"row": {"kind": "row"}}

    def make_network(self) -> RasterNetwork:
        """Return the LSTM layers."""
        config, colours = self.config, self.spec.shape[0]
        layers = [RecurrentLayer(config.kind, config.width, colours, config.dropout) for _ in range(config.layers)]
        return LayeredNetwork(GreyLevels(self.levels, colours), config.kernel, config.width, layers, config.hidden)


class RecurrentLayer(nn.Module):
    """x + 1x1 (LSTM of x), whose states have half the width.

    Args:
        kind: "diagonal" or "row".
        width: of x.
        colours: of a pixel.
        dropout: of the states, where they leave the LSTM.
    """

    def __init__(self, kind: str, width: int, colours: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        self.lstm = LSTMS[kind](width, width // 2, colours)
        self.dropout = nn.Dropout(dropout)
        self.up = MaskedConv(width // 2, width, 1, "B", colours)

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        """Map x [n, width, h, w] to the same size; with ``cache``, one place."""
        return x + self.up(self.dropout(self.lstm(x, cache)), cache)
