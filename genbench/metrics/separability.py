"""Linear separability: whether attributes of images lie on two sides of a plane among the latents.

Karras et al. 2019 (arXiv:1812.04948), section 4.2: exp(sum_i H(Y_i | X_i)), Y_i being attribute i of generated images
by a classifier, X_i what a linear classifier says of it from the latent; 1 is perfect. Theirs are 40 attributes of
faces, by 40 published networks. Here the attributes are the user's classes, each against all others, by a linear probe
that is trained on the features of labelled real images. X_i is held out, five-fold, where theirs is in-sample: of few
latents a plane fitted to them divides anything. And the surest half is kept of the latents with an attribute and of
those without, where theirs is of all: of a rare attribute none would be left. So numbers compare only with others of
the same classes and features.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from genbench.contracts import Estimate, Features, Metric
from genbench.errors import BadInput
from genbench.parameters import Count
from genbench.stats.jackknife import BLOCKS, blocks, standard_error
from genbench.stats.latents import CHUNK, as_pictures, chunks, draw_labels, is_conditional, refuse_styleless, take
from genbench.stats.linear_probe import LinearProbe
from genbench.stats.logistic import cross_fitted_logits
from genbench.stats.pair import Pair
from genbench.stats.running import content_order

NAME = "separability"
FOLDS = 5
FEWEST = 2 * FOLDS  # latents with and without an attribute
MIN_COUNT = 100  # below, the surest half of an even split is hardly so many
UNSURE = 0.8  # accuracy on real images below which attributes are warned of
Floats = NDArray[np.float64]
Share = Annotated[float, Field(gt=0, le=1)]


def linear_separability(
    pair: Pair, *, space: Literal["z", "w"] = "z", samples: Count | None = None, keep: Share = 0.5
) -> Estimate:
    """Exponential of the summed conditional entropies, range [1, inf), lower is better.

    Args:
        pair: pooled features of labelled real images, float32 [n, d]; its ``model`` has ``prior`` and ``decode``.
        space: "z", or "w" of a model that has ``mapping``.
        samples: latents; None: as many as there are judged images.
        keep: share of those with and of those without an attribute that is judged, the surest by the probe.

    Returns:
        2 ** (sum of entropies in bits). Standard error over latents: a 20-block jackknife of the tables of held-out
        predictions, nothing being fitted again; probe and model are taken as given. Details: "entropies" in bits of
        each attribute, "shares" of the kept latents that have it, "left_out" (attributes that fewer than 10 of the kept
        latents have, or lack), "probe_accuracy" on real images, two-fold.

    Raises:
        BadInput: if the real side has no labels, the model no w, or no attribute is left.
        MismatchedFeatures: if the widths differ.
    """
    if pair.model is None or pair.extract is None:
        raise BadInput(f"{NAME}: judges a model; expected one with prior and decode, got none. Give zoo:DIR.")
    if space == "w":
        refuse_styleless(NAME, pair.model)
    pair.rows()  # refuses statistics and other widths
    names, labels = _classes(pair.real)
    count = samples or pair.fake.count
    latents, features = _draw(pair, space, count)
    sure = LinearProbe.fit(pair.real.pooled, labels).probabilities(features)
    found, left_out = {}, []
    for place in range(len(names)) if len(names) > 2 else (1,):  # of two classes, one is the lack of the other
        has = sure[:, place] > 0.5
        kept = _surest(np.abs(sure[:, place] - 0.5), has, keep)
        if min(has[kept].sum(), (~has[kept]).sum()) < FEWEST:
            left_out.append(names[place])
        else:
            found[names[place]] = _Table.of(latents[kept], has[kept], blocks(count, pair.seed, NAME)[kept])
    if not found:
        raise BadInput(
            f"{NAME}: no attribute is left; expected {FEWEST} of the surest latents with and {FEWEST} without one, got "
            f"fewer for {', '.join(left_out)}. Draw more (--count, or samples), or set keep to 1."
        )
    entropies = {name: table.entropy() for name, table in found.items()}
    leave = np.sum([[table.entropy(block) for block in range(BLOCKS)] for table in found.values()], axis=0)
    accuracy = _probe_accuracy(pair.real.pooled, labels)
    details = {
        "space": space,
        "samples": count,
        "keep": keep,
        "entropies": entropies,
        "shares": {name: float(table.has.mean()) for name, table in found.items()},
        "left_out": left_out,
        "probe_accuracy": accuracy,
    }
    warnings = _warnings(left_out, accuracy, is_conditional=is_conditional(pair.model))
    return Estimate(2 ** sum(entropies.values()), standard_error(2**leave), warnings, details)


@dataclass(frozen=True, eq=False)
class _Table:
    """An attribute of latents, and what a plane that has not seen them says of it.

    Attributes:
        has: bool [n].
        said: bool [n].
        ids: jackknife block of each, int64 [n].
    """

    has: NDArray[np.bool_]
    said: NDArray[np.bool_]
    ids: NDArray[np.int64]

    @classmethod
    def of(cls, latents: Floats, has: NDArray[np.bool_], ids: NDArray[np.int64]) -> "_Table":
        """Fit planes to four fifths of the latents each, and ask them of the rest."""
        held = cross_fitted_logits(latents[~has], latents[has], FOLDS)
        said = np.empty(len(has), np.bool_)
        said[~has], said[has] = held.first > 0, held.second > 0
        return cls(has, said, ids)

    def entropy(self, without: int | None = None) -> float:
        """Return H(has | said) in bits, of all latents or without one block."""
        kept = self.ids != without
        counts = np.array([[(said & has & kept).sum() for has in (self.has, ~self.has)] for said in self._answers])
        share = counts / counts.sum(axis=1, keepdims=True).clip(1)
        logs = np.log2(np.where(share > 0, share, 1))
        return max(0.0, -float((counts * logs).sum() / counts.sum()))

    @property
    def _answers(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        return self.said, ~self.said


def _draw(pair: Pair, space: str, count: int) -> tuple[Floats, NDArray[np.float32]]:
    """Return latents [n, d] and the features of their images."""
    import torch

    assert pair.extract is not None
    latents, features = [], []
    with torch.no_grad():
        for size, generator in chunks(count, pair.seed, NAME):
            labels = draw_labels(pair.model, generator)
            z = pair.model.prior(CHUNK, generator)
            x = pair.model.mapping(z, labels) if space == "w" else z
            pictures = as_pictures(NAME, pair.model.decode(z[:size], take(labels, slice(size))))
            latents.append(x[:size].flatten(1).cpu().double().numpy())
            features.append(pair.extract(pictures.clip(0, 1)))
    return np.concatenate(latents), np.concatenate(features)


def _surest(confidence: Floats, has: NDArray[np.bool_], keep: float) -> NDArray[np.int64]:
    """Return the places of the surest share of latents with and of those without an attribute, in order of place."""
    sides = [np.flatnonzero(has), np.flatnonzero(~has)]
    sides = [side[np.argsort(-confidence[side], kind="stable")][: math.ceil(keep * len(side))] for side in sides]
    return np.sort(np.concatenate(sides))


def _classes(real: Features) -> tuple[list[str], NDArray[np.int64]]:
    """Return the names of the real side's classes and the place of each image's."""
    if real.labels is None:
        raise BadInput(
            f"{NAME}: real has no labels; expected the class of every image, got none. Give class folders with "
            "--labels folders or a data set that knows its classes."
        )
    known, labels = np.unique(real.labels, return_inverse=True)
    if len(known) < 2:
        raise BadInput(f"{NAME}: real is of one class; expected 2 or more to tell apart, got {len(known)}.")
    return [real.classes[label] if real.classes else str(label) for label in known.tolist()], labels


def _probe_accuracy(rows: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return how often the probe is right on real images it has not seen, two-fold within classes."""
    fold = np.empty(len(labels), np.int64)
    order = content_order(rows)
    fold[order[np.argsort(labels[order], kind="stable")]] = np.arange(len(labels)) % 2
    if any(len(np.unique(labels[fold == half])) < 2 for half in (0, 1)):
        return math.nan
    right = [
        LinearProbe.fit(rows[fold != half], labels[fold != half]).predict(rows[fold == half]) == labels[fold == half]
        for half in (0, 1)
    ]
    return float(np.concatenate(right).mean())


def _warnings(left_out: list[str], accuracy: float, *, is_conditional: bool) -> tuple[str, ...]:
    warnings = []
    if left_out:
        warnings.append(f"too few of the latents kept have, or lack, {', '.join(left_out)}: left out")
    if accuracy < UNSURE:
        warnings.append(
            f"the probe is right on {accuracy:.0%} of real images alone: the attributes of generated ones are doubtful"
        )
    if is_conditional:
        warnings.append("the model is told the class: latents need not hold what the label already says")
    return tuple(warnings)


SEPARABILITY = Metric(
    name=NAME,
    label="separability",
    summary="whether planes among a model's latents divide its images by the real side's classes; 1: exactly",
    compute=linear_separability,
    better="lower",
    range=(1.0, float("inf")),
    source="Karras et al. 2019, arXiv:1812.04948",
    needs=("latents", "real-labels"),
    min_count=MIN_COUNT,
    biased_by=("fake",),
)
