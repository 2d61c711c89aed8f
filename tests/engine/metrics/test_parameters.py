"""What parameters do, beside plain rewrites."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from genbench.contracts import Features
from genbench.errors import NotEnoughImages
from genbench.metrics.frechet import frechet
from genbench.metrics.inception_score import inception_score
from genbench.metrics.kernel import kernel_distance, kernel_subset_distance
from genbench.metrics.manifold import coverage, density, precision, recall
from genbench.stats.gaussian import Gaussian
from genbench.stats.pair import Pair
from tests.reference import manifold as plain


def pair_of(real, fake):
    return Pair(*(Features({"pooled": np.asarray(rows, np.float32)}) for rows in (real, fake)))


def of_logits(rows):
    return Pair(Features({}), Features({"logits": np.asarray(rows, np.float32)}))


@pytest.mark.parametrize("k", [1, 2, 5, 8])
@pytest.mark.parametrize("is_closed", [True, False])
def test_balls_of_any_k_open_or_closed(rng, k, is_closed):
    """On a lattice, where points at the surface are many."""
    real, fake = rng.integers(0, 4, (30, 3)), rng.integers(1, 5, (25, 3))
    pair = pair_of(real, fake)
    n, m = range(len(real)), range(len(fake))
    across = plain.table(real, fake)
    back = [list(column) for column in zip(*across, strict=True)]
    among_real, among_fake = plain.table(real, real), plain.table(fake, fake)
    how = {"k": k, "is_closed": is_closed}
    assert precision(pair, **how).value == pytest.approx(
        plain.share_of_points(among_real, across, n, m, k, is_closed), rel=1e-12
    )
    assert recall(pair, **how).value == pytest.approx(
        plain.share_of_points(among_fake, back, m, n, k, is_closed), rel=1e-12
    )
    assert density(pair, **how).value == pytest.approx(plain.density(among_real, across, n, m, k, is_closed), rel=1e-12)
    assert coverage(pair, **how).value == pytest.approx(
        plain.coverage(among_real, across, n, m, k, is_closed), rel=1e-12
    )


def test_closed_and_open_balls_are_not_the_same(rng):
    pair = pair_of(rng.integers(0, 4, (30, 3)), rng.integers(1, 5, (25, 3)))
    assert precision(pair, k=3, is_closed=True).value > precision(pair, k=3, is_closed=False).value


def test_the_divisor_of_covariances(rng):
    real, fake = rng.normal(size=(40, 3)), rng.normal(1, 2, size=(30, 3))
    (a, s), (b, t) = (
        (rows.astype(np.float32).mean(0, dtype=float), np.cov(rows.T, bias=True)) for rows in (real, fake)
    )
    expected = np.square(a - b).sum() + np.trace(s + t) - 2 * np.sqrt(np.linalg.eigvals(s @ t).real).sum()
    assert frechet(pair_of(real, fake), divisor="n").value == pytest.approx(expected, rel=1e-6)
    assert frechet(pair_of(real, fake)).value != pytest.approx(expected, rel=1e-3)


def test_a_covariance_of_unknown_count_has_no_other_divisor(rng):
    fitted = {"real": Gaussian.from_moments(0, np.zeros(3), np.eye(3))}
    pair = Pair(
        Features({"pooled": np.empty((0, 3), np.float32)}), pair_of(*rng.normal(size=(2, 9, 3))).fake, fitted=fitted
    )
    with pytest.raises(NotEnoughImages, match="unknown number of images"):
        frechet(pair, divisor="n")


def places_of(draw, counts, size, seed):
    """Places of one subset, real and fake, by the tool's own calls."""
    n, m = counts
    if draw.startswith("torch"):
        torch.manual_seed(seed)
        return [torch.randperm(count)[:size].numpy() for count in (n, m)]
    np.random.seed(seed)  # noqa: NPY002  tools draw from the global state
    choice = np.random.choice
    if draw.endswith("real first"):
        return [choice(count, size, replace=False) for count in (n, m)]
    fake = choice(m, size, replace=False)
    return [choice(n, size, replace=False), fake]


