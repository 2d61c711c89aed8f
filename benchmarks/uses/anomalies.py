"""Anomaly detection by likelihood: which images does a model find odd?

An image scores by what it costs, -log2 p / D bits a value. Likelihood alone is known to fail: smooth images cost less
than the very data that was learned (Nalisnick et al. 2019, arXiv:1810.09136). Two scores that set it right stand
beside it. All are higher for odder images.

    likelihood   bits under the model
    ratio        bits under the model - bits as a PNG: what is simple is cheap for both (Serra et al. 2020,
                 arXiv:1909.11480, with PNG alone)
    typicality   |bits under the model - H|, H being the mean of the training images: too cheap is odd too (Nalisnick
                 et al. 2019, arXiv:1906.02994, a batch being one image)
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.uses.area import area
from benchmarks.uses.bits import Floats, Levels, model_bits, png_bits
from benchmarks.uses.oddities import ODDITIES
from benchmarks.uses.records import Kind
from genbench.errors import BadInput
from zoo.data import Examples
from zoo.data.source import pictures

LEFT_OUT = "left out"


@dataclass(frozen=True)
class Verdict:
    """How a model tells odd images from held-out ones.

    Attributes:
        count: held-out images of classes that the model was trained on.
        bits: mean bits a value of them; None where infinite.
        training_bits: the same of the training images, finite.
        kinds: of odd images, the left-out classes first where there are any.
    """

    count: int
    bits: float | None
    training_bits: float
    kinds: list[Kind]


def tell_anomalies(model: Any, train: Examples, test: Examples, seed: int = 0) -> Verdict:
    """Score held-out images and odd ones, and say how well each score tells them apart.

    Args:
        model: ``genbench.capabilities.HasLikelihood``; it is told no labels.
        train: what it learned from; classes that are missing here are the left-out ones.
        test: never seen; the odd images are made of those of classes that are in ``train``.
        seed: of noise and permutations.

    Raises:
        BadInput: if the model has no likelihood of such images, or one of the training images has probability 0.
    """
    levels = getattr(model, "levels", test.levels)
    if test.levels is None or levels != test.levels:
        raise BadInput(
            f"anomalies: the model is of other images; expected {levels} grey levels, got {test.levels} of "
            f"{test.name!r}. Give the data it was trained on."
        )
    entropy = float(model_bits(model, train.x, seed).mean())
    if not np.isfinite(entropy):
        raise BadInput("anomalies: a training image has probability 0; expected all to be possible. Train the model.")

    def scores(x: Levels) -> dict[str, Floats]:
        bits = model_bits(model, x, seed)
        ratio = bits - png_bits(pictures(replace(test, x=x)))
        return {"likelihood": bits, "ratio": ratio, "typicality": np.abs(bits - entropy)}

    is_known = _is_known(train, test)
    normal = scores(test.x[is_known])
    kinds = []
    for name, note, x, is_paired in _odd_images(test, is_known, seed):
        odd = scores(x)
        areas = {score: area(odd[score], normal[score], is_paired=is_paired) for score in normal}
        kinds.append(
            Kind(
                name=name,
                note=note,
                count=len(x),
                quartiles=_quartiles(odd["likelihood"]),
                areas={score: found.value for score, found in areas.items()},
                stderrs={score: found.stderr for score, found in areas.items()},
            )
        )
    return Verdict(int(is_known.sum()), _finite(normal["likelihood"].mean()), entropy, kinds)


def _is_known(train: Examples, test: Examples) -> np.ndarray:
    """Return which test images are of a class that occurs in training, bool [n]."""
    if train.labels is None or test.labels is None:
        return np.ones(len(test.x), bool)
    return np.isin(test.labels, train.labels)


def _odd_images(test: Examples, is_known: np.ndarray, seed: int) -> Iterator[tuple[str, str, Levels, bool]]:
    """Yield name, note, grey levels and whether row i is made of row i of the normal images."""
    assert test.levels is not None, "checked where images come in"
    if not is_known.all() and test.labels is not None:
        names = ", ".join(test.classes[label] for label in np.unique(test.labels[~is_known]))
        yield LEFT_OUT, f"held-out images of {names}, which training had none of", test.x[~is_known], False
    for name, oddity in ODDITIES.items():
        yield name, oddity.note, oddity.make(test.x[is_known], test.levels, seed), oddity.is_paired


def _quartiles(bits: Floats) -> list[float | None]:
    return [_finite(edge) for edge in np.quantile(bits, (0.25, 0.5, 0.75), method="nearest")]


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
