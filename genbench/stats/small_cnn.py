"""A small convolutional network that learns to tell classes of pictures apart, from scratch.

Three convolutions of 3 x 3 with batch norm, 16, 32 and 64 wide, each followed by a halving of the side, then the mean
over places and one linear layer. Pictures are brought to 32 x 32 by area averaging.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Pixels

SIDE = 32
WIDTHS = (16, 32, 64)
EPOCHS = 12
BATCH = 64
RATE, DECAY = 2e-3, 1e-2  # of AdamW, falling to 0 along a cosine
Integers = NDArray[np.int64]


def read_small(pictures: Iterable[Pixels]) -> Any:
    """Return pictures as a uint8 tensor [n, 3, 32, 32]."""
    import torch
    from torch.nn.functional import adaptive_avg_pool2d

    def shrink(picture: Pixels) -> Any:
        planes = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1))).float()
        return adaptive_avg_pool2d(planes[None], SIDE)[0].add(0.5).to(torch.uint8)

    return torch.stack([shrink(picture) for picture in pictures])


class SmallCNN:
    """A trained network; ``train`` makes one.

    Args:
        net: it.
        mean: of each colour over what it was trained on, [3, 1, 1].
        scale: 1 / deviation, likewise.
    """

    def __init__(self, net: Any, mean: Any, scale: Any) -> None:
        self._net, self._mean, self._scale = net, mean, scale

    @classmethod
    def train(cls, images: Any, labels: Integers, classes: int, seed: int) -> "SmallCNN":
        """Return the network after its last epoch; no other images are looked at.

        Args:
            images: uint8 [n, 3, 32, 32] of ``read_small``.
            labels: [n], 0 .. classes - 1.
            classes: how many.
            seed: of weights and of the order of images; torch's own random state is left alone.
        """
        import torch
        from torch.nn.functional import cross_entropy

        floats = images.float()
        mean, deviation = floats.mean((0, 2, 3)), floats.std((0, 2, 3))
        targets = torch.from_numpy(labels)
        generator = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            made = cls(_make_net(classes), mean[:, None, None], 1 / deviation.clamp_min(1)[:, None, None])
        steps = EPOCHS * -(-len(images) // BATCH)
        optimizer = torch.optim.AdamW(made._net.parameters(), lr=RATE, weight_decay=DECAY)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        made._net.train()
        for _ in range(EPOCHS):
            for chosen in torch.split(torch.randperm(len(images), generator=generator), BATCH):
                loss = cross_entropy(made._net(made._prepare(images[chosen])), targets[chosen])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
        made._net.eval()
        return made

    def predict(self, images: Any) -> Integers:
        """Return the likeliest class of each image, int64 [m]."""
        import torch

        with torch.no_grad():
            found = [self._net(self._prepare(part)).argmax(1) for part in torch.split(images, BATCH)]
        classes: Integers = torch.cat(found).numpy()
        return classes

    def _prepare(self, images: Any) -> Any:
        return (images.float() - self._mean) * self._scale


def _make_net(classes: int) -> Any:
    from torch import nn

    layers: list[nn.Module] = []
    before = 3
    for width in WIDTHS:
        layers += [nn.Conv2d(before, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        layers += [nn.MaxPool2d(2)]
        before = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))
