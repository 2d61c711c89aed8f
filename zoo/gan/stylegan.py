"""StyleGAN: styles control each layer, noise gives each pixel its detail (Karras et al. 2019, arXiv:1812.04948).

The synthesis starts from a learned constant. Every layer adds noise by learned strengths, rectifies, and gives each
channel the mean and the deviation that the layer's style asks for (AdaIN). In training, most images take their coarse
layers from one latent and the fine ones from another, so that styles do not rely on their neighbours. Resampling is
low-pass filtered. The networks have their full size from the start: the paper grows them as ProGAN does, its successor
shows that this is not needed.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import PositiveInt
from torch import Tensor, nn

from zoo.contracts import ModelInfo, Preset
from zoo.gan.style import StyleConfig, StyleModel, Synthesis
from zoo.layers import AdaIN, EqConv, Noise, upsample_blur


class StyleGANConfig(StyleConfig):
    """Settings of StyleGAN."""

    r1_every: PositiveInt = 8


class StyleGAN(StyleModel):
    """Square images of 16, 32, 64 ... pixels."""

    info: ClassVar = ModelInfo(
        name="stylegan",
        title="StyleGAN",
        paper="Karras et al. 2019, arXiv:1812.04948",
        summary="styles by adaptive instance norm, noise at every pixel, mixed styles",
        family="gan",
    )
    config: StyleGANConfig
    config_type: ClassVar = StyleGANConfig
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset("digits32", steps=2, batch=8, config={"channels": (8, 8, 4, 4), "latent": 8}),
        "small": Preset("digits32", steps=2400, batch=32, config={"r1": 0.1, "lr_generator": 4e-3, "lr_critic": 4e-3}),
        "paper": Preset(
            "folder:ffhq@1024",
            steps=781_250,  # 25 million images
            batch=32,
            config={
                "latent": 512,
                "mapping_layers": 8,
                "channels": (512, 512, 512, 512, 256, 128, 64, 32, 16),
                "r1": 10.0,
                "r1_every": 1,
                "average_half_life": 10_000,
            },
            is_tested=False,
            gpus=1,
            source="paper",
        ),
    }
    has_residual_critic: ClassVar = False

    def make_synthesis(self, widths: tuple[int, ...]) -> Synthesis:
        """Return the layers of AdaIN."""
        return AdaINSynthesis(widths, self.config.latent, self.spec.shape[0])


class AdaINSynthesis(Synthesis):
    """Two layers a resolution; one style and one noise for each.

    Args:
        widths: channels at 4 x 4, 8 x 8 ...
        style_width: of w.
        colours: of the images.
    """

    def __init__(self, widths: tuple[int, ...], style_width: int, colours: int) -> None:
        layers = 2 * len(widths)
        super().__init__(layers, [4 << layer // 2 for layer in range(layers)])
        outputs = [width for width in widths for _ in range(2)]
        self.constant = nn.Parameter(torch.ones(1, widths[0], 4, 4))
        self.convs = nn.ModuleList(EqConv(a, b, 3) for a, b in pairwise(outputs))
        self.noises = nn.ModuleList(Noise(width) for width in outputs)
        self.styles = nn.ModuleList(AdaIN(width, style_width) for width in outputs)
        self.colours = EqConv(widths[-1], colours, 1, gain=1.0)

    def draw(self, ws: Tensor, noise: Sequence[Tensor | None]) -> Tensor:
        """Return images."""
        x = self._finish(self.constant.expand(len(ws), -1, -1, -1), 0, ws, noise)
        for layer, conv in enumerate(self.convs, 1):
            begins_resolution = layer % 2 == 0
            x = self._finish(conv(upsample_blur(x) if begins_resolution else x), layer, ws, noise)
        return self.colours(x)

    def _finish(self, x: Tensor, layer: int, ws: Tensor, noise: Sequence[Tensor | None]) -> Tensor:
        x = F.leaky_relu(self.noises[layer](x, noise[layer]), 0.2)
        return self.styles[layer](x, ws[:, layer])
