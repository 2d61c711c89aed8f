"""Rows that arrive bit by bit: the same as all at once, in any order, in bounded memory."""

from itertools import pairwise

import numpy as np
import pytest

from genbench.stats.gaussian import Gaussian
from genbench.stats.running import RunningMoments, content_order


def seen(rows, limit, step):
    running = RunningMoments(rows.shape[1], limit)
    for start in range(0, len(rows), step):
        running.add(rows[start : start + step])
    return running


def merged(*parts):
    whole = RunningMoments(parts[0].rows.shape[1], parts[0].limit)
    for part in parts:
        part.settle()
        whole.merge(part)
    return whole


def same(one, other):
    (rows, gaussian), (other_rows, other_gaussian) = one.result(), other.result()
    np.testing.assert_array_equal(rows, other_rows)
    if gaussian is None or other_gaussian is None:
        return gaussian is other_gaussian
    np.testing.assert_allclose(gaussian.mean, other_gaussian.mean, rtol=1e-12)
    np.testing.assert_allclose(gaussian.root.T @ gaussian.root, other_gaussian.root.T @ other_gaussian.root, rtol=1e-9)
    return gaussian.count == other_gaussian.count == one.count == other.count


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 3000])
def test_order_steps_and_parts_do_not_matter(rng, count):
    rows = rng.normal(3, 1, size=(count, 10)).astype(np.float32)
    whole = seen(rows, 50, max(count, 1))
    assert same(whole, seen(rng.permutation(rows), 50, 7))
    cuts = [0, count // 3, count // 3, count]
    assert same(whole, merged(*(seen(rows[a:b], 50, 16) for a, b in pairwise(cuts))))
    assert whole.count == count


def test_few_rows_are_all_kept_and_many_are_a_sample_beside_their_moments(rng):
    rows = rng.normal(size=(3000, 10)).astype(np.float32)
    few, gaussian = seen(rows[:50], 50, 9).result()
    assert gaussian is None
    assert sorted(map(tuple, few)) == sorted(map(tuple, rows[:50]))
    sample, gaussian = seen(rows, 50, 9).result()
    assert {tuple(row) for row in sample} < {tuple(row) for row in rows}
    assert len(sample) == 50
    expected = Gaussian.of(rows)
    np.testing.assert_allclose(gaussian.mean, expected.mean, rtol=1e-9)
    np.testing.assert_allclose(gaussian.root, expected.root, rtol=1e-9, atol=1e-12)


def test_the_sample_is_even(rng):
    rows = np.arange(20_000, dtype=np.float32)[:, None]
    sample, _ = seen(rows, 2000, 1000).result()
    assert abs(sample.mean() - rows.mean()) < 4 * rows.std() / np.sqrt(2000)
    assert abs(sample.std() - rows.std()) < 0.05 * rows.std()


def test_memory_does_not_grow(rng):
    running = RunningMoments(4, 20)
    for _ in range(50):
        running.add(rng.normal(size=(100, 4)).astype(np.float32))
        assert len(running.rows) + sum(map(len, running._fresh)) <= 20 + 1024
    assert running.count == 5000


def test_the_order_is_one_of_content(rng):
    rows = rng.normal(size=(600, 5)).astype(np.float32)
    rows[3] = rows[500]
    rows[0, 0] = 0.0
    shuffled = rng.permutation(rows)
    shuffled[shuffled == 0] = -0.0
    np.testing.assert_array_equal(rows[content_order(rows)], shuffled[content_order(shuffled)])
    assert not np.array_equal(content_order(rows), np.arange(600))
