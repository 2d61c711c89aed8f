"""p-values and nearest views by their definitions, slowly."""

import numpy as np


def p_value(x, honest):
    """Rank the point and the honest ones together by every detector; count whose evidence is at least as strong."""
    pooled = np.vstack([x, honest])
    ranks = [[sum(other <= mine for other in column) for mine in column] for column in pooled.T.tolist()]
    keys = [(min(own), row.min()) for own, row in zip(zip(*ranks, strict=True), pooled, strict=True)]
    return sum(key <= keys[0] for key in keys) / len(keys)


def nearest(views, centres, k, is_self=False):
    """Return index, distance and view [n, k] of the nearest centres over all views."""
    gap = np.stack([np.sqrt(((view[:, None] - centres[None]) ** 2).sum(-1)) for view in np.float64(views)])
    distance = gap.min(axis=0)
    if is_self:
        np.fill_diagonal(distance, np.inf)
    index = np.argsort(distance, axis=1, kind="stable")[:, :k]
    return index, np.take_along_axis(distance, index, 1), np.take_along_axis(gap.argmin(axis=0), index, 1)
