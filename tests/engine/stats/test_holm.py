"""Holm's correction: by hand, against the step-down rule, and by simulation."""

import numpy as np
import pytest

from genbench.stats.holm import holm


def test_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_ties_ones_and_nothing():
    assert holm([0.5, 0.5, 1.0]) == pytest.approx([1, 1, 1])
    assert holm([]).shape == (0,)


def test_it_rejects_what_the_step_down_rule_rejects(rng):
    for _ in range(200):
        p, alpha = rng.random(7) ** 3, 0.05
        rejected = set()
        for step, i in enumerate(np.argsort(p)):
            if p[i] >= alpha / (len(p) - step):
                break
            rejected.add(int(i))
        assert set(np.flatnonzero(holm(p) < alpha)) == rejected


def test_the_chance_of_any_false_rejection_is_alpha(rng):
    false = np.mean([(holm(rng.random(6)) < 0.05).any() for _ in range(4000)])
    assert false == pytest.approx(0.05, abs=4 * (0.05 * 0.95 / 4000) ** 0.5)
