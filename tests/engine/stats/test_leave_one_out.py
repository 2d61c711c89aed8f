"""The Frechet distance without single images: equal to doing it again without them."""

import numpy as np
import pytest

from genbench.errors import NotEnoughImages
from genbench.stats.gaussian import Gaussian, frechet_distance, influence
from genbench.stats.leave_one_out import frechet_changes

SMALL = 1e-7  # relative: Gram matrices resolve singular values to about 1e-8 of the largest


def one_by_one(real, rows):
    whole = frechet_distance(real, Gaussian.of(rows))
    return np.array([frechet_distance(real, Gaussian.of(np.delete(rows, i, axis=0))) - whole for i in range(len(rows))])


@pytest.mark.parametrize(
    ("n", "m", "d"), [(90, 80, 6), (40, 12, 30), (12, 40, 30), (10, 11, 30), (50, 31, 30), (50, 30, 30), (9, 3, 4)]
)
def test_it_is_the_distance_without_the_image(rng, n, m, d):
    mixing = rng.normal(size=(d, d))
    real = Gaussian.of((rng.normal(size=(n, d)) @ mixing).astype(np.float32))
    fake = (rng.normal(size=(m, d)) @ mixing * 1.3 + 0.4).astype(np.float32)
    expected = one_by_one(real, fake)
    np.testing.assert_allclose(frechet_changes(real, fake), expected, rtol=0, atol=SMALL * np.abs(expected).max())


def test_repeated_and_constant_images_are_no_exception(rng):
    real = Gaussian.of(rng.normal(size=(30, 8)))
    fake = np.repeat(rng.normal(size=(4, 8)), 3, axis=0)
    np.testing.assert_allclose(frechet_changes(real, fake), one_by_one(real, fake), atol=1e-6)
    np.testing.assert_allclose(frechet_changes(real, np.ones((5, 8))), 0, atol=1e-12)


def test_many_images_give_the_first_order_influence(rng):
    real_rows, fake = rng.normal(size=(4000, 5)), rng.normal(size=(3000, 5)) * 1.2 + 0.3
    real = Gaussian.of(real_rows)
    psi = influence(real, Gaussian.of(fake), real_rows[:0], fake)[1]
    change = frechet_changes(real, fake)
    # the next order is about 1/m of this one, times how far out the image lies
    np.testing.assert_allclose(change, -psi / len(fake), rtol=0, atol=0.01 * np.abs(change).max())


def test_parts_do_not_matter(rng, monkeypatch):
    real, fake = Gaussian.of(rng.normal(size=(40, 6))), rng.normal(size=(50, 6))
    whole = frechet_changes(real, fake)
    monkeypatch.setattr("genbench.stats.leave_one_out.COSTED_AT_ONCE", 7)
    np.testing.assert_allclose(frechet_changes(real, fake), whole, rtol=1e-9, atol=1e-12)


def test_two_images_are_too_few(rng):
    with pytest.raises(NotEnoughImages, match="at least 3, got 2"):
        frechet_changes(Gaussian.of(rng.normal(size=(9, 2))), rng.normal(size=(2, 2)))
