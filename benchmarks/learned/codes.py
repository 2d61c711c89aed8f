"""Measures of models that take images to codes and back."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from benchmarks.learned.densities import held_out
from benchmarks.learned.findings import Finding
from benchmarks.learned.subject import Subject
from benchmarks.uses.labels import accuracies, features_of, labels_of
from zoo.deck import as_tensor

SHOTS = 10  # labelled examples a class
STRENGTH = 1.0  # C of the logistic regression, with which the threshold was set


def error_over_components(subject: Subject) -> Finding:
    """Mean squared error of held-out reconstructions, over that by as many principal components of training data."""
    x, _ = held_out(subject)
    with torch.no_grad():
        width = subject.model.encode(x[:1]).shape[1]
    components = PCA(width, random_state=0).fit(_rows(_training(subject)))
    rows = _rows(x)
    linear = float(np.square(components.inverse_transform(components.transform(rows)) - rows).mean())
    error = _error(subject)
    return Finding(error / linear, f"{error:.4f}; {linear:.4f} by {width} principal components")


def error_over_mean_image(subject: Subject) -> Finding:
    """Mean squared error of held-out reconstructions, over that of the training data's mean."""
    x, _ = held_out(subject)
    of_mean = float((x - _training(subject).mean(dim=0)).square().mean())
    error = _error(subject)
    return Finding(error / of_mean, f"{error:.4f}; {of_mean:.4f} of the mean image")


def probe_gain(subject: Subject) -> Finding:
    """Accuracy of a linear classifier of ten labelled examples a class in the features, less the untrained model's."""
    trained, untrained = (probe_accuracy(subject, model) for model in (subject.model, subject.untrained))
    return Finding(
        trained - untrained, f"{trained:.3f}, {untrained:.3f} untrained, {probe_accuracy(subject):.3f} pixels"
    )


def probe_accuracy(subject: Subject, model: Any = None) -> float:
    """Return the mean accuracy on held-out images over ten draws of the labelled ones; in pixels without a model."""
    x, labels = held_out(subject)
    seen, new = (_rows(part) if model is None else features_of(model, part) for part in (_training(subject), x))
    shares = accuracies(
        seen, labels_of(subject.train), new, labels.numpy(), shots=SHOTS, seed=subject.seed, strengths=(STRENGTH,)
    )
    return float(np.mean(shares))


def codebook_used(subject: Subject) -> Finding:
    """Perplexity of the codes of held-out images over the size of their codebook; of several the least used one."""
    x, _ = held_out(subject)
    shares = {}
    with torch.no_grad():
        for name, codes in subject.model.codes(x).items():
            p = torch.bincount(codes.flatten(), minlength=subject.model.codebook_size).double()
            p = p[p > 0] / p.sum()
            shares[name] = float((-(p * p.log()).sum()).exp()) / subject.model.codebook_size
    note = ", ".join(f"{name} {share * subject.model.codebook_size:.1f}" for name, share in shares.items())
    return Finding(min(shares.values()), f"{note} of {subject.model.codebook_size}")


def _error(subject: Subject) -> float:
    x, _ = held_out(subject)
    with torch.no_grad():
        return float((subject.model.reconstruct(x).cpu() - x).square().mean())


def _training(subject: Subject) -> torch.Tensor:
    return (as_tensor(subject.train.x, subject.train.levels) + 1) / 2


def _rows(x: torch.Tensor) -> NDArray[np.float64]:
    return x.flatten(1).double().numpy()
