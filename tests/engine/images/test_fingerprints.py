"""Fingerprints: the same for the same picture, near for a worse copy, far for another picture."""

import io
from itertools import pairwise

import numpy as np
from PIL import Image

from genbench.images.decode import decode
from genbench.images.fingerprints import bits_apart, difference_hash, is_blank, pixel_digest
from tests.reference.pictures import smooth_pictures


def saved(picture, form, **options):
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, form, **options)
    return decode(stream.getvalue())


def test_the_digest_is_of_the_pixels_not_of_the_file(rng):
    picture = smooth_pictures(rng, 1)[0]
    assert pixel_digest(saved(picture, "PNG")) == pixel_digest(saved(picture, "BMP")) == pixel_digest(picture)
    other = picture.copy()
    other[3, 3, 0] ^= 1
    assert pixel_digest(other) != pixel_digest(picture)
    assert pixel_digest(picture.reshape(16, 64, 3)) != pixel_digest(picture)


def test_the_difference_hash_is_its_definition(rng):
    picture = rng.integers(0, 256, (16, 18, 3), dtype=np.uint8)
    grey = np.asarray(Image.fromarray(picture).convert("L"), float).reshape(8, 2, 9, 2).mean(axis=(1, 3))
    text = "".join("1" if left < right else "0" for row in grey for left, right in pairwise(row))
    assert int(difference_hash(picture)) == int(text, 2)


def test_it_moves_little_with_quality_and_size_and_much_with_the_picture(rng):
    pictures = smooth_pictures(rng, 20, side=64)
    hashes = np.array([difference_hash(one) for one in pictures])
    worse = np.array([difference_hash(saved(one, "JPEG", quality=60)) for one in pictures])
    smaller = np.array([difference_hash(np.asarray(Image.fromarray(one).resize((40, 40)))) for one in pictures])
    assert bits_apart(hashes, worse).max() <= 4
    assert bits_apart(hashes, smaller).max() <= 6
    assert bits_apart(hashes, np.roll(hashes, 1)).min() > 12


def test_bits_are_counted():
    assert bits_apart(np.array([0, 7], np.uint64), np.array([0, 2**63], np.uint64)).tolist() == [0, 4]


def test_a_picture_of_one_colour_is_blank():
    picture = np.full((4, 5, 3), (9, 8, 7), np.uint8)
    assert is_blank(picture)
    picture[3, 4, 2] = 6
    assert not is_blank(picture)
