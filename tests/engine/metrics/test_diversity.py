"""vendi: hand cases, the other form of the matrix, zeros, and an error that fits on either side of n = 5 d."""

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.metrics.diversity import vendi
from genbench.stats.pair import Pair
from genbench.stats.spectrum import CosineKernel, effective_number

ORDERS = {"0.5": 0.5, "1": 1, "2": 2, "inf": np.inf}


def estimate(fake, real=None):
    fake = np.asarray(fake, np.float32)
    return vendi(
        Pair(Features({"pooled": fake if real is None else real.astype(np.float32)}), Features({"pooled": fake}))
    )


def by_definition(rows, order):
    """All pairs, the n x n matrix, plain entropy."""
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    shares = np.linalg.eigvalsh(unit @ unit.T / len(rows))
    shares = shares[shares > 1e-12]
    if order == 1:
        return np.exp(-np.sum(shares * np.log(shares)))
    return 1 / shares.max() if np.isinf(order) else np.sum(shares**order) ** (1 / (1 - order))


SIXTY_DEGREES = [[1, 0], [0.5, np.sqrt(0.75)]]
THREE_TO_ONE = np.eye(2)[[0, 0, 0, 1]]


@pytest.mark.parametrize(
    ("rows", "order", "expected"),
    [
        (np.eye(5), "1", 5),
        (np.repeat(np.eye(3), 4, axis=0), "1", 3),
        (np.ones((7, 2)), "1", 1),
        (THREE_TO_ONE, "1", 1.7547653506),
        (THREE_TO_ONE, "2", 1.6),
        (THREE_TO_ONE, "inf", 4 / 3),
        (THREE_TO_ONE, "0.5", 1 + np.sqrt(3) / 2),
        (SIXTY_DEGREES, "1", 1.7547653506),
        (5 * np.array(SIXTY_DEGREES), "1", 1.7547653506),
    ],
)
def test_hand_cases(rows, order, expected):
    assert estimate(rows).details["fake"][order] == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("shape", [(30, 50), (50, 50), (51, 50), (300, 7)])
def test_equals_the_definition_in_either_form_and_for_some_of_the_rows(rng, shape, monkeypatch):
    monkeypatch.setattr("genbench.stats.spectrum.TILE", 16)
    rows = (rng.normal(size=shape) + 0.3).astype(np.float32)
    kernel, is_kept = CosineKernel.of(rows), rng.random(len(rows)) < 0.8
    for name, order in ORDERS.items():
        expected = by_definition(rows.astype(float), order)
        assert estimate(rows).details["fake"][name] == pytest.approx(expected, rel=1e-9)
        some = by_definition(rows[is_kept].astype(float), order)
        assert effective_number(kernel.shares(is_kept), order) == pytest.approx(some, rel=1e-9)


@pytest.mark.parametrize("width", [4, 40])
def test_rows_of_zeros_are_like_each_other_and_unlike_the_rest(width):
    rows = np.zeros((20, width))
    rows[:5, 0], rows[5:10, 1] = 1, 2
    assert estimate(rows).value == pytest.approx(np.exp(-(0.5 * np.log(0.25) + 0.5 * np.log(0.5))), rel=1e-9)
    shares = CosineKernel.of(rows).shares(np.arange(20) % 4 > 0)
    np.testing.assert_allclose(np.sort(shares), [3 / 15, 4 / 15, 8 / 15])  # of 0-4, 5-9 and 10-19


def test_the_mean_surprise_is_the_entropy_and_a_derivative(rng):
    rows = rng.normal(size=(200, 6)) * np.linspace(1, 0.2, 6)
    kernel = CosineKernel.of(rows)
    surprise = kernel.surprise()
    entropy = np.log(effective_number(kernel.shares(), 1))
    assert surprise.mean() == pytest.approx(entropy, rel=1e-12)
    more = np.vstack([np.repeat(rows, 999, axis=0), rows[:1]])  # image 0 a little heavier
    moved = np.log(effective_number(CosineKernel.of(more).shares(), 1)) - entropy
    assert moved == pytest.approx((surprise[0] - entropy) / len(more), rel=0.01)


def test_the_reference_is_shown_beside_it_and_counts_are_warned_of(rng):
    found = estimate(rng.normal(size=(100, 4)), rng.normal(size=(120, 4)))
    assert set(found.details["real"]) == set(ORDERS)
    assert found.warnings == ("vendi of the reference is of 120 images, of the fakes 100: they do not compare",)
    assert "biased downward" in estimate(rng.normal(size=(30, 4))).warnings[0]


def test_fewer_kinds_score_lower(rng):
    centres = rng.normal(size=(10, 32))
    many, few = (centres[rng.integers(0, kinds, 400)] + 0.1 * rng.normal(size=(400, 32)) for kinds in (10, 3))
    assert estimate(many).value > 2 * estimate(few).value
