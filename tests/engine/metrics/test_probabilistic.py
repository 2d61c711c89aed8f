"""p-precision and p-recall: which side is which, hand cases, errors at the edge."""

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.metrics.probabilistic import probabilistic_precision, probabilistic_recall
from genbench.stats.pair import Pair
from tests.reference.probabilistic import precision_and_recall


def estimates(real, fake):
    pair = Pair(*(Features({"pooled": np.asarray(x, np.float32)}) for x in (real, fake)))
    return probabilistic_precision(pair), probabilistic_recall(pair)


def column(*values):
    return np.array(values, float)[:, None]


def test_a_hand_case():
    """Real 0..5, whose 4th neighbours are 4, 3, 2, 2, 3, 4 away; fake at .5 and far off."""
    real, fake = column(0, 1, 2, 3, 4, 5), column(0.5, 100, 200, 300, 400, 500)
    reach = 1.2 * np.mean([4, 3, 2, 2, 3, 4])
    inside = 1 - np.prod(np.minimum(1, np.abs(np.arange(6) - 0.5) / reach))
    assert estimates(real, fake)[0].value == pytest.approx(inside / 6, rel=1e-6)


def test_equals_the_definition_and_gives_it_an_image(rng):
    real, fake = (rows.astype(np.float32) for rows in (rng.normal(size=(30, 4)), rng.normal(0.4, 1, size=(25, 4))))
    precision, recall = estimates(real, fake)
    assert (precision.value, recall.value) == pytest.approx(precision_and_recall(real, fake), rel=1e-9)
    shown = precision.per_image["p-precision"]
    assert (shown.dtype, shown.shape) == (np.float32, (25,))
    assert shown.mean() == pytest.approx(precision.value, rel=1e-6)


def test_mode_collapse_keeps_precision_and_loses_recall(rng):
    precision, recall = estimates(rng.normal(0, 3, size=(200, 16)), rng.normal(0, 0.1, size=(200, 16)))
    assert precision.value > 0.9
    assert recall.value == 0


def test_an_outlier_does_not_stretch_the_support(rng):
    """The paper's Figure 1: one far real image makes precision's ball wide, not this one's."""
    from genbench.metrics.manifold import precision

    real, fake = rng.normal(size=(300, 8)), rng.normal(4, 0.5, size=(300, 8))
    real[0] = 8.0
    pair = Pair(*(Features({"pooled": x.astype(np.float32)}) for x in (real, fake)))
    assert precision(pair).value > 0.9
    assert probabilistic_precision(pair).value < 0.1


def test_no_error_is_zero(rng):
    far = estimates(rng.normal(size=(50, 3)), rng.normal(size=(50, 3)) + 1000)
    assert [one.value for one in far] == [0, 0]
    assert [one.stderr for one in far] == pytest.approx([0.7 / 50] * 2, rel=0.1)
