"""What is known of single pictures as copies of training pictures, in several spaces at once.

    training = TrainingSet(look_at(pictures, {"efficientnet-lite0": [rows]}))
    evidence = training.search(look_at(others, {"efficientnet-lite0": [rows, rows_of_the_mirrored]}))

The evidence on a picture is a function of that picture and of the training set alone, so it is found once and may then
be taken in any selection: ``evidence.take(rows)``. ``copy_verdict.judge`` calibrates it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Pixels
from genbench.errors import BadInput
from genbench.images.fingerprints import bits_apart, difference_hash, is_blank, pixel_digest
from genbench.images.resize import resize_pil
from genbench.scratch import empty_rows
from genbench.stats.closest import closest, local_nearness, nearness, spacing
from genbench.stats.distances import Points

SIDE_PX, MARGIN_PX = 32, 1  # pixels are compared at this size, without a margin that shifts may use up
NEIGHBOURS = 20  # training pictures whose mean distance is the unit of the nearest one's
FIELDS = 3  # a picture is cut into so many squared for the patch-wise maximum
SHIFTS = tuple(product((0, -1, 1), (0, -1, 1)))
TRANSFORMS = tuple((mirrored, *shift) for mirrored, shift in product((False, True), SHIFTS))
CORNERS = [(top, left) for top in (0, SIDE_PX // 2) for left in (0, SIDE_PX // 2)]
AT_ONCE = 1 << 22  # pairs of hashes compared at once
ROWS_AT_ONCE = 4096  # pictures as points of a space: 44 MB of pixels; what is held does not grow with their number

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Looks:
    """A set of pictures as the spaces see it.

    Attributes:
        pixels: the pictures at working size, uint8 [n, 32, 32, 3].
        digests: SHA-256 of the decoded pixels of each.
        hashes: difference hash of each and of its mirror image, uint64 [n, 2].
        is_blank: which are of one colour, bool [n].
        features: extractor -> float32 [n, d] of the pictures, and of their mirror images where they are queries.
        names: of the pictures in their source.
    """

    pixels: NDArray[np.uint8]
    digests: tuple[str, ...]
    hashes: NDArray[np.uint64]
    is_blank: NDArray[np.bool_]
    features: Mapping[str, Sequence[NDArray[np.float32]]] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Number of pictures."""
        return len(self.pixels)

    def take(self, rows: NDArray[np.integer] | slice) -> "Looks":
        """Return some of the pictures."""
        places = np.arange(self.count)[rows]
        return Looks(
            self.pixels[rows],
            tuple(self.digests[i] for i in places),
            self.hashes[rows],
            self.is_blank[rows],
            {name: [table[rows] for table in tables] for name, tables in self.features.items()},
            tuple(self.names[i] for i in places),
        )

    def parts(self) -> Iterator[tuple[int, "Looks"]]:
        """Yield the pictures a part at a time, with the number of each part's first."""
        for start in range(0, self.count, ROWS_AT_ONCE):
            yield start, self.take(slice(start, start + ROWS_AT_ONCE))


def look_at(
    pictures: Iterable[Pixels],
    features: Mapping[str, Sequence[NDArray[np.float32]]] | None = None,
    names: Sequence[str] | None = None,
) -> Looks:
    """Look at pictures, uint8 RGB [h, w, 3], one by one.

    Args:
        pictures: of any sizes.
        features: extractor -> [rows] or [rows, rows of the mirrored pictures], float32 [n, d].
        names: of the pictures; None: their numbers.

    Raises:
        BadInput: if there are no pictures, or more or fewer than rows of features.
    """
    small, digests, hashes, blank = bytearray(), [], [], []
    for picture in pictures:
        small += resize_pil(picture, SIDE_PX, "box").tobytes()
        digests.append(pixel_digest(picture))
        hashes.append([difference_hash(one) for one in (picture, np.ascontiguousarray(picture[:, ::-1]))])
        blank.append(is_blank(picture))
    found = dict(features or {})
    if not digests or any(len(rows) != len(digests) for tables in found.values() for rows in tables):
        counts = {name: [len(rows) for rows in tables] for name, tables in found.items()}
        raise BadInput(
            "memorization: no pictures, or other numbers of features; expected as many, got "
            f"{len(digests)} pictures and {counts}."
        )
    labels = tuple(names) if names is not None else tuple(map(str, range(len(digests))))
    pixels = np.frombuffer(small, np.uint8).reshape(-1, SIDE_PX, SIDE_PX, 3)
    return Looks(pixels, tuple(digests), np.array(hashes, np.uint64), np.array(blank), found, labels)


