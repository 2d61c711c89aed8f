"""Realism and rarity by their definitions (Kynkaanniemi et al. 2019, eq. 3; Han et al. 2022): plain loops, float64."""

import math
from statistics import median

from tests.reference.manifold import radii


def realism(among, across, centres, points, k):
    """Largest radius over distance; of the balls not wider than the median, without those of radius 0."""
    reach = radii(among, centres, k)
    middle = median(reach.values())
    kept = [i for i in centres if 0 < reach[i] <= middle]

    def ratio(i, j):
        return reach[i] / across[i][j] if across[i][j] else math.inf

    return [max((ratio(i, j) for i in kept), default=0.0) for j in points]


def rarity(among, across, centres, points, k):
    """Smallest radius of a ball that holds the point, its surface included; NaN where none does."""
    reach = radii(among, centres, k)
    return [min((reach[i] for i in centres if across[i][j] <= reach[i]), default=math.nan) for j in points]
