"""Data-copying test: are fakes nearer to training images than test images are, in some region of feature space?

C_T of Meehan et al. 2020 (arXiv:2004.05675): the training set is cut into cells by k-means; in each, the distances of
fakes and of test images to the nearest training image of the cell are compared by Mann and Whitney's test; the Z are
averaged by the test set's shares of cells. Well below 0 fakes are too near (copying), well above too far (underfit).
Conventions are those of dgm-eval's and FLD's code. Fakes that are few in kind or typical lie near training images
without being copies, blurred ones far off though they be copies: C_T reacts to those as well.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.linalg import eigh

from genbench.contracts import Estimate, Metric
from genbench.errors import BadInput
from genbench.parameters import Count, Seed
from genbench.scratch import empty_rows, take_rows
from genbench.seeds import generator
from genbench.stats.distances import Points
from genbench.stats.gaussian import Moments
from genbench.stats.jackknife import blocks, standard_error
from genbench.stats.neighbours import nearest_centres
from genbench.stats.pair import Pair
from genbench.stats.parts import part_of_deletions
from genbench.stats.rank_sum import Array, Bools, Compared, Integers, RankedCells
from genbench.stats.running import content_order

CELLS, COMPONENTS, STARTS = 3, 64, 10
LEAST = 20  # fakes that a cell must exceed to count, unless tau says otherwise
PERMUTATIONS = 999
ROUNDING = 1e-9  # of sums of equal Z in another order
ROWS_AT_ONCE = 1024
Share = Annotated[float, Field(ge=0, lt=1)]
Rows = NDArray[np.floating]


def data_copying(
    pair: Pair,
    *,
    cells: Count = CELLS,
    components: Count = COMPONENTS,
    tau: Share | None = None,
    permutations: Count = PERMUTATIONS,
    seed: Seed = 0,
) -> Estimate:
    """C_T, a mean of standard normal deviates, range (-inf, inf): about 0 for new images of the same distribution.

    Z = (U - (m n / 2 - 1/2)) / sqrt(var U), with U the pairs of a fake and a test image of which the fake is farther,
    ties one half, and the variance corrected for ties. As Z grows with the number of images, C_T of other counts cannot
    be compared.

    Args:
        pair: pooled features float32 of the test set (``real``, [n, d]), of the fakes [m, d] and of the training set
            (``train``, [l, d]).
        cells: of k-means, the best of 10 starts on the training set.
        components: with more features than that, all sets are projected on so many principal components of the
            training set.
        tau: cells count with more than this share of the fakes; None: with more than 20 fakes.
        permutations: of which images are fakes, for the p-value.
        seed: of k-means and of the permutations.

    Returns:
        C_T. Standard error: 20-block jackknife of fakes and test images, the training set and the cells taken as
        given. Details: "p_value", one-sided towards copying: the share of permutations with as low a C_T, itself
        included; "cells", for each {"train", "test", "fake", "z", "counts"}; "components".

    Raises:
        BadInput: if there is no training set, or no cell holds test images and enough fakes.
        MismatchedFeatures: if the widths differ.
    """
    train = pair.training_rows("ct")
    real, fake = pair.rows()
    space = Space.of(train, cells, components, seed)
    of_fake, of_real = space.measure(fake, "fake"), space.measure(real, "real")
    test = Comparison(
        distances=np.concatenate([of_fake[0], of_real[0]]),
        cells=np.concatenate([of_fake[1], of_real[1]]),
        is_fake=np.arange(len(fake) + len(real)) < len(fake),
        number=len(space.train),
        tau=LEAST / len(fake) if tau is None else tau,
    )
    compared = test.compare()
    counts = test.counting(compared)
    if not counts.any():
        raise BadInput(
            f"ct: no cell holds test images and enough fakes; expected more than {test.tau:.3g} of the fakes in one "
            f"with test images, got {compared.first.tolist()} fakes and {compared.second.tolist()} test images. Give "
            "more images, or leave ct out: the other scores are kept."
        )
    value = average(compared, counts)
    leave = [
        test.leave_out(blocks(len(rows), pair.seed, side), counts, of_fakes=side == "fake")
        for side, rows in (("real", real), ("fake", fake))
    ]
    details = {
        "p_value": test.p_value(value, permutations, seed),
        "cells": _describe(space, compared, counts),
        "components": space.train[0].shape[1],
    }
    parts = dict(zip(("real", "fake"), map(part_of_deletions, leave), strict=True))
    return Estimate(value, standard_error(*leave), details=details, parts=parts)


@dataclass(frozen=True, eq=False)
class Space:
    """Principal components of the training set, cut into cells.

    Attributes:
        train: training images of each cell, projected.
        centres: of the cells, [K, c].
        mean: of the training set, [d]; None: features are taken as they are.
        basis: its principal components, [d, c], likewise.
    """

    train: list[Rows]
    centres: Rows
    mean: Array | None
    basis: Array | None

    @classmethod
    def of(cls, train: Rows, cells: int, components: int, seed: int) -> Self:
        """Find the components and the cells of [l, d]."""
        from sklearn.cluster import KMeans

        train = take_rows(train, content_order(train))  # starts of k-means are drawn by place
        mean, basis = _principal(train, components) if train.shape[1] > components else (None, None)
        projected = _project(train, mean, basis)
        count = min(cells, len(np.unique(projected, axis=0)))
        kmeans = KMeans(count, n_init=STARTS, random_state=seed).fit(projected)
        return cls([projected[kmeans.labels_ == cell] for cell in range(count)], kmeans.cluster_centers_, mean, basis)

    def measure(self, rows: Rows, name: str) -> tuple[Array, Integers]:
        """Return the distance of each row [n, d] to the nearest training image of its cell, and the cell."""
        projected = _project(rows, self.mean, self.basis)
        gaps = [np.square(projected - centre, dtype=np.float64).sum(axis=1) for centre in self.centres]
        cells, nearest = np.argmin(gaps, axis=0), np.empty(len(rows))
        for cell in np.unique(cells):
            here = np.flatnonzero(cells == cell)
            points, train = _points(projected[here], name), _points(self.train[cell], "train")
            nearest[here] = nearest_centres(points, train).distances()[:, 0]
        return nearest, cells


@dataclass(frozen=True, eq=False)
class Comparison:
    """Distances of all fakes and test images, and which are fakes.

    Attributes:
        distances: float64 [m + n].
        cells: int64 [m + n].
        is_fake: bool [m + n].
        number: of cells.
        tau: share of the fakes that a cell must exceed.
    """

    distances: Array
    cells: Integers
    is_fake: Bools
    number: int
    tau: float

    def compare(self, kept: Bools | None = None) -> Compared:
        """Return the comparison of all images, or of those ``kept`` [m + n]."""
        chosen = np.ones(len(self.cells), np.bool_) if kept is None else kept
        ranked = RankedCells.of(self.distances[chosen], self.cells[chosen], self.number)
        return ranked.compare(self.is_fake[chosen])

    def counting(self, compared: Compared) -> Bools:
        """Return which cells count, bool [K]."""
        return np.asarray((compared.first > self.tau * compared.first.sum()) & (compared.second > 0))

    def leave_out(self, split: Integers, counts: Bools, *, of_fakes: bool) -> Array:
        """Return C_T over the cells in ``counts`` with each block of one side left out, [B]."""
        side = np.flatnonzero(self.is_fake == of_fakes)
        values = []
        for block in range(int(split.max()) + 1):
            kept = np.ones(len(self.cells), np.bool_)
            kept[side[split == block]] = False
            values.append(average(self.compare(kept), counts))
        return np.array(values)

    def p_value(self, value: float, permutations: int, seed: int) -> float:
        """Return the share of permutations, the images' own order among them, whose C_T is no larger."""
        order = np.lexsort((self.distances, self.cells))  # of no other order of the images
        ranked = RankedCells.of(self.distances[order], self.cells[order], self.number)
        rng, labels = generator(seed, "data copying"), self.is_fake[order]
        as_low = 1
        for _ in range(permutations):
            compared = ranked.compare(rng.permutation(labels))
            counts = self.counting(compared)
            as_low += bool(counts.any()) and average(compared, counts) <= value + ROUNDING
        return as_low / (permutations + 1)


