import numpy as np
import pytest

from genbench.errors import MismatchedFeatures, NotEnoughImages
from genbench.stats import neighbours as module
from genbench.stats.distances import Points
from genbench.stats.jackknife import blocks
from genbench.stats.neighbours import nearest_centres, nearest_others
from tests.reference import manifold


def points(features, name="real", number=20):
    features = np.asarray(features, np.float32)
    return Points.of(features, blocks(len(features), 0, name, number), name)


def normal(rng, n, d):
    return rng.normal(size=(n, d))


def with_duplicates(rng, n, d):
    rows = rng.normal(size=(n, d))
    rows[n // 2 :] = rows[rng.integers(0, n // 2, n - n // 2)]
    return rows


def far_from_zero(rng, n, d):
    return rng.normal(size=(n, d)) + 1000


def collapsed(rng, n, d):
    """A few modes of near-copies, 1e-4 of their size apart, some of them exact."""
    rows = rng.normal(size=(3, d))[rng.integers(0, 3, n)]
    return rows * (1 + 1e-4 * rng.normal(size=(n, d)) * (rng.random((n, 1)) < 0.8))


def last_digit(rng, n, d):
    """Two modes of copies that differ in float32's last digit: closer than a float64 product can tell."""
    rows = rng.normal(size=(2, d)).astype(np.float32)[rng.integers(0, 2, n)]
    return np.where(rng.random((n, d)) < 0.1, np.nextafter(rows, np.float32(9)), rows)


def identical(rng, n, d):
    return np.ones((n, 1)) * rng.normal(size=d)


def lattice(rng, n, d):
    return rng.integers(0, 3, (n, d))


DATA = [normal, with_duplicates, far_from_zero, collapsed, last_digit, identical, lattice]
SIZES = [(7, 3), (40, 1), (40, 300), (150, 5)]


def expected_radii(table, own, centre_blocks, k):
    """k-th distance of each row, and with each block gone (NaN where the row itself is gone)."""
    count, everyone = len(table), range(len(centre_blocks))
    radii = [manifold.kth_distance(table, i, [j for j in everyone if not (own and j == i)], k) for i in range(count)]
    without = np.full((count, max(centre_blocks) + 1), np.nan)
    for i, b in np.ndindex(without.shape):
        left = [j for j in everyone if centre_blocks[j] != b and not (own and j == i)]
        if not (own and centre_blocks[i] == b):
            without[i, b] = manifold.kth_distance(table, i, left, k)
    return np.array(radii), without


def assert_matches(found, table, own, ks):
    table = np.asarray(table)
    for k in ks:
        radii, without = expected_radii(table.tolist(), own, found.centres.blocks.tolist(), k)
        np.testing.assert_allclose(np.sqrt(found.squared_radii(k)), radii, rtol=1e-12, atol=0)
        np.testing.assert_allclose(np.sqrt(found.squared_radii_without(k)), without, rtol=1e-12, atol=0)
    truth = np.where(np.eye(len(table), dtype=bool), np.inf, table) if own else table
    np.testing.assert_allclose(found.distances(), np.sort(truth, axis=1)[:, : found.k], rtol=1e-12, atol=0)
    named = np.take_along_axis(truth, found.index[:, : found.k], axis=1)
    np.testing.assert_allclose(named, found.distances(), rtol=1e-12, atol=0)
    assert all(len(set(row)) == len(row) for row in found.index.tolist())


@pytest.mark.parametrize("tile", [None, 13])
@pytest.mark.parametrize(("n", "d"), SIZES)
@pytest.mark.parametrize("data", DATA)
def test_others_are_those_of_brute_force(data, n, d, tile):
    some = points(data(np.random.default_rng(n), n, d))
    assert_matches(nearest_others(some, 3, tile), manifold.table(some.features, some.features), True, (1, 3))


@pytest.mark.parametrize("tile", [None, 13])
@pytest.mark.parametrize(("n", "d"), SIZES)
@pytest.mark.parametrize("data", DATA)
def test_centres_are_those_of_brute_force(data, n, d, tile):
    rng = np.random.default_rng(n)
    centres, asked = points(data(rng, n, d)), data(rng, n // 2 + 5, d)
    asked[:4] = centres.features[:4]
    asked = points(asked, "fake")
    assert_matches(
        nearest_centres(asked, centres, 2, tile), manifold.table(asked.features, centres.features), False, (1, 2)
    )


def test_a_set_of_two_large_blocks():
    some = points(with_duplicates(np.random.default_rng(0), 60, 4), number=2)
    assert_matches(nearest_others(some, 5), manifold.table(some.features, some.features), True, (1, 5))


def test_all_nearest_in_one_block():
    """Blocks that are clusters: the short list holds one block only and must be searched again."""
    rng = np.random.default_rng(0)
    features = (np.repeat(10 * rng.normal(size=(4, 6)), 20, axis=0) + rng.normal(size=(80, 6))).astype(np.float32)
    some = Points.of(features, np.repeat(np.arange(4), 20), "real")
    assert_matches(nearest_others(some, 3), manifold.table(features, features), True, (1, 3))


def test_wide_features():
    some = points(np.random.default_rng(0).normal(size=(30, 2048)) + 50)
    assert_matches(nearest_others(some, 5), manifold.table(some.features, some.features), True, (5,))


@pytest.mark.parametrize("scale", [1e-36, 1e30])
def test_scale_of_features(scale):
    rows = with_duplicates(np.random.default_rng(0), 40, 5)
    some = points(rows * scale)
    assert_matches(nearest_others(some, 3), manifold.table(some.features, some.features), True, (3,))


def test_result_does_not_depend_on_tiles():
    some = points(far_from_zero(np.random.default_rng(0), 90, 6))
    whole = nearest_others(some, 4)
    for tile in (1, 7, 64):
        cut = nearest_others(some, 4, tile)
        assert np.array_equal(cut.index[:, :4], whole.index[:, :4])
        assert np.array_equal(cut.distances(), whole.distances())
        assert np.array_equal(cut.squared_radii_without(4), whole.squared_radii_without(4), equal_nan=True)


def test_result_follows_the_order_of_rows():
    rng = np.random.default_rng(0)
    some = points(collapsed(rng, 80, 6))
    order = rng.permutation(80)
    moved = nearest_others(Points.of(some.features[order], some.blocks[order], "real"), 3)
    still = nearest_others(some, 3)
    assert np.array_equal(moved.distances(), still.distances()[order])
    assert np.array_equal(moved.squared_radii_without(3), still.squared_radii_without(3)[order], equal_nan=True)


def rows_searched_again(monkeypatch, some, k):
    again = []
    search = module.ShortList._search_again
    monkeypatch.setattr(module.ShortList, "_search_again", lambda self, rows: again.extend(rows) or search(self, rows))
    nearest_others(some, k)
    return len(again)


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("offset", [0, 1000])
def test_plain_data_need_no_second_search(monkeypatch, k, offset):
    """What makes it fast: rows searched again are rare."""
    some = points(np.random.default_rng(0).normal(size=(1500, 64)) + offset)
    assert rows_searched_again(monkeypatch, some, k) <= 15


def test_blocks_that_cannot_be_left_out_need_no_second_search(monkeypatch):
    some = Points.of(normal(np.random.default_rng(0), 300, 8), np.arange(300) // 298, "real")
    assert rows_searched_again(monkeypatch, some, 5) == 0


def test_blocks_too_large_to_leave_out():
    some = points(normal(np.random.default_rng(0), 6, 2), number=3)
    found = nearest_others(some, 4)
    assert found.squared_radii_without(4) is None
    assert found.squared_radii_without(3) is not None
    assert np.isfinite(found.squared_radii(4)).all()
    alone = Points.of(some.features, np.zeros(6, int), "real")
    assert nearest_others(alone, 2).squared_radii_without(2) is None


def test_one_block_too_large_to_leave_out():
    some = Points.of(normal(np.random.default_rng(0), 40, 2), np.arange(40) // 38, "real")
    found = nearest_others(some, 3)
    assert found.squared_radii_without(3) is None
    table = manifold.table(some.features, some.features)
    np.testing.assert_allclose(found.distances()[:, 2], list(manifold.radii(table, range(40), 3).values()), rtol=1e-12)


def test_too_few_points():
    with pytest.raises(NotEnoughImages, match=r"real: .*at least 6, got 5.*smaller k"):
        nearest_others(points(np.zeros((5, 2))), 5)
    with pytest.raises(NotEnoughImages, match=r"real: .*at least 3, got 2"):
        nearest_centres(points(np.zeros((5, 2)), "fake"), points(np.zeros((2, 2))), 3)


def test_widths_differ():
    with pytest.raises(MismatchedFeatures, match="one extractor"):
        nearest_centres(points(np.zeros((5, 2)), "fake"), points(np.zeros((5, 3))))


def test_inputs_are_not_changed():
    features = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    ids = blocks(30, 0, "real")
    before = features.copy(), ids.copy()
    some = Points.of(features, ids, "real")
    nearest_others(some, 3)
    nearest_centres(some, some, 3)
    assert np.array_equal(features, before[0])
    assert np.array_equal(ids, before[1])