@pytest.mark.parametrize("draw", ["numpy, fake first", "numpy, real first", "torch, real first"])
def test_subsets_are_those_of_the_global_state(rng, draw):
    real, fake = rng.normal(size=(12, 3)), rng.normal(0.5, 1, size=(15, 3))
    i, j = places_of(draw, (12, 15), 6, 4)
    found = kernel_subset_distance(pair_of(real, fake), subsets=1, size=6, draw=draw, seed=4)
    assert found.value == pytest.approx(kernel_distance(pair_of(real[i], fake[j])).value, rel=1e-9)


def test_subsets_shrink_to_the_smaller_set(rng):
    real, fake = rng.normal(size=(12, 3)), rng.normal(size=(9, 3))
    found = kernel_subset_distance(pair_of(real, fake), subsets=3, size=1000, shrinks=True)
    assert found.details["subset_size"] == 9
    with pytest.raises(NotEnoughImages, match="expected at least 1000"):
        kernel_subset_distance(pair_of(real, fake), subsets=3)


def plain_score(logits):
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return np.exp((p * np.log(p / p.mean(0))).sum(1).mean())


@pytest.mark.parametrize(
    ("cut", "splits", "edges"),
    [
        ("even", 4, [0, 5, 11, 17, 23]),
        ("chunks", 4, [0, 6, 12, 18, 23]),
        ("chunks", 10, [0, 3, 6, 9, 12, 15, 18, 21, 23]),
        ("5000", 10, [0, 23]),
    ],
)
def test_splits_end_where_the_tool_ends_them(rng, cut, splits, edges):
    logits = rng.normal(size=(23, 5)).astype(np.float32).astype(float)
    found = inception_score(of_logits(logits), splits=splits, cut=cut, order="file")
    expected = [plain_score(logits[a:b]) for a, b in pairwise(edges)]
    assert found.value == pytest.approx(np.mean(expected), rel=1e-9)
    assert found.details == {"splits": len(expected), "sd": pytest.approx(np.std(expected), rel=1e-6, abs=1e-12)}
    assert found.stderr > 0


def test_runs_of_five_thousand_end_in_a_shorter_one(rng):
    logits = rng.normal(size=(5003, 3)).astype(np.float32).astype(float)
    found = inception_score(of_logits(logits), splits=10, cut="5000", order="file")
    assert found.value == pytest.approx((plain_score(logits[:5000]) + plain_score(logits[5000:])) / 2, rel=1e-9)


@pytest.mark.parametrize("order", ["numpy", "torch"])
def test_the_order_is_that_of_the_global_state(rng, order):
    logits = rng.normal(size=(23, 5)).astype(np.float32)
    if order == "numpy":
        places = np.random.RandomState(6).permutation(23)
    else:
        torch.manual_seed(6)
        places = torch.randperm(23).numpy()
    found = inception_score(of_logits(logits), splits=4, order=order, seed=6).value
    assert found == inception_score(of_logits(logits[places]), splits=4, order="file").value
    assert found != inception_score(of_logits(logits), splits=4, order="file").value


def test_the_error_of_a_mean_over_splits(rng):
    """It is that of the mean: simulated, the scores of 300 sets spread as they say."""
    draws = [inception_score(of_logits(rng.normal(0, 2, size=(400, 4))), splits=4) for _ in range(300)]
    spread = np.std([one.value for one in draws])
    assert np.mean([one.stderr for one in draws]) == pytest.approx(spread, rel=0.15)


def test_fewer_images_than_splits_are_refused(rng):
    with pytest.raises(NotEnoughImages, match="expected at least 10"):
        inception_score(of_logits(rng.normal(size=(9, 3))), splits=10)
