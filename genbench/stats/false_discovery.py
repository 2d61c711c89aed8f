"""Benjamini and Hochberg's correction of many p-values (1995): the expected share of false finds stays at alpha."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def q_values(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return q-values [m] in the order given: those of at most q, taken as finds, hold a share of at most q false ones.

    q of the i-th smallest is the smallest m p_(j) / j over j >= i, at most 1. It holds for independent p-values, and
    for those of points that are judged by one set of honest points (Bates et al. 2023, arXiv:2104.08279).
    """
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    q = np.empty_like(p)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)
    return q
