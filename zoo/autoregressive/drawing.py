"""Drawing images pixel by pixel from a network over pixels in raster order."""

from itertools import product

import torch
from torch import Tensor

from zoo.autoregressive.network import RasterNetwork
from zoo.layers.cache import Cache


def pick(logits: Tensor, uniform: Tensor) -> Tensor:
    """Return levels int64 [n] with the probabilities of logits [n, levels], of uniform numbers float64 [n] in [0, 1).

    The smallest level whose cumulative probability is above the number: one number a level, however many there are.
    """
    below = logits.double().softmax(dim=1).cumsum(dim=1)[:, :-1]
    return (below <= uniform[:, None]).sum(dim=1)


@torch.no_grad()
def draw(
    network: RasterNetwork,
    k: Tensor,
    known: Tensor,
    uniform: Tensor,
    condition: Tensor | None = None,
    *,
    temperature: float = 1.0,
) -> Tensor:
    """Return levels int64 [n, c, h, w], those that are not known drawn one after the other given all before them.

    Only what a new pixel changes is computed: its own place in every layer.

    Args:
        network: in eval mode.
        k: levels int64 [n, c, h, w]; what it holds where nothing is known does not matter.
        known: bool [n, h, w]: kept, and seen by all that is drawn later.
        uniform: float64 [n, c, h, w] in [0, 1), from which levels are picked.
        condition: of the network.
        temperature: logits are divided by it.
    """
    found = torch.where(known[:, None], k, 0)
    cache = Cache(*k.shape[2:])
    is_known = known.all(dim=0).tolist()
    for row, column in product(range(cache.height), range(cache.width)):
        here = cache.at(row, column)
        place = found[:, :, row : row + 1, column : column + 1]
        network.note(network.embed(place), here)
        if is_known[row][column]:
            network.features_at(here, condition)  # which later places need
            continue
        for colour in range(network.colours):
            logits = network.logits_at(here, condition)[:, :, colour] / temperature
            drawn = pick(logits, uniform[:, colour, row, column])
            place[:, colour, 0, 0] = torch.where(known[:, row, column], place[:, colour, 0, 0], drawn)
            network.note(network.embed(place), here)
    return found
