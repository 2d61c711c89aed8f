"""An independent reader of the factors of coloured shapes: a small convolutional network.

It learns from the training pictures of ``shapes``, whose factors are known, and like ``learned.classifier`` also what
is no shape: noise, patchworks, and two shapes spliced in place. Which way a shape is turned is not read: a disc has no
turn. On 1,000 held-out pictures it finds a shape in 99.6 %, and no kind wrong beside that but one in a thousand; its
mean errors are, of the range, hue 0.9 %, size 3.6 %, x 1.6 %, y 1.8 %, background 1.4 %.

It finds a shape in no noise of any coarseness, blank picture, patchwork, digit, or sample of six untrained generators;
in 2 % of pictures spliced of two, 37 % of means of two. It forgives a normal blur of one pixel (99.7 %) and noise of
25 levels (99.3 %), not a blur of four (6 %); of one of two, 75 %, and of noise of 50, 43 %, it finds some shapes.
Training takes about half a minute of one thread; the folder of a bench keeps what came of it for all its runs.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from benchmarks.learned.classifier import class_loss, noise, patchwork, speckled, trained
from genbench.errors import BadInput, GenbenchError
from zoo.data import open_data
from zoo.data.renderer import FACTORS, KINDS
from zoo.data.shapes import PLACES, SIZES
from zoo.deck import as_tensor

DATA, FILE = "shapes", "reader.safetensors"
RANGES = MappingProxyType({"hue": (0, 1), "size": SIZES, "x": PLACES, "y": PLACES, "background": (0, 1)})
LOW, HIGH = np.array([*RANGES.values()], np.float64).T
READ = ("kind", *RANGES)  # columns of what is read, in the renderer's units
NONE = len(KINDS)  # the kind of what is no shape
STEPS, WIDTH, WIDER, HIDDEN = 3000, 16, 32, 64
WEIGHT = 5.0  # of the squared errors of the other factors beside the cross-entropy of kinds
MOST_WRONG = 0.05  # of the kinds, or of a factor's range: who errs more on held-out pictures judges nobody
AT_ONCE = 500


@dataclass(frozen=True)
class Reader:
    """A trained network.

    Attributes:
        net: pictures in [-1, 1] -> logits of the kinds and of none, cosine and sine of the hue, and the other factors,
            whose range is [-1, 1].
        errors: on held-out pictures: share of wrong kinds, "none" among them; of every other factor the mean absolute
            error as a share of its range.
        recognised: share of held-out pictures in which it finds a shape.
    """

    net: nn.Module
    errors: Mapping[str, float]
    recognised: float

    def read(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the factors of pictures, uint8 [n, 32, 32, 3], as ``READ`` has them, float64 [n, 6].

        The kind is 0..3, or ``NONE``, whose other factors mean nothing. The hue is in [0, 1]; what lies on a line may
        come out beyond its range.
        """
        return _read(self.net, as_tensor(pictures.transpose(0, 3, 1, 2), 256))

    def describe(self) -> str:
        """Return what should stand beside its judgement."""
        told = ", ".join(f"{name} off by {100 * error:.1f} %" for name, error in self.errors.items() if name != "kind")
        return (
            f"reader of factors, on held-out pictures: finds a shape in {self.recognised:.1%}, its kind right in "
            f"{1 - self.errors['kind']:.1%}; {told} of the range on average"
        )


def kept_reader(home: Path) -> Reader:
    """Return the reader that the folder of a bench keeps; whoever is the first to ask trains it.

    Raises:
        BadInput: if the file cannot be read.
        GenbenchError: if the reader is not fit to judge.
    """
    file = home / FILE
    if not file.exists():
        reader, scratch = reader_of_shapes(), file.with_name(f".{FILE}.{os.getpid()}")
        save_file(reader.net.state_dict(), scratch)
        os.replace(scratch, file)
        return reader
    net = _build()
    try:
        net.load_state_dict(load_file(file))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise BadInput(
            f"reader {str(file)!r}: cannot be used; expected one that this version wrote, got "
            f"{' '.join(str(error).split())[:200]}. Remove it."
        ) from error
    return _examined(net.eval())


