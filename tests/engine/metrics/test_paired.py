"""Means over pairs: values, errors, identical pairs, scales, and differences of two models pair by pair."""

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.errors import BadInput
from genbench.features.runtime import Setup, choose_place
from genbench.metrics import METRICS
from genbench.pairs import open_measure
from genbench.stats.pair import Pair
from genbench.stats.parts import Part

PAIRED = ("l1", "psnr", "ssim", "ms-ssim", "lpips")


def pair_of(measured, partners=None, sizes=(), measure=None):
    names = tuple(f"{i}" for i in range(len(measured)))
    partners = np.arange(len(measured)) if partners is None else np.asarray(partners)
    side = Features({}, names)
    return Pair(side, side, measured=np.asarray(measured, np.float32), partners=partners, sizes=sizes, measure=measure)


@pytest.mark.parametrize("name", ["l1", "ssim", "ms-ssim", "lpips"])
def test_the_mean_and_the_error_of_a_mean(name, rng):
    measured = rng.uniform(0, 1, 40).astype(np.float32)
    found = METRICS.get(name).compute(pair_of(measured))
    assert found.value == pytest.approx(measured.mean(), rel=1e-6)
    assert found.stderr == pytest.approx(measured.std(ddof=1) / np.sqrt(40), rel=1e-5)
    np.testing.assert_array_equal(found.per_image[name], measured)


def test_psnr_is_a_mean_of_decibels():
    found = METRICS.get("psnr").compute(pair_of([0.1, 0.001]))
    assert found.value == pytest.approx((10 + 30) / 2, rel=1e-6)
    assert found.stderr == pytest.approx(20 / np.sqrt(2) / np.sqrt(2), rel=1e-6)
    assert found.details["of_mean_square"] == pytest.approx(-10 * np.log10(0.0505), rel=1e-6)
    np.testing.assert_allclose(found.per_image["psnr"], [10, 30], rtol=1e-6)


def test_identical_pairs_are_left_out_of_psnr_and_counted():
    found = METRICS.get("psnr").compute(pair_of([0.1, 0, 0.001, 0]))
    assert found.value == pytest.approx(20)
    assert found.details["identical"] == 2
    assert found.details["of_mean_square"] == pytest.approx(-10 * np.log10(0.101 / 4), rel=1e-6)
    assert "2 of 4 pairs are identical" in found.warnings[0]
    assert found.per_image["psnr"].tolist() == [pytest.approx(10), np.inf, pytest.approx(30), np.inf]
    assert len(found.parts["real"].effects) == 4


def test_psnr_of_one_pair_that_differs_has_no_error():
    found = METRICS.get("psnr").compute(pair_of([0.1, 0, 0]))
    assert (found.value, found.stderr) == (pytest.approx(10), None)
    assert any("too few pairs" in warning for warning in found.warnings)


def test_psnr_of_identical_sets_is_refused():
    with pytest.raises(BadInput, match="psnr: every fake image is identical"):
        METRICS.get("psnr").compute(pair_of([0, 0, 0]))


def test_scales_of_ms_ssim_are_recorded(tmp_path):
    measure = open_measure("ms-ssim", Setup(choose_place("cpu", "auto", tmp_path)))
    compute = METRICS.get("ms-ssim").compute
    mixed = compute(pair_of([0.5, 0.6, 0.7], sizes=[(500, 200), (50, 200), (60, 44)], measure=measure))
    assert mixed.details == {"scales": {"3": 2, "5": 1}}
    assert "fewer than five scales" in mixed.warnings[0]
    large = compute(pair_of([0.5, 0.6], sizes=[(500, 200), (176, 176)], measure=measure))
    assert (large.details, large.warnings) == ({"scales": {"5": 2}}, ())


@pytest.mark.parametrize("name", PAIRED)
def test_two_models_differ_pair_by_pair(name, rng):
    """Matched in another order with the same real images, the error of the difference is that of paired values."""
    real = rng.uniform(0.2, 0.6, 30)
    one, other = real + rng.uniform(0, 0.1, 30), real + rng.uniform(0, 0.1, 30)
    order = rng.permutation(30)
    compute = METRICS.get(name).compute
    first, second = compute(pair_of(one)), compute(pair_of(other[order], order))
    gap = first.per_image[name].copy()
    gap[order] -= second.per_image[name]
    effects = first.parts["real"].effects - second.parts["real"].effects
    assert np.sqrt(effects @ effects) == pytest.approx(gap.std(ddof=1) / np.sqrt(30), rel=1e-4)
    assert first.stderr**2 == pytest.approx(first.parts["real"].variance)
    assert isinstance(first.parts["fake"], Part)
    assert first.parts["fake"].variance == 0


@pytest.mark.parametrize("name", [*PAIRED, "lpips-diversity"])
def test_without_pairs_there_is_nothing_to_compute(name):
    side = Features({}, ("a", "b", "c", "d"))
    with pytest.raises(BadInput, match="no images were compared"):
        METRICS.get(name).compute(Pair(side, side))
