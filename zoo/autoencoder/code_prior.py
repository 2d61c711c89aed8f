"""How likely codes of two levels are, and drawing them: a gated PixelCNN for each (Razavi et al. 2019, section 3.2).

    p(codes) = p(top) p(bottom | top)

The bottom's sees all top codes of its image, as a map beside it.
"""

import torch
from torch import Tensor, nn

from zoo.autoregressive.drawing import draw
from zoo.autoregressive.gated_pixelcnn import StackedNetwork
from zoo.autoregressive.network import Categories
from zoo.layers.causal_stack import CausalStack

KERNEL = 5  # side of the first convolution


class CodePrior(nn.Module):
    """p(top) and p(bottom | top), by stacks over codes in raster order.

    Args:
        size: codes of either level.
        width: feature maps.
        layers: gated layers of either.
        hidden: feature maps before the logits.
        dropout: share of features dropped in training.
    """

    def __init__(self, size: int, width: int, layers: int, *, hidden: int, dropout: float) -> None:
        super().__init__()

        def stacked(condition_channels: int) -> StackedNetwork:
            settings = {"first_kernel": KERNEL, "condition_channels": condition_channels, "dropout": dropout}
            stack = CausalStack(width, width, layers, **settings)
            return StackedNetwork(Categories(size, width), stack, width, hidden)

        self.top, self.bottom = stacked(0), stacked(width)
        self.told = nn.Sequential(
            *(Categories(size, width), nn.Conv2d(width, width, 3, padding=1), nn.ReLU()),
            *(nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 3, padding=1)),
        )

    def log_prob(self, top: Tensor, bottom: Tensor) -> dict[str, Tensor]:
        """Return nats of each code, float [n, h, w] of either level, given those before it (and all top codes)."""
        top, bottom = top[:, None], bottom[:, None]
        nats = {"top": self.top.log_prob(top), "bottom": self.bottom.log_prob(bottom, self.told(top))}
        return {name: each[:, 0] for name, each in nats.items()}

    def draw(self, top: Tensor, bottom: Tensor, *, temperature: float) -> dict[str, Tensor]:
        """Return codes int64 [n, h, w] of either level, of uniform numbers float64 [n, 1, h, w] in [0, 1)."""
        above = _draw(self.top, top, None, temperature)
        return {"top": above[:, 0], "bottom": _draw(self.bottom, bottom, self.told(above), temperature)[:, 0]}


def _draw(network: StackedNetwork, uniform: Tensor, condition: Tensor | None, temperature: float) -> Tensor:
    nothing = torch.zeros(uniform.shape, dtype=torch.int64, device=uniform.device)
    return draw(network, nothing, nothing[:, 0] > 0, uniform, condition, temperature=temperature)
