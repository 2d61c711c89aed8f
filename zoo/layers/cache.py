"""What layers computed at earlier places of an image, kept while its pixels are drawn one after the other.

Where nothing sees what comes later, nothing that was computed changes when the next pixel is drawn: each layer computes
its new place alone, from what it keeps of its neighbours. Writing a place anew is allowed, as the colours of a pixel
come one by one; nothing is used up.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from torch import Tensor

T = TypeVar("T")


class Canvas:
    """A map [n, channels, height, width] with zeros around it, filled place by place.

    Args:
        x: a tensor whose rows, dtype and device it has.
        channels: of the map.
        size: (height, width).
        border: rows of zeros above, columns of zeros on either side.
    """

    def __init__(self, x: Tensor, channels: int, size: tuple[int, int], border: int) -> None:
        self._map = x.new_zeros(size[0] + border, size[1] + 2 * border, len(x), channels)  # a place is in one piece
        self._border = border

    def write(self, row: int, column: int, x: Tensor) -> None:
        """Keep x [n, channels, 1, span] at ``row``, from ``column`` on."""
        left = column + self._border
        self._map[row + self._border, left : left + x.shape[3]] = x[:, :, 0].permute(2, 0, 1)

    def read(self, row: int, column: int, height: int = 1, width: int = 1) -> Tensor:
        """Return [n, channels, height, width], its upper left corner at (row, column), which may lie in the border."""
        top, left = row + self._border, column + self._border
        return self._map[top : top + height, left : left + width].permute(2, 3, 0, 1)


@dataclass(frozen=True)
class Cache:
    """The canvases of all layers, and the place that is to be computed.

    Attributes:
        height: of the images.
        width: of the images.
        row: of the place.
        column: of the place.
    """

    height: int
    width: int
    row: int = 0
    column: int = 0
    _canvases: dict[Hashable, Canvas] = field(default_factory=dict)
    _results: dict[Hashable, Any] = field(default_factory=dict)

    def at(self, row: int, column: int) -> "Cache":
        """Return the same canvases, seen from another place."""
        return replace(self, row=row, column=column)

    def open(self, key: Hashable, x: Tensor, channels: int, border: int) -> Canvas:
        """Return the canvas of ``key``, made like ``x`` and empty when it is first asked for."""
        if key not in self._canvases:
            self._canvases[key] = Canvas(x, channels, (self.height, self.width), border)
        return self._canvases[key]

    def canvas(self, key: Hashable) -> Canvas:
        """Return the canvas of ``key``, which was opened before."""
        return self._canvases[key]

    def once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return what ``compute`` gave when ``key`` was first asked for."""
        if key not in self._results:
            self._results[key] = compute()
        found: T = self._results[key]
        return found
