"""Room for tables of features: in memory while they are small, else in a temporary file that is mapped into memory.

Pages of a mapped file are the system's to take back, so what a program must hold does not grow with the table.
"""

import os
import tempfile

import numpy as np
from numpy.typing import NDArray

from genbench.errors import BadInput

IN_MEMORY = 16 * 2**20  # bytes of a table that is not worth a file
TAKEN_AT_ONCE = 1024  # rows


def empty_rows(count: int, width: int) -> NDArray[np.float32]:
    """Return float32 [count, width] to be filled.

    A file lies in the folder for temporary files (TMPDIR), without a name: it goes with the array, or the process.

    Raises:
        BadInput: if that folder has no room for it.
    """
    size = 4 * count * width
    if size <= IN_MEMORY:
        return np.empty((count, width), np.float32)
    try:
        with tempfile.TemporaryFile() as file:
            if hasattr(os, "posix_fallocate"):  # a disk that fills up later would kill the process
                os.posix_fallocate(file.fileno(), 0, size)
            return np.asarray(np.memmap(file, np.float32, "w+", shape=(count, width)))
    except OSError as error:
        raise BadInput(
            f"features: no room for {count} rows in {tempfile.gettempdir()}; expected {size / 2**20:.0f} MiB free, got "
            f"{error}. Set TMPDIR to another folder."
        ) from error


def take_rows(table: NDArray[np.floating], chosen: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return chosen rows of a table, copied a part at a time.

    Args:
        table: [n, width].
        chosen: rows, integers [k], in the order wanted.

    Returns:
        float32 [k, width], where ``empty_rows`` keeps such a table.
    """
    taken = empty_rows(len(chosen), table.shape[1])
    for start in range(0, len(chosen), TAKEN_AT_ONCE):
        part = slice(start, start + TAKEN_AT_ONCE)
        taken[part] = table[chosen[part]]
    return taken
