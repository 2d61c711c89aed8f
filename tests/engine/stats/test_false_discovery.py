"""Benjamini-Hochberg: scipy's numbers, and a case by hand."""

import numpy as np
from scipy import stats

from genbench.stats.false_discovery import q_values


def test_a_case_by_hand():
    assert q_values([0.04, 0.01, 0.03, 0.9]).tolist() == [0.16 / 3, 0.04, 0.16 / 3, 0.9]


def test_it_is_scipys(rng):
    p = np.round(rng.random(200) ** 2, 2)  # with ties
    np.testing.assert_allclose(q_values(p), stats.false_discovery_control(p), rtol=1e-12)
