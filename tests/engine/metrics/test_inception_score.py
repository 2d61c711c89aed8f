"""Inception score: closed forms and torch-fidelity's number."""

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.metrics.inception_score import inception_score
from genbench.stats.pair import Pair


def score_of(probabilities):
    with np.errstate(divide="ignore"):
        logits = np.log(np.asarray(probabilities, float))
    return score_of_logits(np.maximum(logits, -1e4))


def score_of_logits(logits):
    features = Features({"logits": logits})
    return inception_score(Pair(features, features))


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        (np.tile(np.eye(10), (100, 1)), 10),
        (np.full((7, 5), 0.2), 1),
        ([[0.9, 0.1], [0.1, 0.9]], 1.4449348112),
        ([[0.5, 0.5, 0], [0, 0.5, 0.5]], np.sqrt(2)),
        (np.repeat(np.eye(4), [10, 20, 30, 40], axis=0), 3.5961154666),
    ],
    ids=["one-hot", "uniform", "two", "zero-times-log-zero", "unequal"],
)
def test_closed_forms(probabilities, expected):
    assert score_of(probabilities).value == pytest.approx(expected, rel=1e-9)


def test_agrees_with_torch_fidelity():
    logits = np.random.RandomState(4).randn(1003, 10) * 3
    assert score_of_logits(logits).value == pytest.approx(3.862014521100607, rel=1e-12)  # splits=1


def test_shifted_logits_score_the_same():
    logits = np.random.RandomState(4).randn(100, 10)
    assert score_of_logits(logits + 1000).value == pytest.approx(score_of_logits(logits).value, rel=1e-9)


def test_the_number_of_rows_read_at_once_does_not_matter(monkeypatch):
    logits = (np.random.RandomState(4).randn(1003, 10) * 3).astype(np.float32)
    whole = score_of_logits(logits)
    monkeypatch.setattr("genbench.metrics.inception_score.ROWS_AT_ONCE", 7)
    parts = score_of_logits(logits)
    assert (parts.value, parts.stderr) == pytest.approx((whole.value, whole.stderr), rel=1e-12)


def test_few_images_are_warned_of():
    assert "biased downward" in score_of_logits(np.random.RandomState(0).randn(50, 10)).warnings[0]
    assert score_of_logits(np.random.RandomState(0).randn(500, 10)).warnings == ()


def test_ten_splits_agree_with_torch_fidelity():
    found = score_of_logits(np.random.RandomState(4).randn(1003, 10) * 3).details
    assert found["splits10_mean"] == pytest.approx(3.7905849753531213, rel=1e-6)
    assert found["splits10_sd"] == pytest.approx(0.22874856658684425, rel=1e-5)


def test_ten_splits_of_sorted_classes_are_shuffled():
    found = score_of(np.repeat(np.eye(10), 100, axis=0)).details
    assert found["splits10_mean"] == pytest.approx(9.64464009, rel=1e-8)
    assert found["splits10_sd"] == pytest.approx(0.17182133, rel=1e-6)


def test_fewer_than_ten_images_have_no_ten_splits():
    assert score_of_logits(np.random.RandomState(0).randn(9, 3)).details == {}
    assert score_of_logits(np.random.RandomState(0).randn(10, 3)).details["splits10_mean"] == pytest.approx(1)
