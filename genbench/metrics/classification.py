"""Classification accuracy score: how much generated images teach (Ravuri & Vinyals 2019, arXiv:1905.10887).

A classifier is trained on generated images of known classes and tested on real ones. Beside it stands the same trained
on real images, what a perfect generator would reach, and the reverse direction (GAN-test of Shmelkov et al. 2018,
arXiv:1807.09499), which sees wrong classes but no lack of variety. The paper's classifier is a ResNet-50; here it is a
linear one of features, or a small network, so numbers compare only with others of the same.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Estimate, Features, Metric
from genbench.errors import BadInput
from genbench.parameters import Count
from genbench.seeds import derive, generator
from genbench.stats.classes import Class, match_classes
from genbench.stats.jackknife import share_error_at_edge
from genbench.stats.linear_probe import LinearProbe
from genbench.stats.pair import Pair
from genbench.stats.parts import Part, part_across, part_of_mean
from genbench.stats.small_cnn import SmallCNN, read_small

NAME = "cas"
BLOCKS = 10  # of the generated images, each left out once
Integers = NDArray[np.int64]
Classifier = Literal["probe", "cnn"]


class Side(NamedTuple):
    """What a classifier sees of a set.

    Attributes:
        inputs: features [n, d], or images of ``read_small``.
        labels: places in the list of classes, int64 [n].
    """

    inputs: Any
    labels: Integers

    def take(self, chosen: NDArray[Any]) -> "Side":
        """Return some of the images."""
        return Side(self.inputs[chosen], self.labels[chosen])


def classification_accuracy(pair: Pair, *, classifier: Classifier = "probe", repeats: Count = 2) -> Estimate:
    """Share of real images that a classifier trained on the fakes alone judges rightly, range [0, 1], higher is better.

    Args:
        pair: pooled features float32 [n, d] and [m, d] (the "cnn" looks at ``images`` instead) with labels on both
            sides, 2 of a class or more. A training set with labels, if there is one, is what "real to real" learns
            from; else it learns from either half of the real images and is tested on the other.
        classifier: "probe": logistic regression on standardised features; "cnn": a small network on 32 x 32 pixels,
            trained for 12 epochs, the last of which counts.
        repeats: networks trained from different seeds on the fakes, whose accuracies are averaged; of no effect on the
            "probe", which has no random numbers.

    Returns:
        The accuracy. Standard error: binomial over the real images, and of the probe that of the fake images by a
        10-block jackknife, blocks drawn within classes; of networks the spread over seeds, which lacks the part of the
        fakes. Details: "real_to_real" and what it learned from, "gan_test" (trained on real, tested on fakes),
        "classes" -> accuracy on the real images of each, and counts.

    Raises:
        BadInput: if a side has no labels, or the classes differ.  MismatchedFeatures: if the widths differ.
    """
    pair.rows()  # refuses statistics and other widths
    classes = match_classes(NAME, pair.real, pair.fake)
    if len(classes) < 2:
        raise BadInput(f"{NAME}: one class; expected 2 or more to tell apart, got {classes[0].name!r} alone.")
    bench = _Bench(classifier, len(classes), pair.seed)
    real = bench.side(pair, "real", _labels(classes, "real", pair.real.count))
    fake = bench.side(pair, "fake", _labels(classes, "fake", pair.fake.count))
    right, varied, parts = (_judge_probe if classifier == "probe" else _judge_cnn)(bench, fake, real, repeats)
    error = math.sqrt(varied + parts["real"].variance)
    beside = _beside(bench, _train_side(bench, pair, classes), real, fake)
    details = {
        "classifier": classifier,
        "repeats": 1 if classifier == "probe" else repeats,
        **beside,
        "classes": _by_class(classes, right, real.labels),
        "trained_on": len(fake.labels),
        "tested_on": len(real.labels),
    }
    return Estimate(float(right.mean()), error, (), details, parts=parts)


@dataclass(frozen=True)
class _Bench:
    """Trains classifiers of one sort."""

    classifier: Classifier
    classes: int
    seed: int

    def side(self, pair: Pair, name: str, labels: Integers) -> Side:
        """Return a set as the classifier is to see it; images with label -1 are left out."""
        kept = labels >= 0
        if self.classifier == "probe":
            features: Features = getattr(pair, name)
            return Side(features.pooled[kept], labels[kept])
        if name not in pair.images:
            raise BadInput(f"{NAME}: no pictures of {name}; expected some for the cnn, got features alone. Use probe.")
        return Side(read_small(pair.images[name]())[kept], labels[kept])

    def learn(self, side: Side, repeat: int = 0) -> Callable[[Any], Integers]:
        """Return the prediction of a classifier that has seen ``side`` alone."""
        if self.classifier == "probe":
            return LinearProbe.fit(side.inputs, side.labels).predict
        return SmallCNN.train(side.inputs, side.labels, self.classes, derive(self.seed, NAME, repeat)).predict


Judged = tuple[NDArray[np.floating], float, dict[str, Part]]  # right or not [m], variance beside the test's, parts


def _judge_probe(bench: _Bench, fake: Side, real: Side, repeats: int) -> Judged:
    probe = LinearProbe.fit(fake.inputs, fake.labels)
    right = (probe.predict(real.inputs) == real.labels).astype(np.float64)
    placed = _blocks(fake.labels, BLOCKS, bench.seed)
    refitted = (probe.refit(*fake.take(placed != block)) for block in range(placed.max() + 1))
    without = [one.predict(real.inputs) == real.labels for one in refitted]
    of_fakes = part_across(np.stack(without, axis=1).astype(np.float64))
    return right, of_fakes.variance, {"real": _part_of_share(right), "fake": of_fakes}


def _judge_cnn(bench: _Bench, fake: Side, real: Side, repeats: int) -> Judged:
    judged = np.stack([bench.learn(fake, repeat)(real.inputs) == real.labels for repeat in range(repeats)])
    right = judged.mean(axis=0)
    spread = float(judged.mean(axis=1).var(ddof=1)) / repeats if repeats > 1 else 0.0
    return right, spread, {"real": _part_of_share(right)}


def _part_of_share(right: NDArray[np.floating]) -> Part:
    part = part_of_mean(right)
    return part if part.variance else part.raised(share_error_at_edge(len(right)) ** 2)


def _beside(bench: _Bench, train: Side | None, real: Side, fake: Side) -> dict[str, Any]:
    """Return the accuracies of classifiers that have seen real images."""
    whole = bench.learn(train or real)
    gan_test = float((whole(fake.inputs) == fake.labels).mean())
    if train is not None:
        right, source, count = whole(real.inputs) == real.labels, "the training set", len(train.labels)
    else:
        fold = _blocks(real.labels, 2, bench.seed)
        right, source, count = np.empty(len(fold), np.bool_), "halves of the real images", len(fold) // 2
        for half in (0, 1):
            learned = bench.learn(real.take(fold != half))
            right[fold == half] = learned(real.inputs[fold == half]) == real.labels[fold == half]
    return {
        "real_to_real": float(right.mean()),
        "real_to_real_stderr": math.sqrt(_part_of_share(right.astype(np.float64)).variance),
        "real_to_real_from": source,
        "real_to_real_trained_on": count,
        "gan_test": gan_test,
    }


def _train_side(bench: _Bench, pair: Pair, classes: list[Class]) -> Side | None:
    """Return the training set's images of the known classes; None if there are none of some class."""
    if pair.train is None:
        return None
    matched = match_classes(f"{NAME} (--train)", pair.real, pair.train)
    labels = _labels(matched, "fake", pair.train.count)
    return bench.side(pair, "train", labels)


def _labels(classes: list[Class], side: str, count: int) -> Integers:
    """Return the place of each image's class in ``classes``, int64 [count]."""
    labels = np.full(count, -1, np.int64)
    for place, one in enumerate(classes):
        labels[getattr(one, side)] = place
    return labels


def _blocks(labels: Integers, number: int, seed: int) -> Integers:
    """Deal images out to blocks at random within classes, so that each block has its share of every class."""
    order = generator(seed, NAME, "blocks", len(labels)).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    placed = np.empty(len(labels), np.int64)
    placed[order] = np.arange(len(labels)) % min(number, len(labels))
    return placed


def _by_class(classes: list[Class], right: NDArray[np.floating], labels: Integers) -> dict[str, float]:
    return {one.name: float(right[labels == place].mean()) for place, one in enumerate(classes)}


CAS = Metric(
    name=NAME,
    label="CAS",
    summary="accuracy on real images of a classifier trained on fakes alone, beside real to real; needs classes",
    compute=classification_accuracy,
    better="higher",
    range=(0.0, 1.0),
    source="Ravuri & Vinyals 2019, arXiv:1905.10887",
    uses_train=True,
    needs=("labels",),
    min_count=4,
)
