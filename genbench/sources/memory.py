"""Images that are already in memory, or mapped into it: shared by array files, data sets and Python objects."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Blob, Entry
from genbench.errors import BadInput
from genbench.images.quantise import as_pixels, channels_last, check_range, extremes, guess_range

AT_ONCE = 256
RANGE_NOTE = "no range given for its floats: taken as [{:g}, {:g}]"


class ArraySource:
    """One array of images; satisfies ``Source``. Image i is called "000017" by its index.

    Args:
        array: uint8 or float [n, h, w], [n, c, h, w] (c 1 or 3) or [n, h, w, c] (c 1, 3 or 4).
        name: as the user wrote it.
        kind: in the table of sources.
        stamp: changes whenever the pixels may have changed; None where only reading tells.
        value_range: of floats; None: guessed and noted.
        labels: class of each image, int64 [n], where known.
    """

    seeded, is_endless = True, False

    def __init__(
        self,
        array: NDArray[Any],
        name: str,
        kind: str = "arrays",
        *,
        stamp: str | None = None,
        value_range: tuple[float, float] | None = None,
        labels: NDArray[np.int64] | None = None,
    ) -> None:
        self.name, self.kind, self.labels, self._stamp = name, kind, labels, stamp
        self.notes: list[str] = []
        who = f"source {name!r}"
        if array.dtype != np.uint8 and array.dtype.kind != "f":
            raise BadInput(
                f"{who}: not pixels; expected uint8 with 0 to 255, or floats in [0, 1] or [-1, 1], got {array.dtype} "
                f"{list(array.shape)}. Convert it to uint8."
            )
        self._images = channels_last(array, who)
        if not self._images.size:
            raise BadInput(f"{who}: no images; expected at least 1, got {list(array.shape)}. Give another array.")
        self._range = (0.0, 1.0) if array.dtype == np.uint8 else self._settle_range(value_range, who)

    def entries(self, count: int | None = None) -> list[Entry]:
        """Return all images; ``count`` does not matter."""
        stamp = self._stamp
        return [Entry(i, f"{i:06d}", stamp and f"{stamp}|{i}") for i in range(len(self._images))]

    def read(self, entries: Sequence[Entry]) -> Iterator[Blob]:
        """Yield uint8 [h, w, c], one by one."""
        for entry in entries:
            image = self._images[entry.index : entry.index + 1]
            if image.dtype != np.uint8:
                image = as_pixels(image, self._range, f"image {entry.name!r} of {self.name!r}")
            yield np.ascontiguousarray(image[0])

    def _settle_range(self, stated: tuple[float, float] | None, who: str) -> tuple[float, float]:
        """Return the range of the floats, after a look at all of them; a guess is noted."""
        parts = [self._images[start : start + AT_ONCE] for start in range(0, len(self._images), AT_ONCE)]
        lows, highs = zip(*map(extremes, parts), strict=True)
        lowest, highest = float(np.min(lows)), float(np.max(highs))  # unlike min() these keep a NaN
        if stated is not None:
            check_range(lowest, highest, stated, who)
            return stated
        is_whole = 1 < highest <= 255 and lowest >= 0 and all(bool((part == np.floor(part)).all()) for part in parts)
        if is_whole:
            raise BadInput(
                f"{who}: whole numbers stored as floats; expected uint8, or floats in [0, 1] or [-1, 1], got "
                f"{self._images.dtype} from {lowest:g} to {highest:g}. Convert it to uint8: array.astype('uint8')."
            )
        guess = guess_range(lowest, highest, who)
        self.notes.append(RANGE_NOTE.format(*guess))
        return guess
