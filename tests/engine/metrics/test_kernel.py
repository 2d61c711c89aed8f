"""kd: closed forms, a plain double loop, and torch-fidelity's estimate of the same quantity."""

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.metrics.kernel import kernel_distance
from genbench.stats.pair import Pair


def value(real, fake):
    return kernel_distance(Pair(*(Features({"pooled": np.asarray(x, float)}) for x in (real, fake)))).value


@pytest.mark.parametrize(
    ("real", "fake", "expected"),
    [
        ([[0], [0]], [[1], [1]], 7),
        (np.eye(2), [[1, 1], [0, 0]], -2.375),
        (np.random.RandomState(0).randn(10, 4), np.random.RandomState(0).randn(10, 4), -2.28793401),
    ],
    ids=["points", "negative-is-not-clipped", "same-rows-are-not-zero"],
)
def test_hand_cases(real, fake, expected):
    assert value(real, fake) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(("n", "m"), [(12, 12), (12, 7)])
def test_equals_the_double_loop(rng, n, m):
    x, y = rng.normal(size=(n, 5)), rng.normal(0.5, 1, size=(m, 5))

    def k(a, b):
        return (a @ b / 5 + 1) ** 3

    xx = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    yy = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    xy = sum(k(a, b) for a in x for b in y) / (n * m)
    assert value(x, y) == pytest.approx(xx + yy - 2 * xy, rel=1e-10)


def test_its_mean_is_the_population_value():
    """N(0, I) against N(c 1, I): 3c^2 + 3c^4 + c^6 + 6c^4/d + 3c^2/d + 6c^2/d^2."""
    c, d, rng = 0.5, 16, np.random.default_rng(0)
    expected = 3 * c**2 + 3 * c**4 + c**6 + 6 * c**4 / d + 3 * c**2 / d + 6 * c**2 / d**2
    found = [value(rng.normal(size=(1000, d)), rng.normal(c, 1, size=(1000, d))) for _ in range(8)]
    assert np.mean(found) == pytest.approx(expected, abs=4 * np.std(found) / np.sqrt(8))
