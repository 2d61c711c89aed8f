"""PixelCNN: masked convolutions over the pixels before (van den Oord et al. 2016, arXiv:1601.06759, section 3.5).

One convolution with mask "A", residual blocks with mask "B", a softmax over grey levels. There are no norms and no
pooling: either would mix in what comes later. Stacked masked convolutions leave a blind spot, a wedge above and to the
right that no pixel sees; ``gated-pixelcnn`` has none.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from zoo.autoregressive.network import GreyLevels, LayeredNetwork, RasterNetwork
from zoo.autoregressive.raster import RasterConfig, RasterModel
from zoo.contracts import ModelInfo, Preset
from zoo.layers.cache import Cache
from zoo.layers.masked import MaskedConv


class PixelCNN(RasterModel):
    """Any native grey levels, grey or coloured."""

    info: ClassVar = ModelInfo(
        name="pixelcnn",
        title="PixelCNN",
        paper="van den Oord et al. 2016, arXiv:1601.06759",
        summary="masked convolutions give each pixel its probability given those before it",
        family="autoregressive",
    )
    config_type: ClassVar = RasterConfig
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset("digits8", steps=2, batch=8, config={"width": 8, "layers": 1, "hidden": 8}),
        "small": Preset("digits8", steps=1500, batch=64, config={"lr_decay": "linear"}),
        "paper": Preset(
            "torchvision:CIFAR10",
            steps=500_000,
            batch=16,
            config={
                "optimizer": "rmsprop",
                "lr": 1e-3,
                "width": 256,  # 2h of h = 128
                "layers": 15,
                "kernel": 7,
                "hidden": 1024,
                "dropout": 0.0,
            },
            is_tested=False,
            gpus=1,
            source="paper",
        ),
    }

    def make_network(self) -> RasterNetwork:
        """Return the masked convolutions."""
        config, colours = self.config, self.spec.shape[0]
        blocks = [ResidualBlock(config.width, colours, config.dropout) for _ in range(config.layers)]
        return LayeredNetwork(GreyLevels(self.levels, colours), config.kernel, config.width, blocks, config.hidden)


class ResidualBlock(nn.Module):
    """x + (1x1 to half the width, 3x3, 1x1 back), a ReLU before each.

    Args:
        width: of x.
        colours: of a pixel.
        dropout: before the last convolution.
    """

    def __init__(self, width: int, colours: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        self.down = MaskedConv(width, width // 2, 1, "B", colours)
        self.conv = MaskedConv(width // 2, width // 2, 3, "B", colours)
        self.up = MaskedConv(width // 2, width, 1, "B", colours)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        """Map x [n, width, h, w] to the same size; with ``cache``, one place."""
        inner = self.conv(F.relu(self.down(F.relu(x), cache)), cache)
        return x + self.up(self.dropout(F.relu(inner)), cache)
