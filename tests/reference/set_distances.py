"""Distances of two sets by their definitions: plain loops and textbook formulas, float64, no shortcut.

Squared MMDs (Binkowski et al. 2018, arXiv 1801.01401; Jayasumana et al. 2024, arXiv 2401.09603), optimal transport
along directions (Berthet et al. 2026, arXiv 2605.06797), Frechet distances (Heusel et al. 2017, arXiv 1706.08500).
"""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import scipy.linalg


def mean_of_pairs(kernel, rows, columns, leave_equal_places_out=False):
    pairs = [
        kernel(a, b)
        for i, a in enumerate(rows)
        for j, b in enumerate(columns)
        if not (leave_equal_places_out and i == j)
    ]
    return math.fsum(pairs) / len(pairs)


def discrepancy(kernel, x, y, is_biased):
    """Squared MMD, biased (an item is paired with itself) or not."""
    within = sum(mean_of_pairs(kernel, rows, rows, not is_biased) for rows in (x, y))
    return within - 2 * mean_of_pairs(kernel, x, y)


def cubic(a, b):
    return (a @ b / len(a) + 1) ** 3


def gaussian_of_units(a, b):
    gap = a / math.sqrt(a @ a) - b / math.sqrt(b @ b)
    return math.exp(-(gap @ gap) / 200)


def transport_on_line(x, y):
    """Integral of the squared difference of the quantile functions, in exact fractions of the mass."""
    x, y = sorted(x), sorted(y)
    edges = sorted({Fraction(i, len(x)) for i in range(len(x) + 1)} | {Fraction(j, len(y)) for j in range(len(y) + 1)})
    cost = 0.0
    for low, high in pairwise(edges):
        middle = (low + high) / 2
        cost += float(high - low) * (x[math.floor(middle * len(x))] - y[math.floor(middle * len(y))]) ** 2
    return cost


def sliced(x, y, directions):
    """3 d times the mean over directions of the squared 2-Wasserstein distance."""
    return 3 * x.shape[1] * np.mean([transport_on_line(x @ u, y @ u) for u in directions])


def frechet(x, y):
    """The textbook formula, with the matrix square root."""
    (mean_x, cov_x), (mean_y, cov_y) = ((rows.mean(0), np.cov(rows, rowvar=False)) for rows in (x, y))
    root = scipy.linalg.sqrtm(cov_x @ cov_y).real
    return ((mean_x - mean_y) ** 2).sum() + np.trace(cov_x + cov_y - 2 * root)