Views = Callable[[Looks], Iterator[NDArray[np.float32]]]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of n pictures, in S spaces: pixels, their quarters, networks.

    A picture put together from several has one near quarter at least; of the quarters the most alike one counts.

    Attributes:
        spaces: their names.
        names: of the pictures.
        nearest: nearest training picture in each space, int64 [n, S].
        distance: to it: Euclidean, of pixels the root mean square of differences in [0, 1]; float64 [n, S].
        calibrated: that over the mean distance to the 20 nearest, [n, S].
        local: that over the mean distance of the nearest to its own 20 nearest training pictures, [n, S].
        transform: row of ``TRANSFORMS`` that brings the picture nearest, int64 [n, S].
        patch_max: of 9 fields of the pixels the largest distance to the nearest in pixels, [n].
        hash_bits: smallest number of bits by which the difference hash differs from a training picture's, int64 [n].
        twin: a training picture of the same pixels, int64 [n]; -1: none, or the picture is of one colour.
    """

    spaces: tuple[str, ...]
    names: tuple[str, ...]
    nearest: Integers
    distance: Floats
    calibrated: Floats
    local: Floats
    transform: Integers
    patch_max: Floats
    hash_bits: Integers
    twin: Integers

    @property
    def count(self) -> int:
        """Number of pictures."""
        return len(self.twin)

    @property
    def scores(self) -> Floats:
        """One column a detector, small where suspicious, [n, 2 S]: calibrated distances, then local ones."""
        return np.hstack([self.calibrated, self.local])

    def take(self, rows: NDArray[Any]) -> "Evidence":
        """Return the evidence on some pictures; one may come again."""
        chosen = np.arange(self.count)[rows]
        tables = {one.name: getattr(self, one.name) for one in fields(self)}
        taken = {name: table[chosen] for name, table in tables.items() if isinstance(table, np.ndarray)}
        return Evidence(**tables | taken | {"names": tuple(self.names[row] for row in chosen)})

    @staticmethod
    def join(parts: Sequence["Evidence"]) -> "Evidence":
        """Return the evidence on the pictures of all parts."""
        tables = {one.name: [getattr(part, one.name) for part in parts] for one in fields(Evidence)}
        joined: dict[str, Any] = {
            name: np.concatenate(rows) for name, rows in tables.items() if isinstance(rows[0], np.ndarray)
        }
        return replace(parts[0], **joined, names=tuple(name for part in parts for name in part.names))


class TrainingSet:
    """A training set made ready to be searched.

    Args:
        looks: of at least 22 pictures.
        neighbours: how many training pictures make the unit of distance.

    Attributes:
        spaces: "pixels", "quarters" and the extractors of ``looks.features``.
    """

    def __init__(self, looks: Looks, neighbours: int = NEIGHBOURS) -> None:
        if looks.count < neighbours + 2:
            raise BadInput(
                f"--train: too few pictures; expected at least {neighbours + 2}, got {looks.count}. Give all of them."
            )
        self.looks, self.neighbours = looks, neighbours
        self._parts = {
            "pixels": [self._part(lambda seen: pixel_views(seen.pixels))],
            "quarters": [self._part(partial(_quarter_views, corner)) for corner in CORNERS],
        }
        self._parts |= {name: [self._part(partial(_feature_views, name))] for name in looks.features}
        self.spaces = tuple(self._parts)

    def search(self, queries: Looks, *, is_self: bool = False) -> Evidence:
        """Search all training pictures for each of ``queries``; with ``is_self`` these are they, and each is left out.

        Features of the queries hold those of their mirror images too.
        """
        return Evidence.join([self._search(part, start if is_self else None) for start, part in queries.parts()])

    def _search(self, queries: Looks, own: int | None) -> Evidence:
        """Search for pictures that, unless ``own`` is None, are those of the training set from there on."""
        found = [self._find(parts, queries, own) for parts in self._parts.values()]
        nearest, distance, calibrated, local, view = (_columns(column) for column in zip(*found, strict=True))
        view[:, 1:] *= len(SHIFTS)  # in pixels views are the transforms, elsewhere the picture and its mirror image
        return Evidence(
            self.spaces,
            queries.names,
            nearest=nearest,
            distance=distance,
            calibrated=calibrated,
            local=local,
            transform=view,
            patch_max=self._patch_max(queries, nearest[:, 0], view[:, 0]),
            hash_bits=self._hash_bits(queries, own),
            twin=self._twins(queries, own),
        )

    def _part(self, views: Views) -> "_Part":
        width = next(iter(views(self.looks.take(slice(1))))).shape[1]
        rows = empty_rows(self.looks.count, width)
        for start, part in self.looks.parts():
            rows[start : start + part.count] = next(iter(views(part)))
        points = Points.of(rows, np.zeros(len(rows), np.int64), "train")
        return _Part(points, spacing(points, self.neighbours), views)

    def _find(self, parts: Sequence["_Part"], queries: Looks, own: int | None) -> tuple[NDArray[Any], ...]:
        """Return nearest, distance, calibrated, local and view of each query, by the part of it that is most alike."""
        found = [closest(one.views(queries), one.points, self.neighbours, own=own) for one in parts]
        calibrated = _columns(map(nearness, found))
        local = _columns(local_nearness(one, part.spacing) for one, part in zip(found, parts, strict=True))
        chosen = np.arange(queries.count), calibrated.argmin(axis=1)
        firsts = ([table[:, 0] for table in (one.index, one.distance, one.view)] for one in found)
        nearest, distance, view = (_columns(column)[chosen] for column in zip(*firsts, strict=True))
        return nearest, distance, calibrated[chosen], local.min(axis=1), view

    def _twins(self, queries: Looks, own: int | None) -> Integers:
        last = {found: row for row, found in enumerate(self.looks.digests)}
        first = {found: row for row, found in reversed(list(enumerate(self.looks.digests)))}
        rows = np.array([first.get(found, -1) for found in queries.digests], np.int64)
        if own is not None:  # equal ones come at least twice, so the last is another than the first
            others = np.array([last[found] for found in queries.digests], np.int64)
            rows = np.where(rows < own + np.arange(queries.count), rows, np.where(others > rows, others, -1))
        return np.where(queries.is_blank, -1, rows)

    def _hash_bits(self, queries: Looks, own: int | None) -> Integers:
        train = self.looks.hashes[:, 0]
        bits = np.empty(queries.count, np.int64)
        step = max(1, AT_ONCE // len(train))
        for start in range(0, queries.count, step):
            part = queries.hashes[start : start + step]
            apart = np.minimum(*(bits_apart(part[:, side, None], train) for side in (0, 1)))
            if own is not None:
                apart[np.arange(len(part)), own + start + np.arange(len(part))] = 64
            bits[start : start + step] = apart.min(axis=1)
        return bits

    def _patch_max(self, queries: Looks, nearest: Integers, transform: Integers) -> Floats:
        """Return the largest root mean square difference of 9 fields to the nearest in pixels, as it was looked at."""
        largest = np.empty(queries.count)
        train = self._parts["pixels"][0].points.features
        side = (SIDE_PX - 2 * MARGIN_PX) // FIELDS
        for number in np.unique(transform):
            rows = np.flatnonzero(transform == number)
            mine = next(pixel_views(queries.pixels[rows], (TRANSFORMS[number],)))
            gap = mine.astype(np.float64) - train[nearest[rows]]
            parts = np.square(gap).reshape(len(rows), FIELDS, side, FIELDS, side, 3).sum(axis=(2, 4, 5))
            largest[rows] = np.sqrt(parts.max(axis=(1, 2)) * FIELDS**2)  # a field's mean, not its share of the whole
        return largest


@dataclass(frozen=True, eq=False)
class _Part:
    """One part of a space: training pictures as points, their spacing, and how pictures become points of it."""

    points: Points
    spacing: Floats
    views: Views


def pixel_views(
    pixels: NDArray[np.uint8], transforms: Sequence[tuple[bool, int, int]] = TRANSFORMS
) -> Iterator[NDArray[np.float32]]:
    """Yield the inner 30 x 30 pixels under each transform, float32 [n, 2700], scaled so that distances are RMS.

    The margin of one pixel makes a shifted picture the same inside, whatever came in at its edge.
    """
    inner = SIDE_PX - 2 * MARGIN_PX
    for is_mirrored, down, right in transforms:
        shown = pixels[:, :, ::-1] if is_mirrored else pixels
        rows, columns = (slice(MARGIN_PX + step, MARGIN_PX + step + inner) for step in (down, right))
        yield _flat(shown[:, rows, columns])


def _quarter_views(corner: tuple[int, int], looks: Looks) -> Iterator[NDArray[np.float32]]:
    """Yield one quarter of the pictures and of their mirror images, float32 [n, 768]."""
    rows, columns = (slice(start, start + SIDE_PX // 2) for start in corner)
    for shown in (looks.pixels, looks.pixels[:, :, ::-1]):
        yield _flat(shown[:, rows, columns])


def _feature_views(name: str, looks: Looks) -> Iterator[NDArray[np.float32]]:
    yield from looks.features[name]


def _flat(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return pictures as rows, scaled so that distances are root mean squares of differences in [0, 1]."""
    rows = pixels.reshape(len(pixels), -1)
    return rows.astype(np.float32) / np.float32(255 * np.sqrt(rows.shape[1]))


def _columns(columns: Iterable[NDArray[Any]]) -> NDArray[Any]:
    return np.stack(list(columns), axis=1)
