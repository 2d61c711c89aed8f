"""authpct: by hand, dgm-eval's numbers, plain loops, its value on the test set, copies, refusals."""

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.errors import BadInput
from genbench.metrics.authenticity import authentic_share
from genbench.stats.pair import Pair


def features(rows):
    rows = np.asarray(rows, np.float32)
    return Features({"pooled": rows if rows.ndim == 2 else rows[:, None]})


def estimate(test, fake, train):
    return authentic_share(Pair(features(test), features(fake), features(train)))


def normal(seed, *shape):
    return np.random.RandomState(seed).randn(*shape)


def test_by_hand():
    train, fake = [0, 1, 10, 11.5], [0.1, 5, 10.2, 30, 2.5]
    found = estimate([3, 4], fake, train)
    assert found.value == pytest.approx(60)
    np.testing.assert_allclose(found.per_image["authenticity"], [0.1, 4, 0.2 / 1.5, 18.5 / 1.5, 1.5], rtol=1e-6)
    assert found.details["on_test"] == 100
    assert found.details["gap"] == pytest.approx(-40)


@pytest.mark.parametrize(
    ("n", "m", "d", "shift", "scale", "expected"),
    [(1000, 1000, 16, 0, 1, 72.7), (1000, 800, 16, 0.5, 1.2, 88.25), (500, 500, 64, 0.3, 0.5, 3.0)],
)
def test_agrees_with_dgm_eval(n, m, d, shift, scale, expected):
    train, fake = normal(0, n, d), normal(1, m, d) * scale + shift
    assert estimate(normal(2, n, d), fake, train).value == pytest.approx(expected, abs=1e-4)


def test_copies_agree_with_dgm_eval_too_and_open_a_gap():
    test, honest, train = normal(0, 1000, 16), normal(1, 1000, 16), normal(2, 1000, 16)
    copying = np.concatenate([train[:250] + 1e-3 * normal(3, 250, 16), honest[:250]])
    found, clean = estimate(test, copying, train), estimate(test, honest[:500], train)
    assert found.value == pytest.approx(34.4)
    assert clean.value == pytest.approx(70.0)
    assert found.details["gap"] < -8 * found.details["gap_stderr"]
    assert abs(clean.details["gap"]) < 4 * clean.details["gap_stderr"]


def test_as_by_loops_with_duplicates_in_training(rng):
    """On a lattice: copies, ties, and training images that have a twin."""
    test, fake, train = (rng.integers(0, 3, size) for size in ((20, 3), (25, 3), (30, 3)))

    def share(images):
        authentic = 0
        for image in images:
            gaps = [float(np.linalg.norm(image - one)) for one in train]
            nearest = int(np.argmin(gaps))
            others = [float(np.linalg.norm(train[nearest] - one)) for one in np.delete(train, nearest, axis=0)]
            authentic += gaps[nearest] > min(others)
        return 100 * authentic / len(images)

    found = estimate(test, fake, train)
    assert 0 < found.value < 100
    assert found.value == pytest.approx(share(fake))
    assert found.details["on_test"] == pytest.approx(share(test))


def test_the_error_is_that_of_a_share(rng):
    found = estimate(*rng.normal(size=(3, 80, 4)))
    share = found.value / 100
    assert found.stderr == pytest.approx(100 * np.sqrt(share * (1 - share) / 79))
    assert found.parts["fake"].variance == pytest.approx(found.stderr**2)
    assert found.details["gap_stderr"] == pytest.approx(np.hypot(found.stderr, found.details["on_test_stderr"]))


def test_a_share_of_none_has_an_error_too(rng):
    train = rng.normal(size=(40, 4))
    found = estimate(rng.normal(size=(30, 4)), train, train)
    assert found.value == 0
    assert found.stderr > 0
    assert found.per_image["authenticity"].max() == 0


def test_a_training_set_of_another_width_is_refused(rng):
    with pytest.raises(BadInput, match="authpct: the training set does not fit"):
        estimate(rng.normal(size=(9, 4)), rng.normal(size=(9, 4)), rng.normal(size=(9, 3)))
