"""The area under the ROC curve against scikit-learn, its standard error against closed forms and simulation."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from benchmarks.uses.area import area
from genbench.errors import BadInput

SHIFT = 1.0


def theirs(odd, normal):
    return roc_auc_score(np.repeat([1, 0], [len(odd), len(normal)]), np.concatenate([odd, normal]))


@pytest.mark.parametrize("levels", [2, 5, 1000])
@pytest.mark.parametrize("counts", [(40, 70), (1, 30), (25, 1)])
def test_it_is_scikit_learns_with_few_and_many_ties(rng, levels, counts):
    odd, normal = (rng.integers(levels, size=count).astype(float) for count in counts)
    odd += 1
    assert area(odd, normal).value == pytest.approx(theirs(odd, normal), abs=1e-12)


def test_infinite_scores_are_the_highest_and_tie():
    assert area(np.array([np.inf, np.inf]), np.array([0.0, np.inf])).value == 0.75


def test_variance_by_hand():
    """Odd rows beat 1/2 and 1 of the normal ones, normal ones 0 and 1/2 of the odd: 2 x (1/8 / 2) in all."""
    found = area(np.array([1.0, 3.0]), np.array([0.0, 2.0]))
    assert found.value == 0.75
    assert found.stderr == pytest.approx(np.sqrt(0.125))
    paired = area(np.array([1.0, 3.0]), np.array([0.0, 2.0]), is_paired=True)
    assert paired.stderr == pytest.approx(0)  # both differences are 1/2


def test_one_odd_row_is_taken_as_given(rng):
    normal = rng.normal(size=400)
    found = area(np.array([0.3]), normal)
    share = (normal < 0.3).mean()
    assert found.value == pytest.approx(share)
    assert found.stderr == pytest.approx(np.sqrt(share * (1 - share) / 399), rel=1e-9)


def test_the_error_under_no_difference_is_wilcoxons(rng):
    m, n = 60, 90
    errors = [area(rng.normal(size=m), rng.normal(size=n)).stderr for _ in range(300)]
    assert np.mean(np.square(errors)) == pytest.approx((m + n + 1) / (12 * m * n), rel=0.05)


@pytest.mark.parametrize("is_paired", [False, True])
def test_the_error_is_the_spread_over_repetitions(rng, is_paired):
    """With pairs that move together the area varies less than independent rows would let it."""
    values, errors = [], []
    for _ in range(2000):
        normal = rng.normal(size=50)
        odd = normal + SHIFT + 0.5 * rng.normal(size=50) if is_paired else rng.normal(size=50) + SHIFT
        found = area(odd, normal, is_paired=is_paired)
        values.append(found.value)
        errors.append(found.stderr)
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(values), rel=0.08)
    if not is_paired:
        assert np.mean(values) == pytest.approx(norm.cdf(SHIFT / np.sqrt(2)), abs=0.004)


@pytest.mark.parametrize("rows", [[], [1.0, float("nan")]])
def test_what_cannot_be_ranked_is_refused(rows):
    with pytest.raises(BadInput, match="not numbers to rank"):
        area(np.array(rows), np.ones(3))
    with pytest.raises(BadInput, match="not numbers to rank"):
        area(np.ones(3), np.array(rows))


def test_rows_that_are_no_pairs_are_refused():
    with pytest.raises(BadInput, match="expected as many odd as normal, got 2 and 3"):
        area(np.ones(2), np.ones(3), is_paired=True)
