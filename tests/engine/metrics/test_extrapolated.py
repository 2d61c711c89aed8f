"""fd-infinity: exact on a line, the bias it takes away, what it refuses and warns of."""

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.metrics.extrapolated import extrapolated_frechet, intercept
from genbench.metrics.frechet import frechet
from genbench.stats.pair import Pair
from tests.reference.set_distances import frechet as textbook


def pair_of(real, fake, **options):
    return Pair(*(Features({"pooled": np.asarray(rows, np.float32)}) for rows in (real, fake)), **options)


def test_a_line_in_one_over_n_is_read_off_exactly():
    sizes = [600, 300, 200]
    value, error = intercept(sizes, [5 + 70 / n for n in sizes])
    assert value == pytest.approx(5, rel=1e-12)
    assert error == pytest.approx(0, abs=1e-9)


def test_points_off_the_line_count_by_their_size():
    sizes, values = np.array([600, 300, 200.0, 100]), np.array([1, 1.4, 1.3, 2.2])
    expected = np.polyfit(1 / sizes, values, 1, w=np.sqrt(sizes))[1]
    _, cov = np.polyfit(1 / sizes, values, 1, w=np.sqrt(sizes), cov=True)
    assert intercept(sizes, values) == pytest.approx((expected, np.sqrt(cov[1, 1])), rel=1e-9)


def test_the_whole_set_its_halves_and_its_thirds_are_recorded(rng):
    real, fake = rng.normal(size=(40, 3)), rng.normal(0.4, 1, size=(32, 3))
    found = extrapolated_frechet(pair_of(real, fake)).details["subsets"]
    assert [one["n"] for one in found] == [32, 16, 16, 10, 11, 11]
    assert found[0]["fd"] == pytest.approx(textbook(real, fake), rel=1e-5)


def test_its_error_is_that_of_fd_and_that_of_the_fit(rng):
    pair = pair_of(*rng.normal(size=(2, 90, 3)), seed=4)
    found = extrapolated_frechet(pair)
    values = [one["fd"] for one in found.details["subsets"]]
    expected, misfit = intercept([90, 45, 30], [values[0], np.mean(values[1:3]), np.mean(values[3:])])
    assert found.value == expected
    assert found.stderr == pytest.approx(np.hypot(frechet(pair).stderr, misfit), rel=1e-12)


def test_it_takes_the_bias_of_few_fakes_away():
    """16 features; thirds of 32 images, the fewest without a warning, leave about a tenth of the bias."""
    rng = np.random.default_rng(3)
    real = rng.normal(size=(4000, 16))
    many = frechet(pair_of(real, rng.normal(0.2, 1, size=(40000, 16)))).value
    pairs = [pair_of(real, rng.normal(0.2, 1, size=(96, 16))) for _ in range(60)]
    assert len(extrapolated_frechet(pairs[0]).warnings) == 1
    bias = np.mean([frechet(pair).value for pair in pairs]) - many
    left = np.mean([extrapolated_frechet(pair).value for pair in pairs]) - many
    assert bias > many
    assert abs(left) < 0.25 * bias


def test_with_thirds_of_few_images_it_is_warned_of_and_still_nearer_than_fd():
    rng = np.random.default_rng(3)
    real = rng.normal(size=(4000, 64))
    for count in (32, 64, 128, 256):
        pair = pair_of(real, rng.normal(size=(count, 64)))
        found = extrapolated_frechet(pair)
        assert abs(found.value) < 0.8 * frechet(pair).value  # the truth is 0, but for the reference's bias
        assert "fd is no line in 1/n there" in found.warnings[1]
        assert "expected 384 fake images" in found.warnings[1]


def test_the_bias_of_the_reference_is_said_to_remain(rng):
    found = extrapolated_frechet(pair_of(rng.normal(size=(300, 4)), rng.normal(size=(30, 4))))
    assert found.warnings == (
        "the bias of 300 reference images remains: only that of the fake images' count is extrapolated away",
    )


def test_the_reference_may_be_a_gaussian(rng):
    whole = pair_of(rng.normal(size=(300, 4)), rng.normal(size=(30, 4)))
    fixed = Pair(Features({"pooled": np.empty((0, 4), np.float32)}), whole.fake, fitted={"real": whole.gaussians[0]})
    one, other = extrapolated_frechet(whole), extrapolated_frechet(fixed)
    assert other.value == pytest.approx(one.value, rel=1e-12)
    assert other.stderr < one.stderr
    assert "reference taken as fixed" in other.warnings[-1]


def test_copies_do_not_gather_in_one_part(rng):
    """A dozen images again and again: parts are drawn at random, not by content, so each has nearly all of them."""
    fake = np.repeat(rng.normal(size=(12, 3)), 50, axis=0)
    subsets = extrapolated_frechet(pair_of(rng.normal(size=(500, 3)), fake)).details["subsets"]
    values = [one["fd"] for one in subsets]
    assert max(values) < 1.5 * min(values)
