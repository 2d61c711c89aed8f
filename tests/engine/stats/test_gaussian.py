"""Frechet distance: closed forms, the matrix square root it avoids, and its two standard errors."""

import numpy as np
import pytest
import scipy.linalg

from genbench.errors import MismatchedFeatures, NotEnoughImages, NotPositive
from genbench.stats.gaussian import Gaussian, Moments, covariance_root, frechet_distance, influence, leave_blocks_out

RELATIVE = 1e-10  # float64 singular values of matrices of order 1


def gaussian(cov, mean=None):
    cov = np.asarray(cov, float)
    return Gaussian.from_moments(100, np.zeros(len(cov)) if mean is None else np.asarray(mean, float), cov)


def by_matrix_root(a, b):
    """The textbook formula, with the matrix square root."""
    (ma, ca), (mb, cb) = ((x.mean(0), np.cov(x, rowvar=False)) for x in (a, b))
    return ((ma - mb) ** 2).sum() + np.trace(ca + cb - 2 * scipy.linalg.sqrtm(ca @ cb).real)


@pytest.mark.parametrize(
    ("real", "fake", "expected"),
    [
        (gaussian(np.eye(64)), gaussian(np.eye(64), np.ones(64)), 64),
        (gaussian([[2, 1], [1, 2]]), gaussian(np.diag([1, 4])), 9 - 2 * np.sqrt(10 + 2 * np.sqrt(12))),
        (gaussian(np.diag([1, 4, 9]), [0, 1, 2]), gaussian(np.diag([4, 4, 1]), [1, 1, 0]), 10),
        (gaussian(np.zeros((2, 2))), gaussian(np.zeros((2, 2)), [3, 4]), 25),
        (gaussian([[1, 1], [1, 1]]), gaussian([[1, -1], [-1, 1]]), 4),
        (gaussian(9 * np.eye(5), [2, 0, 0, 0, 0]), gaussian(np.eye(5)), 4 + 5 * (1 - 3) ** 2),
    ],
    ids=["shift", "do-not-commute", "diagonal", "points", "rank-one", "scaled"],
)
def test_closed_forms(real, fake, expected):
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=RELATIVE, abs=1e-12)
    assert frechet_distance(fake, real) == pytest.approx(expected, rel=RELATIVE, abs=1e-12)


def test_covariance_divides_by_n_minus_one():
    assert frechet_distance(Gaussian.of(np.array([[0.0], [2.0]])), Gaussian.of(np.zeros((2, 1)))) == pytest.approx(3)


@pytest.mark.parametrize("n", [40, 13, 200])
def test_agrees_with_the_matrix_square_root(rng, n):
    a, b = rng.normal(size=(n, 12)), rng.normal(0.3, 1.5, size=(150, 12)) @ rng.normal(size=(12, 12))
    assert frechet_distance(Gaussian.of(a), Gaussian.of(b)) == pytest.approx(by_matrix_root(a, b), rel=1e-9)


def test_rank_deficient_by_rows_equals_rank_deficient_by_covariance(rng):
    a, b = rng.normal(size=(20, 50)), rng.normal(1, 2, size=(30, 50))
    by_rows = frechet_distance(Gaussian.of(a), Gaussian.of(b))
    moments = [Moments.of(x) for x in (a, b)]
    by_cov = frechet_distance(*(Gaussian.from_moments(m.count, m.mean, m.cov) for m in moments))
    assert by_rows == pytest.approx(by_cov, rel=1e-9)


def test_a_set_is_at_no_distance_from_itself(rng):
    for n in (10, 500):
        x = Gaussian.of(rng.normal(5, 1, size=(n, 30)))
        assert abs(frechet_distance(x, x)) < 1e-10 * x.variance


def test_scaling_features_scales_the_distance_by_the_square(rng):
    a, b = rng.normal(size=(90, 7)), rng.normal(1, 2, size=(80, 7))
    plain = frechet_distance(Gaussian.of(a), Gaussian.of(b))
    assert frechet_distance(Gaussian.of(3 * a), Gaussian.of(3 * b)) == pytest.approx(9 * plain, rel=RELATIVE)


def test_a_dead_feature_is_no_obstacle(rng):
    a, b = rng.normal(size=(300, 6)), rng.normal(1, 2, size=(300, 6))
    plain = frechet_distance(Gaussian.of(a), Gaussian.of(b))
    wider = [np.hstack([x, np.full((300, 1), 7.0), x[:, :1]]) for x in (a, b)]  # one constant, one repeated column
    assert len(covariance_root(Moments.of(wider[0]).cov)) == 6
    assert frechet_distance(Gaussian.of(wider[0]), Gaussian.of(wider[1])) >= plain


def test_moments_merge_like_one_pass(rng):
    x = rng.normal(1000, 1, size=(101, 5))
    whole, parts = Moments.of(x), Moments.of(x[:37]).merge(Moments.of(x[37:38])).merge(Moments.of(x[38:]))
    np.testing.assert_allclose(parts.mean, whole.mean, rtol=1e-14)
    np.testing.assert_allclose(parts.cov, np.cov(x, rowvar=False), rtol=1e-9, atol=1e-9)
    assert parts.count == 101


def test_moments_do_not_depend_on_how_many_rows_are_read_at_once(rng, monkeypatch):
    x = rng.normal(size=(100, 4)).astype(np.float32)
    whole = Moments.of(x)
    monkeypatch.setattr("genbench.stats.gaussian.ROWS_AT_ONCE", 7)
    np.testing.assert_allclose(Moments.of(x).scatter, whole.scatter, rtol=1e-12)


