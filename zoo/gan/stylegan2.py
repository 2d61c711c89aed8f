"""StyleGAN2: styles scale the weights, paths are kept of one length (Karras et al. 2020, arXiv:1912.04958).

Each style scales the input channels of its convolution, whose filters are brought back to norm 1; statistics of the
features are not touched any more, which had left blobs in the images. Images add up from all resolutions, the critic is
residual; so the networks need not grow. Path length regularisation asks that a step in w changes the image as much
whatever w. It and R1 are lazy: a step of their own every 8 and 16 updates.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import NonNegativeFloat, PositiveInt
from torch import Tensor, nn

from zoo.contracts import DataSpec, ModelInfo, Preset, Run
from zoo.gan.style import StyleConfig, StyleModel, Synthesis
from zoo.layers import ModulatedConv, Noise, ToRGB, upsample_blur
from zoo.model import Share
from zoo.regularizers import PathLength


class StyleGAN2Config(StyleConfig):
    """Settings of StyleGAN2.

    Attributes:
        path_length: weight of the path length regularisation; 0: none.
        path_every: updates of the generator between two of its steps; 8 in the paper, 4 as released.
        path_decay: share of the newest lengths in the mean that paths are compared to; .01 as released, which takes
            more steps to leave 0 than a short run has.
    """

    r1_every: PositiveInt = 16
    path_length: NonNegativeFloat = 2.0
    path_every: PositiveInt = 8
    path_decay: Share = 0.1


class StyleGAN2(StyleModel):
    """Square images of 16, 32, 64 ... pixels."""

    info: ClassVar = ModelInfo(
        name="stylegan2",
        title="StyleGAN2",
        paper="Karras et al. 2020, arXiv:1912.04958",
        summary="styles in the weights, path length regularisation, sums of all resolutions",
        family="gan",
    )
    config: StyleGAN2Config
    config_type: ClassVar = StyleGAN2Config
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
                "channels": (512, 512, 512, 512, 512, 256, 128, 64, 32),
                "r1": 10.0,
                "path_every": 4,
                "path_decay": 0.01,
                "average_half_life": 10_000,
            },
            is_tested=False,
            gpus=1,
            source="repository",
        ),
    }
    variants: ClassVar = {**StyleModel.variants, "pathless": {"path_length": 0.0}}
    has_residual_critic: ClassVar = True

    def __init__(self, config: StyleGAN2Config, spec: DataSpec) -> None:
        super().__init__(config, spec)
        self.paths = PathLength(config.path_decay, config.path_length)

    def make_synthesis(self, widths: tuple[int, ...]) -> Synthesis:
        """Return the layers of modulated convolutions."""
        return ModulatedSynthesis(widths, self.config.latent, self.spec.shape[0])

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Return one optimizer for each network, corrected for the steps of the lazy penalties."""
        every = self.config.path_every
        lazy = every / (every + 1) if self.config.path_length else 1.0
        return super().optimizers() | {"generator": self._optimizer(self.generator_weights(), lazy)}

    def lazy_generator_penalties(self, run: Run) -> dict[str, Tensor]:
        """Return the path length term, of half a batch of fresh images."""
        config = self.config
        if not config.path_length or run.step % config.path_every:
            return {}
        ws = self.draw_styles(max(1, run.batch // 2))
        return {"path length": self.paths(self.generator.synthesis(ws), ws) * config.path_every}


class ModulatedSynthesis(Synthesis):
    """One layer at 4 x 4, two at each further resolution, and at each one the colours it adds to the image.

    The colours of a resolution take the same style as the layer after them.

    Args:
        widths: channels at 4 x 4, 8 x 8 ...
        style_width: of w.
        colours: of the images.
    """

    def __init__(self, widths: tuple[int, ...], style_width: int, colours: int) -> None:
        super().__init__(2 * len(widths), [4, *(4 << level for level in range(1, len(widths)) for _ in range(2))])
        layers = [StyledConv(widths[0], widths[0], style_width)]
        for narrow, wide in pairwise(widths):
            layers += [StyledConv(narrow, wide, style_width, up=True), StyledConv(wide, wide, style_width)]
        self.constant = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.layers = nn.ModuleList(layers)
        self.colours = nn.ModuleList(ToRGB(width, colours, style_width) for width in widths)

    def draw(self, ws: Tensor, noise: Sequence[Tensor | None]) -> Tensor:
        """Return images."""
        x = self.layers[0](self.constant.expand(len(ws), -1, -1, -1), ws[:, 0], noise[0])
        image = self.colours[0](x, ws[:, 1])
        for level, colours in enumerate(self.colours[1:], 1):
            for layer in (2 * level - 1, 2 * level):
                x = self.layers[layer](x, ws[:, layer], noise[layer])
            image = upsample_blur(image) + colours(x, ws[:, 2 * level + 1])
        return image


class StyledConv(nn.Module):
    """Modulated 3 x 3 convolution, noise, leaky ReLU."""

    def __init__(self, in_channels: int, out_channels: int, style_width: int, *, up: bool = False) -> None:
        super().__init__()
        self.conv = ModulatedConv(in_channels, out_channels, 3, style_width, up=up)
        self.noise = Noise()

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        """Map [n, in, h, w] in the style [n, w] to [n, out, h, w], or twice the size."""
        return F.leaky_relu(self.noise(self.conv(x, w), noise), 0.2) * math.sqrt(2)
