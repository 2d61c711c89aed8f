"""Every corruption against a plain rewrite or a closed form; severities rise; what is random hangs on the seed."""

import io
import math

import numpy as np
import pytest
from PIL import Image

from genbench.errors import BadInput, UnknownName
from genbench.images.corruptions import (
    CORRUPTIONS,
    SEVERITIES,
    Corruption,
    Selection,
    blur,
    contrast,
    drop_modes,
    duplicate_mode,
    find_corruptions,
    gaussian_weights,
    jpeg,
    mix_labels,
    noise,
    occlusion,
    resize,
    swirl,
)
from genbench.seeds import generator

OF_PICTURES = [name for name, one in CORRUPTIONS.items() if isinstance(one, Corruption)]
OF_SETS = [name for name, one in CORRUPTIONS.items() if isinstance(one, Selection)]


@pytest.fixture
def image(rng):
    """Smooth colours with a little texture, wider than high: 24 x 40."""
    y, x = np.mgrid[0:24, 0:40]
    waves = [np.sin(x / 5 + c) + np.cos(y / (4 + c)) for c in range(3)]
    return np.clip(128 + 50 * np.stack(waves, -1) + rng.normal(0, 6, (24, 40, 3)), 0, 255).astype(np.uint8)


def corrupt(name, image, severity, seed=0):
    one = CORRUPTIONS[name]
    return one.apply(image, one.strengths[severity - 1], generator(seed, name))


# ------------------------------------------------------------------------------------------------ each one's truth


def test_weights_are_integrals_of_the_gaussian_over_pixels():
    for sigma in (0.25, 1.0, 3.0):
        weights = gaussian_weights(sigma)
        reach = len(weights) // 2
        plain = [
            0.5 * (math.erf((k + 0.5) / sigma / math.sqrt(2)) - math.erf((k - 0.5) / sigma / math.sqrt(2)))
            for k in range(-reach, reach + 1)
        ]
        np.testing.assert_allclose(weights, np.array(plain) / sum(plain), atol=1e-12)


def test_blur_is_that_convolution_with_mirrored_edges(image):
    sigma = 2.0
    weights = gaussian_weights(sigma)
    reach = len(weights) // 2
    wide = np.pad(image.astype(float), ((reach, reach), (reach, reach), (0, 0)), mode="symmetric")
    expected = np.zeros(image.shape)
    for i, down in enumerate(weights):
        for j, across in enumerate(weights):
            expected += down * across * wide[i : i + 24, j : j + 40]
    found = blur(image, sigma / 24, generator(0))
    assert np.abs(found - expected).max() <= 0.5 + 1e-6


def test_noise_has_its_deviation_and_no_mean():
    grey = np.full((200, 200, 3), 128, np.uint8)
    for deviation in (5, 20):
        change = noise(grey, deviation, generator(1)).astype(float) - 128
        assert change.std() == pytest.approx(math.hypot(deviation, 1 / math.sqrt(12)), rel=0.01)  # rounding adds 1/12
        assert abs(change.mean()) < 4 * deviation / math.sqrt(change.size)
        assert abs(np.corrcoef(change[..., 0].ravel(), change[..., 1].ravel())[0, 1]) < 0.03


def test_jpeg_is_that_of_pillow(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=50)
    np.testing.assert_array_equal(jpeg(image, 50, generator(0)), np.asarray(Image.open(file)))


