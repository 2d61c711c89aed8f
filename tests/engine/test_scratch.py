"""Tables that are too large to hold: the same numbers, in a file that nobody has to clear away."""

import resource
import tempfile

import numpy as np
import pytest

from genbench.errors import BadInput
from genbench.scratch import IN_MEMORY, empty_rows, take_rows

WIDTH = 64
BEYOND = IN_MEMORY // (4 * WIDTH) + 1  # rows


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def is_mapped(rows):
    """Whether the array's memory is a mapped file's."""
    while isinstance(rows, np.ndarray):
        rows = rows.base
    return type(rows).__name__ == "mmap"


@pytest.mark.parametrize("count", [BEYOND - 1, BEYOND])
def test_rows_keep_what_is_written(folder, rng, count):
    rows, values = empty_rows(count, WIDTH), rng.normal(size=(count, WIDTH)).astype(np.float32)
    rows[:] = values
    assert (type(rows), rows.dtype, rows.shape) == (np.ndarray, np.float32, (count, WIDTH))
    np.testing.assert_array_equal(rows, values)
    assert is_mapped(rows) == is_mapped(rows[5:9]) == (count == BEYOND)


def test_a_file_has_no_name_that_could_stay_behind(folder):
    rows = empty_rows(BEYOND, WIDTH)
    assert list(folder.iterdir()) == []
    rows[-1] = 1
    assert rows[-1].sum() == WIDTH


def test_no_rows_need_no_file(folder):
    assert empty_rows(0, 7).shape == (0, 7)
    assert empty_rows(0, 0).shape == (0, 0)


def test_a_full_disk_is_said_before_anything_is_written(folder):
    """A limit on the size of files stands for the disk's."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (IN_MEMORY, limits[1]))
    try:
        with pytest.raises(BadInput, match=rf"no room for {BEYOND} rows in {folder}; expected 16 MiB free.*TMPDIR"):
            empty_rows(BEYOND, WIDTH)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_chosen_rows_come_in_the_order_asked_for(folder, rng, monkeypatch):
    monkeypatch.setattr("genbench.scratch.TAKEN_AT_ONCE", 7)
    table = rng.normal(size=(100, 3)).astype(np.float32)
    chosen = rng.integers(0, 100, 40)
    np.testing.assert_array_equal(take_rows(table, chosen), table[chosen])
    assert take_rows(table, chosen[:0]).shape == (0, 3)
    monkeypatch.setattr("genbench.scratch.IN_MEMORY", 0)
    assert is_mapped(take_rows(table, chosen))
