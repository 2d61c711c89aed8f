"""p-values of single points against points known to be honest, exact however many detectors look at them.

The point x and the n honest ones are pooled and ranked by every detector, the most suspicious first; a point's evidence
is the smallest of its ranks, ties going by the smallest of its scores. Were x honest like the others, every order of
the n + 1 would be equally likely, and the evidence treats them alike, so

    p = (number of the n + 1, x among them, whose evidence is at least as strong as that of x) / (n + 1)

is at most alpha with probability at most alpha. That the best of several detectors was taken needs no correction: the
honest points had the same choice. Source: permutation tests (Lehmann & Romano 2005, section 15.2); conformal p-values
(Vovk et al. 2005).
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
AT_ONCE = 1 << 20  # numbers held at once


def p_values(scores: ArrayLike, honest: ArrayLike) -> tuple[Floats, Integers]:
    """Judge every point on its own against the honest ones.

    Args:
        scores: of the points judged, [m, J], small where suspicious, one column a detector; no NaN. Of one kind in all
            columns, such as ratios that are 0 for a copy.
        honest: of n points known to be honest, [n, J].

    Returns:
        p-values, float64 [m], multiples of 1 / (n + 1); and the detector with the smallest rank, int64 [m], the first
        of several.
    """
    x, y = np.asarray(scores, np.float64), np.asarray(honest, np.float64)
    order = np.sort(y, axis=0)
    detectors = range(y.shape[1])
    own = np.stack([np.searchsorted(order[:, j], x[:, j], "right") + 1 for j in detectors], axis=1)
    rank = np.stack([np.searchsorted(order[:, j], y[:, j], "right") for j in detectors], axis=1)
    best, smallest, lowest = own.min(axis=1), rank.min(axis=1), y.min(axis=1)
    stronger = np.searchsorted(np.sort(smallest), best - 1, "left")  # smallest + 1 < best, whatever x does to the ranks
    for value in np.unique(best):
        rows = np.flatnonzero(best == value)
        near = np.flatnonzero((smallest == value) | (smallest == value - 1))
        step = max(1, AT_ONCE // max(1, near.size * y.shape[1]))
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            pooled = rank[near] + (x[part, None] <= y[near])
            reached, limit = pooled.min(axis=2), best[part, None]
            is_nearer = lowest[near] <= x[part].min(axis=1)[:, None]
            stronger[part] += ((reached < limit) | ((reached == limit) & is_nearer)).sum(axis=1)
    return (stronger + 1) / (len(y) + 1), own.argmin(axis=1)


def needed_for(alpha: float) -> int:
    """Return the fewest honest points with which a p-value can be ``alpha`` or less: 1 / alpha - 1."""
    return math.ceil(1 / alpha - 1 - 1e-9)


def lower_bound(hits: int, count: int, confidence: float = 0.95) -> float:
    """Return the exact one-sided lower bound of a share (Clopper & Pearson 1934)."""
    from scipy import special

    return 0.0 if not hits else float(special.betaincinv(hits, count - hits + 1, 1 - confidence))


def upper_bound(hits: int, count: int, confidence: float = 0.95) -> float:
    """Return the exact one-sided upper bound of a share (Clopper & Pearson 1934)."""
    return 1.0 - lower_bound(count - hits, count, confidence)


def chance_of(hits: int, count: int, honest: int, alpha: float) -> float:
    """Return how likely ``hits`` or more of ``count`` honest points have p <= alpha, their number of honest ones given.

    With one detector, exactly: the share below the a-th smallest of n, a = floor(alpha (n + 1)), is Beta(a, n + 1 - a)
    distributed, and the number of hits beta-binomially. With several it is close to that.
    """
    from scipy import stats

    allowed = math.floor(alpha * (honest + 1) + 1e-9)
    return float(stats.betabinom.sf(hits - 1, count, allowed, honest + 1 - allowed))