def average(compared: Compared, counts: Bools) -> float:
    """Return C_T: the mean Z of the cells that count, weighted by their test images; 0 if none do."""
    weights = compared.second[counts]
    return float(weights @ compared.z[counts]) / max(float(weights.sum()), 1.0)


def _principal(rows: Rows, components: int) -> tuple[Array, Array]:
    """Return the mean [d] and the first principal components, [d, c]."""
    moments = Moments.of(rows)
    width, kept = rows.shape[1], min(components, len(rows))
    return moments.mean, eigh(moments.scatter, subset_by_index=(width - kept, width - 1))[1]


def _project(rows: Rows, mean: Array | None, basis: Array | None) -> Rows:
    if mean is None or basis is None:
        return rows
    projected = empty_rows(len(rows), basis.shape[1])
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        projected[part] = (rows[part] - mean) @ basis
    return projected


def _points(rows: Rows, name: str) -> Points:
    return Points.of(rows, np.zeros(len(rows), np.int64), name)


def _describe(space: Space, compared: Compared, counts: Bools) -> list[dict[str, Any]]:
    columns = compared.first, compared.second, compared.z, counts
    return [
        {"train": len(train), "fake": int(fake), "test": int(test), "z": float(z), "counts": bool(does)}
        for train, fake, test, z, does in zip(space.train, *columns, strict=True)
    ]


def _fewest(*, cells: int, tau: float | None, **_: Any) -> int:
    """Return the fakes of which some cell surely holds enough."""
    return (LEAST if tau is None else 0) * cells + 2


CT = Metric(
    name="ct",
    label="C_T",
    summary="data-copying test: well below 0, nearer to --train than test images; blur and lost diversity move it too",
    compute=data_copying,
    better="none",
    range=(-float("inf"), float("inf")),
    source="Meehan et al. 2020, arXiv:2004.05675",
    uses_train=True,
    needs=("train",),
    min_count=CELLS * LEAST + 2,
    fewest=_fewest,
)
