"""Sets without a single copy that look copied all the same: detectors that fire at them do not detect copies."""

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Pixels
from genbench.images.corruptions import blur
from genbench.seeds import derive, generator

CLUSTERS = 10
CENTRAL = 0.25  # share of each cluster that is left of a mode-shrunk set
SIGMA = 1 / 32  # of the shorter side: 1 px of 32
Integers = NDArray[np.int64]


def mode_shrunk(rows: NDArray[np.float32], share: float = CENTRAL, seed: int = 0) -> Integers:
    """Return the places of the pictures nearest to the centres of their k-means clusters, ascending.

    Args:
        rows: features of honest pictures, [n, d].
        share: of each cluster that stays, at least one picture.
        seed: of k-means.
    """
    from sklearn.cluster import KMeans

    count = min(CLUSTERS, len(np.unique(rows, axis=0)))
    clusters = KMeans(count, n_init=4, random_state=derive(seed, "mode-shrunk") % 2**32).fit(rows)
    gaps = np.linalg.norm(rows - clusters.cluster_centers_[clusters.labels_], axis=1)
    kept = []
    for cluster in range(count):
        members = np.flatnonzero(clusters.labels_ == cluster)
        kept.append(members[np.argsort(gaps[members], kind="stable")[: max(1, round(share * len(members)))]])
    return np.sort(np.concatenate(kept))


def blurred(image: Pixels) -> Pixels:
    """Return a picture blurred by a Gaussian of 1/32 of its shorter side, uint8 [h, w, 3]."""
    return blur(image, SIGMA, generator(0))
