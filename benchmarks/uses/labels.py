"""Learning from few labels: what the features of a model are worth to a linear classifier.

A model sees the training images without their labels; then 5, 10 ... labelled training images a class are all that a
logistic regression learns from. The same labelled images are given as

    features    of the model
    untrained   of the same network before training: what the architecture gives for nothing
    pixels      as they are
    pca         as many principal components as there are features, of all training images without their labels

What sees which data: standardisation, regression and its strength see the labelled images alone; the model and the
principal components all training images, without labels (a conditional model learned from the labels too, and is no
fair case); nothing sees held-out images before they are classified, each by itself.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.uses.records import Accuracy
from genbench.errors import BadInput
from genbench.seeds import derive
from zoo.contracts import HasFeatures
from zoo.data import Examples
from zoo.deck import as_tensor

SHOTS = (5, 10, 50)  # labelled examples a class; all of them come last
DRAWS = 10  # of the labelled examples
STRENGTHS = (0.001, 0.01, 0.1, 1.0, 10.0)  # C: one over the weight of the penalty
FOLDS = 5
CHUNK = 256  # images at a time
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def compare_inputs(
    model: Any, untrained: Any, train: Examples, test: Examples, *, shots: Sequence[int] = SHOTS, seed: int = 0
) -> list[Accuracy]:
    """Return how often a linear classifier is right, for each input and number of labels; all labels last.

    Args:
        model: ``zoo.contracts.HasFeatures``.
        untrained: the same at step 0, of one initialisation.
        train: with labels; those of the draw are used, images all.
        test: with labels.
        shots: labelled examples a class; of each, ten draws, the same for all inputs.
        seed: of the draws and the folds.

    Raises:
        BadInput: if the model has no features, or the data too few labels.
    """
    known, truth = labels_of(train, shots), labels_of(test)
    if not set(truth.tolist()) <= set(known.tolist()):
        raise BadInput(
            f"labels: {train.name!r} lacks a class that is tested; expected examples of each, got "
            f"{len(set(known.tolist()))} of {len(set(truth.tolist()))} classes. Take a run on data with all classes."
        )
    found = []
    for inputs, (seen, new) in inputs_of(model, untrained, train, test).items():
        for count in (*shots, None):
            shares = accuracies(seen, known, new, truth, shots=count, seed=seed)
            found.append(Accuracy(inputs=inputs, width=seen.shape[1], shots=count, shares=shares))
    return found


def inputs_of(model: Any, untrained: Any, train: Examples, test: Examples) -> dict[str, tuple[Floats, Floats]]:
    """Return name -> (training rows [n, d], held-out rows [m, d]): "features", "untrained", "pixels", "pca"."""
    from sklearn.decomposition import PCA

    images = tuple(unit(examples) for examples in (train, test))
    seen, new = (x.flatten(1).double().numpy() for x in images)
    found = {
        name: tuple(features_of(one, x) for x in images)
        for name, one in (("features", model), ("untrained", untrained))
    }
    width = min(found["features"][0].shape[1], *seen.shape)
    components = PCA(width, svd_solver="full").fit(seen)
    return {**found, "pixels": (seen, new), "pca": (components.transform(seen), components.transform(new))}


def accuracies(
    seen: Floats,
    known: Integers,
    new: Floats,
    truth: Integers,
    *,
    shots: int | None,
    seed: int = 0,
    strengths: Sequence[float] = STRENGTHS,
) -> list[float]:
    """Return the share of rows ``new`` [m, d] that are classified as ``truth`` says, one a draw of labelled rows.

    Args:
        seen: training rows [n, d].
        known: their classes [n].
        new: held-out rows.
        truth: their classes [m].
        shots: labelled rows a class, ten draws; None: all rows, one draw.
        seed: of the draws and the folds.
        strengths: of ``classify``.
    """
    found = []
    for draw in range(1 if shots is None else DRAWS):
        rows = draw_rows(known, shots, seed, draw)
        guessed = classify(seen[rows], known[rows], new, strengths=strengths, seed=derive(seed, "folds", draw))
        found.append(float((guessed == truth).mean()))
    return found


def classify(
    labelled: Floats, known: Integers, new: Floats, *, strengths: Sequence[float] = STRENGTHS, seed: int = 0
) -> Integers:
    """Return the classes int64 [m] of rows ``new`` [m, d] by logistic regression on standardised labelled rows [n, d].

    Of several strengths, the one that is right most often in a cross-validation within the labelled rows; a fold is
    standardised by its own training part.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression(C=strengths[0], max_iter=1000))
    if len(strengths) > 1:
        fewest = int(np.unique(known, return_counts=True)[1].min())
        folds = StratifiedKFold(min(FOLDS, fewest), shuffle=True, random_state=seed % 2**32)
        probe = GridSearchCV(probe, {"logisticregression__C": list(strengths)}, cv=folds)
    guessed: Integers = probe.fit(labelled, known).predict(new)
    return guessed


def draw_rows(known: Integers, shots: int | None, seed: int, draw: int) -> Integers:
    """Return ``shots`` rows of each class, drawn without replacement; None: all rows."""
    if shots is None:
        return np.arange(len(known))
    rng = np.random.default_rng(derive(seed, "shots", draw))
    return np.concatenate([rng.choice(np.flatnonzero(known == one), shots, replace=False) for one in np.unique(known)])


def labels_of(examples: Examples, shots: Sequence[int] = ()) -> Integers:
    """Return the classes int64 [n]; raises ``BadInput`` if there are none, or a class has too few examples."""
    if examples.labels is None:
        raise BadInput(
            f"labels: {examples.name!r} has none; expected data with classes, got images alone. Take another run."
        )
    if any(one < 2 for one in shots):
        raise BadInput(f"labels: too few to cross-validate; expected at least 2 labels a class, got {min(shots)}.")
    fewest = int(np.unique(examples.labels, return_counts=True)[1].min())
    if shots and fewest < max(shots):
        raise BadInput(
            f"labels: a class of {examples.name!r} is too small; expected {max(shots)} examples of each, got {fewest}. "
            "Ask for fewer with --shots."
        )
    return examples.labels


def unit(examples: Examples) -> Tensor:
    """Return images as float32 [n, c, h, w] in [0, 1]."""
    return (as_tensor(examples.x, examples.levels) + 1) / 2


def features_of(model: Any, x: Tensor) -> Floats:
    """Return the features float64 [n, d] of images in [0, 1]; raises ``BadInput`` if the model gives none."""
    if not isinstance(model, HasFeatures):
        raise BadInput(
            f"labels: {type(model).__name__} gives no features; expected a model with an encoder, as zoo.contracts."
            "HasFeatures has it, got none. Take another model."
        )
    with torch.no_grad():
        return torch.cat([model.features(part).cpu() for part in x.split(CHUNK)]).flatten(1).double().numpy()
