"""Running averages of weights, and batch-norm statistics that fit them.

Averaging hides the oscillation of adversarial training (Yazici et al. 2019, arXiv:1806.04498; Karras et al. 2018).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

CALIBRATION_BATCHES = 16


def beta(batch: int, half_life: float) -> float:
    """Return the weight of the old average after ``batch`` examples: half after ``half_life`` of them."""
    return float(0.5 ** (batch / half_life))


@torch.no_grad()
def update(live: nn.Module, average: nn.Module, old: float) -> None:
    """Move ``average`` towards ``live``: parameters to old a + (1 - old) p, buffers (statistics, vectors) copied."""
    ours, theirs = list(average.parameters()), [weight.detach() for weight in live.parameters()]
    torch._foreach_lerp_(ours, theirs, 1.0 - old)
    for kept, seen in zip(average.buffers(), live.buffers(), strict=True):
        kept.copy_(seen)


@torch.no_grad()
def recalibrate(net: nn.Module, forward: Callable[[], Tensor], batches: int = CALIBRATION_BATCHES) -> None:
    """Estimate the batch-norm statistics of ``net`` afresh over ``batches`` calls of ``forward``.

    Averaged weights have other activations than any weights that were trained, so that copied statistics give wrong
    colours ("standing statistics", Brock et al. 2019, arXiv:1809.11096). A net without batch norm is left alone.
    """
    norms = [part for part in net.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    tracked = [norm for norm in norms if norm.track_running_stats]
    if not tracked:
        return
    momenta = [norm.momentum for norm in tracked]
    modes = [(part, part.training) for part in net.modules()]
    net.eval()
    for norm in tracked:
        norm.reset_running_stats()
        norm.momentum, norm.training = None, True  # None: the plain mean over all batches
    for _ in range(batches):
        forward()
    for norm, momentum in zip(tracked, momenta, strict=True):
        norm.momentum = momentum
    for part, was_training in modes:
        part.training = was_training
