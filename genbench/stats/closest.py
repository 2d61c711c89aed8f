"""The nearest points of a set when each point asked about comes in several views: itself, mirrored, shifted.

The distance of x to y is the smallest of any view of x to y. A y that is among the k nearest of x so is among the k
nearest of the view that is nearest to it, so lists of k a view, joined, hold the k nearest exactly.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genbench.stats.distances import Floats, Integers, Points
from genbench.stats.neighbours import nearest_centres, nearest_others


@dataclass(frozen=True, eq=False)
class Closest:
    """The k nearest centres of n points, over all views.

    Attributes:
        index: rows of the centres, int64 [n, k], nearest first, each once; equally near ones in order of their row.
        distance: float64 [n, k].
        view: which view of the point is nearest to each, int64 [n, k]; the first of equally near ones.
    """

    index: Integers
    distance: Floats
    view: Integers

    def reordered(self, order: Integers) -> "Closest":
        """Return the columns of each row in the order given, int64 [n, l]."""
        index, view = (np.take_along_axis(table, order, axis=1) for table in (self.index, self.view))
        return Closest(index, np.take_along_axis(self.distance, order, axis=1), view)


def closest(
    views: Iterable[NDArray[np.float32]], centres: Points, k: int, *, own: int | None = None, tile: int | None = None
) -> Closest:
    """Find the k nearest centres of every point over its views, exact as float64 brute force.

    Args:
        views: float32 [n, d] each, row i belonging to point i; taken one at a time.
        centres: m points; m > k if the points are among them, else m >= k.
        k: >= 1.
        own: point i is centre ``own + i``, and in no view its own neighbour; None: the points are no centres.
        tile: most rows and columns of distances formed at once; the result does not depend on it.

    Raises:
        NotEnoughImages: if there are too few centres.
    """
    best: Closest | None = None
    for number, view in enumerate(views):
        index, distance = _search(view, centres, k if own is None else k + 1, tile)
        if own is not None:
            distance = np.where(index == own + np.arange(len(index))[:, None], np.inf, distance)
        found = Closest(index, distance, np.full(index.shape, number))
        best = _join(found, found if best is None else best, k)
    assert best is not None, "at least one view"
    return best


def spacing(centres: Points, k: int, tile: int | None = None) -> Floats:
    """Return the mean distance of every centre to its k nearest others, float64 [m]."""
    return np.asarray(nearest_others(centres, k, tile).distances().mean(axis=1))


def nearness(found: Closest) -> Floats:
    """Return the distance to the nearest over the mean distance to the k nearest, float64 [n] in [0, 1]; 0 for a copy.

    Source: Carlini et al. 2023 (arXiv:2301.13188), without their constant alpha.
    """
    return _ratio(found.distance[:, 0], found.distance.mean(axis=1))


def local_nearness(found: Closest, spacings: Floats) -> Floats:
    """Return the distance to the nearest over that one's own ``spacing``, float64 [n]; 0 for a copy.

    inf where the nearest coincides with its k neighbours and the point does not.
    """
    return _ratio(found.distance[:, 0], spacings[found.index[:, 0]])


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Return part / whole; 0 where part is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(part == 0, 0.0, part / whole)


def _search(rows: NDArray[np.float32], centres: Points, k: int, tile: int | None) -> tuple[Integers, Floats]:
    found = nearest_centres(Points.of(rows, np.zeros(len(rows), np.int64), "queries"), centres, k, tile)
    return found.index[:, :k], found.distances()


def _join(one: Closest, other: Closest, k: int) -> Closest:
    """Return the k nearest of two lists, each centre once, with the smaller of its distances."""
    index, view = np.hstack([one.index, other.index]), np.hstack([one.view, other.view])
    distance = np.hstack([one.distance, other.distance])
    both = Closest(index, distance, view).reordered(np.lexsort((view, distance, index), axis=1))
    both.distance[:, 1:][both.index[:, 1:] == both.index[:, :-1]] = np.inf
    return both.reordered(np.lexsort((both.index, both.distance), axis=1)[:, :k])
