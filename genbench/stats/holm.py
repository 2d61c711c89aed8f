"""Holm's correction of several p-values (Holm 1979): the chance of any false rejection stays at alpha."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return adjusted p-values [k] in the order given: hypothesis i is rejected at level alpha where p_i < alpha.

    The smallest is multiplied by k, the next by k - 1 and so on; none is below one that was smaller, nor above 1.
    It holds however the tests depend on each other.
    """
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return adjusted
