import json

import numpy as np
import pytest

from genbench.errors import BadInput, MismatchedFeatures
from genbench.stats import distances
from genbench.stats.balls import Balls, cover
from genbench.stats.distances import Points
from genbench.stats.jackknife import blocks
from genbench.stats.neighbours import nearest_others
from tests.reference import manifold

ROUNDING = 1e-12  # shares and densities are sums of at most a few thousand terms


def points(features, name, number=20):
    features = np.asarray(features, np.float32)
    if features.ndim == 1:
        features = features[:, None]
    return Points.of(features, blocks(len(features), 0, name, number), name)


def covers(real, fake, k, tile=None):
    """Closed and open balls around both sets: four covers of one pass."""
    real_near, fake_near = nearest_others(real, k, tile), nearest_others(fake, k, tile)
    balls = [Balls(near, k, closed) for near in (real_near, fake_near) for closed in (True, False)]
    names = ["real closed", "real open", "fake closed", "fake open"]
    return dict(zip(names, cover(real, fake, balls, tile), strict=True))


def prdc(real, fake, k, kind="open"):
    found = covers(real, fake, k)
    around_real, around_fake = found[f"real {kind}"], found[f"fake {kind}"]
    return [
        around_real.point_share().value,
        around_fake.point_share().value,
        around_real.density().value,
        around_real.coverage().value,
    ]


def normal(rng, n, m, d):
    return rng.normal(size=(n, d)), 0.8 * rng.normal(size=(m, d)) + 0.2


