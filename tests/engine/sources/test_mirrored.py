"""A mirrored source: the pictures of the base, left to right, under stamps of their own."""

import numpy as np

from genbench.sources.memory import ArraySource
from genbench.sources.mirrored import MirroredSource


def test_pictures_are_those_of_the_base_mirrored(rng):
    pictures = rng.integers(0, 256, (6, 4, 5, 3), dtype=np.uint8)
    base = ArraySource(pictures, "base", stamp="made")
    source = MirroredSource(base, [base.entries()[i] for i in (4, 1)])
    np.testing.assert_array_equal(list(source.read(source.entries())), pictures[[4, 1], :, ::-1])
    assert [entry.name for entry in source.entries()] == ["000004", "000001"]
    stamps = {entry.stamp for entry in [*source.entries(), *base.entries()]}
    assert len(stamps) == 8


def test_pictures_without_a_stamp_have_none(rng):
    base = ArraySource(rng.integers(0, 256, (3, 4, 5, 3), dtype=np.uint8), "base")
    assert [entry.stamp for entry in MirroredSource(base, base.entries()).entries()] == [None] * 3
