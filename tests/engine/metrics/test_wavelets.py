"""Frechet wavelet distance: the number of its authors' package, one packet by hand, its error."""

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.errors import MismatchedFeatures
from genbench.features import open_extractor
from genbench.features.runtime import Setup, choose_place
from genbench.metrics.wavelets import FWD, PACKETS
from genbench.stats.pair import Pair

BY_PYTORCHFWD = {16: 0.2677998533975908, 64: 5.628414066031752}  # pytorchfwd 1.0.1, Haar, level 4


def packets_of(extractor, images):
    return Features({"pooled": extractor(np.stack([extractor.prepare(image) for image in images]))["pooled"]})


def test_is_the_number_of_pytorchfwd(tmp_path):
    rng = np.random.RandomState(1)
    for side, expected in BY_PYTORCHFWD.items():
        extractor = open_extractor(f"wavelet:{side}", Setup(choose_place("cpu", "auto", tmp_path)))
        real = rng.randint(0, 256, (40, side, side, 3)).astype(np.uint8)
        fake = (rng.randint(0, 256, (30, side, side, 3)) // 2).astype(np.uint8)
        pair = Pair(packets_of(extractor, real), packets_of(extractor, fake))
        assert FWD.compute(pair).value == pytest.approx(expected, rel=1e-6)


def wide(rows):
    return Features({"pooled": np.asarray(rows, np.float32)})


def test_is_the_mean_over_packets_of_one_dimensional_distances(rng):
    real, fake = rng.normal(size=(60, PACKETS)), rng.normal(0.4, 1.3, size=(50, PACKETS))
    found = FWD.compute(Pair(wide(real), wide(fake)))
    apart = real.mean(0) - fake.mean(0), real.std(0, ddof=1) - fake.std(0, ddof=1)
    each = apart[0] ** 2 + apart[1] ** 2
    assert found.value == pytest.approx(each.mean(), rel=1e-5)
    assert found.details["lowest"] == pytest.approx(each[0], rel=1e-5)
    assert found.details["share_of_lowest"] == pytest.approx(each[0] / each.sum(), rel=1e-5)


def test_flat_images_are_at_no_distance():
    found = FWD.compute(Pair(wide(np.ones((30, PACKETS))), wide(np.ones((20, PACKETS)))))
    assert (found.value, found.stderr, found.details["share_of_lowest"]) == (0, 0, None)


@pytest.mark.parametrize("count", [40, pytest.param(16, marks=pytest.mark.slow)])
def test_the_error_is_that_of_packets_that_move_together(rng, count):
    """All packets of an image share a number: errors of single packets may not be averaged as if they did not.

    With 40 images the error is from influences, with 16 of 4 coefficients from the jackknife.
    """
    depth = 1 if count == 40 else 4
    values, errors = [], []
    for _ in range(40):
        real, fake = (
            (rng.normal(shift, 1, (count, 1)) + 0.5 * rng.normal(size=(count, PACKETS * depth))) for shift in (0, 1)
        )
        found = FWD.compute(Pair(wide(real), wide(fake)))
        values.append(found.value)
        errors.append(found.stderr)
    assert 0.75 < np.mean(errors) / np.std(values, ddof=1) < 1.6  # the latter is known to 11 %


def test_features_that_are_no_packets_are_refused(rng):
    with pytest.raises(MismatchedFeatures, match="a multiple of 256, got 300"):
        FWD.compute(Pair(*(wide(rng.normal(size=(9, 300))) for _ in range(2))))
