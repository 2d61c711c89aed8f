"""Frechet distance, neighbours and kernel distance beside the peers', on the same features.

Cost: about ten minutes on two cores. Expected: Frechet >= 7x sqrtm at d = 2048, >= 20x at n = 500;
neighbours >= 3x prdc in a quarter of the memory; kernel distance over all pairs no slower than the peers' 100 subsets.
"""

import numpy as np
import pytest
import scipy.linalg

from genbench.contracts import Features
from genbench.metrics import METRICS
from genbench.stats.gaussian import Gaussian, Moments, frechet_distance
from genbench.stats.pair import Pair

WIDTH = 2048


def rows(count, seed, shift=0.0, width=WIDTH):
    """Correlated features with a falling spectrum, like a network's."""
    rng = np.random.default_rng(seed)
    mix = np.random.default_rng(0).normal(size=(width, width)) * (np.arange(1, width + 1) ** -0.6)
    return (rng.normal(size=(count, width)) @ mix.T / np.sqrt(width) + shift).astype(np.float32)


def by_matrix_root(real, fake):
    """The textbook formula as pytorch-fid, clean-fid and others compute it."""
    root = scipy.linalg.sqrtm(real.cov @ fake.cov)
    gap = real.mean - fake.mean
    return gap @ gap + np.trace(real.cov) + np.trace(fake.cov) - 2 * np.trace(np.real(root))


def test_frechet_distance_of_moments(race):
    real, fake = Moments.of(rows(3000, 1)), Moments.of(rows(3000, 2, 0.1))

    def ours():
        return frechet_distance(*(Gaussian.from_moments(m.count, m.mean, m.cov) for m in (real, fake)))

    mine, theirs = race(ours, lambda: by_matrix_root(real, fake), against="scipy.linalg.sqrtm", target=7, rounds=3)
    assert mine == pytest.approx(theirs, rel=1e-5)


def test_frechet_distance_of_500_images(race):
    """Few rows: the peers' matrix root of a rank-deficient product did not end within a minute; eigenvalues do."""
    import torch
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    real, fake = rows(500, 1), rows(500, 2, 0.1)

    def peer():
        statistics = [fid_features_to_statistics(torch.from_numpy(x)) for x in (fake, real)]
        return fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]

    mine, theirs = race(
        lambda: frechet_distance(Gaussian.of(real), Gaussian.of(fake)),
        peer,
        against="torch-fidelity",
        target=20,
        rounds=3,
    )
    assert mine == pytest.approx(theirs, rel=1e-5)


def test_precision_recall_density_coverage(race):
    """Ours gives both conventions (k = 3 closed, k = 5 open) and the standard errors in the one pass; prdc one k."""
    from prdc import compute_prdc

    real, fake = rows(5000, 1), rows(5000, 2, 0.02)
    names = ("precision", "recall", "density", "coverage")

    def ours():
        pair = Pair(Features({"pooled": real}), Features({"pooled": fake}))
        return {name: METRICS.get(name).compute(pair).value for name in names}

    mine, theirs = race(ours, lambda: compute_prdc(real, fake, nearest_k=5), against="prdc", target=3)
    for name in ("density", "coverage"):  # the two whose convention is prdc's
        assert mine[name] == pytest.approx(theirs[name], rel=1e-5)


def test_kernel_distance(race):
    """All pairs, with a standard error, beside the mean over 100 random subsets of 1,000."""
    import torch
    from torch_fidelity.metric_kid import kid_features_to_metric

    real, fake = rows(5000, 1), rows(5000, 2, 0.02)

    def ours():
        return METRICS.get("kd").compute(Pair(Features({"pooled": real}), Features({"pooled": fake})))

    def peer():
        return kid_features_to_metric(torch.from_numpy(fake), torch.from_numpy(real), verbose=False)

    mine, theirs = race(ours, peer, against="torch-fidelity, 100 x 1000", target=1, rounds=3)
    mean, spread = theirs["kernel_inception_distance_mean"], theirs["kernel_inception_distance_std"]
    assert abs(mine.value - mean) < 5 * (spread / 10 + mine.stderr)
