"""The linear probe against scikit-learn on standardised rows, and its refits."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from genbench.stats.linear_probe import LinearProbe


@pytest.fixture
def three_classes(rng):
    labels = np.arange(240) % 3
    rows = rng.normal(size=(240, 6)) * (1, 5, 0.1, 1, 1, 0) + 3
    rows[:, 0] += labels
    rows[:, 2] -= 0.1 * (labels == 2)
    return rows.astype(np.float32), labels


def peer(rows, labels):
    scaler = StandardScaler().fit(rows.astype(np.float64))
    fitted = LogisticRegression(C=1 / rows.shape[1], max_iter=5000, tol=1e-9)
    fitted.fit(scaler.transform(rows.astype(np.float64)), labels)
    return lambda x: fitted.predict_proba(scaler.transform(x.astype(np.float64)))


def test_it_is_penalised_logistic_regression_on_standardised_rows(three_classes):
    rows, labels = three_classes
    probe = LinearProbe.fit(rows[:200], labels[:200])
    expected = peer(rows[:200], labels[:200])(rows[200:])
    np.testing.assert_allclose(probe.probabilities(rows[200:]), expected, atol=1e-3)
    np.testing.assert_array_equal(probe.predict(rows[200:]), expected.argmax(1))


def test_a_refit_is_what_a_fit_gives_and_leaves_the_first_alone(three_classes):
    rows, labels = three_classes
    probe = LinearProbe.fit(rows, labels)
    before = probe.probabilities(rows)
    again = probe.refit(rows[::2], labels[::2])
    np.testing.assert_array_equal(before, probe.probabilities(rows))
    assert not np.allclose(again.probabilities(rows), before, atol=1e-3)
    np.testing.assert_allclose(probe.refit(rows, labels).probabilities(rows), before, atol=1e-3)


def test_a_refit_may_lack_a_class(three_classes):
    rows, labels = three_classes
    kept = labels != 1
    found = LinearProbe.fit(rows, labels).refit(rows[kept], labels[kept])
    assert set(found.predict(rows)) == {0, 2}
