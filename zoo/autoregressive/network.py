"""Networks over pixels in raster order: levels in, logits of levels out, of whole images or place by place."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.layers.cache import Cache
from zoo.layers.masked import MaskedConv


class GreyLevels(nn.Module):
    """Grey levels int64 [n, c, h, w] as numbers in [-1, 1], one map a colour.

    Args:
        levels: of a colour.
        colours: of a pixel.
    """

    unit: Tensor

    def __init__(self, levels: int, colours: int) -> None:
        super().__init__()
        self.levels, self.colours, self.channels = levels, colours, colours
        self.register_buffer("unit", torch.ones(()), persistent=False)  # carries the network's dtype

    def forward(self, k: Tensor) -> Tensor:
        """Return numbers [n, c, h, w]."""
        return k.to(self.unit.dtype) * (2 / (self.levels - 1)) - 1


class Categories(nn.Module):
    """Codes int64 [n, 1, h, w], whose numbers mean nothing, as learned vectors.

    Args:
        levels: number of codes.
        width: of a vector.
    """

    def __init__(self, levels: int, width: int) -> None:
        super().__init__()
        self.levels, self.colours, self.channels = levels, 1, width
        self.vectors = nn.Embedding(levels, width)

    def forward(self, k: Tensor) -> Tensor:
        """Return vectors [n, width, h, w]."""
        return self.vectors(k[:, 0]).movedim(3, 1)


class RasterNetwork(nn.Module, ABC):
    """Logits for every colour of every pixel, given the pixels before it and the colours before it in its own pixel.

    Subclasses say how features at (i, j) come of what is before (i, j): of whole images, and of one place given what
    a cache kept of earlier ones.

    Args:
        embed: ``GreyLevels`` or ``Categories``.
        width: of the features.
        hidden: maps of the layer before the logits.
    """

    def __init__(self, embed: GreyLevels | Categories, width: int, hidden: int) -> None:
        super().__init__()
        self.embed, self.levels, self.colours = embed, embed.levels, embed.colours
        self.hidden = MaskedConv(width, hidden, 1, "B", embed.colours)
        self.last = MaskedConv(hidden, embed.colours * embed.levels, 1, "B", embed.colours)

    @abstractmethod
    def features(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return features [n, width, h, w] of embedded images [n, channels, h, w]."""

    @abstractmethod
    def features_at(self, cache: Cache, condition: Tensor | None = None) -> Tensor:
        """Return features [n, width, 1, 1] at the cache's place, of what was noted."""

    @abstractmethod
    def note(self, x: Tensor, cache: Cache) -> None:
        """Keep the embedded pixel x [n, channels, 1, 1] of the cache's place."""

    def forward(self, k: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return logits [n, levels, c, h, w] of levels int64 [n, c, h, w]; those of a place do not depend on it."""
        return self._logits(self.features(self.embed(k), condition))

    def logits_at(self, cache: Cache, condition: Tensor | None = None) -> Tensor:
        """Return logits [n, levels, c] at the cache's place; every place before it has been computed in this way."""
        return self._logits(self.features_at(cache, condition), cache)[..., 0, 0]

    def log_prob(self, k: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the log probability, nats [n, c, h, w], of each level int64 [n, c, h, w] given those before it."""
        return -F.cross_entropy(self(k, condition), k, reduction="none")

    def _logits(self, features: Tensor, cache: Cache | None = None) -> Tensor:
        x = self.last(F.relu(self.hidden(F.relu(features), cache)), cache)
        return x.unflatten(1, (self.colours, self.levels)).transpose(1, 2)


class LayeredNetwork(RasterNetwork):
    """A masked convolution "A", then layers that each map (x, cache or None) to maps of the same size.

    Args:
        embed: ``GreyLevels`` or ``Categories``.
        kernel: side of the first convolution, odd.
        width: of the features between layers.
        layers: the others.
        hidden: maps of the layer before the logits.
    """

    def __init__(
        self, embed: GreyLevels | Categories, kernel: int, width: int, layers: Iterable[nn.Module], hidden: int
    ) -> None:
        super().__init__(embed, width, hidden)
        self.first = MaskedConv(embed.channels, width, kernel, "A", embed.colours)
        self.layers = nn.ModuleList(layers)

    def features(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return features of whole images."""
        return self._through(self.first(x), None)

    def features_at(self, cache: Cache, condition: Tensor | None = None) -> Tensor:
        """Return features of one place."""
        return self._through(self.first.read(cache), cache)

    def note(self, x: Tensor, cache: Cache) -> None:
        """Keep a pixel."""
        self.first.write(x, cache)

    def _through(self, x: Tensor, cache: Cache | None) -> Tensor:
        for layer in self.layers:
            x = layer(x, cache)
        return x
