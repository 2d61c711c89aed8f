"""RealNVP: couplings under checkerboard and channel masks, in scales (Dinh, Sohl-Dickstein and Bengio 2017).

arXiv:1605.08803. At each scale three couplings under alternating checkerboards, a squeeze of 2 x 2 positions into
channels, three couplings that alternate between halves of the channels, after which half of the channels leaves; at the
last scale four under checkerboards. Batch norm follows each coupling. Their residual networks have neither batch nor
weight norm: no number's density depends on a batch.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar

import torch.nn.functional as F
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from zoo.contracts import DataSpec, ModelInfo, Preset
from zoo.flow.coupling import MaskedCoupling, checkerboard, halves, zeroed
from zoo.flow.density import FlowConfig, FlowModel
from zoo.flow.multiscale import MultiScale, Split
from zoo.flow.norms import BatchNorm
from zoo.flow.steps import Chain, Logit, Squeeze, Step

Shape = tuple[int, int, int]


class RealNVPConfig(FlowConfig):
    """Settings of RealNVP.

    Attributes:
        couplings: under checkerboards and, as many again, under halves of the channels, at a scale; of points, all.
        width: channels of the couplings' networks.
        blocks: residual blocks in each; of points, hidden layers.
        momentum: weight of the old in batch norm's running statistics after a batch.
    """

    couplings: PositiveInt = 3
    width: PositiveInt = 32
    blocks: PositiveInt = 2
    momentum: float = Field(0.99, ge=0, lt=1)


class RealNVP(FlowModel):
    """Images whose sides can be halved once a scale, and points."""

    info: ClassVar = ModelInfo(
        name="realnvp",
        title="RealNVP",
        paper="Dinh et al. 2017, arXiv:1605.08803",
        summary="masked couplings at several scales: an exact density, invertible in one pass",
        family="flow",
    )
    config: RealNVPConfig
    config_type: ClassVar = RealNVPConfig
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset("digits8", steps=2, batch=8, config={"couplings": 1, "width": 8, "blocks": 1}),
        "small": Preset("digits8", steps=1000, batch=64, config={"lr_decay": "linear"}),
        "ring": Preset("ring8", steps=4000, batch=256, config={"couplings": 8, "width": 64, "lr_decay": "linear"}),
        "paper": Preset(
            "torchvision:CIFAR10",
            steps=200_000,
            batch=64,
            config={"width": 64, "blocks": 8, "weight_decay": 5e-5, "clip": 100.0},
            is_tested=False,
            source="paper",
            gpus=1,
        ),
    }

    def check(self, spec: DataSpec) -> None:
        """Take points, and measured images whose sides can be halved once a scale."""
        if not spec.is_points:
            super().check(spec)

    def make_flow(self) -> MultiScale:
        """Return the scales; of points, one."""
        if self.spec.is_points:
            return MultiScale([Chain(*self._halves(self.spec.shape, self.config.couplings))], [], self.spec.shape)
        scales, splits, (channels, height, width) = [], [], self.spec.shape
        before: list[Step] = [Logit()]
        for _ in range(self.config.scales - 1):
            steps = [*before, *self._checkerboards((channels, height, width), self.config.couplings), Squeeze()]
            channels, height, width = 4 * channels, height // 2, width // 2
            scales.append(Chain(*steps, *self._halves((channels, height, width), self.config.couplings)))
            splits.append(Split((channels, height, width), learned=False))
            channels, before = channels // 2, []
        last = (channels, height, width)
        scales.append(Chain(*before, *self._checkerboards(last, self.config.couplings + 1)))
        return MultiScale(scales, splits, last)

    def _checkerboards(self, shape: Shape, count: int) -> list[Step]:
        return self._couplings(shape, [checkerboard(*shape[1:], place % 2) for place in range(count)])

    def _halves(self, shape: tuple[int, ...], count: int) -> list[Step]:
        return self._couplings(shape, [halves(shape, place % 2) for place in range(count)])

    def _couplings(self, shape: tuple[int, ...], masks: list[Tensor]) -> list[Step]:
        """Return a coupling for each mask, batch norm after each."""
        channels, config = shape[0], self.config
        make = ResidualNet if len(shape) == 3 else fully_connected
        steps: list[Step] = []
        for mask in masks:
            net = make(channels, config.width, config.blocks)
            steps += [MaskedCoupling(mask, net), BatchNorm(channels, config.momentum)]
        return steps


class ResidualNet(nn.Module):
    """x [n, c, h, w] to [n, 2c, h, w]: 3 x 3 convolution, residual blocks of two, a last one that starts at 0."""

    def __init__(self, channels: int, width: int, blocks: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.pairs = nn.ModuleList(
            nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2)) for _ in range(blocks)
        )
        self.last = zeroed(nn.Conv2d(width, 2 * channels, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """Return (s, t)."""
        hidden = self.first(x)
        for one, other in self.pairs:
            hidden = hidden + other(F.relu(one(F.relu(hidden))))
        return self.last(F.relu(hidden))


def fully_connected(channels: int, width: int, blocks: int) -> nn.Sequential:
    """Return x [n, c] to (s, t) [n, 2c]: hidden layers, a last one that starts at 0."""
    widths = (channels, *(width,) * blocks)
    hidden = [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*hidden, zeroed(nn.Linear(widths[-1], 2 * channels)))
