"""The scheme ``data:``: the zoo's data sets as images that can be scored."""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Blob, Entry, Source, SourceOptions
from genbench.errors import BadInput
from zoo.data import SPLITS, Examples, open_data
from zoo.data.voxels import project


def open_data_source(rest: str, options: SourceOptions) -> Source:
    """The zoo's data sets: data:shapes, data:digits32/test; train and test together unless one is named."""
    text, slash, split = rest.rpartition("/")
    text, split = (text, split) if slash and split in SPLITS else (rest, "all")
    return ExamplesSource(open_data(text, split), f"data:{rest}")


class ExamplesSource:
    """A split of a data set as uint8 RGB images; satisfies ``Source``. Image i is called "000017" by its row.

    Grey levels are scaled to 0..255, rounded half up; voxels are shown as their projections. Stamps hold a hash of all
    the images, so that features are recalled as long as the data are the same.

    Args:
        examples: images or voxels.
        name: as the user wrote it.

    Attributes:
        labels: class of each image, int64 [n], where known.
        classes: their names.
        is_native: the grey levels are those that were measured, not enlarged or drawn: a likelihood means something.
    """

    kind, seeded, is_endless = "data", True, False

    def __init__(self, examples: Examples, name: str) -> None:
        self.name, self.labels, self.classes = name, examples.labels, examples.classes
        self.is_native = examples.native
        self.notes: list[str] = []
        self._images = pictures(examples)
        self._stamp = hashlib.sha256(self._images.tobytes()).hexdigest()

    def entries(self, count: int | None = None) -> list[Entry]:
        """Return all images; ``count`` does not matter."""
        shape = "x".join(map(str, self._images.shape))
        return [Entry(row, f"{row:06d}", f"data|{shape}|{self._stamp}|{row}") for row in range(len(self._images))]

    def read(self, entries: Sequence[Entry]) -> Iterator[Blob]:
        """Yield uint8 RGB [h, w, 3], one by one."""
        for entry in entries:
            image = self._images[entry.index].transpose(1, 2, 0)
            yield np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))


def pictures(examples: Examples) -> NDArray[np.uint8]:
    """Return examples as pictures, uint8 [n, 1 or 3, h, w] of 0..255; points raise ``BadInput``."""
    if examples.levels is None:
        raise BadInput(
            f"source 'data:{examples.name}': it holds points, not images; expected a set of images, got "
            f"{examples.x.dtype} {list(examples.x.shape)}. Judge points with zoo.data.modes.mode_report."
        )
    if examples.x.ndim == 5:
        return project(examples.x)
    highest = examples.levels - 1
    scaled = (2 * 255 * np.arange(examples.levels) + highest) // (2 * highest)
    pixels: NDArray[np.uint8] = scaled.astype(np.uint8)[examples.x]
    return pixels
