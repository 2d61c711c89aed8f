"""kd, kd-subsets and cmmd: closed forms, plain loops over the pairs, and torch-fidelity's numbers."""

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.errors import BadInput, NotEnoughImages
from genbench.metrics.kernel import clip_discrepancy, kernel_distance, kernel_subset_distance
from genbench.stats.pair import Pair
from tests.reference.set_distances import cubic, discrepancy, gaussian_of_units


def pair_of(real, fake):
    return Pair(*(Features({"pooled": np.asarray(x, float)}) for x in (real, fake)))


def value(real, fake):
    return kernel_distance(pair_of(real, fake)).value


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
    assert value(x, y) == pytest.approx(discrepancy(cubic, x, y, is_biased=False), rel=1e-10)


def test_its_mean_is_the_population_value():
    """N(0, I) against N(c 1, I): 3c^2 + 3c^4 + c^6 + 6c^4/d + 3c^2/d + 6c^2/d^2."""
    c, d, rng = 0.5, 16, np.random.default_rng(0)
    expected = 3 * c**2 + 3 * c**4 + c**6 + 6 * c**4 / d + 3 * c**2 / d + 6 * c**2 / d**2
    found = [value(rng.normal(size=(1000, d)), rng.normal(c, 1, size=(1000, d))) for _ in range(8)]
    assert np.mean(found) == pytest.approx(expected, abs=4 * np.std(found) / np.sqrt(8))


def test_subsets_are_drawn_and_averaged_as_published(rng):
    """RandomState(2020); for each subset places in the fake set first, then in the real one."""
    real, fake = rng.normal(size=(12, 3)), rng.normal(0.5, 1, size=(9, 3))
    source, values = np.random.RandomState(2020), []
    for _ in range(4):
        y = fake[source.choice(9, 6, replace=False)]
        values.append(discrepancy(cubic, real[source.choice(12, 6, replace=False)], y, is_biased=False))
    found = kernel_subset_distance(pair_of(real, fake), subsets=4, size=6)
    assert found.value == pytest.approx(np.mean(values), rel=1e-10)
    assert found.details["sd"] == pytest.approx(np.std(values), rel=1e-9)
    all_pairs = kernel_distance(pair_of(real, fake)).stderr
    assert found.stderr == pytest.approx(np.hypot(all_pairs, np.std(values, ddof=1) / 2), rel=1e-9)


def test_the_deviation_over_subsets_is_that_of_torch_fidelity():
    real = np.random.RandomState(0).randn(1200, 16).astype(np.float32)
    fake = (np.random.RandomState(1).randn(1100, 16) * 1.2 + 0.5).astype(np.float32)
    found = kernel_subset_distance(pair_of(real, fake))
    assert found.value == pytest.approx(1.2838820219039917, rel=1e-6)  # kernels in float32 there
    assert found.details["sd"] == pytest.approx(0.020013031530307906, rel=1e-5)


def test_of_exactly_1000_images_every_subset_is_the_set(rng):
    real, fake = rng.normal(size=(2, 1000, 3))
    found, all_pairs = kernel_subset_distance(pair_of(real, fake)), kernel_distance(pair_of(real, fake))
    assert (found.value, found.stderr) == pytest.approx((all_pairs.value, all_pairs.stderr), rel=1e-9)
    assert found.details["sd"] == pytest.approx(0, abs=1e-12)


def test_too_few_images_for_subsets_are_refused_with_their_count(rng):
    with pytest.raises(NotEnoughImages, match=r"at least 1000 on each side, got 999\. Use kd"):
        kernel_subset_distance(pair_of(rng.normal(size=(1000, 2)), rng.normal(size=(999, 2))))


@pytest.mark.parametrize(("n", "m"), [(12, 12), (12, 7)])
def test_cmmd_equals_the_double_loop(rng, n, m):
    x, y = rng.normal(size=(n, 5)), rng.normal(0.5, 1, size=(m, 5))
    found = clip_discrepancy(pair_of(x, y))
    assert found.value == pytest.approx(1000 * discrepancy(gaussian_of_units, x, y, is_biased=True), rel=1e-9)
    expected = 1000 * discrepancy(gaussian_of_units, x, y, is_biased=False)
    assert found.details["unbiased"] == pytest.approx(expected, rel=1e-9)


def test_the_error_of_cmmd_is_that_of_leaving_each_image_out(rng):
    x, y = rng.normal(size=(40, 5)), rng.normal(0.5, 1, size=(30, 5))
    without = [
        np.array([clip_discrepancy(pair_of(np.delete(x, i, axis=0), y)).details["unbiased"] for i in range(40)]),
        np.array([clip_discrepancy(pair_of(x, np.delete(y, i, axis=0))).details["unbiased"] for i in range(30)]),
    ]
    variance = sum((len(w) - 1) / len(w) * ((w - w.mean()) ** 2).sum() for w in without)
    assert clip_discrepancy(pair_of(x, y)).stderr == pytest.approx(np.sqrt(variance), rel=0.05)


def test_cmmd_of_two_points_is_known_and_opposite_points_are_the_most_it_can_be():
    right, up, left = ([[length, 0], [length, 0]] for length in (3, 0, -2))
    up = [[0, 1], [0, 5]]
    assert clip_discrepancy(pair_of(right, up)).value == pytest.approx(-2000 * np.expm1(-2 / 200), rel=1e-12)
    assert clip_discrepancy(pair_of(right, left)).value == pytest.approx(-2000 * np.expm1(-4 / 200), rel=1e-12)
    assert clip_discrepancy(pair_of(right, right)).value == 0


def test_cmmd_is_nearly_a_distance_of_means_and_says_so(rng):
    real, fake = rng.normal(0.3, 1, size=(300, 64)), rng.normal(0.5, 1, size=(300, 64))
    found = clip_discrepancy(pair_of(real, fake))
    real, fake = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (real, fake))
    gap = real.mean(0) - fake.mean(0)
    assert found.value == pytest.approx(10 * gap @ gap, rel=0.01)
    assert "hardly sees a change of variety" in found.warnings[0]


def test_cmmd_refuses_rows_without_direction(rng):
    real, fake = rng.normal(size=(2, 20, 3))
    fake[[4, 7]] = 0
    with pytest.raises(BadInput, match=r"fake features of no direction.*got 2 of 20"):
        clip_discrepancy(pair_of(real, fake))
