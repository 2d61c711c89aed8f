import numpy as np
import pytest

from genbench.errors import BadInput
from zoo.data import open_data
from zoo.data.modes import mode_report

SETS = ("ring8", "grid25")
WITHIN = 1 - np.exp(-4.5)  # of a round Gaussian in the plane, within 3 sigma


@pytest.fixture(scope="module", params=SETS)
def mixture(request):
    return open_data(request.param, "all")


def judged(points, mixture):
    return mode_report(points, mixture.truth["centres"], float(mixture.truth["sigma"]))


def test_the_centres_are_those_of_the_papers():
    ring, grid = (open_data(name, "test").truth for name in SETS)
    assert ring["centres"].shape == (8, 2)
    assert np.allclose(np.hypot(*ring["centres"].T), 2)
    angles = np.sort(np.arctan2(*ring["centres"].T[::-1]))
    assert np.allclose(np.diff(angles), np.pi / 4)
    assert float(ring["sigma"]) == 0.02
    assert {tuple(centre) for centre in grid["centres"]} == {(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)}
    assert float(grid["sigma"]) == 0.05


def test_points_lie_around_their_centres(mixture):
    off = (mixture.x - mixture.truth["centres"][mixture.labels]) / mixture.truth["sigma"]
    n = len(off)
    assert np.abs(off.mean(axis=0)).max() < 4 / np.sqrt(n)
    assert np.abs(off.var(axis=0) - 1).max() < 4 * np.sqrt(2 / n)
    assert abs(np.corrcoef(off.T)[0, 1]) < 4 / np.sqrt(n)
    assert np.array_equal(mixture.truth["mode"], mixture.labels)


def test_modes_are_equally_likely(mixture):
    counts = np.bincount(mixture.labels)
    expected = len(mixture.labels) / len(counts)
    degrees = len(counts) - 1
    assert ((counts - expected) ** 2 / expected).sum() < degrees + 4 * np.sqrt(2 * degrees)


def test_a_perfect_sampler(mixture):
    report = judged(mixture.x, mixture)
    k, n = len(mixture.classes), len(mixture.x)
    assert report.covered == report.well_covered == k
    assert report.share_high_quality == pytest.approx(WITHIN, abs=4 * np.sqrt(WITHIN * (1 - WITHIN) / n))
    assert report.counts.sum() == round(report.share_high_quality * n)
    assert 0 < report.reverse_kl < 3 * (k - 1) / (2 * n)


def test_a_sampler_of_one_mode(mixture):
    report = judged(mixture.x[mixture.labels == 3], mixture)
    assert (report.covered, report.well_covered) == (1, 1)
    assert report.reverse_kl == pytest.approx(np.log(len(mixture.classes)))


def test_two_of_three_points_at_one_centre():
    centres = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    report = mode_report(centres[[0, 0, 1]], centres, 0.1)
    assert report.counts.tolist() == [2, 1, 0]
    assert (report.covered, report.share_high_quality) == (2, 1.0)
    assert report.reverse_kl == pytest.approx(2 / 3 * np.log(2) + 1 / 3 * np.log(1))


def test_points_between_modes_are_not_of_high_quality():
    centres = np.array([[0.0, 0.0], [1.0, 0.0]])
    points = np.array([[0.29, 0.0], [0.31, 0.0], [0.5, 0.5], [1.0, 0.2]])
    report = mode_report(points, centres, 0.1)
    assert report.counts.tolist() == [1, 1]
    assert report.share_high_quality == 0.5
    nothing = mode_report(points[1:3], centres, 0.1)
    assert (nothing.covered, nothing.well_covered, nothing.share_high_quality) == (0, 0, 0.0)
    assert np.isnan(nothing.reverse_kl)


def test_a_mode_with_few_points_is_covered_but_not_well():
    centres = np.array([[0.0, 0.0], [1.0, 0.0]])
    points = centres[[0] * 91 + [1] * 9]
    assert (mode_report(points, centres, 0.1).covered, mode_report(points, centres, 0.1).well_covered) == (2, 1)
    assert mode_report(centres[[0] * 90 + [1] * 10], centres, 0.1).well_covered == 2  # 0.2 x 100 / 2


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((0, 2)), r"expected \[n, 2\] with n at least 1, got \[0, 2\]"),
        (np.zeros((4, 3)), r"got \[4, 3\]"),
        (np.zeros(2), r"got \[2\]"),
        (np.full((4, 2), np.nan), "not finite"),
    ],
)
def test_what_are_no_points_is_refused(points, message):
    with pytest.raises(BadInput, match=message):
        mode_report(points, np.eye(2), 0.1)
