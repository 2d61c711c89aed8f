"""Measures of image generators: distance, classes, variety, truncation."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.learned.classifier import classifier_of, covered_share
from benchmarks.learned.findings import Finding
from benchmarks.learned.subject import Subject
from zoo.contracts import Samples, Volumetric
from zoo.deck import as_tensor

TRUNCATIONS = (0.5, 0.75, 1.0, 1.5, 2.0)
PSI = 0.5


@dataclass(frozen=True)
class Truncated:
    """A model that samples with a truncation; satisfies ``genbench.contracts.Sampler``."""

    model: Samples
    truncation: float

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return n images float32 [n, c, h, w] in [0, 1]."""
        return self.model.sample(n, generator, truncation=self.truncation)


def distance_ratio(subject: Subject) -> Finding:
    """Frechet distance from the held-out data, over that of the untrained model."""
    before, trained = subject.before, subject.trained
    return Finding(
        trained.value / before.value,
        f"{trained.value:.4g} after, {before.value:.4g} before, {subject.floor.value:.4g} of training data",
    )


def distance_over_mean_image(subject: Subject) -> Finding:
    """How far the model is above the floor, over how far the mean image is."""
    floor, mean = subject.floor.value, subject.mean_image.value
    return Finding((subject.trained.value - floor) / (mean - floor), f"the mean image has {mean:.4g}")


def classes_covered(subject: Subject) -> Finding:
    """Share of the classes that are covered, by an independent classifier."""
    judge = classifier_of(subject.train.name)
    found = judge.classify(_judged(subject))
    *counts, none = torch.bincount(found, minlength=judge.classes + 1).tolist()
    note = f"samples a class {counts}, of none {none}; {judge.describe()}"
    return Finding(covered_share(found, judge.classes), note)


def class_agreement(subject: Subject) -> Finding:
    """Share of samples, all classes alike, that an independent classifier finds to be of the class asked for."""
    judge = classifier_of(subject.train.name)
    asked = torch.arange(subject.count) % judge.classes
    found = judge.classify(subject.draw(subject.model.sample, labels=asked))
    return Finding(float((found == asked).float().mean()), judge.describe())


def variety_within_classes(subject: Subject) -> Finding:
    """Mean variance of a pixel within a class of samples, over that of the held-out data."""
    labels = torch.from_numpy(subject.test.labels)[: subject.count]
    real = (as_tensor(subject.test.x, subject.test.levels)[: subject.count] + 1) / 2
    fake = subject.draw(subject.model.sample, labels=labels)
    return Finding(_variance_within(fake, labels) / _variance_within(real, labels))


def truncation_order(subject: Subject) -> Finding:
    """The worse of two rank correlations with the truncation: of recall, and of precision with the sign turned."""
    cards = [subject.score(Truncated(subject.model, t), ("precision", "recall")) for t in TRUNCATIONS]
    curves = {name: [card[name].value for card in cards] for name in ("precision", "recall")}
    note = ", ".join(f"{name} {[round(value, 2) for value in curve]}" for name, curve in curves.items())
    worse = min(rank_correlation(curves["recall"]), -rank_correlation(curves["precision"]))
    return Finding(worse, f"{note} at truncations {list(TRUNCATIONS)}")


def precision_for_recall(subject: Subject) -> Finding:
    """The lesser of the precision that psi = 1/2 gains and of the recall that it loses.

    Any styles lose variety when they are drawn together; that what is left is better takes a trained model.
    """
    whole, cut = (
        subject.score(model, ("precision", "recall")) for model in (subject.model, Truncated(subject.model, PSI))
    )
    gain = cut["precision"].value - whole["precision"].value
    loss = whole["recall"].value - cut["recall"].value
    note = ", ".join(f"{name} {cut[name].value:.3f} for {whole[name].value:.3f}" for name in ("precision", "recall"))
    return Finding(min(gain, loss), note)


def rank_correlation(curve: list[float]) -> float:
    """Return Spearman's correlation of ``curve`` with ``TRUNCATIONS``; 0 where the curve is flat."""
    from scipy.stats import spearmanr

    return float(spearmanr(TRUNCATIONS, curve).statistic) if np.ptp(curve) > 0 else 0.0


def _judged(subject: Subject) -> Tensor:
    """Return samples in the shape that the classifier of the data knows: voxels of what draws voxels."""
    model: Any = subject.model
    return subject.draw(model.sample_voxels) if isinstance(model, Volumetric) else subject.samples


def _variance_within(images: Tensor, labels: Tensor) -> float:
    return float(torch.stack([images[labels == label].var(dim=0).mean() for label in labels.unique()]).mean())
