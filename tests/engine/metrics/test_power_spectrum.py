"""Gap of spectra: closed forms, and an error that covers."""

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.metrics.power_spectrum import SPECTRUM
from genbench.stats.pair import Pair


def pair_of(real, fake):
    return Pair(*(Features({"pooled": np.asarray(rows, np.float32)}) for rows in (real, fake)))


def test_the_gap_is_the_root_mean_square_over_frequencies(rng):
    real = rng.normal(size=(30, 4))
    found = SPECTRUM.compute(pair_of(real, real[:, :] + [3, 0, 0, -4]))
    assert found.value == pytest.approx(2.5)
    assert found.details["high"] == pytest.approx(np.sqrt(16 / 2))
    np.testing.assert_allclose(found.details["gap_db"], [3, 0, 0, -4], atol=1e-6)


def test_equal_sets_have_no_gap_and_still_an_error(rng):
    rows = rng.normal(size=(30, 4))
    found = SPECTRUM.compute(pair_of(rows, rows))
    assert found.value == 0
    expected = np.sqrt(2 * rows.astype(np.float32).var(axis=0, ddof=1).mean() / 30)
    assert found.stderr == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_the_error_is_that_of_many_draws(rng, shift):
    """Frequencies of an image rise and fall together, as brightness does."""
    values, errors = [], []
    for _ in range(400):
        real, fake = (
            rng.normal(size=(count, 1)) + rng.normal(size=(count, 8)) + mean * np.linspace(-1, 1, 8)
            for count, mean in ((80, 0), (50, shift))
        )
        found = SPECTRUM.compute(pair_of(real, fake))
        values.append(found.value)
        errors.append(found.stderr)
    ratio = np.mean(errors) / np.std(values, ddof=1)
    assert 0.85 < ratio < (1.25 if shift else 3)  # at equality the direction of the gap is chance: more than enough
