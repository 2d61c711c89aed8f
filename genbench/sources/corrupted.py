"""A source whose pictures are another's, corrupted as they are read."""

from collections.abc import Iterator, Sequence

import numpy as np
import PIL
from numpy.typing import NDArray

from genbench.contracts import Blob, Entry, Source
from genbench.images.corruptions import VERSION, Corruption
from genbench.images.decode import decode
from genbench.seeds import generator


class CorruptedSource:
    """Some pictures of a source under one corruption; satisfies ``Source``. They are read and corrupted one by one.

    What is random in a picture depends on (seed, corruption, name of the picture) alone: not on the severity, so that a
    stronger noise is the same noise, and not on the other pictures.

    Args:
        base: where the pictures are.
        chosen: entries of it.
        corruption: what happens to them.
        severity: 1 to 5.
        seed: of what is random.

    Attributes:
        labels: class of each picture, int64 [n]; None where the base knows none.
        classes: their names, () where it has none.
    """

    kind, is_endless = "corrupted", False

    def __init__(self, base: Source, chosen: Sequence[Entry], corruption: Corruption, severity: int, seed: int) -> None:
        self._base, self._chosen, self._corruption, self._seed = base, list(chosen), corruption, seed
        self._strength = corruption.strengths[severity - 1]
        self.name, self.seeded, self.notes = f"{base.name}, {corruption.label(severity)}", base.seeded, list[str]()
        labels: NDArray[np.int64] | None = getattr(base, "labels", None)
        self.labels = None if labels is None else np.asarray(labels, np.int64)[[entry.index for entry in chosen]]
        self.classes: tuple[str, ...] = tuple(getattr(base, "classes", ()))

    def entries(self, count: int | None = None) -> list[Entry]:
        """Return the pictures under their names in the base; ``count`` does not matter."""
        made = f"{self._corruption.name} v{VERSION}|{self._strength:g}|{self._seed}|{PIL.__version__}|{np.__version__}"
        return [
            Entry(i, entry.name, entry.stamp and f"{entry.stamp}|{entry.name}|{made}")
            for i, entry in enumerate(self._chosen)
        ]

    def read(self, entries: Sequence[Entry]) -> Iterator[Blob]:
        """Yield uint8 [h, w, 3], one by one."""
        blobs = self._base.read([self._chosen[entry.index] for entry in entries])
        for entry, blob in zip(entries, blobs, strict=True):
            rng = generator(self._seed, "corruption", self._corruption.name, entry.name)
            yield self._corruption.apply(decode(blob), self._strength, rng)
