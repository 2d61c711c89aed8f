"""Diversity over a round of pairs: unbiased, and with an error that knows that pairs share images."""

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.metrics.perceptual import LPIPS_DIVERSITY
from genbench.pairs.matching import shuffle
from genbench.stats.pair import Pair

RUNS = 3000
WIDTH = 6


def compute(rows, seed=0):
    places = np.array(shuffle(len(rows), seed))
    measured = np.square(rows[places[:, 0]] - rows[places[:, 1]]).mean(axis=1).astype(np.float32)
    return LPIPS_DIVERSITY.compute(Pair(Features({}), Features({}, tuple("x" * len(rows))), measured=measured))


@pytest.mark.parametrize(("count", "tails"), [(60, "light"), (60, "heavy"), (12, "light")])
def test_the_error_is_that_of_many_draws(rng, count, tails):
    """Squared distances: with heavy tails an odd image is far from both its neighbours. Its square is unbiased."""
    draw = rng.standard_normal if tails == "light" else lambda size: rng.standard_t(8, size)
    found = [compute(draw((count, WIDTH)), run) for run in range(RUNS)]
    values, errors = (np.array([getattr(one, field) for one in found]) for field in ("value", "stderr"))
    truth = 2.0 if tails == "light" else 2 * 8 / 6
    assert values.mean() == pytest.approx(truth, rel=0.02)
    assert 0.94 < np.sqrt(np.square(errors).mean()) / values.std(ddof=1) < 1.08
    if count == 60:
        assert 0.91 < (np.abs(values - truth) < 1.96 * errors).mean() < 0.97


def test_the_error_is_never_below_that_of_pairs_of_their_own(rng):
    alternating = np.tile([0.0, 1.0], 20).astype(np.float32)
    found = LPIPS_DIVERSITY.compute(Pair(Features({}), Features({}, tuple("x" * 40)), measured=alternating))
    assert found.stderr == pytest.approx(alternating.std(ddof=1) / np.sqrt(40), rel=1e-6)


def test_a_round_meets_every_image_twice():
    places = shuffle(50, 3)
    assert sorted(i for pair in places for i in pair) == sorted([*range(50), *range(50)])
    assert all(one != other for one, other in places)
    assert all(places[k][1] == places[(k + 1) % 50][0] for k in range(50))
    assert places == shuffle(50, 3) != shuffle(50, 4)
