"""Neighbours, precision, recall, density and coverage by their definitions: plain loops, float64, no shortcut.

Kynkaanniemi et al. 2019 (arXiv 1904.06991, eq. 1-2: closed balls), Naeem et al. 2020 (arXiv 2002.09797, eq. 5-6: open
balls). A block is left out by leaving it out: the set is made smaller and everything is computed again.
"""

import math


def distance(a, b):
    return math.sqrt(math.fsum((float(x) - float(y)) ** 2 for x, y in zip(a, b, strict=True)))


def table(rows, columns):
    """All distances, so that leaving points out below is a choice of rows and columns."""
    return [[distance(a, b) for b in columns] for a in rows]


def kth_distance(distances, row, candidates, k):
    """Distance from ``row`` to the k-th nearest of ``candidates``."""
    return sorted(distances[row][j] for j in candidates)[k - 1]


def radii(among, centres, k):
    """Radius of each of ``centres``: the distance to the k-th nearest other one."""
    return {i: kth_distance(among, i, [j for j in centres if j != i], k) for i in centres}


def is_inside(gap, radius, closed):
    return gap <= radius if closed else gap < radius


def share_of_points(among, across, centres, points, k, closed):
    """Share of ``points`` inside any ball; ``across[centre][point]``. Precision, or recall with the sides exchanged."""
    reach = radii(among, centres, k)
    held = [any(is_inside(across[i][j], reach[i], closed) for i in centres) for j in points]
    return sum(held) / len(points)


def density(among, across, centres, points, k, closed):
    reach = radii(among, centres, k)
    return sum(is_inside(across[i][j], reach[i], closed) for i in centres for j in points) / (k * len(points))


def coverage(among, across, centres, points, k, closed):
    reach = radii(among, centres, k)
    return sum(any(is_inside(across[i][j], reach[i], closed) for j in points) for i in centres) / len(centres)


def leave_out(statistic, among, across, centre_blocks, point_blocks, k, closed):
    """The statistic, and what it is with each block of centres gone and with each block of points gone."""
    centres, points = range(len(centre_blocks)), range(len(point_blocks))
    value = statistic(among, across, centres, points, k, closed)
    without_centres = [
        statistic(among, across, [i for i in centres if centre_blocks[i] != b], points, k, closed)
        for b in sorted(set(centre_blocks))
    ]
    without_points = [
        statistic(among, across, centres, [j for j in points if point_blocks[j] != b], k, closed)
        for b in sorted(set(point_blocks))
    ]
    return value, without_centres, without_points
