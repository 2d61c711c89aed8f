"""Power spectra of pictures whose spectrum is known."""

import numpy as np
import pytest

from genbench.errors import BadInput
from genbench.features import open_extractor
from genbench.features.runtime import Setup, choose_place

FLOOR = 10 * np.log10(1 / 12)


@pytest.fixture
def extractor(tmp_path):
    return open_extractor("spectrum", Setup(choose_place("cpu", "auto", tmp_path)))


def grey(plane):
    return np.rint(plane).astype(np.uint8)[..., None].repeat(3, 2)


def test_a_flat_image_has_the_power_of_rounding_everywhere(extractor):
    np.testing.assert_allclose(extractor.prepare(np.full((40, 30, 3), 77, np.uint8)), FLOOR, atol=1e-4)


@pytest.mark.parametrize("size", [(64, 64), (97, 64), (64, 97), (65, 81)])
def test_white_noise_has_its_variance_in_every_ring(extractor, rng, size):
    spectra = [extractor.prepare(grey(rng.normal(128, 20, size))) for _ in range(60)]
    power = (10 ** (np.array(spectra) / 10)).mean(0)
    np.testing.assert_allclose(power[1:], 400, rtol=0.25)
    assert power[4:].mean() == pytest.approx(400, rel=0.02)


@pytest.mark.parametrize(("down", "across", "ring"), [(0, 16, 8), (8, 0, 4), (32, 0, 16), (32, 32, 22), (24, 32, 20)])
def test_a_wave_is_in_the_ring_of_its_frequency(extractor, down, across, ring):
    i, j = np.indices((64, 64))
    wave = 100 + 50 * np.cos(2 * np.pi * (down * i + across * j) / 64)
    spectrum = extractor.prepare(grey(wave))
    assert spectrum.argmax() == ring
    assert np.delete(spectrum, ring).max() < spectrum[ring] - 20


def test_the_power_of_all_frequencies_is_the_variance(extractor, rng):
    """Parseval, ring by ring: weights of the half that the transform leaves out are right."""
    from genbench.features.power import RINGS, _rings

    for size in [(32, 32), (33, 32), (32, 33), (35, 47)]:
        plane = rng.normal(size=size)
        ring, weight = _rings(*size)
        power = np.square(np.abs(np.fft.rfft2(plane - plane.mean()))).ravel() / plane.size
        assert np.bincount(ring, weight * power, RINGS).sum() == pytest.approx(plane.var() * plane.size)
        assert weight.sum() == plane.size - 1
        assert ring.max() < RINGS


def test_colours_weigh_as_luma(extractor, rng):
    plane = rng.integers(0, 256, (32, 32))
    black = np.zeros_like(plane)
    images = [np.stack(np.roll([plane, black, black], channel, 0), 2).astype(np.uint8) for channel in range(3)]
    levels = [extractor.prepare(image) for image in images]
    apart = 20 * np.log10(np.array([0.299, 0.587, 0.114]) / 0.299)
    np.testing.assert_allclose(
        [level.mean() - levels[0].mean() for level in levels], apart, atol=0.05
    )  # rounding adds to all


def test_a_single_pixel_is_refused(extractor):
    with pytest.raises(BadInput, match="a single pixel"):
        extractor.prepare(np.zeros((1, 1, 3), np.uint8))
    assert np.isfinite(extractor.prepare(np.zeros((1, 2, 3), np.uint8))).all()
