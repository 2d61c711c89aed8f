"""What the ranks of a ``torch.distributed`` process group have, brought to each of them; without a group: one rank.

Arrays are sent as they are, one rank after the other; nothing is pickled.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.stats.gaussian import Moments
from genbench.stats.running import RunningMoments


def world_size() -> int:
    """Return the number of ranks."""
    group = _group()
    return 1 if group is None else int(group.get_world_size())


def gather(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield the array of every rank, in order of ranks; all ranks must go through it to the end.

    Args:
        array: of a numeric dtype; dtype and number of axes are the same on all ranks, the shape need not be.
    """
    group = _group()
    if group is None:
        yield array
        return
    import torch

    device = torch.device("cuda", torch.cuda.current_device()) if group.get_backend() == "nccl" else "cpu"
    mine = torch.tensor(array, device=device)
    for rank in range(group.get_world_size()):
        shape = torch.tensor(array.shape, dtype=torch.int64, device=device)
        group.broadcast(shape, rank)
        theirs = mine if rank == group.get_rank() else torch.empty(shape.tolist(), dtype=mine.dtype, device=device)
        if theirs.numel():
            group.broadcast(theirs, rank)
        yield theirs.cpu().numpy()


def gather_moments(running: RunningMoments) -> RunningMoments:
    """Return what all ranks have seen together; ``running`` is settled and otherwise left as it is."""
    running.settle()
    width = running.rows.shape[1]
    whole = RunningMoments(width, running.limit)
    has_moments = [bool(part[0]) for part in gather(np.array([running.moments is not None], np.int64))]
    parts = zip(has_moments, gather(running.rows), _gather_each(running.moments, has_moments, width), strict=True)
    for _, rows, moments in parts:
        part = RunningMoments(width, running.limit)
        part.rows, part.moments = rows, moments
        whole.merge(part)
    return whole


def _gather_each(mine: Moments | None, has_moments: list[bool], width: int) -> Iterator[Moments | None]:
    """Yield the moments of every rank; None for one that has none."""
    if not any(has_moments):
        yield from (None for _ in has_moments)
        return
    mine = mine or Moments(0, np.zeros(width), np.zeros((0, width)))
    packed = np.concatenate([np.full((1, width), mine.count), mine.mean[None], mine.scatter])
    for rows in gather(packed):
        count = int(rows[0, 0])
        yield Moments(count, rows[1], rows[2:]) if count else None


@contextmanager
def first_rank_first() -> Iterator[None]:
    """Let the first rank finish what is inside before the others begin it, so that they find what it has kept."""
    group = _group()
    if group is not None and group.get_rank() != 0:
        group.barrier()
    try:
        yield
    finally:
        if group is not None and group.get_rank() == 0:
            group.barrier()


def _group() -> Any:
    """Return ``torch.distributed`` where a process group runs; torch is not loaded to find out."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return None
    return torch.distributed
