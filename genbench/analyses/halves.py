"""Real pictures in two halves, a reference and what stands for a generator's pictures, and what modes they have."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Features, Metric
from genbench.errors import NotEnoughImages
from genbench.features.survey import Survey, labelled
from genbench.requirements import refuse_unfit_classes
from genbench.seeds import derive, generator

FEWEST = 20  # pictures a half: as many as the jackknife has blocks
CLUSTERS = 10  # that stand for modes where no classes are known
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Halves:
    """Which picture is on which side.

    Attributes:
        reference: places of the reference's pictures in the survey, ascending.
        clean: places of the others.
        has_labels: the source knows classes.
    """

    reference: Rows
    clean: Rows
    has_labels: bool

    @property
    def count(self) -> int:
        """Pictures of a half."""
        return len(self.clean)


@dataclass(frozen=True)
class Modes:
    """Which mode each picture of the clean half is of.

    Attributes:
        name: what modes are here: "10 classes", "10 clusters of the reference's features".
        labels: int64 [m].
    """

    name: str
    labels: Rows


def split(part: Survey, metrics: Sequence[Metric], seed: int) -> Halves:
    """Split the pictures of ``part``; of an odd number one is left out.

    Raises:
        NotEnoughImages: if a half has fewer than 20, or than a metric needs.
        BadInput: if a metric needs classes and a half lacks them.
    """
    half = len(part.entries) // 2
    needs = {metric.name: metric.min_count for metric in metrics} | {"ladder": FEWEST}
    name = max(needs, key=lambda one: needs[one])
    if half < needs[name]:
        raise NotEnoughImages(
            f"{name}: too few pictures for two halves; expected at least {2 * needs[name]}, got {len(part.entries)} in "
            f"{part.source.name!r}. Give more" + ("." if name == "ladder" else f", or leave {name} out.")
        )
    order = generator(seed, "halves").permutation(len(part.entries))
    reference, clean = (np.sort(rows) for rows in (order[:half], order[half : 2 * half]))
    sides = {
        side: labelled(part.source, [part.entries[row] for row in rows])
        for side, rows in (("real", reference), ("fake", clean))
    }
    refuse_unfit_classes(metrics, sides)
    return Halves(reference, clean, sides["fake"].labels is not None)


def find_modes(reference: Features, clean: Features, seed: int) -> Modes:
    """Return the classes of ``clean``, or, without two of them, its nearest of 10 clusters of the reference.

    The clusters are those of k-means on pooled features, seeded, the best of four starts.
    """
    if clean.labels is not None and len(np.unique(clean.labels)) > 1:
        return Modes(f"{len(np.unique(clean.labels))} classes", clean.labels)
    from sklearn.cluster import KMeans

    count = min(CLUSTERS, len(np.unique(reference.pooled, axis=0)))
    means = KMeans(count, n_init=4, random_state=derive(seed, "modes") % 2**32).fit(reference.pooled)
    return Modes(f"{count} clusters of the reference's features", means.predict(clean.pooled).astype(np.int64))
