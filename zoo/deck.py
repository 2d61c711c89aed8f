"""Examples in random order, epoch after epoch, in memory where the model is."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genbench.errors import BadInput
from genbench.seeds import derive
from zoo.contracts import Batch, DataSpec
from zoo.data import Examples


def describe(examples: Examples) -> DataSpec:
    """Return what a model must know of ``examples`` before it sees any."""
    shares: tuple[float, ...] = ()
    if examples.labels is not None:
        counts = np.bincount(examples.labels, minlength=len(examples.classes))
        shares = tuple(float(share) for share in counts / counts.sum())
    return DataSpec(
        name=examples.name,
        shape=tuple(examples.x.shape[1:]),
        levels=examples.levels,
        is_native=examples.native,
        class_shares=shares,
        partner_shape=None if examples.partner is None else tuple(examples.partner.shape[1:]),
        is_paired=examples.is_paired,
        native_as=examples.native_as,
    )


def as_tensor(x: NDArray[np.generic], levels: int | None) -> Tensor:
    """Return grey levels 0..levels-1 as float32 in [-1, 1]; points as they are."""
    found = torch.from_numpy(np.ascontiguousarray(x)).float()
    return found if levels is None else found * (2.0 / (levels - 1)) - 1.0


class Deck:
    """Deals examples; which ones depends on (seed, how many were dealt) alone, so that a run can go on anywhere.

    Args:
        examples: of one split.
        seed: of the order.
        device: where they are kept.
        rank: this process.
        processes: each is dealt every ``processes``-th example of one common order.

    Attributes:
        dealt: examples so far, over all processes.
    """

    def __init__(
        self, examples: Examples, seed: int, device: torch.device | str, rank: int = 0, processes: int = 1
    ) -> None:
        if not len(examples.x):
            raise BadInput(f"data set {examples.name!r}: no examples; expected at least 1, got 0. Give another one.")
        self._x = as_tensor(examples.x, examples.levels).to(device)
        self._labels = None if examples.labels is None else torch.from_numpy(examples.labels).to(device)
        self._partner = None if examples.partner is None else as_tensor(examples.partner, examples.levels).to(device)
        self._is_paired = examples.is_paired
        self._seed, self._rank, self._processes = seed, rank, processes
        self._orders: dict[str, tuple[int, Tensor]] = {}  # of the epoch that was dealt from last
        self.dealt = 0

    def draw(self, n: int) -> Batch:
        """Deal this process its next n examples."""
        places = range(self.dealt + self._rank, self.dealt + n * self._processes, self._processes)
        self.dealt += n * self._processes
        chosen = self._choose("order", places, len(self._x))
        partner = None
        if self._partner is not None:
            paired = chosen if self._is_paired else self._choose("partner", places, len(self._partner))
            partner = self._partner[paired]
        return Batch(self._x[chosen], None if self._labels is None else self._labels[chosen], partner)

    def _choose(self, name: str, places: range, count: int) -> Tensor:
        return torch.tensor([self._at(name, *divmod(place, count), count) for place in places], device=self._x.device)

    def _at(self, name: str, epoch: int, place: int, count: int) -> int:
        if self._orders.get(name, (-1,))[0] != epoch:
            shuffler = torch.Generator().manual_seed(derive(self._seed, name, epoch))
            self._orders[name] = (epoch, torch.randperm(count, generator=shuffler))
        return int(self._orders[name][1][place])
