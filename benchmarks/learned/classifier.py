"""An independent judge of classes: a small convolutional network trained on the real training split.

It may say that an image is of no class. A network that knows classes alone finds one in anything: of the random
patterns of an untrained generator it would find eight digits of ten. So it also learns what is none: noise of every
coarseness, and patchworks of training data.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genbench.errors import GenbenchError
from genbench.seeds import derive
from zoo.data import open_data
from zoo.deck import as_tensor

CHANNELS, BATCH, RATE = 8, 32, 3e-3
STEPS = {1: 600, 3: 1200}  # by colours: they hide the form for longer
SPECKLE = 0.2  # largest standard deviation of noise on what has a class, in [-1, 1]
FIT = 0.95  # right on held-out data: a classifier below judges nobody
SHARE = 0.2  # of an equal share of the samples: a class with less is not covered
Loss = Callable[[Tensor, Tensor], Tensor]  # outputs of a batch, whose first rows are examples, and which examples
Nothing = Callable[[Tensor, torch.Generator], Tensor]  # from examples to as many images of no class


@dataclass(frozen=True)
class Classifier:
    """A trained network.

    Attributes:
        net: images in [-1, 1] -> logits of the classes and of none of them.
        classes: how many.
        accuracy: on the held-out split, where "none" is wrong too.
    """

    net: nn.Module
    classes: int
    accuracy: float

    @torch.no_grad()
    def classify(self, images: Tensor) -> Tensor:
        """Return int64 [n]: the classes of images or voxels, float32 [n, c, ...] in [0, 1]; ``classes`` for none."""
        return self.net(images * 2 - 1).argmax(1)

    def describe(self) -> str:
        """Return what should stand beside its judgement."""
        return f"classifier right on {self.accuracy:.1%} of the held-out data"


@cache
def classifier_of(data: str) -> Classifier:
    """Return a classifier trained on a data set's training split, the same in every run; seconds on one thread.

    Raises:
        GenbenchError: if it is right on less than 95 % of the held-out split.
    """
    train, test = open_data(data), open_data(data, "test")
    x, labels = as_tensor(train.x, train.levels), torch.from_numpy(train.labels)
    net = trained(
        lambda: _build(tuple(x.shape[1:]), len(train.classes) + 1),
        x,
        lambda logits, rows: class_loss(logits, labels[rows]),
        STEPS.get(x.shape[1], max(STEPS.values())),
        (noise, patchwork),
    )
    with torch.no_grad():
        right = net(as_tensor(test.x, test.levels)).argmax(1) == torch.from_numpy(test.labels)
    accuracy = float(right.float().mean())
    if accuracy < FIT:
        raise GenbenchError(
            f"classifier of {data!r}: not fit to judge; expected {FIT:.0%} right on held-out data, got {accuracy:.1%}. "
            "Train it longer."
        )
    return Classifier(net, len(train.classes), accuracy)


def covered_share(found: Tensor, classes: int) -> float:
    """Return the share of the classes that samples of the classes ``found``, int64 [n], cover.

    A class is covered if at least a fifth of an equal share of the samples are of it: 2 % with ten classes.
    """
    counts = torch.bincount(found, minlength=classes)[:classes]
    return int((counts >= SHARE * len(found) / classes).sum()) / classes


def trained(make: Callable[[], nn.Module], x: Tensor, loss: Loss, steps: int, nothings: Sequence[Nothing]) -> nn.Module:
    """Return a network that learned from examples and from what is none, the same in every run.

    Args:
        make: the network, which it initialises.
        x: examples in [-1, 1], float32 [n, c, ...].
        loss: of a batch of examples, speckled, and for every four of them one of each of ``nothings``.
        steps: updates.
        nothings: what is none.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(0, "classifier", "initialise"))
        net = make()
    draws = torch.Generator().manual_seed(derive(0, "classifier", "batches"))
    optimizer = torch.optim.Adam(net.parameters(), RATE)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / steps)
        rows = torch.randint(len(x), (BATCH,), generator=draws)
        quarter = x[rows[: BATCH // 4]]
        batch = [speckled(x[rows], draws), *(nothing(quarter, draws) for nothing in nothings)]
        optimizer.zero_grad()
        loss(net(torch.cat(batch)), rows).backward()
        optimizer.step()
    return net.eval()


def class_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropy of a batch whose first rows have ``labels``, and whose others are of the last class."""
    none = logits.shape[1] - 1
    return F.cross_entropy(logits, F.pad(labels, (0, len(logits) - len(labels)), value=none))


def speckled(x: Tensor, draws: torch.Generator) -> Tensor:
    """Return images with normal noise, each of its own strength, up to ``SPECKLE``."""
    sigma = SPECKLE * _one_each(x, draws)
    return (x + sigma * torch.randn(x.shape, generator=draws)).clamp(-1, 1)


def noise(like: Tensor, draws: torch.Generator) -> Tensor:
    """Return normal noise of one coarseness, stepped or smooth, each image of its own contrast and brightness."""
    shape, doublings = like.shape, like.shape[-1].bit_length() - 1
    side = 2 ** int(torch.randint(doublings + 1, (), generator=draws))
    smooth = "bilinear" if like.ndim == 4 else "trilinear"
    mode = (smooth, "nearest")[int(torch.randint(2, (), generator=draws))]
    coarse = torch.randn(*shape[:2], *[side] * (like.ndim - 2), generator=draws)
    contrast, brightness = 1.5 * _one_each(like, draws), 2 * _one_each(like, draws) - 1
    return (F.interpolate(coarse, size=shape[2:], mode=mode) * contrast + brightness).clamp(-1, 1)


def patchwork(x: Tensor, draws: torch.Generator) -> Tensor:
    """Return images whose halves, along each axis in turn, are the second of one example and the first of another."""
    for axis in range(2, x.ndim):
        half = x.shape[axis] // 2
        other = x[torch.randperm(len(x), generator=draws)]
        x = torch.cat([x.narrow(axis, half, half), other.narrow(axis, 0, half)], dim=axis)
    return x


def _one_each(like: Tensor, draws: torch.Generator) -> Tensor:
    return torch.rand(len(like), *[1] * (like.ndim - 1), generator=draws)


def _build(shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Return convolutions with batch norm and pooling down to a side of 4, then a linear layer; also for voxels."""
    conv, norm, pool = (
        (nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d) if len(shape) == 3 else (nn.Conv3d, nn.BatchNorm3d, nn.MaxPool3d)
    )
    layers: list[nn.Module] = []
    width, wider, side = shape[0], CHANNELS, shape[-1]
    while side > 4:
        layers += [conv(width, wider, 3, padding=1), norm(wider), nn.ReLU(), pool(2)]
        width, wider, side = wider, 2 * wider, side // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(width * 4 ** (len(shape) - 1), outputs))
