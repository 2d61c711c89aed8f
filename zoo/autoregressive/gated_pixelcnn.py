"""Gated PixelCNN, told a class (van den Oord et al. 2016, arXiv:1606.05328).

A vertical and a horizontal stack (``zoo.layers.causal_stack``) see every pixel before their own, and gates multiply as
those of an LSTM do. The class is added before every gate. By Bayes' rule the model is a classifier too.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from zoo.autoregressive.network import Categories, GreyLevels, RasterNetwork
from zoo.autoregressive.raster import RasterConfig, RasterModel
from zoo.contracts import ModelInfo, Preset
from zoo.layers.cache import Cache
from zoo.layers.causal_stack import CausalStack
from zoo.model import BelowOne


class GatedPixelCNNConfig(RasterConfig):
    """Settings of the gated PixelCNN."""

    width: int = Field(32, ge=2)
    dropout: BelowOne = 0.2


class GatedPixelCNN(RasterModel):
    """Any native grey levels, grey or coloured, with classes."""

    info: ClassVar = ModelInfo(
        name="gated-pixelcnn",
        title="Gated PixelCNN",
        paper="van den Oord et al. 2016, arXiv:1606.05328",
        summary="a vertical and a horizontal stack with gates, told the class: no blind spot",
        family="autoregressive",
    )
    config: GatedPixelCNNConfig
    config_type: ClassVar = GatedPixelCNNConfig
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset("digits8", steps=2, batch=8, config={"width": 4, "layers": 2, "hidden": 8}),
        "small": Preset("digits8", steps=1000, batch=64, config={"lr_decay": "linear"}),
        "paper": Preset(
            "torchvision:CIFAR10",
            steps=200_000,
            batch=16,
            config={
                "optimizer": "rmsprop",
                "lr": 1e-3,
                "width": 128,
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
    is_conditional = True

    def make_network(self) -> RasterNetwork:
        """Return the two stacks."""
        config = self.config
        embed = GreyLevels(self.levels, self.spec.shape[0])
        stack = CausalStack(
            embed.channels,
            config.width,
            config.layers,
            first_kernel=config.kernel,
            colours=embed.colours,
            condition_channels=self.spec.classes,
            dropout=config.dropout,
        )
        return StackedNetwork(embed, stack, config.width, config.hidden)

    def condition(self, labels: Tensor) -> Tensor:
        """Return classes as vectors [n, classes, 1, 1] with one 1."""
        dtype = next(self.parameters()).dtype
        return F.one_hot(labels, self.spec.classes)[:, :, None, None].to(dtype)

    def classify(self, x: Tensor) -> Tensor:
        """Return the class int64 [n] under which each image [n, c, h, w] in [0, 1] is most likely."""
        return self._by_class(self._levels_of(x)).sum((2, 3, 4)).argmax(dim=1)


class StackedNetwork(RasterNetwork):
    """A ``CausalStack`` between levels, or codes, and logits.

    Args:
        embed: ``GreyLevels`` of images or ``Categories`` of codes.
        stack: of as many input channels as ``embed`` gives, and as many colours.
        width: of the stack.
        hidden: maps of the layer before the logits.
    """

    def __init__(self, embed: GreyLevels | Categories, stack: CausalStack, width: int, hidden: int) -> None:
        super().__init__(embed, width, hidden)
        self.stack = stack

    def features(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return features of whole images."""
        return self.stack(x, condition)

    def features_at(self, cache: Cache, condition: Tensor | None = None) -> Tensor:
        """Return features of one place."""
        return self.stack.read(cache, condition)

    def note(self, x: Tensor, cache: Cache) -> None:
        """Keep a pixel."""
        self.stack.write(x, cache)
