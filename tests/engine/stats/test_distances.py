import numpy as np
import pytest

from genbench.errors import BadInput, MismatchedFeatures
from genbench.stats.distances import Gram, Points, squared_distances


def points(features, name="real"):
    features = np.asarray(features, np.float32)
    return Points.of(features, np.arange(len(features)) % 3, name)


def brute(a, b):
    gap = a.features[:, None].astype(np.float64) - b.features[None]
    return (gap**2).sum(axis=-1)


CASES = {
    "normal": lambda rng, n, d: rng.normal(size=(n, d)),
    "offset": lambda rng, n, d: rng.normal(size=(n, d)) + 1000,
    "copies": lambda rng, n, d: np.ones((n, d)) * rng.normal(size=d) * (1 + 1e-4 * rng.normal(size=(n, d))),
    "constant columns": lambda rng, n, d: np.full((n, d), 0.1) * (1 + np.arange(n)[:, None]),  # biased rounding
    "heavy tails": lambda rng, n, d: rng.standard_t(1.5, size=(n, d)),
    "huge": lambda rng, n, d: rng.normal(size=(n, d)) * 1e30,
    "tiny": lambda rng, n, d: rng.normal(size=(n, d)) * 1e-35,
    "opposite outliers": lambda rng, n, d: np.vstack(
        [np.ones((1, d)), -np.ones((1, d)), 1e-28 * rng.normal(size=(n, d))]
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("d", [1, 17, 2048])
def test_margin_bounds_the_error_of_both_precisions(case, d):
    rng = np.random.default_rng(0)
    a, b = points(CASES[case](rng, 40, d)), points(CASES[case](rng, 30, d), "fake")
    truth = brute(a, b)
    gram = Gram(a, b, tile=16)
    seen = np.zeros(truth.shape, int)
    for tile in gram.tiles():
        here = np.ix_(tile.rows, tile.columns)
        margin = tile.row_margin[:, None] + tile.column_margin
        assert (np.abs(tile.squared - truth[here] * gram.unit) <= margin).all()
        double, row_margin, column_margin = gram.double(a, b, tile.rows, tile.columns)
        assert (np.abs(double - truth[here] * gram.unit) <= row_margin[:, None] + column_margin).all()
        seen[here] += 1
    assert (seen == 1).all()


def test_margin_is_small_enough_to_be_of_use():
    rng = np.random.default_rng(0)
    tile = next(Gram(points(rng.normal(size=(40, 2048)))).tiles())
    assert tile.row_margin.max() < 1e-3 * np.median(tile.squared)


def test_self_tiles_are_on_and_above_the_diagonal():
    a = points(np.random.default_rng(0).normal(size=(20, 3)))
    seen = np.zeros((20, 20), int)
    for tile in Gram(a, tile=6).tiles():
        seen[np.ix_(tile.rows, tile.columns)] += 1
        if not tile.is_diagonal:
            seen[np.ix_(tile.columns, tile.rows)] += 1
        assert np.isinf(np.diag(tile.squared)).all() == tile.is_diagonal
    assert (seen == 1).all()


@pytest.mark.parametrize("scale", [1.0, 1e30, 1e-30])
def test_limits_are_never_wrong_about_what_they_are_sure_of(scale):
    rng = np.random.default_rng(1)
    a = points(scale * rng.normal(size=(40, 8)))
    b = points(np.concatenate([a.features[:10], scale * rng.normal(size=(10, 8))]), "fake")
    truth = squared_distances(a, b, *np.indices((40, 20)).reshape(2, -1)).reshape(40, 20)
    limit = np.sort(truth, axis=1)[:, 4]
    for tile in Gram(a, b, tile=16).tiles():
        for part, exact in ((tile, truth), (tile.transposed(), truth.T)):
            at = limit[part.rows] if part is tile else np.full(len(part.rows), np.median(truth))
            here = exact[np.ix_(part.rows, part.columns)]
            assert not (part.surely_below(at) & (here >= at[:, None])).any()
            assert not (~part.perhaps_within(at) & (here <= at[:, None])).any()
            r, c = np.indices(here.shape).reshape(2, -1)
            resolved = part.resolve(r, c, at[r], 1.5 * at[r])
            for threshold in (at[r], 1.2 * at[r], 1.5 * at[r]):
                assert np.array_equal(resolved < threshold, here[r, c] < threshold)
                assert np.array_equal(resolved == threshold, here[r, c] == threshold)


@pytest.mark.parametrize("d", [1, 2, 3, 100, 2048])
def test_pairs_have_the_same_bits_in_any_company_and_order(d):
    rng = np.random.default_rng(0)
    a = points(rng.normal(size=(50, d)))
    i, j = rng.integers(0, 50, (2, 300))
    together = squared_distances(a, a, i, j)
    assert np.array_equal(together, squared_distances(a, a, j, i))
    assert np.array_equal(together, [squared_distances(a, a, i[[p]], j[[p]])[0] for p in range(300)])
    np.testing.assert_allclose(together, brute(a, a)[i, j], rtol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e39])
def test_features_that_are_not_finite_are_named(bad):
    features = np.ones((4, 3), np.float64)
    features[2, 1] = bad
    with pytest.raises(BadInput, match=r"fake: .*finite.*row 2"):
        Points.of(features, np.zeros(4, int), "fake")


@pytest.mark.parametrize("features", [np.zeros((0, 3)), np.zeros((3, 0)), np.zeros(3)])
def test_not_a_table(features):
    with pytest.raises(BadInput, match=r"real: .*\[n, d\]"):
        Points.of(features, np.zeros(len(features), int), "real")


@pytest.mark.parametrize("ids", [[0, 1], [0, 1, -1], [0.0, 1.0, 2.0]])
def test_blocks_that_do_not_fit(ids):
    with pytest.raises(BadInput, match=r"real: blocks.*jackknife\.blocks"):
        Points.of(np.zeros((3, 2)), ids, "real")


def test_widths_differ():
    with pytest.raises(MismatchedFeatures, match=r"fake \[n, 3\].*got \[n, 2\]"):
        Gram(points(np.zeros((4, 3))), points(np.zeros((4, 2)), "fake"))
