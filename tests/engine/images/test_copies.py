"""Every way to copy does exactly what it says, to a new array, and what is random hangs on the generator."""

import io

import numpy as np
import pytest
from PIL import Image

from genbench.errors import BadInput, UnknownName
from genbench.images.copies import COPIES, find_copies
from genbench.seeds import generator


@pytest.fixture
def image(rng):
    """Wider than high, of odd sides, all values."""
    return rng.integers(0, 256, (21, 33, 3), np.uint8)


@pytest.fixture
def others(rng):
    return [rng.integers(0, 256, (21, 33, 3), np.uint8) for _ in range(3)]


def copy(name, image, others=(), seed=0):
    return COPIES[name].apply(image, generator(seed, name), others)


def drawn(name, image, times=40):
    return [copy(name, image, seed=seed) for seed in range(times)]


@pytest.mark.parametrize("name", COPIES)
def test_shape_stays_the_picture_is_new_and_the_seed_tells_all(name, image, others):
    before = image.copy()
    first, second = (copy(name, image, others) for _ in range(2))
    assert (first.shape, first.dtype) == (image.shape, np.uint8)
    np.testing.assert_array_equal(first, second)
    assert first.flags.c_contiguous
    first += 1
    np.testing.assert_array_equal(image, before)
    assert COPIES[name].name == name


def test_exact(image):
    np.testing.assert_array_equal(copy("exact", image), image)


def test_noise_is_one_level_up_down_or_none(image):
    flat = np.full((60, 60, 3), 100, np.uint8)
    values, counts = np.unique(copy("noise", flat), return_counts=True)
    np.testing.assert_array_equal(values, [99, 100, 101])
    assert np.abs(counts / flat.size - 1 / 3).max() < 0.03
    edges = np.where(image < 128, np.uint8(0), np.uint8(255))
    moved = copy("noise", edges).astype(int)
    assert np.abs(moved - edges).max() == 1
    assert (moved.min(), moved.max()) == (0, 255)


def test_jpeg_is_pillows_of_quality_75(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=75)
    np.testing.assert_array_equal(copy("jpeg", image), np.array(Image.open(file).convert("RGB")))


def test_shift_is_one_pixel_in_each_of_four_directions(image):
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge")
    windows = [padded[1:-1, :-2], padded[1:-1, 2:], padded[:-2, 1:-1], padded[2:, 1:-1]]
    met = [[np.array_equal(one, window) for window in windows].index(True) for one in drawn("shift", image)]
    assert set(met) == {0, 1, 2, 3}


def test_flip_is_left_to_right(image):
    np.testing.assert_array_equal(copy("flip", image), np.fliplr(image))


def test_crop_is_a_window_of_nine_tenths_enlarged(image):
    tall, wide = 19, 30  # of 21 and 33
    windows = {
        Image.fromarray(image[top : top + tall, left : left + wide])
        .resize((33, 21), Image.Resampling.BICUBIC)
        .tobytes()
        for top in range(3)
        for left in range(4)
    }
    met = {one.tobytes() for one in drawn("crop", image, 150)}
    assert met <= windows
    assert len(met) == len(windows) == 12


def test_brightness_is_five_per_cent_up_or_down(image):
    up, down = (np.minimum(np.floor(image.astype(float) * factor + 0.5), 255) for factor in (1.05, 0.95))
    met = [
        next(i for i, one in enumerate((up, down)) if np.array_equal(made, one)) for made in drawn("brightness", image)
    ]
    assert set(met) == {0, 1}


def test_collage_has_a_quarter_of_each_in_its_place(image, others):
    made = copy("collage", image, others)
    quarters = [
        (slice(0, 10), slice(0, 16)),
        (slice(0, 10), slice(16, 33)),
        (slice(10, 21), slice(0, 16)),
        (slice(10, 21), slice(16, 33)),
    ]
    used = [
        next(i for i, one in enumerate((image, *others)) if np.array_equal(made[quarter], one[quarter]))
        for quarter in quarters
    ]
    assert sorted(used) == [0, 1, 2, 3]


def test_collage_of_other_sizes_and_too_few(image, rng):
    large = [rng.integers(0, 256, (50, 40, 3), np.uint8) for _ in range(3)]
    assert copy("collage", image, large).shape == image.shape
    with pytest.raises(BadInput, match="expected 3, got 1"):
        copy("collage", image, large[:1])


def test_unknown_names_are_refused():
    assert [one.name for one in find_copies(["flip", "exact"])] == ["flip", "exact"]
    with pytest.raises(UnknownName, match="crop"):
        find_copies(["crops"])
    with pytest.raises(BadInput, match="none named"):
        find_copies([])