def test_resize_is_two_bilinear_steps_without_antialiasing(image):
    """By plain loops: every pixel centre looks at the four around it."""

    def bilinear(picture, height, width):
        old_height, old_width = picture.shape[:2]
        out = np.empty((height, width, 3))
        for i in range(height):
            for j in range(width):
                y = min(max((i + 0.5) * old_height / height - 0.5, 0), old_height - 1)
                x = min(max((j + 0.5) * old_width / width - 0.5, 0), old_width - 1)
                top, left = int(y), int(x)
                below, right = min(top + 1, old_height - 1), min(left + 1, old_width - 1)
                upper, lower = (
                    (1 - x + left) * picture[row, left] + (x - left) * picture[row, right] for row in (top, below)
                )
                out[i, j] = (1 - y + top) * upper + (y - top) * lower
        return np.floor(out + 0.5).astype(np.uint8)

    gap = resize(image, 3, generator(0)).astype(int) - bilinear(bilinear(image, 8, 13), 24, 40)
    assert np.abs(gap).max() <= 1  # halves round either way
    assert (gap != 0).mean() < 0.01


def test_resize_folds_what_antialiasing_would_take_away():
    """Every second column white: shrunk to a half without a filter that would be grey, by 4/3 it beats."""
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2] = 255
    shrunk = resize(stripes, 1.5, generator(0))
    antialiased = np.asarray(Image.fromarray(stripes).resize((21, 21), Image.Resampling.BILINEAR))
    assert shrunk.std() > 3 * antialiased.std()


def test_swirl_turns_by_its_angle_in_the_middle_and_by_none_at_the_border(image):
    np.testing.assert_array_equal(swirl(image, 0, generator(0)), image)
    found = swirl(image, 90, generator(0))
    y, x = np.mgrid[0:24, 0:40]
    outside = np.hypot(y - 11.5, x - 19.5) >= 12
    np.testing.assert_array_equal(found[outside], image[outside])
    assert (found[~outside] != image[~outside]).mean() > 0.5


def test_swirl_of_a_known_point_lands_where_the_formula_says():
    """41 x 41, R = 20.5: a dot at 3 px right of the centre is seen where the turned place is that dot."""
    dot = np.zeros((41, 41, 3), np.uint8)
    dot[20, 23] = 255
    angle = math.radians(90) * (1 - 3 / 20.5) ** 2
    found = swirl(dot, 90, generator(0))[..., 0].astype(float)
    y, x = np.mgrid[0:41, 0:41] - 20
    where = (found * y).sum() / found.sum(), (found * x).sum() / found.sum()
    assert where == pytest.approx((-3 * math.sin(angle), 3 * math.cos(angle)), abs=0.25)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_occlusion_covers_its_share_with_grey_and_nothing_else(share):
    picture = np.zeros((100, 150, 3), np.uint8)
    tops = set()
    for seed in range(20):
        covered = occlusion(picture, share, generator(seed))[..., 0] == 128
        assert covered.mean() == pytest.approx(share, rel=0.06)
        rows, columns = covered.any(1), covered.any(0)
        assert covered.sum() == rows.sum() * columns.sum()
        tops.add(int(rows.argmax()))
    assert len(tops) > 10


def test_contrast_keeps_the_mean_and_scales_the_rest(image):
    found = contrast(image, 0.5, generator(0))
    expected = image.mean() + 0.5 * (image.astype(float) - image.mean())
    assert np.abs(found - expected).max() <= 0.5 + 1e-9
    assert found.std() == pytest.approx(image.std() / 2, rel=0.01)


# ------------------------------------------------------------------------------------------------ all of them


@pytest.mark.parametrize("name", OF_PICTURES)
def test_severities_move_pixels_further_and_further(name, image):
    image = np.tile(image, (4, 4, 1))
    moved = [np.abs(corrupt(name, image, severity).astype(float) - image).mean() for severity in SEVERITIES]
    assert moved[-1] > 1.5 * moved[0] > 0
    if name != "resize":  # factors that divide the side shift no grid
        assert moved == sorted(moved)


@pytest.mark.parametrize("name", OF_PICTURES)
@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (32, 32)])
def test_any_size_goes_through_and_nothing_is_changed_in_place(name, shape, rng):
    picture = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    before = picture.copy()
    picture.setflags(write=False)
    for severity in SEVERITIES:
        found = corrupt(name, picture, severity)
        assert (found.dtype, found.shape) == (np.uint8, picture.shape)
    np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize("name", OF_PICTURES)
