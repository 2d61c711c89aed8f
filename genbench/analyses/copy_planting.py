"""Copies of training pictures and blurred held-out ones, made and looked at as the pictures of a model are."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from genbench.analyses.copy_search import TRANSFORMS, Evidence, Looks, TrainingSet, look_at, pixel_views
from genbench.analyses.copy_traps import blurred
from genbench.contracts import Extractor, Pixels, Watch
from genbench.images.copies import Copy
from genbench.seeds import generator

AT_ONCE = 64  # pictures held
Integers = NDArray[np.int64]
Read = Callable[[str, Sequence[int]], list[Pixels]]


@dataclass(frozen=True, eq=False)
class Planted:
    """Held-out pictures, copies and blurred pictures in one row.

    Attributes:
        evidence: on all of them.
        rows: their features in one space, float32 [N, d].
        space: which.
        honest: places of the held-out pictures, [n].
        blurred: places of the same, blurred, [n].
        copies: kind -> places of its copies, [k].
        copied: training pictures that went into copies, ascending.
    """

    evidence: Evidence
    rows: NDArray[np.float32]
    space: str
    honest: Integers
    blurred: Integers
    copies: Mapping[str, Integers]
    copied: Integers


class Planter:
    """Makes pictures and looks at them.

    Args:
        training: to be searched.
        read: returns the pictures at some places of "train" or of "real".
        networks: extractor name -> extractor.
        watch: told of progress.
    """

    def __init__(self, training: TrainingSet, read: Read, networks: Mapping[str, Extractor], watch: Watch) -> None:
        self._training, self._read, self._networks, self._watch = training, read, networks, watch
        self._space = next(iter(networks), "pixels")

    def plant(
        self, honest: Looks, evidence: Evidence, places: Integers, kinds: Sequence[Copy], *, number: int, seed: int
    ) -> Planted:
        """Return the held-out pictures at ``places``, ``number`` copies of each kind, and the blurred pictures.

        ``evidence`` is that on all of ``honest``.

        All kinds copy the same training pictures, so that they can be compared; what else is random in copy i depends
        on (seed, kind, i) alone.
        """
        self._watch.start("planted pictures", number * len(kinds) + len(places))
        copied = generator(seed, "copied").permutation(self._training.looks.count)[:number]
        turns = np.arange(number)[:, None]
        looks = [honest.take(places)]
        for kind in kinds:
            sources = copied[(turns + np.arange(kind.sources)) % len(copied)]
            looks.append(self._look(self._copies(kind, sources, seed)))
        looks.append(self._look(map(blurred, self._pictures("real", places[:, None]))))
        self._watch.finish()
        ends = np.cumsum([one.count for one in looks])
        spans = [np.arange(end - one.count, end) for one, end in zip(looks, ends, strict=True)]
        return Planted(
            evidence=Evidence.join([evidence.take(places), *map(self._training.search, looks[1:])]),
            rows=np.concatenate([self.rows_of(one) for one in looks]),
            space=self._space,
            honest=spans[0],
            blurred=spans[-1],
            copies={kind.name: span for kind, span in zip(kinds, spans[1:-1], strict=True)},
            copied=np.sort(copied),
        )

    def rows_of(self, looks: Looks) -> NDArray[np.float32]:
        """Return the features of pictures in the one space, [n, d]."""
        if self._space in looks.features:
            return looks.features[self._space][0]
        return next(pixel_views(looks.pixels, (TRANSFORMS[0],)))

    def _copies(self, kind: Copy, sources: Integers, seed: int) -> Iterator[Pixels]:
        pictures = self._pictures("train", sources)
        for i in range(len(sources)):
            first, *others = islice(pictures, kind.sources)
            yield kind.apply(first, generator(seed, "copy", kind.name, i), others)

    def _pictures(self, side: str, places: Integers) -> Iterator[Pixels]:
        """Yield the pictures at ``places`` [n, k], row by row."""
        for start in range(0, len(places), AT_ONCE):
            yield from self._read(side, places[start : start + AT_ONCE].ravel().tolist())

    def _look(self, pictures: Iterator[Pixels]) -> Looks:
        """Look at pictures one by one, and let the networks see them and their mirror images."""
        seen: dict[str, list[list[NDArray[np.float32]]]] = {name: [[], []] for name in self._networks}

        def passing() -> Iterator[Pixels]:
            while chunk := list(islice(pictures, AT_ONCE)):
                mirrored = [np.ascontiguousarray(one[:, ::-1]) for one in chunk]
                for name, extractor in self._networks.items():
                    for column, shown in zip(seen[name], (chunk, mirrored), strict=True):
                        column.append(_pooled(extractor, shown))
                yield from chunk
                self._watch.advance(len(chunk))

        looks = look_at(passing())
        return replace(looks, features={name: [np.concatenate(part) for part in seen[name]] for name in seen})


def _pooled(extractor: Extractor, pictures: Sequence[Pixels]) -> NDArray[np.float32]:
    prepared = [extractor.prepare(one) for one in pictures]
    parts = [prepared[start : start + extractor.batch_size] for start in range(0, len(prepared), extractor.batch_size)]
    return np.concatenate([extractor(np.stack(part))["pooled"] for part in parts])
