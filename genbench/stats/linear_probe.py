"""A linear classifier of feature vectors: multinomial logistic regression on standardised features.

The penalty is |w|^2 / 2 per prior variance 1 / d, as in ``stats.logistic``: before any data the logit of a standardised
row has variance 1. Nothing is tuned, and d may exceed n.
"""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.floating]
Integers = NDArray[np.int64]
STEPS = 1000  # of L-BFGS at most
TOLERANCE = 1e-5  # of the gradient
ROUNDING = 1e-9  # deviation over mean below which a feature does not vary


class LinearProbe:
    """A fitted classifier; ``fit`` makes one.

    Args:
        mean: of the features it was first fitted to, float64 [d].
        scale: 1 / standard deviation of them (divisor n), 0 for those that do not vary.
        regression: scikit-learn's.
    """

    def __init__(self, mean: NDArray[np.float64], scale: NDArray[np.float64], regression: Any) -> None:
        self._mean, self._scale, self._regression = mean, scale, regression

    @classmethod
    def fit(cls, rows: Rows, labels: Integers) -> Self:
        """Return a classifier of rows [n, d] by labels [n] of 2 classes or more."""
        from sklearn.linear_model import LogisticRegression

        mean = rows.mean(axis=0, dtype=np.float64)
        deviation = np.sqrt(np.square(rows - mean).mean(axis=0))
        varies = deviation > ROUNDING * np.abs(mean)
        scale = np.where(varies, 1 / np.where(varies, deviation, 1), 0)
        regression = LogisticRegression(C=1 / rows.shape[1], max_iter=STEPS, tol=TOLERANCE, warm_start=True)
        made = cls(mean, scale, regression)
        regression.fit(made._standardise(rows), labels)
        return made

    def refit(self, rows: Rows, labels: Integers) -> "LinearProbe":
        """Return one fitted to other rows, standardised alike, that sets out from this one's weights."""
        from copy import deepcopy

        regression = deepcopy(self._regression)
        if not np.array_equal(np.unique(labels), regression.classes_):
            regression.set_params(warm_start=False)
        regression.fit(self._standardise(rows), labels)
        return LinearProbe(self._mean, self._scale, regression)

    def predict(self, rows: Rows) -> Integers:
        """Return the likeliest class of each row, int64 [m]."""
        found: Integers = self._regression.predict(self._standardise(rows))
        return found

    def probabilities(self, rows: Rows) -> NDArray[np.float64]:
        """Return the probability of each class, float64 [m, classes], in the order of their labels."""
        found: NDArray[np.float64] = self._regression.predict_proba(self._standardise(rows))
        return found

    def _standardise(self, rows: Rows) -> NDArray[np.float64]:
        made: NDArray[np.float64] = (rows - self._mean) * self._scale
        return made
