"""Cross-fitted logistic regression against scikit-learn's, fold by fold."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from genbench.stats.logistic import cross_fitted_logits


def sets(rng, n, m, d):
    return rng.normal(3, 2, size=(n, d)).astype(np.float32), rng.normal(3.5, 1, size=(m, d)).astype(np.float32)


@pytest.mark.parametrize(("n", "m", "d"), [(40, 40, 3), (60, 25, 10), (30, 50, 90)])
def test_equals_scikit_learns(rng, n, m, d, monkeypatch):
    monkeypatch.setattr("genbench.stats.logistic.ROWS_AT_ONCE", 16)
    first, second = sets(rng, n, m, d)
    first[:, 1] = second[:, 1] = 7  # a feature that never varies says nothing
    found = cross_fitted_logits(first, second, 5)
    rows = np.concatenate([first, second]).astype(float)
    rows = (rows - rows.mean(axis=0)) / np.where(rows.std(axis=0) > 0, rows.std(axis=0), 1)
    labels, folds = np.repeat([0, 1], [n, m]), np.concatenate(found.folds)
    logits = np.concatenate([found.first, found.second])
    for fold in range(5):
        seen = folds != fold
        # scikit-learn: |w|^2 / 2 + C sum of weighted losses, ours: d / N |w|^2 / 2 + mean over classes of mean losses
        model = LogisticRegression(C=1 / d, class_weight="balanced", tol=1e-10, max_iter=5000)
        expected = model.fit(rows[seen], labels[seen]).decision_function(rows[~seen])
        np.testing.assert_allclose(logits[~seen], expected, rtol=1e-3, atol=1e-4)


def test_folds_are_even_and_by_content(rng):
    first, second = sets(rng, 43, 51, 4)
    found = cross_fitted_logits(first, second, 5)
    assert [np.bincount(one).tolist() for one in found.folds] == [[9, 9, 9, 8, 8], [11, 10, 10, 10, 10]]
    order = rng.permutation(43)
    again = cross_fitted_logits(first[order], second, 5)
    np.testing.assert_allclose(again.first, found.first[order], rtol=1e-5, atol=1e-7)
