"""P-precision and P-recall by their definition (Park & Kim 2023, arXiv:2309.01590): plain loops, float64, no logarithm.

A block is left out by leaving it out: the set is made smaller and everything is computed again.
"""

import math

from tests.reference.manifold import distance, kth_distance


def radius(among, centres, k, scale):
    """``scale`` times the mean distance of ``centres`` to their k-th nearest other one."""
    reach = [kth_distance(among, i, [j for j in centres if j != i], k) for i in centres]
    return scale * math.fsum(reach) / len(reach)


def is_supported(gaps, reach):
    """Probability that a point at distances ``gaps`` from the centres is in the support; reach 0: of equals only."""
    factors = [min(1.0, gap / reach) if reach else float(gap > 0) for gap in gaps]
    return 1 - math.prod(factors)


def probabilities(among, across, centres, points, k, scale):
    """Probability of each of ``points``; ``across[centre][point]``."""
    reach = radius(among, centres, k, scale)
    return [is_supported([across[i][j] for i in centres], reach) for j in points]


def precision_and_recall(real, fake, k=4, scale=1.2):
    def mean(centres, points):
        among, across = ([[distance(a, b) for b in others] for a in centres] for others in (centres, points))
        found = probabilities(among, across, range(len(centres)), range(len(points)), k, scale)
        return math.fsum(found) / len(found)

    return mean(real, fake), mean(fake, real)
