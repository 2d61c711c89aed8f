"""Haar packets: closed forms, PyWavelets' order, and what the transform keeps."""

import numpy as np
import pytest

from genbench.errors import BadInput
from genbench.features import open_extractor
from genbench.features.runtime import Setup, choose_place
from genbench.features.wavelet import split


@pytest.fixture
def make(tmp_path):
    return lambda text: open_extractor(text, Setup(choose_place("cpu", "auto", tmp_path)))


def test_one_split_by_hand():
    square = np.array([[1.0, 2.0], [3.0, 8.0]], np.float32)[None, None, None]
    average, down, across, both = split(square)[0, :, 0, 0, 0]
    assert (average, down, across, both) == ((1 + 2 + 3 + 8) / 2, (1 + 2 - 3 - 8) / 2, (1 - 2 + 3 - 8) / 2, 2)


def test_lengths_are_kept(make, rng):
    images = rng.integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    found = make("wavelet:64")(images)["pooled"]
    np.testing.assert_allclose(np.square(found).sum(1), np.square(images / 255).sum((1, 2, 3)), rtol=1e-5)


def test_a_flat_image_is_in_the_first_packet_alone(make):
    packets = make("wavelet:32")(np.full((1, 32, 32, 3), 51, np.uint8))["pooled"].reshape(256, 3, 2, 2)
    np.testing.assert_allclose(packets[0], 0.2 * 16, rtol=1e-6)
    assert np.abs(packets[1:]).max() < 1e-6


@pytest.mark.parametrize(("pattern", "packet"), [("rows", 1), ("columns", 2), ("checkers", 3)])
def test_the_finest_stripes_are_in_their_packet(make, pattern, packet):
    """Level 1 splits first, so its letter is the first of four: h, v and d of the finest detail, then averages."""
    i, j = np.indices((16, 16))
    sign = {"rows": i, "columns": j, "checkers": i + j}[pattern] % 2
    image = (sign * 255).astype(np.uint8)[None, ..., None].repeat(3, 3)
    packets = make("wavelet:16")(image)["pooled"].reshape(256, 3)
    assert set(np.flatnonzero(np.abs(packets).max(1) > 1e-5)) == {0, packet * 4**3}


def test_the_published_size_is_the_default(make):
    assert make("wavelet").widths == make("wavelet:256").widths == {"pooled": 3 * 256 * 256}
    assert make("wavelet").labels == {"fwd": "FWD (PyTorch-FWD)"}
    assert make("wavelet:64").labels == {}


@pytest.mark.parametrize("size", ["40", "0", "2048", "big", "-16", "64.0"])
def test_other_sizes_are_refused(make, size):
    with pytest.raises(BadInput, match="expected a multiple of 16 from 16 to 1024"):
        make(f"wavelet:{size}")
