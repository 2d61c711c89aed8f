"""An encoder that learned without labels as the start of a network that learns with few of them.

After pre-training of autoencoders, then of supervised networks by them (Erhan et al. 2010, JMLR 11): encoder and a
linear layer on its codes are trained together, once from the trained and once from an untrained encoder, with the same
labelled images, linear layer and steps.
"""

from copy import deepcopy

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.uses.labels import DRAWS, draw_rows, labels_of, unit
from benchmarks.uses.records import Accuracy
from genbench.seeds import derive
from zoo.autoencoder.coding import CodingModel
from zoo.data import Examples

LABELS = 5  # a class: 50 in all of ten
STEPS = 100
RATE = 1e-3


def compare_starts(
    model: CodingModel, untrained: CodingModel, train: Examples, test: Examples, *, seed: int = 0
) -> list[Accuracy]:
    """Return how often a network is right that was tuned from ``model``, and from ``untrained``; ten draws of labels.

    Args:
        model: its encoder is the start; it is not changed.
        untrained: the same at step 0, of one initialisation.
        train: with labels; those of the draw are used.
        test: with labels.
        seed: of the draws and the linear layers.
    """
    known, truth = (torch.from_numpy(labels) for labels in (labels_of(train, (LABELS,)), labels_of(test)))
    x, new = unit(train), unit(test)
    found = []
    for inputs, start in (("trained encoder", model), ("untrained encoder", untrained)):
        shares, fitted = [], []
        for draw in range(DRAWS):
            rows = torch.from_numpy(draw_rows(known.numpy(), LABELS, seed, draw))
            tuned = tune(start, x[rows], known[rows], len(train.classes), derive(seed, "tune", draw))
            shares.append(tuned.share_right(new, truth))
            fitted.append(tuned.share_right(x[rows], known[rows]))
        accuracy = Accuracy(
            inputs=inputs, width=tuned.head.in_features, shots=LABELS, shares=shares, fitted=float(np.mean(fitted))
        )
        found.append(accuracy)
    return found


class TunedNetwork(nn.Module):
    """An encoder and a linear layer on its codes; noise and dropout are off, batch norms keep their statistics.

    Args:
        start: whose encoder is copied.
        classes: logits.
        width: numbers in a code.
    """

    def __init__(self, start: CodingModel, classes: int, width: int) -> None:
        super().__init__()
        self.model = deepcopy(start).eval()
        self.head = nn.Linear(width, classes).to(start.device)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [n, classes] of images [n, c, h, w] in [0, 1]."""
        return self.head(self.model.code(self.model.from_unit(x.to(self.model.device))))

    @torch.no_grad()
    def share_right(self, x: Tensor, labels: Tensor) -> float:
        """Return the share of images whose likeliest class is their own."""
        return float((self(x).argmax(dim=1).cpu() == labels).float().mean())


def tune(start: CodingModel, x: Tensor, labels: Tensor, classes: int, seed: int) -> TunedNetwork:
    """Return a network trained on images [n, c, h, w] in [0, 1] and their classes int64 [n], all in every step.

    Adam, 1e-3, 100 steps; nothing is chosen by held-out images. The linear layer depends on ``seed`` alone.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = TunedNetwork(start, classes, start.encode(x[:1]).shape[1])
    optimizer = torch.optim.Adam([*network.model.encoder.parameters(), *network.head.parameters()], lr=RATE)
    for _ in range(STEPS):
        loss = F.cross_entropy(network(x), labels.to(start.device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network