@cache
def reader_of_shapes() -> Reader:
    """Return a reader trained on the training split of ``shapes``, the same in every run.

    Raises:
        GenbenchError: if on the held-out split more than 5 % of its kinds are wrong, or another factor by more than
            5 % of its range on average.
    """
    train = open_data(DATA)
    kinds, targets = (torch.from_numpy(part) for part in _targets(train.truth["factors"]))

    def loss(found: Tensor, rows: Tensor) -> Tensor:
        others = F.mse_loss(found[: len(rows), NONE + 1 :], targets[rows])
        return class_loss(found[:, : NONE + 1], kinds[rows]) + WEIGHT * others

    return _examined(trained(_build, as_tensor(train.x, train.levels), loss, STEPS, (noise, patchwork, _splice)))


def _examined(net: nn.Module) -> Reader:
    """Return the network as a reader, if it reads the held-out split well enough."""
    test = open_data(DATA, "test")
    found = _read(net, as_tensor(test.x, test.levels))
    errors = errors_of(found, truth_of(test.truth["factors"]))
    worst = max(errors, key=lambda name: errors[name])
    if errors[worst] > MOST_WRONG:
        raise GenbenchError(
            f"reader of {DATA!r}: not fit to judge; expected errors of at most {MOST_WRONG:.0%} on held-out pictures, "
            f"got {errors[worst]:.1%} in {worst}. Train it longer."
        )
    return Reader(net, errors, float((found[:, 0] != NONE).mean()))


def truth_of(factors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the renderer's factors, [n, 7], as a perfect reader would read them, [n, 6]."""
    return factors[:, [FACTORS.index(name) for name in READ]]


def errors_of(found: NDArray[np.float64], truth: NDArray[np.float64]) -> dict[str, float]:
    """Return factor -> share of wrong kinds, or mean absolute error as a share of the range; hues on the circle."""
    gaps = found - truth
    gaps[:, 1] -= np.round(gaps[:, 1])
    errors = [(gaps[:, 0] != 0).mean(), *np.abs(gaps[:, 1:] / (HIGH - LOW)).mean(axis=0)]
    return {name: float(error) for name, error in zip(READ, errors, strict=True)}


def _targets(factors: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return kinds [n] and what the network gives of the other factors, [n, 6]: hue as a point on the circle."""
    truth = truth_of(factors)
    angle, lines = 2 * math.pi * truth[:, 1:2], 2 * (truth[:, 2:] - LOW[1:]) / (HIGH - LOW)[1:] - 1
    return truth[:, 0].astype(np.int64), np.hstack([np.cos(angle), np.sin(angle), lines]).astype(np.float32)


@torch.no_grad()
def _read(net: nn.Module, x: Tensor) -> NDArray[np.float64]:
    found = torch.cat([net(part) for part in x.split(AT_ONCE)]).double().numpy()
    kind = found[:, : NONE + 1].argmax(axis=1, keepdims=True)
    cosine, sine, lines = np.split(found[:, NONE + 1 :], [1, 2], axis=1)
    hue = np.arctan2(sine, cosine) / (2 * math.pi) % 1
    return np.hstack([kind, hue, LOW[1:] + (HIGH - LOW)[1:] * (lines + 1) / 2])


def _splice(x: Tensor, draws: torch.Generator) -> Tensor:
    """Return pictures that are one example up to their middle, and another from there on."""
    axis, half = 2 + int(torch.randint(2, (), generator=draws)), x.shape[-1] // 2
    spliced = torch.cat([x.narrow(axis, 0, half), x.roll(1, 0).narrow(axis, half, half)], dim=axis)
    return speckled(spliced, draws)  # as examples are: speckles must not tell them apart


def _build() -> nn.Module:
    """Return five convolutions with batch norm, three of stride 2, and two linear layers."""
    layers: list[nn.Module] = []
    width = 3
    for wider, stride in ((WIDTH, 2), (WIDTH, 1), (WIDER, 2), (WIDER, 1), (WIDER, 2)):
        layers += [nn.Conv2d(width, wider, 3, stride, padding=1), nn.BatchNorm2d(wider), nn.ReLU()]
        width = wider
    outputs = NONE + 1 + len(RANGES) + 1
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * WIDER, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, outputs))
