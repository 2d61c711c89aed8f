import numpy as np
import pytest
import torch
from PIL import Image

from genbench.errors import BadInput
from genbench.images.quantise import as_array, as_pixels, channels_last, guess_range, quantise

GREY = np.arange(2 * 4 * 5, dtype=np.float32).reshape(2, 4, 5) / 40


def test_every_level_survives():
    levels = np.arange(256, dtype=np.float32).reshape(1, 16, 16)
    assert quantise(levels / 255, 0, 1).ravel().tolist() == list(range(256))
    assert quantise(levels / 127.5 - 1, -1, 1).ravel().tolist() == list(range(256))


def test_half_is_rounded_up():
    halves = (np.arange(20, dtype=np.float64) + 0.5).reshape(1, 4, 5)
    assert quantise(halves, 0, 255).ravel().tolist() == list(range(1, 21))
    assert quantise(halves - 1e-9, 0, 255).ravel().tolist() == list(range(20))


def test_little_beyond_the_range_is_clamped():
    assert quantise(np.array([[[-0.001, 1.001], [0, 1]]]), 0, 1).ravel().tolist() == [0, 255, 0, 255]
    assert quantise(np.array([[[-1.0019, 1.0019], [0, 1]]]), -1, 1).ravel().tolist() == [0, 255, 128, 255]


@pytest.mark.parametrize(("value", "low", "high"), [(-0.0011, 0, 1), (1.0011, 0, 1), (-1.003, -1, 1), (np.inf, 0, 1)])
def test_more_beyond_is_refused_with_extremes(value, low, high):
    images = np.full((1, 4, 5), 0.5)
    images[0, 1, 1] = value
    with pytest.raises(BadInput, match=rf"expected floats in \[{low}, {high}\].*got .*{value:g}.*--range"):
        quantise(images, low, high)


def test_nan_is_refused():
    with pytest.raises(BadInput, match="nan"):
        quantise(np.full((1, 4, 5), np.nan, np.float32), 0, 1)


def test_layouts_agree():
    colour = np.random.default_rng(0).random((2, 5, 4, 3), np.float32)
    assert quantise(colour, 0, 1).shape == (2, 5, 4, 3)
    assert np.array_equal(quantise(colour.transpose(0, 3, 1, 2), 0, 1), quantise(colour, 0, 1))
    assert quantise(GREY, 0, 1).shape == (2, 4, 5, 1)
    assert np.array_equal(quantise(GREY[:, None], 0, 1), quantise(GREY, 0, 1))


def test_network_of_four_pixels_is_channels_first():
    assert channels_last(np.zeros((2, 3, 4, 4))).shape == (2, 4, 4, 3)
    assert channels_last(np.zeros((2, 5, 4, 4))).shape == (2, 5, 4, 4)


@pytest.mark.parametrize("shape", [(2, 3, 5, 3), (2, 5, 5, 5), (2, 4, 8, 8), (5, 5, 3), (5, 5), (1, 2, 3, 4, 5)])
def test_unclear_layouts_are_refused(shape):
    with pytest.raises(BadInput, match="which axis holds the channels"):
        channels_last(np.zeros(shape))


def test_integers_are_refused():
    with pytest.raises(BadInput, match="int64"):
        quantise(np.zeros((1, 4, 5), np.int64), 0, 1)


def test_nothing_is_refused():
    with pytest.raises(BadInput, match="empty"):
        quantise(np.zeros((0, 4, 5)), 0, 1)


def test_range_is_guessed_from_negative_values():
    assert guess_range(-0.5, 0.5) == (-1, 1)
    assert guess_range(0, 1) == (0, 1)
    assert guess_range(-1e-6, 1) == (0, 1)  # rounding error of a resize or a sigmoid
    with pytest.raises(BadInput, match="got -3 to 2"):
        guess_range(-3, 2)
    with pytest.raises(BadInput, match="got 0 to 255"):
        guess_range(0, 255)


def test_input_is_not_changed():
    images = GREY.copy()
    quantise(images, 0, 1)
    assert np.array_equal(images, GREY)


def test_uint8_is_left_alone():
    images = np.arange(60, dtype=np.uint8).reshape(1, 3, 5, 4)
    assert np.array_equal(as_pixels(images, (0, 1)), images.transpose(0, 2, 3, 1))


def test_tensors_and_pictures_become_arrays():
    half = torch.full((2, 3, 4, 4), 0.5, dtype=torch.bfloat16, requires_grad=True)
    assert as_array(half).dtype == np.float32
    picture = Image.new("L", (4, 5), 7)
    assert as_array([picture, picture]).shape == (2, 5, 4, 3)
    with pytest.raises(BadInput, match="one shape"):
        as_array([picture, Image.new("L", (4, 6))])
