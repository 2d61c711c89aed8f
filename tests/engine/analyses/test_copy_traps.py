"""Sets that look copied and hold no copy: the pictures nearest to the middles of their clusters, and blurred ones."""

import numpy as np

from genbench.analyses.copy_traps import blurred, mode_shrunk


def test_the_central_quarter_of_each_cluster_stays(rng):
    middles = np.repeat(100 * np.eye(10), 20, axis=0)
    rows = (middles + rng.normal(size=(200, 10))).astype(np.float32)
    kept = mode_shrunk(rows, 0.25, seed=3)
    expected = []
    for cluster in range(10):
        members = np.arange(20 * cluster, 20 * cluster + 20)
        gaps = np.linalg.norm(rows[members] - rows[members].mean(0), axis=1)
        expected += sorted(members[np.argsort(gaps)[:5]])
    np.testing.assert_array_equal(kept, expected)
    np.testing.assert_array_equal(mode_shrunk(rows, 0.25, seed=3), kept)


def test_of_few_pictures_one_a_cluster_stays(rng):
    rows = rng.normal(size=(4, 3)).astype(np.float32)
    np.testing.assert_array_equal(mode_shrunk(rows, 0.25), [0, 1, 2, 3])
    assert len(mode_shrunk(np.ones((6, 3), np.float32), 0.25)) == 2


def test_a_blurred_point_is_a_gaussian_of_one_pixel_in_32():
    image = np.zeros((32, 32, 3), np.uint8)
    image[16, 16] = 255
    spread = blurred(image)[..., 0].astype(float)
    places = np.arange(32) - 16
    variance = (spread.sum(0) * places**2).sum() / spread.sum()
    assert abs(variance - (1 + 1 / 12)) < 0.05  # of the Gaussian and of a pixel
    assert blurred(np.full((20, 30, 3), 7, np.uint8)).tolist() == np.full((20, 30, 3), 7).tolist()
