"""The loop: images that the store does not know go through the network, in batches, and into the store.

Decoding and resizing run in worker threads while the network runs. Every finished batch is kept at once, so a run that
is killed goes on where it was.
"""

import hashlib
import json
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Blob, Extractor, Features, Measure, Pixels, Watch
from genbench.errors import BadInput
from genbench.features.store import Store
from genbench.features.survey import Survey, labelled
from genbench.images.check import digest, inspect
from genbench.images.decode import decode
from genbench.images.quantise import quantise

DRAWN_AT_ONCE = 64
BATCHES_AHEAD = 4


@dataclass
class Tally:
    """What an extraction did.

    Attributes:
        computed: images that went through the network.
        recalled: images whose features were kept already.
    """

    computed: int = 0
    recalled: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        """Return both together."""
        return Tally(self.computed + other.computed, self.recalled + other.recalled)


def extractor_key(extractor: Extractor | Measure) -> str:
    """Return the SHA-256 of all that can change a feature or a number; they are kept under it."""
    return hashlib.sha256(json.dumps(dict(extractor.facts), sort_keys=True).encode()).hexdigest()


def extract(
    part: Survey,
    extractor: Extractor,
    store: Store,
    layers: Sequence[str],
    watch: Watch,
    *,
    batch_size: int | None = None,
) -> tuple[Tally, dict[int, str]]:
    """Make sure that the store holds the features of every image of ``part`` in ``layers``.

    Args:
        part: the images; digests and facts of drawn ones are filled in.
        extractor: what runs.
        store: keeps the result.
        layers: those to keep; an image that lacks one of them runs, again if need be. Without any nothing runs.
        watch: told of images done.
        batch_size: images a call; a score does not depend on it.

    Returns:
        (tally, problems): problems maps positions in ``part`` to why that image could not be decoded after all.
    """
    key = extractor_key(extractor)
    if layers:
        store.describe(key, extractor.facts)
    work = _Work(part, extractor, store, key, layers)
    watch.start(f"{extractor.name if layers else 'look at'}: {part.source.name}", len(part.entries))
    for batch in _batches(work, batch_size or extractor.batch_size):
        outputs = extractor(np.stack([image for _, image in batch]))
        rows = {found: {layer: outputs[layer][i] for layer in layers} for i, (found, _) in enumerate(batch)}
        store.put(key, rows)
        work.tally.computed += len(batch)
        watch.advance(len(batch) + work.take_skipped())
    watch.advance(work.take_skipped())
    watch.finish()
    work.tally.recalled = len(part.entries) - work.tally.computed - len(work.problems) if layers else 0
    return work.tally, {i: work.problems[found] for i, found in enumerate(part.digests) if found in work.problems}


def recall(part: Survey, extractor: Extractor, store: Store, layers: Sequence[str]) -> Features:
    """Return the kept features of ``part``, every layer in ``layers`` float32 [n, width]; large ones are mapped.

    Names come along, and classes where the source knows them.
    """
    key = extractor_key(extractor)
    digests = [found for found in part.digests if found is not None]
    return replace(
        labelled(part.source, part.entries), layers={layer: store.get(key, layer, digests) for layer in layers}
    )


def no_rows(extractor: Extractor) -> Features:
    """Return the features of a side of which only statistics are known: none."""
    return Features({layer: np.empty((0, width), np.float32) for layer, width in extractor.widths.items()})


def extract_drawn(extractor: Extractor, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the pooled features [n, d] of images that a metric has drawn, floats [n, h, w, 3] in [0, 1].

    They are rounded to 8 bits as those of a source are, and nothing is kept.
    """
    prepared = [extractor.prepare(picture) for picture in quantise(images, 0.0, 1.0)]
    parts = [prepared[start : start + extractor.batch_size] for start in range(0, len(prepared), extractor.batch_size)]
    return np.concatenate([extractor(np.stack(part))["pooled"] for part in parts])


class _Work:
    """Finds out, in order, which images of a survey still have to run."""

    def __init__(self, part: Survey, extractor: Extractor, store: Store, key: str, layers: Sequence[str]) -> None:
        self.part, self.extractor, self.store, self.key, self.layers = part, extractor, store, key, layers
        self.tally = Tally()
        self.problems: dict[str, str] = {}
        self._skipped = 0
        self._taken: set[str] = set()

    def todo(self) -> Iterator[tuple[str, Blob]]:
        """Yield (digest, blob) of every image without features, each once."""
        yield from self._todo_known()
        yield from self._todo_drawn()

    def take_skipped(self) -> int:
        """Return how many images needed no run since the last call."""
        count, self._skipped = self._skipped, 0
        return count

    def _missing(self, digests: Sequence[str]) -> set[str]:
        missing = set(self.store.missing(self.key, self.layers, digests)) - self._taken
        self._taken |= missing
        self._skipped += len(digests) - len(missing)
        return missing

    def _todo_known(self) -> Iterator[tuple[str, Blob]]:
        known = [(e, found) for e, found in zip(self.part.entries, self.part.digests, strict=True) if found is not None]
        missing = self._missing([found for _, found in known])
        first = {found: entry for entry, found in reversed(known) if found in missing}
        chosen = sorted(first.items(), key=lambda item: item[1].index)
        blobs = self.part.source.read([entry for _, entry in chosen])
        for (found, _), blob in zip(chosen, blobs, strict=True):
            yield found, blob

    def _todo_drawn(self) -> Iterator[tuple[str, Blob]]:
        positions = [i for i, found in enumerate(self.part.digests) if found is None]
        blobs = self.part.source.read([self.part.entries[i] for i in positions])
        pairs = zip(positions, blobs, strict=True)
        while group := list(islice(pairs, DRAWN_AT_ONCE)):
            for i, blob in group:
                self.part.digests[i], self.part.facts[i] = digest(blob), inspect(blob)
            by_digest = {str(self.part.digests[i]): blob for i, blob in reversed(group)}
            missing = self._missing([str(self.part.digests[i]) for i, _ in group])
            yield from ((found, blob) for found, blob in by_digest.items() if found in missing)


def _batches(work: _Work, size: int) -> Iterator[list[tuple[str, NDArray[Any]]]]:
    """Yield batches of (digest, prepared image), decoding a few batches ahead in threads."""
    todo = work.todo()
    waiting: deque[tuple[str, Future[NDArray[Any]]]] = deque()
    batch: list[tuple[str, NDArray[Any]]] = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as workers:
        while True:
            for found, blob in islice(todo, max(0, BATCHES_AHEAD * size - len(waiting))):
                waiting.append((found, workers.submit(_prepare, work.extractor, found, blob)))
            if not waiting:
                break
            found, future = waiting.popleft()
            try:
                batch.append((found, future.result()))
            except BadInput as problem:
                work.problems[found] = str(problem)
            if len(batch) == size:
                yield batch
                batch = []
    if batch:
        yield batch


def _prepare(extractor: Extractor, found: str, blob: Blob) -> NDArray[Any]:
    if digest(blob) != found:  # else its features would be kept under the digest of another picture
        raise BadInput("changed while it was being read; run the same command again")
    pixels: Pixels = decode(blob)
    return extractor.prepare(pixels)