def with_duplicates(rng, n, m, d):
    """Copies within each set and across both."""
    pool = rng.normal(size=(n // 2, d))
    return pool[rng.integers(0, len(pool), n)], np.concatenate([pool, rng.normal(size=(m, d))])[rng.integers(0, n, m)]


def far_from_zero(rng, n, m, d):
    return rng.normal(size=(n, d)) + 1000, rng.normal(size=(m, d)) + 1000


def collapsed(rng, n, m, d):
    """Both sets are near-copies of the same three modes, 1e-4 of their size apart, some exact."""
    modes = rng.normal(size=(3, d))
    return tuple(
        modes[rng.integers(0, 3, size)] * (1 + 1e-4 * rng.normal(size=(size, d)) * (rng.random((size, 1)) < 0.8))
        for size in (n, m)
    )


def identical(rng, n, m, d):
    row = rng.normal(size=(1, d))
    return np.repeat(row, n, axis=0), np.repeat(row, m, axis=0)


def lattice(rng, n, m, d):
    return rng.integers(0, 3, (n, d)), rng.integers(0, 4, (m, d))


DATA = [normal, with_duplicates, far_from_zero, collapsed, identical, lattice]
SIZES = [(7, 9, 3), (40, 33, 1), (30, 50, 300), (90, 70, 5)]
STATISTICS = {
    "point_share": manifold.share_of_points,
    "density": manifold.density,
    "coverage": manifold.coverage,
}


@pytest.mark.parametrize("tile", [None, 11])
@pytest.mark.parametrize(("n", "m", "d"), SIZES)
@pytest.mark.parametrize("data", DATA)
def test_values_and_leave_outs_are_those_of_brute_force(data, n, m, d, tile):
    real, fake = data(np.random.default_rng(n), n, m, d)
    real, fake = points(real, "real"), points(fake, "fake")
    across = manifold.table(real.features, fake.features)
    sides = {
        "real": (real, fake, manifold.table(real.features, real.features), across),
        "fake": (fake, real, manifold.table(fake.features, fake.features), np.transpose(across).tolist()),
    }
    for name, found in covers(real, fake, 3, tile).items():
        side, kind = name.split()
        centres, others, among, across = sides[side]
        for statistic, reference in STATISTICS.items():
            covered = getattr(found, statistic)()
            value, (leave_centres, leave_points) = covered.value, covered.leave
            expected = manifold.leave_out(
                reference, among, across, centres.blocks.tolist(), others.blocks.tolist(), 3, kind == "closed"
            )
            assert value == pytest.approx(expected[0], abs=ROUNDING), (name, statistic)
            np.testing.assert_allclose(leave_centres, expected[1], rtol=ROUNDING, err_msg=f"{name} {statistic}")
            np.testing.assert_allclose(leave_points, expected[2], rtol=ROUNDING, err_msg=f"{name} {statistic}")


# Kynkaanniemi's balls are closed, Naeem's open: precision, recall, density, coverage of either rule
HAND_CASES = {
    "P1 at the radius": ([0, 1, 2, 3], [4, 4, 4], 1, {"open": [0, 0, 0, 0], "closed": [1, 0, 1 / 1, 1 / 4]}),
    "P2 a lattice and itself": ([0, 1, 2, 3], [0, 1, 2, 3], 1, {"open": [1, 1, 1, 1]}),
    "P3 all equal": ([5] * 6, [5] * 6, 3, {"open": [0, 0, 0, 0], "closed": [1, 1, 2, 1]}),
    "P4 k = 1": ([0, 1, 3, 6, 10], [0.4, 2.2, 6.5, 20, 21.5], 1, {"open": [0.6, 1, 1, 1]}),
    "P4 k = 2": ([0, 1, 3, 6, 10], [0.4, 2.2, 6.5, 20, 21.5], 2, {"open": [0.6, 1, 0.9, 1]}),
    "P5 far away": ([0, 1, 3, 6, 10], [1000, 1001, 1003, 1006, 1010], 2, {"open": [0] * 4, "closed": [0] * 4}),
}


@pytest.mark.parametrize("case", HAND_CASES)
def test_hand_cases(case):
    real, fake, k, expected = HAND_CASES[case]
    for kind, values in expected.items():
        assert prdc(points(real, "real"), points(fake, "fake"), k, kind) == pytest.approx(values, abs=ROUNDING)


def drawn(case):
    """The recipes of the values below: numpy's RandomState and one of torch's generator."""
    if case == "P6":
        torch = pytest.importorskip("torch")
        source = torch.Generator().manual_seed(42)
        fake = torch.randn(200, 16, generator=source) * 0.1
        return (torch.randn(200, 16, generator=source) * 3).numpy(), fake.numpy()
    n, m, d, shift, scale = {
        "A": (1000, 1000, 16, 0, 1),
        "B": (1000, 800, 16, 0.5, 1.2),
        "C": (500, 500, 64, 0.3, 0.5),
    }[case]
    return np.random.RandomState(0).randn(n, d), np.random.RandomState(1).randn(m, d) * scale + shift


# made by prdc e320c1d with numpy 2.4.6: case, k, precision, recall, density, coverage
PRDC_SAYS = [
    ("A", 3, 0.794, 0.806, 1.0083333333333333, 0.878),
    ("A", 5, 0.867, 0.886, 1.0034, 0.966),
    ("B", 3, 0.36625, 0.881, 0.2529166666666667, 0.339),
    ("B", 5, 0.45, 0.936, 0.24525, 0.468),
    ("C", 3, 1, 0, 70.752, 1),
    ("C", 5, 1, 0, 53.2288, 1),
    ("P6", 3, 1, 0, 16.236667, 0.315),
]


@pytest.mark.parametrize(("case", "k", "precision", "recall", "density", "coverage"), PRDC_SAYS)
def test_agrees_with_prdc(case, k, precision, recall, density, coverage):
    real, fake = drawn(case)
    found = prdc(points(real, "real"), points(fake, "fake"), k)
    assert found == pytest.approx([precision, recall, density, coverage], abs=1e-6 if case == "P6" else ROUNDING)


def test_equal_distributions_have_density_one_and_the_coverage_of_the_formula():
    """E[coverage] = 1 - prod_{t=1..k} (n - t)/(n + m - t) for any continuous distribution."""
    rng = np.random.default_rng(0)
    n, m, k, runs = 60, 80, 3, 60
    values = np.array(
        [prdc(*(points(rng.normal(size=(c, 4)), s) for c, s in ((n, "real"), (m, "fake"))), k)[2:] for _ in range(runs)]
    )
    t = np.arange(1, k + 1)
    expected = [1, 1 - np.prod((n - t) / (n + m - t))]
    assert (np.abs(values.mean(axis=0) - expected) < 4 * values.std(axis=0) / np.sqrt(runs)).all()


def counts_of(found):
    return [found.hits_by_point, found.hits_by_centre, found.gained_by_point, found.gained_by_centre]


def test_counts_do_not_depend_on_tiles():
    real, fake = collapsed(np.random.default_rng(0), 60, 50, 40)
    real, fake = points(real, "real"), points(fake, "fake")
    whole = covers(real, fake, 3)
    for tile in (1, 7, 33):
        for name, found in covers(real, fake, 3, tile).items():
            for a, b in zip(counts_of(found), counts_of(whole[name]), strict=True):
                assert np.array_equal(a, b)


def test_counts_follow_the_order_of_rows():
    rng = np.random.default_rng(0)
    real, fake = (
        points(rows, name) for rows, name in zip(with_duplicates(rng, 80, 60, 5), ("real", "fake"), strict=True)
    )
    i, j = rng.permutation(80), rng.permutation(60)
    moved = covers(
        Points.of(real.features[i], real.blocks[i], "real"), Points.of(fake.features[j], fake.blocks[j], "fake"), 3
    )
    for name, found in covers(real, fake, 3).items():
        centres, others = (i, j) if name.startswith("real") else (j, i)
        for a, b, order in zip(
            counts_of(found), counts_of(moved[name]), (others, centres, others, centres), strict=True
        ):
            assert np.array_equal(a[order], b)


def test_near_copies_are_told_apart_by_products_not_pair_by_pair(monkeypatch):
    """What keeps it fast: with 1e-4 between copies float64 products decide all but a few pairs."""
    pairs = []
    measure = distances.squared_distances
    monkeypatch.setattr(distances, "squared_distances", lambda *at: pairs.append(len(at[2])) or measure(*at))
    rng = np.random.default_rng(0)
    modes = rng.normal(size=(3, 50))
    real, fake = (modes[rng.integers(0, 3, 400)] + 1e-4 * rng.normal(size=(400, 50)) for _ in range(2))
    covers(points(real, "real"), points(fake, "fake"), 3)
    assert sum(pairs) < 400 * 400 / 10


def test_sides_may_be_one_object():
    some = points(np.random.default_rng(0).normal(size=(40, 3)), "real")
    same = covers(some, some, 3)
    for name, found in covers(some, Points.of(some.features, some.blocks, "fake"), 3).items():
        for a, b in zip(counts_of(found), counts_of(same[name]), strict=True):
            assert np.array_equal(a, b)
        assert found.coverage().value == 1


def test_hits_by_point_and_by_centre_are_the_same_pairs():
    real, fake = normal(np.random.default_rng(0), 70, 90, 4)
    for found in covers(points(real, "real"), points(fake, "fake"), 5).values():
        assert found.hits_by_point.sum() == found.hits_by_centre.sum() > 0
        assert found.gained_by_point.sum() == found.gained_by_centre.sum() > 0


def test_nothing_to_leave_out():
    """Too few points for a jackknife: values stand, leave-outs are not there."""
    rng = np.random.default_rng(0)
    real, fake = points(rng.normal(size=(6, 2)), "real", 3), points(rng.normal(size=(9, 2)), "fake", 1)
    near = nearest_others(real, 4), nearest_others(fake, 4)
    found = cover(real, fake, [Balls(near[0], 4, True), Balls(near[0], 3, True), Balls(near[1], 4, True)])
    for one in found:
        for covered in (one.point_share(), one.density(), one.coverage()):
            value, leave = covered.value, covered.leave
            assert np.isfinite(value)
            assert leave is None


def test_balls_around_other_points():
    real, fake = (points(np.random.default_rng(0).normal(size=(9, 2)), name) for name in ("real", "fake"))
    stray = nearest_others(points(real.features, "stray"), 3)
    with pytest.raises(BadInput, match=r"expected .* real or fake, got stray"):
        cover(real, fake, [Balls(stray, 3, True)])


def test_widths_differ():
    real, fake = points(np.zeros((9, 2)), "real"), points(np.zeros((9, 3)), "fake")
    with pytest.raises(MismatchedFeatures, match="one extractor"):
        cover(real, fake, [Balls(nearest_others(real, 3), 3, True)])


def test_values_are_plain_floats():
    real, fake = normal(np.random.default_rng(0), 30, 30, 4)
    found = covers(points(real, "real"), points(fake, "fake"), 3)["real open"]
    json.dumps([found.point_share().value, found.density().value, found.coverage().value])