def test_influence_is_the_derivative_of_the_distance(rng):
    real, fake = rng.normal(size=(300, 5)), rng.normal(0.4, 1.3, size=(250, 5))
    a, b = Gaussian.of(real), Gaussian.of(fake)
    psi_real, psi_fake = influence(a, b, real, fake)

    def at(weight, rows, i):
        weights = np.full(len(rows), (1 - weight) / len(rows))
        weights[i] += weight
        mean = weights @ rows
        cov = (rows - mean).T @ ((rows - mean) * weights[:, None]) * len(rows) / (len(rows) - 1)
        return Gaussian.from_moments(len(rows), mean, cov)

    step = 1e-5
    for i in (0, 17):
        slope = (frechet_distance(a, at(step, fake, i)) - frechet_distance(a, at(-step, fake, i))) / (2 * step)
        assert psi_fake[i] == pytest.approx(slope, rel=0.02, abs=0.02)
        slope = (frechet_distance(at(step, real, i), b) - frechet_distance(at(-step, real, i), b)) / (2 * step)
        assert psi_real[i] == pytest.approx(slope, rel=0.02, abs=0.02)


def test_influences_do_not_depend_on_how_many_rows_are_read_at_once(rng, monkeypatch):
    real, fake = (rng.normal(shift, 1, size=(100, 4)).astype(np.float32) for shift in (0, 0.4))
    whole = influence(Gaussian.of(real), Gaussian.of(fake), real, fake)
    monkeypatch.setattr("genbench.stats.gaussian.COSTED_AT_ONCE", 7)
    for one, other in zip(influence(Gaussian.of(real), Gaussian.of(fake), real, fake), whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_influence_of_one_side_and_of_features_that_depend_on_each_other(rng):
    real, fake = rng.normal(size=(300, 5)), rng.normal(0.4, 1.3, size=(250, 5))
    whole = influence(Gaussian.of(real), Gaussian.of(fake), real, fake)
    none = np.empty((0, 5))
    np.testing.assert_allclose(influence(Gaussian.of(real), Gaussian.of(fake), none, fake)[1], whole[1], rtol=1e-12)
    np.testing.assert_allclose(influence(Gaussian.of(real), Gaussian.of(fake), real, none)[0], whole[0], rtol=1e-12)
    turn = np.linalg.qr(rng.normal(size=(9, 5)))[0].T  # the same points in a plane of a wider space
    wide = influence(Gaussian.of(real @ turn), Gaussian.of(fake @ turn), real @ turn, fake @ turn)
    for one, other in zip(wide, whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)
    few = rng.normal(size=(4, 5))  # of a side with fewer rows than features the other's influences are still finite
    psi_real, _ = influence(Gaussian.of(real), Gaussian.of(few), real, none)
    assert abs(psi_real.mean()) < 0.1 * psi_real.std()


@pytest.mark.parametrize(("n", "m", "d"), [(60, 50, 200), (300, 200, 10), (25, 300, 40), (300, 25, 40), (45, 44, 43)])
def test_leaving_a_block_out_equals_computing_without_it(rng, n, m, d):
    real, fake = rng.normal(size=(n, d)), rng.normal(0.2, 1.4, size=(m, d))
    blocks = rng.permutation(np.arange(m) % 7)
    expected = [frechet_distance(Gaussian.of(real), Gaussian.of(fake[blocks != b])) for b in range(7)]
    np.testing.assert_allclose(leave_blocks_out(Gaussian.of(real), fake, blocks), expected, rtol=1e-7)


def test_errors_say_what_to_do():
    with pytest.raises(MismatchedFeatures, match="Use one extractor"):
        frechet_distance(gaussian(np.eye(2)), gaussian(np.eye(3)))
    with pytest.raises(NotEnoughImages, match="at least 2, got 1"):
        Gaussian.of(np.zeros((1, 3)))
    with pytest.raises(NotPositive, match="eigenvalues >= 0, got -1"):
        gaussian(np.diag([1.0, -1.0]))


class TestOfManyFeatures:
    """From 512 singular values on, eigenvalues of a Gram matrix stand in where they are known to be exact enough."""

    WIDTH = 600

    def _rows(self, rng, count, decay):
        return rng.normal(size=(count, self.WIDTH)) * np.arange(1, self.WIDTH + 1.0) ** -decay

    @pytest.mark.parametrize("decay", [0.0, 1.0, 3.0])
    @pytest.mark.parametrize("count", [560, 700, 3000])
    def test_the_distance_is_that_of_singular_values(self, rng, decay, count):
        real, fake = Gaussian.of(self._rows(rng, count, decay)), Gaussian.of(0.1 + self._rows(rng, count, decay))
        gap = real.mean - fake.mean
        overlap = np.linalg.svd(real.root @ fake.root.T, compute_uv=False).sum()
        expected = gap @ gap + real.variance + fake.variance - 2 * overlap
        assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-9)

    def test_they_do_not_where_the_distance_is_nothing_beside_the_doubt(self, rng):
        """Singular covariances of equal sets: roots of noise eigenvalues would be all there is."""
        rows = rng.normal(size=(4000, 40)) @ rng.normal(size=(40, self.WIDTH))
        rows += 1e-7 * rng.normal(size=rows.shape)
        one = Gaussian.of(rows)
        assert abs(frechet_distance(one, one)) < 1e-12 * one.variance
