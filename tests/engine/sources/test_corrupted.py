"""A corrupted source: its own names, stamps and labels, and pictures that hang on (seed, name) alone."""

import numpy as np
import pytest

from genbench.images.corruptions import CORRUPTIONS
from genbench.seeds import generator
from genbench.sources.corrupted import CorruptedSource
from genbench.sources.memory import ArraySource


@pytest.fixture
def base(rng):
    pictures = rng.integers(0, 256, (12, 9, 9, 3), dtype=np.uint8)
    return ArraySource(pictures, "base", stamp="made", labels=np.arange(12) % 3)


def corrupted(base, places, name="noise", severity=3, seed=0):
    entries = base.entries()
    return CorruptedSource(base, [entries[i] for i in places], CORRUPTIONS[name], severity, seed)


def test_pictures_are_those_of_the_base_corrupted(base):
    source = corrupted(base, [2, 7, 5], "jpeg")
    clean = list(base.read([base.entries()[i] for i in (2, 7, 5)]))
    expected = [CORRUPTIONS["jpeg"].apply(picture, 50, generator(0)) for picture in clean]
    np.testing.assert_array_equal(list(source.read(source.entries())), expected)
    assert [entry.name for entry in source.entries()] == ["000002", "000007", "000005"]
    assert source.labels.tolist() == [2, 1, 2]
    assert source.name == "base, JPEG 50"


def test_what_is_random_hangs_on_seed_and_name_and_on_nothing_else(base):
    whole, some, other = corrupted(base, range(12)), corrupted(base, [7, 2]), corrupted(base, range(12), seed=1)
    pictures = list(whole.read(whole.entries()))
    np.testing.assert_array_equal(list(some.read(some.entries())), [pictures[7], pictures[2]])
    np.testing.assert_array_equal(next(whole.read(whole.entries()[4:])), pictures[4])
    assert (next(other.read(other.entries())) != pictures[0]).any()


def test_no_two_pictures_get_the_same_noise():
    grey = ArraySource(np.full((2, 9, 9, 3), 128, np.uint8), "grey")
    source = corrupted(grey, [0, 1])
    one, other = source.read(source.entries())
    assert (one != other).any()


def test_a_stronger_noise_is_the_same_noise():
    grey = ArraySource(np.full((1, 30, 30, 3), 128, np.uint8), "grey")
    weak, strong = (corrupted(grey, [0], "noise", severity) for severity in (3, 4))
    one, other = (next(source.read(source.entries())).astype(float) - 128 for source in (weak, strong))
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.99
    assert other.std() == pytest.approx(2 * one.std(), rel=0.05)


def test_stamps_tell_all_that_changes_a_picture(base):
    stamps = {
        corrupted(base, [2, 3], *options).entries()[0].stamp
        for options in (("noise", 3), ("noise", 4), ("blur", 3), ("noise", 3, 1))
    }
    assert len(stamps) == 4
    assert corrupted(base, [1, 2]).entries()[1].stamp == corrupted(base, [2]).entries()[0].stamp
    assert corrupted(ArraySource(np.zeros((2, 4, 4, 3), np.uint8), "loose"), [0]).entries()[0].stamp is None
