"""Logistic regression that tells two sets of feature vectors apart, and its predictions for rows it was not fitted to.

Rows are cut into folds; for each fold one classifier is fitted to the others. All are fitted at once, as the columns of
one problem, so that each pass over the rows, which may be mapped from files, serves them all. Rows are standardised by
the mean and deviation of both sets together; classes weigh alike whatever their counts.

The penalty is |w|^2 / 2 per prior variance 1/d: a weight's prior is such that before any data the logit of a
standardised row has variance 1. So nothing is tuned, and d may exceed n.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.stats.running import content_order

Array = NDArray[np.float64]
Rows = NDArray[np.floating]
Integers = NDArray[np.int64]
ROWS_AT_ONCE = 1024
STEPS = 200  # of L-BFGS at most; some 30 to 60 are taken
ROUNDING = 1e-9  # deviation over mean below which equal float32 features differ by the rounding of their mean alone
TOLERANCE = 1e-6  # of the gradient; losses are about 0.7


@dataclass(frozen=True, eq=False)
class Held:
    """Logits of rows by the classifier of the folds they are not in; above 0: of the second set.

    Attributes:
        first: of the first set, float64 [n].
        second: of the second set, float64 [m].
        folds: fold of each row, int64 [n] and [m].
    """

    first: Array
    second: Array
    folds: tuple[Integers, Integers]


def cross_fitted_logits(first: Rows, second: Rows, folds: int) -> Held:
    """Fit and predict; a function of the rows alone, not of their order.

    Args:
        first: [n, d], n >= 2 folds.
        second: [m, d], likewise.
        folds: >= 2.
    """
    placed = _folds(first, folds), _folds(second, folds)
    problem = _Problem((first, second), placed, folds)
    weights = _minimise(problem)
    logits = np.empty(len(first)), np.empty(len(second))
    for side, part, x in problem.parts():
        chosen = placed[side][part]
        logits[side][part] = (x @ weights[:-1] + weights[-1])[np.arange(len(x)), chosen]
    return Held(logits[0], logits[1], placed)


class _Problem:
    """The loss of one classifier a fold, column by column, and its gradient."""

    def __init__(self, tables: tuple[Rows, Rows], placed: tuple[Integers, Integers], folds: int) -> None:
        self._tables, self._placed, self.folds = tables, placed, folds
        self.width = tables[0].shape[1]
        self._centre, self._scale = _standards(tables)
        counts = np.array([np.bincount(of_rows, minlength=folds) for of_rows in placed])
        fitted = counts.sum(axis=1, keepdims=True) - counts  # rows of each set that each classifier sees, [2, folds]
        self._row_weight = 0.5 / fitted
        self._penalty = self.width / fitted.sum(axis=0)

    def parts(self) -> Iterator[tuple[int, slice, Array]]:
        """Yield set, place and standardised rows, float64, of a part at a time."""
        return _parts(self._tables, self._centre, self._scale)

    def loss(self, flat: Array) -> tuple[float, Array]:
        """Return the sum over classifiers of their penalised losses, and its gradient, for weights [(d + 1) folds]."""
        weights = flat.reshape(self.width + 1, self.folds)
        slopes = np.zeros_like(weights)
        slopes[:-1] = weights[:-1] * self._penalty
        total = 0.5 * float((weights[:-1] * slopes[:-1]).sum())
        for side, part, x in self.parts():
            sign = 2 * side - 1
            margin = sign * (x @ weights[:-1] + weights[-1])
            row_weight = self._row_weight[side] * (self._placed[side][part, None] != np.arange(self.folds))
            total += float((row_weight * np.logaddexp(0, -margin)).sum())
            slope = -sign * row_weight * np.exp(-np.logaddexp(0, margin))
            slopes[:-1] += x.T @ slope
            slopes[-1] += slope.sum(axis=0)
        return total, slopes.ravel()


def _standards(tables: tuple[Rows, Rows]) -> tuple[Array, Array]:
    """Return mean and 1 / standard deviation of all rows, [d] each; 0 for a feature that never varies."""
    count, width = sum(map(len, tables)), tables[0].shape[1]
    ones = np.ones(width)
    mean = np.sum([x.sum(axis=0) for _, _, x in _parts(tables, np.zeros(width), ones)], axis=0) / count
    squares = np.sum([np.square(x).sum(axis=0) for _, _, x in _parts(tables, mean, ones)], axis=0)
    deviation = np.sqrt(squares / count)
    varies = deviation > ROUNDING * np.abs(mean)
    return mean, np.where(varies, 1 / np.where(varies, deviation, 1), 0)


def _parts(tables: tuple[Rows, Rows], centre: Array, scale: Array) -> Iterator[tuple[int, slice, Array]]:
    for side, rows in enumerate(tables):
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = slice(start, min(start + ROWS_AT_ONCE, len(rows)))
            x = rows[part] - centre
            x *= scale
            yield side, part, x


def _minimise(problem: _Problem) -> Array:
    """Return the weights of all classifiers, float64 [d + 1, folds]; the last row is the offset."""
    from scipy.optimize import minimize

    start = np.zeros((problem.width + 1) * problem.folds)
    options: Any = {"maxiter": STEPS, "gtol": TOLERANCE, "ftol": 0.0}
    found = minimize(problem.loss, start, jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x).reshape(problem.width + 1, problem.folds)


def _folds(rows: Rows, folds: int) -> Integers:
    """Deal the rows out to the folds in an order of content."""
    placed = np.empty(len(rows), np.int64)
    placed[content_order(rows)] = np.arange(len(rows)) % folds
    return placed
