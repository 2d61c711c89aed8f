"""realism and rarity as scores: what they tell apart, what they show of single images, what they refuse."""

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.errors import BadInput
from genbench.metrics.manifold import precision
from genbench.metrics.per_image import rarity, realism
from genbench.stats.pair import Pair


def pair(real, fake):
    return Pair(*(Features({"pooled": np.asarray(x, np.float32)}) for x in (real, fake)))


def test_nearer_images_are_more_realistic(rng):
    real, near, far = rng.normal(size=(200, 4)), rng.normal(size=(200, 4)), rng.normal(3, 1, size=(200, 4))
    found = realism(pair(real, np.concatenate([near, far]))).per_image["realism"]
    assert np.median(found[:200]) > 2 * np.median(found[200:])


def test_the_share_inside_and_outside_is_that_of_the_balls(rng):
    both = pair(rng.normal(size=(300, 4)), rng.normal(0.5, 1, size=(250, 4)))
    realistic, rare = realism(both), rarity(both)
    assert rare.details["share_outside"] == pytest.approx(1 - precision(both).value, abs=1e-12)
    assert np.isnan(rare.per_image["rarity"]).mean() == pytest.approx(rare.details["share_outside"], abs=1e-12)
    assert realistic.details["share_inside"] == (realistic.per_image["realism"] >= 1).mean()
    assert realistic.details["quantiles"]["0.5"] <= realistic.value
    assert np.nanmedian(rare.per_image["rarity"]) == pytest.approx(rare.value, rel=1e-6)


def test_images_where_real_ones_are_sparse_are_rarer(rng):
    dense, sparse = ((0, 1), (20, 10))
    real = np.concatenate([rng.normal(*dense, size=(300, 2)), rng.normal(*sparse, size=(60, 2))])
    common, rare = (rarity(pair(real, rng.normal(*where, size=(50, 2)))).value for where in (dense, sparse))
    assert rare > 3 * common


def test_a_copy_is_infinitely_realistic_and_half_of_copies_are_refused(rng):
    real, fake = rng.normal(size=(2, 60, 3))
    fake[:4] = real[np.argsort(np.abs(real).sum(axis=1))[:4]]
    found = realism(pair(real, fake))
    assert np.isinf(found.per_image["realism"][:4]).all()
    assert np.isfinite(found.value)
    with pytest.raises(BadInput, match="equal reference images"):
        realism(pair(real, real[np.argsort(np.abs(real).sum(axis=1))[:10]]))


def test_fakes_outside_everything_have_no_rarity(rng):
    far = pair(rng.normal(size=(50, 3)), rng.normal(100, 1, size=(50, 3)))
    assert realism(far).value < 0.1
    with pytest.raises(BadInput, match="none has a rarity"):
        rarity(far)
