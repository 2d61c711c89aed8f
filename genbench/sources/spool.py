"""Images that cannot be had twice: kept in a temporary file, and the source for plain iterables."""

import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Blob, Entry
from genbench.errors import BadInput
from genbench.images.quantise import as_array, as_pixels, extremes, guess_range
from genbench.sources.memory import RANGE_NOTE
from genbench.usercode import user_code

LOOKED_AT = 64  # images from whose values the range is guessed
_END = object()
MOST_BYTES = 16 * 2**30  # taken from an iterable that may never end, when no count is given


class Spool:
    """A list of uint8 images of any size, in a temporary file that goes with the object; reads are thread-safe."""

    def __init__(self) -> None:
        file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  closed by finalize
        weakref.finalize(self, file.close)
        self._file = file
        self._places: list[tuple[int, tuple[int, ...]]] = []
        self.size = 0

    def __len__(self) -> int:
        return len(self._places)

    def add(self, image: NDArray[np.uint8]) -> None:
        """Append uint8 [h, w, c]."""
        data = image.tobytes()
        if self._file.write(data) != len(data):
            raise OSError(f"{tempfile.gettempdir()} is full")
        self._places.append((self.size, image.shape))
        self.size += len(data)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        start, shape = self._places[index]
        data = os.pread(self._file.fileno(), int(np.prod(shape)), start)
        return np.frombuffer(data, np.uint8).reshape(shape)


class IterableSource:
    """Images of an iterable, read once and kept; satisfies ``Source``.

    An item is an image or a batch (array, tensor, PIL image), or a list or tuple whose first element is one, as a
    data loader with labels gives. Floats get the stated range, or one guessed from the first 64 images.

    Args:
        items: iterable; or with ``__getitem__`` and ``__len__`` alone.
        name: as the user wrote it.
        value_range: of floats; None: guessed and noted.
        folder: importable while the user's code runs.
    """

    kind, seeded = "python", False

    def __init__(
        self, items: Any, name: str, value_range: tuple[float, float] | None = None, folder: str | None = None
    ) -> None:
        self.name = name
        self.is_endless = not hasattr(items, "__len__")  # its end is not known: without a count, as the other side
        self.notes = ["images of a plain iterable: they are as it gave them, not a function of the seed"]
        self._range, self._folder = value_range, folder
        self._spool = Spool()
        self._are_single: bool | None = None  # items of three axes; the first tells
        self._who = f"source {name!r}"
        with user_code(self._who, folder):
            iterator = iter(items) if hasattr(items, "__iter__") else (items[i] for i in range(len(items)))
        self._images = self._quantised(self._singles(iterator))
        if not self._fill(1):
            raise BadInput(f"{self._who}: no images; expected at least 1, got an empty iterable. Was it used before?")

    def entries(self, count: int | None = None) -> list[Entry]:
        """Return the first ``count`` images, or all there are if they are fewer or no count is given.

        Raises:
            BadInput: if without a count 16 GiB did not reach the end.
        """
        self._fill(count)
        there = len(self._spool) if count is None else min(count, len(self._spool))
        return [Entry(index, f"{index:06d}") for index in range(there)]

    def read(self, entries: Sequence[Entry]) -> Iterator[Blob]:
        """Yield uint8 [h, w, c], one by one."""
        for entry in entries:
            self._fill(entry.index + 1)
            yield self._spool[entry.index]

    def _fill(self, count: int | None) -> int:
        while count is None or len(self._spool) < count:
            image = next(self._images, None)
            if image is None:
                break
            self._spool.add(image)
            if count is None and self._spool.size > MOST_BYTES:
                raise BadInput(
                    f"{self._who}: no end in sight; expected a finite iterable or a count, got {len(self._spool)} "
                    f"images of {MOST_BYTES / 2**30:.0f} GiB and more to come. Give --count N."
                )
        return len(self._spool)

    def _singles(self, iterator: Iterator[Any]) -> Iterator[NDArray[Any]]:
        """Yield batches as [1, ...] arrays of one image each."""
        while True:
            with user_code(self._who, self._folder):
                item = next(iterator, _END)
            if item is _END:
                return
            batch = self._batch(item)
            yield from (batch[index : index + 1] for index in range(len(batch)))

    def _batch(self, item: Any) -> NDArray[Any]:
        """Return one item as a batch [n, h, w] or [n, ., ., .]."""
        if isinstance(item, list | tuple):
            if not item or any(_is_pictorial(other) for other in item[1:]):
                raise BadInput(
                    f"{self._who}: unclear item; expected an image, a batch, or (images, labels), got a "
                    f"{type(item).__name__} of {len(item)} things. Yield arrays [n, h, w, 3] or single images."
                )
            item = item[0]
        if not _is_pictorial(item):
            raise BadInput(
                f"{self._who}: not an image; expected items that are arrays, tensors or PIL images, got "
                f"{_describe(item)}. Yield the images alone."
            )
        array = as_array(item)
        if array.ndim == 3 and self._are_single is None:  # [60, 28, 28] is a batch, and so is [3, 28, 28] after it
            self._are_single = array.shape[0] in (1, 3) or array.shape[2] in (1, 3, 4)
        return array[None] if array.ndim == 2 or (array.ndim == 3 and self._are_single) else array

    def _quantised(self, singles: Iterable[NDArray[Any]]) -> Iterator[NDArray[np.uint8]]:
        singles = iter(singles)
        first = list(islice(singles, LOOKED_AT))
        floats = [image for image in first if image.dtype != np.uint8]
        if floats and self._range is None:
            lows, highs = zip(*map(extremes, floats), strict=True)
            self._range = guess_range(float(np.min(lows)), float(np.max(highs)), self._who)
            self.notes.append(RANGE_NOTE.format(*self._range))
        for part in (first, singles):
            for image in part:
                yield as_pixels(image, self._range or (0.0, 1.0), self._who)[0]


def _is_pictorial(thing: Any) -> bool:
    """Whether it is a PIL image, or an array or tensor of two or more axes."""
    return getattr(thing, "ndim", 0) >= 2 or (hasattr(thing, "convert") and hasattr(thing, "getbands"))


def _describe(thing: Any) -> str:
    shape = getattr(thing, "shape", None)
    return type(thing).__name__ + ("" if shape is None else f" {list(shape)}")
