"""Glow: K steps of ActNorm, an invertible 1 x 1 convolution and a coupling, L scales (Kingma and Dhariwal 2018).

arXiv:1807.03039. A scale squeezes 2 x 2 positions into channels, takes its steps, and gives half of the channels away,
whose mean and deviation are predicted from the other half. Log-scales are bounded, where the paper has exp(s) and the
code sigmoid(s + 2); the networks within couplings have no norms. Adam's rate is not warmed up.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import PositiveInt

from zoo.contracts import ModelInfo, Preset
from zoo.flow.coupling import Coupling
from zoo.flow.density import FlowConfig, FlowModel
from zoo.flow.multiscale import MultiScale, Split
from zoo.flow.norms import ActNorm
from zoo.flow.steps import Chain, InvertibleConv, Logit, Squeeze, Step


class GlowConfig(FlowConfig):
    """Settings of Glow.

    Attributes:
        steps: of a scale.
        width: channels in the couplings' networks.
        coupling: "affine", or "additive", which is simpler and preserves volume.
        logit: begin with logits, as RealNVP does, so that values may pile up at the ends of [0, 1].
    """

    steps: PositiveInt = 6
    width: PositiveInt = 64
    coupling: Literal["affine", "additive"] = "affine"
    logit: bool = False


class Glow(FlowModel):
    """Images whose sides can be halved once a scale."""

    info: ClassVar = ModelInfo(
        name="glow",
        title="Glow",
        paper="Kingma and Dhariwal 2018, arXiv:1807.03039",
        summary="invertible 1 x 1 convolutions between couplings; decodes exactly what it encodes",
        family="flow",
    )
    config: GlowConfig
    config_type: ClassVar = GlowConfig
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset("digits8", steps=2, batch=8, config={"steps": 1, "width": 8}),
        "small": Preset("digits8", steps=1000, batch=64, config={"lr_decay": "linear"}),
        "paper": Preset(
            "torchvision:CIFAR10",
            steps=176_000,
            batch=512,
            config={"scales": 3, "steps": 32, "width": 512, "optimizer": "adamax", "clip": None},
            is_tested=False,
            source="repository",
            gpus=8,
        ),
    }
    variants: ClassVar = {"additive": {"coupling": "additive"}, "logit": {"logit": True}}

    def make_flow(self) -> MultiScale:
        """Return the scales."""
        scales, splits, (channels, height, width) = [], [], self.spec.shape
        before: list[Step] = [Logit()] if self.config.logit else []
        for left in reversed(range(self.config.scales)):
            channels, height, width = 4 * channels, height // 2, width // 2
            steps = [self._step(channels) for _ in range(self.config.steps)]
            scales.append(Chain(*before, Squeeze(), *steps))
            before = []
            if left:
                splits.append(Split((channels, height, width), learned=True))
                channels //= 2
        return MultiScale(scales, splits, (channels, height, width))

    def _step(self, channels: int) -> Chain:
        coupling = Coupling(channels, self.config.width, affine=self.config.coupling == "affine")
        return Chain(ActNorm(channels), InvertibleConv(channels), coupling)