def test_the_same_seed_gives_the_same_picture(name, image):
    first, again, other = (corrupt(name, image, 5, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any() == (name in ("noise", "occlusion"))


@pytest.mark.parametrize("name", ["blur", "resize", "swirl"])
def test_lengths_go_with_the_side_so_that_sizes_behave_alike(name, rng):
    """A smooth picture at 32 and at 128 px loses a like share of its contrast."""
    small = np.asarray(Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((32, 32)))
    large = np.asarray(Image.fromarray(small).resize((128, 128), Image.Resampling.BICUBIC))
    moved = [
        np.abs(corrupt(name, picture, 4).astype(float) - picture).mean() / picture.std() for picture in (small, large)
    ]
    if name == "resize":
        assert moved[1] < moved[0]  # a factor is a factor: the larger picture has more to spare
    else:
        assert moved[0] == pytest.approx(moved[1], rel=0.25)


def test_labels_say_the_strength_in_the_unit_of_the_picture():
    assert CORRUPTIONS["blur"].label(3, 32) == "blur 1 px"
    assert CORRUPTIONS["blur"].label(3) == "blur 3.12% of the side"
    assert CORRUPTIONS["jpeg"].label(2, 32) == "JPEG 75"
    assert CORRUPTIONS["dropped-modes"].label(3) == "30% of modes dropped"
    labels = [one.label(severity, 64) for one in CORRUPTIONS.values() for severity in SEVERITIES]
    assert len(set(labels)) == len(labels) == 5 * len(CORRUPTIONS)


# ------------------------------------------------------------------------------------------------ of sets


MODES = np.repeat(np.arange(10), [5, 10, 15, 20, 25, 5, 10, 15, 20, 25])


def test_dropped_modes_are_gone_wholly_and_the_others_stay_wholly():
    kept = [set(drop_modes(MODES, share, generator(3))) for share in (0.1, 0.3, 0.8)]
    for share, places in zip((1, 3, 8), kept, strict=True):
        modes = set(MODES[sorted(places)])
        assert len(modes) == 10 - share
        assert places == set(np.flatnonzero(np.isin(MODES, list(modes))))
    assert kept[0] > kept[1] > kept[2]
    assert len(set(MODES[drop_modes(MODES, 0.001, generator(3))])) == 9
    assert len(set(MODES[drop_modes(MODES % 2, 0.99, generator(3))] % 2)) == 1


def test_a_duplicated_mode_takes_its_share_of_places():
    few, many = (duplicate_mode(MODES, share, generator(3)) for share in (0.25, 0.5))
    assert len(few) == len(MODES)
    for chosen, share in ((few, 0.25), (many, 0.5)):
        replaced = chosen != np.arange(len(MODES))
        assert len(set(MODES[chosen[replaced]])) == 1
        assert replaced.sum() == pytest.approx(share * len(MODES), abs=0.06 * len(MODES))  # some replace themselves
    changed = few != np.arange(len(MODES))
    np.testing.assert_array_equal(few[changed], many[changed])


def test_mixed_labels_are_a_permutation_of_their_share():
    places = mix_labels(MODES, 0.5, generator(3))
    assert sorted(places) == list(range(len(MODES)))
    assert (places != np.arange(len(MODES))).mean() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("name", OF_SETS)
def test_choices_are_functions_of_the_seed(name):
    one = CORRUPTIONS[name]
    first, again, other = (one.choose(MODES, one.strengths[2], generator(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert list(first) != list(other)


def test_names_that_are_not_known_are_refused():
    assert [one.name for one in find_corruptions(["jpeg", "blur"])] == ["jpeg", "blur"]
    with pytest.raises(UnknownName, match="'blurr': no such corruption; expected one of blur, noise"):
        find_corruptions(["blurr"])
    with pytest.raises(BadInput, match="none named"):
        find_corruptions([])
