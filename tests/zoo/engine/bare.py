"""What tests of single updates need of a training loop, and examples to draw."""

from contextlib import nullcontext

import torch

from zoo.contracts import Batch


class BareRun:
    """A ``contracts.Run`` that takes plain steps.

    Args:
        model: whose optimizers are stepped.
        batch: examples an update.
    """

    images, progress = 0, 0.0

    def __init__(self, model, batch=8, step=0):
        self.optimizers, self.batch, self.step = model.optimizers(), batch, step

    def autocast(self):
        return nullcontext()

    def descend(self, optimizer, loss):
        self.optimizers[optimizer].zero_grad()
        loss.backward()
        self.optimizers[optimizer].step()

    def forget(self, optimizer):
        self.optimizers[optimizer].state.clear()

    def mean(self, x):
        return x


def deal(x, labels=None, partner=None):
    """Return a ``contracts.Draw`` of random rows of x, labels along with them; of partner in an order of their own."""

    def draw(n):
        rows = torch.randint(len(x), (n,))
        others = None if partner is None else partner[torch.randint(len(partner), (n,))]
        return Batch(x[rows], None if labels is None else labels[rows], others)

    return draw
