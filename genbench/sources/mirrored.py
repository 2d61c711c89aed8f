"""A source whose pictures are another's, mirrored left to right as they are read."""

from collections.abc import Iterator, Sequence

import numpy as np

from genbench.contracts import Blob, Entry, Source
from genbench.images.decode import decode


class MirroredSource:
    """Some pictures of a source, mirrored; satisfies ``Source``. They are read and mirrored one by one.

    Args:
        base: where the pictures are.
        chosen: entries of it.
    """

    kind, is_endless = "mirrored", False

    def __init__(self, base: Source, chosen: Sequence[Entry]) -> None:
        self._base, self._chosen = base, list(chosen)
        self.name, self.seeded, self.notes = f"{base.name}, mirrored", base.seeded, list[str]()

    def entries(self, count: int | None = None) -> list[Entry]:
        """Return the pictures under their names in the base; ``count`` does not matter."""
        return [
            Entry(i, entry.name, entry.stamp and f"{entry.stamp}|{entry.name}|mirrored v1")
            for i, entry in enumerate(self._chosen)
        ]

    def read(self, entries: Sequence[Entry]) -> Iterator[Blob]:
        """Yield uint8 [h, w, 3], one by one."""
        for blob in self._base.read([self._chosen[entry.index] for entry in entries]):
            yield np.ascontiguousarray(decode(blob)[:, ::-1])
