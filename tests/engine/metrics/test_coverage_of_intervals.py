"""Do 95 % intervals hold the estimator's mean 92-98 % of the time? By simulation, seeded."""

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.metrics import METRICS
from genbench.stats.pair import Pair

RUNS = 400  # a share of .95 has a standard error of .011
Z95 = 1.96


def draw(rng, kind, count, shift):
    noise = {"gaussian": rng.standard_normal, "t5": lambda size: rng.standard_t(5, size)}[kind]
    return Features({"pooled": (noise((count, 6)) + shift).astype(np.float32), "logits": noise((count, 6)) * 2})


def covered(name, kind, count, shift):
    rng = np.random.default_rng(11)
    found = [
        METRICS.get(name).compute(Pair(draw(rng, kind, count, 0), draw(rng, kind, count, shift), seed=run))
        for run in range(RUNS)
    ]
    values, errors = (np.array([getattr(one, field) for one in found]) for field in ("value", "stderr"))
    return (np.abs(values - values.mean()) < Z95 * errors).mean(), errors.mean() / values.std()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gaussian", "t5"])
@pytest.mark.parametrize(
    ("name", "count", "shift"),
    [
        ("fd", 200, 0.5),
        ("fd", 28, 0.5),
        ("kd", 200, 0.5),
        ("is", 200, 0),
        ("precision", 120, 0.5),
        ("recall", 120, 0.5),
    ],
    ids=["fd-influence", "fd-jackknife", "kd", "is", "precision", "recall"],
)
def test_nominal_95_per_cent_holds(name, kind, count, shift):
    share, ratio = covered(name, kind, count, shift)
    assert 0.92 <= share <= 0.98, f"coverage {share:.3f}, mean error / true error {ratio:.2f}"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["density", "coverage", "nn"])
def test_jackknifed_intervals_are_not_too_small(name):
    share, ratio = covered(name, "gaussian", 120, 0.5)
    assert share >= 0.92, f"coverage {share:.3f}, mean error / true error {ratio:.2f}"


@pytest.mark.slow
def test_at_equality_the_error_of_fd_is_conservative():
    share, ratio = covered("fd", "gaussian", 200, 0)
    assert share >= 0.95
    assert ratio > 1
