"""fd on Gaussians whose distance is known, and the warning about few images."""

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.metrics.frechet import frechet, spatial_frechet
from genbench.stats.pair import Pair

# (n, d, seed) -> value of torch-fidelity; two draws of RandomState(seed).randn(n, d)
PEER = [
    (4, 4, 1, 4.753837617472),
    (2, 256, 2023, 783.27514994),
    (1024, 64, 2023, 2.2164077432),
    (8, 128, 2023, 223.7525531),
]


def estimate(real, fake):
    return frechet(Pair(Features({"pooled": real}), Features({"pooled": fake})))


@pytest.mark.parametrize(("n", "d", "seed", "expected"), PEER)
def test_agrees_with_torch_fidelity_also_with_few_rows(n, d, seed, expected):
    source = np.random.RandomState(seed)
    found = estimate(source.randn(n, d), source.randn(n, d)).value
    assert found == pytest.approx(expected, rel=1e-6)  # its eigenvalues of rank-deficient products are good to that


def test_large_sets_come_near_the_closed_form(rng):
    found = estimate(rng.normal(size=(20000, 4)), rng.normal(1, 2, size=(20000, 4)))
    assert found.value == pytest.approx(4 * 1 + 4 * (2 - 1) ** 2, abs=4 * found.stderr)
    assert found.stderr < 0.2
    assert found.warnings == ()


def test_both_forms_of_the_error_agree_where_they_meet(rng, monkeypatch):
    real, fake = rng.normal(size=(2000, 6)), rng.normal(0.5, 1.2, size=(2000, 6))
    by_influence = estimate(real, fake).stderr
    monkeypatch.setattr("genbench.stats.gaussian.ROWS_PER_FEATURE", 10**6)
    assert estimate(real, fake).stderr == pytest.approx(by_influence, rel=0.4)  # 20 blocks a side: some 16 % noise each


def test_few_images_are_warned_of(rng):
    assert "biased upward" in estimate(rng.normal(size=(30, 40)), rng.normal(size=(50, 40))).warnings[0]
    assert "biased upward" in estimate(rng.normal(size=(399, 40)), rng.normal(size=(999, 40))).warnings[0]
    assert estimate(rng.normal(size=(400, 40)), rng.normal(size=(400, 40))).warnings == ()


def test_two_images_score_without_an_error(rng):
    found = estimate(rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))
    assert found.stderr is None
    assert "too few images for a standard error" in found.warnings[1]


def test_sfd_is_fd_of_the_spatial_features(rng):
    pooled, spatial = rng.normal(size=(2, 100, 5)), rng.normal(0.5, 2, size=(2, 100, 7))
    sides = [Features({"pooled": one, "spatial": other}) for one, other in zip(pooled, spatial, strict=True)]
    found, expected = spatial_frechet(Pair(*sides, seed=3)), frechet(
        Pair(*(Features({"pooled": rows}) for rows in spatial), seed=3)
    )  # fmt: skip
    assert (found.value, found.stderr) == (expected.value, expected.stderr)


def test_the_order_of_spatial_numbers_does_not_matter_between_sets_but_must_be_one(rng):
    """h, w, c or c, h, w: the same number, unless the two sides differ."""
    real, fake = rng.normal(size=(2, 80, 12)) @ rng.normal(size=(12, 12))
    other = rng.permutation(12)

    def value(x, y):
        return spatial_frechet(Pair(Features({"spatial": x}), Features({"spatial": y}))).value

    assert value(real[:, other], fake[:, other]) == pytest.approx(value(real, fake), rel=1e-9)
    assert value(real, fake[:, other]) > 1.5 * value(real, fake)


def test_what_each_fake_image_costs_is_what_fd_loses_without_it(rng):
    real, fake = rng.normal(size=(400, 4)), rng.normal(0.3, 1.2, size=(300, 4))
    found = estimate(real, fake)
    costs = found.per_image["fd"]
    for i in (int(costs.argmin()), 5, int(costs.argmax())):
        lost = found.value - estimate(real, np.delete(fake, i, axis=0)).value
        assert lost == pytest.approx(costs[i] / 300, abs=0.1 * float(np.ptp(costs)) / 300)
    assert estimate(real, fake[:20]).per_image == {}


def test_a_side_of_one_picture_again_and_again_has_a_distance(rng):
    """Its Gaussian is a point: fd is the squared distance of the means plus the trace of the other covariance."""
    real = rng.normal(size=(120, 12)).astype(np.float32)
    fake = np.repeat(real[:1], 120, axis=0)
    estimate = frechet(Pair(Features({"pooled": real}), Features({"pooled": fake})))
    wide = real.astype(np.float64)
    expected = np.square(wide.mean(0) - wide[0]).sum() + np.trace(np.cov(wide.T))
    assert estimate.value == pytest.approx(expected, rel=1e-6)
    assert np.isfinite(estimate.stderr)
