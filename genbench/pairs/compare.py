"""The loop: pairs of images that the store does not know go through a measure, in batches, and into the store."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Blob, Measure, Pixels, Watch
from genbench.errors import BadInput, UnreadableImages
from genbench.features.extract import Tally, extractor_key
from genbench.features.store import Store
from genbench.features.survey import Survey
from genbench.images.check import digest
from genbench.images.decode import decode
from genbench.pairs.matching import Places
from genbench.scratch import empty_rows

LAYER = "pairs"

Couple = tuple[str, Pixels, Pixels]


class Compared(NamedTuple):
    """What a measure says of pairs of images, as a ``stats.pair.Pair`` holds it.

    Attributes:
        measured: the numbers, float32 [p].
        partners: positions of the second images in their set, int [p].
        sizes: (width, height) of the images of each pair.
    """

    measured: NDArray[np.float32]
    partners: NDArray[np.intp]
    sizes: Sequence[tuple[int, int]]


def compare(
    first: Survey,
    second: Survey,
    places: Places,
    measure: Measure,
    store: Store,
    watch: Watch,
    *,
    batch_size: int | None = None,
) -> tuple[Tally, Compared]:
    """Return what ``measure`` says of every pair; numbers that are kept are not computed again.

    Args:
        first: images of which the first of each pair is one; all digests known.
        second: likewise; may be ``first``.
        places: positions in either.
        measure: compares.
        store: keeps the results, by both pictures.
        watch: told of pairs done.
        batch_size: pairs a call; a number does not depend on it.

    Raises:
        BadInput: if the images of a pair differ in size, or are too small for the measure.
        UnreadableImages: if one cannot be decoded after all.
    """
    check_sizes(first, second, places, measure)
    key = extractor_key(measure)
    store.describe(key, measure.facts)
    names = [_name(first.digests[i], second.digests[j]) for i, j in places]
    missing = set(store.missing(key, [LAYER], names))
    todo = {name: place for name, place in zip(names, places, strict=True) if name in missing}
    watch.start(f"{measure.name}: {first.source.name}", len(todo))
    couples = _read(first, second, todo)
    while part := list(islice(couples, batch_size or measure.batch_size)):
        for _, group in groupby(part, key=lambda couple: couple[1].shape):
            same = list(group)
            found = measure(_floats([one for _, one, _ in same]), _floats([other for _, _, other in same]))
            store.put(key, {name: {LAYER: found[i : i + 1]} for i, (name, _, _) in enumerate(same)})
        watch.advance(len(part))
    watch.finish()
    partners = np.array([j for _, j in places], np.intp)
    sizes = [size for i, _ in places if (size := _size(first, i)) is not None]
    return Tally(len(todo), len(places) - len(todo)), Compared(store.get(key, LAYER, names)[:, 0], partners, sizes)


def check_sizes(first: Survey, second: Survey, places: Places, measure: Measure) -> None:
    """Raise ``BadInput`` for a pair whose images differ in size, or are too small for ``measure``.

    Pairs with an image that is not drawn yet, so that nothing is known of it, are passed over.
    """
    fewest = getattr(measure, "fewest_px", 1)
    for i, j in places:
        one, other = _size(first, i), _size(second, j)
        names = f"{first.entries[i].name!r} and {second.entries[j].name!r}"
        if one and other and one != other:
            raise BadInput(
                f"{measure.name}: images {names} differ in size; expected one size, got {one[0]}x{one[1]} and "
                f"{other[0]}x{other[1]}. Resize one of them."
            )
        if one and min(one) < fewest:
            raise BadInput(
                f"{measure.name}: image {first.entries[i].name!r} is too small; expected {fewest} pixels or more a "
                f"side, got {one[0]}x{one[1]}. Leave out the metrics that need it."
            )


def _size(part: Survey, place: int) -> tuple[int, int] | None:
    facts = part.facts[place]
    return None if facts is None else (facts.width, facts.height)


def _name(first: str | None, second: str | None) -> str:
    return hashlib.sha256(f"{first} {second}".encode()).hexdigest()


def _read(first: Survey, second: Survey, todo: dict[str, tuple[int, int]]) -> Iterator[Couple]:
    if first is second:
        yield from _read_once(first, todo)
        return
    ones = first.source.read([first.entries[i] for i, _ in todo.values()])
    others = second.source.read([second.entries[j] for _, j in todo.values()])
    for (name, (i, j)), one, other in zip(todo.items(), ones, others, strict=True):
        yield name, _decode(first, i, one), _decode(second, j, other)


def _read_once(part: Survey, todo: dict[str, tuple[int, int]]) -> Iterator[Couple]:
    """Yield the pairs of a round, whose images are all of one size: each is read once, in the order of the source.

    A generator draws many images to give one, so that it must not be asked for them in another order.
    """
    chosen = sorted({place for pair in todo.values() for place in pair})
    rows = {place: row for row, place in enumerate(chosen)}
    table, shape = np.empty((0, 0), np.uint8), (0, 0, 0)
    blobs = part.source.read([part.entries[place] for place in chosen])
    for row, (place, blob) in enumerate(zip(chosen, blobs, strict=True)):
        pixels = _decode(part, place, blob)
        if not row:
            shape = pixels.shape
            table = empty_rows(len(chosen), -(-pixels.size // 4)).view(np.uint8)
        table[row, : pixels.size] = pixels.ravel()
    for name, pair in todo.items():
        one, other = (table[rows[place], : math.prod(shape)].reshape(shape) for place in pair)
        yield name, one, other


def _decode(part: Survey, place: int, blob: Blob) -> Pixels:
    who = f"source {part.source.name!r}: {part.entries[place].name}"
    if digest(blob) != part.digests[place]:  # else the number would be kept under another picture's name
        raise UnreadableImages(f"{who}: changed while it was being read; run the same command again.")
    try:
        return decode(blob)
    except BadInput as problem:
        raise UnreadableImages(f"{who}: {problem}.") from problem


def _floats(images: Sequence[Pixels]) -> NDArray[np.float32]:
    return np.stack(images).astype(np.float32) / np.float32(255)
