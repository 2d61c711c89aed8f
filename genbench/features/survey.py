"""Preflight: what a source holds, before any network runs. Files seen before are not opened again."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np

from genbench.contracts import Blob, Entry, Facts, Features, Pixels, Source, Watch
from genbench.errors import BadInput, NotEnoughImages, UnreadableImages
from genbench.features.store import Store
from genbench.images.check import digest, inspect
from genbench.images.decode import decode
from genbench.seeds import derive

AT_ONCE = 256
SHOWN = 10


@dataclass
class Survey:
    """The chosen images of a source and what is known of them.

    Attributes:
        source: the source.
        entries: its chosen images, in order.
        digests: SHA-256 of each; None until it is drawn, for a generator.
        facts: of each; None likewise.
        skipped: names of unreadable images that were left out.
    """

    source: Source
    entries: list[Entry]
    digests: list[str | None]
    facts: list[Facts | None]
    skipped: list[str] = field(default_factory=list)

    def drop(self, problems: dict[int, str]) -> None:
        """Leave out the entries at the positions in ``problems``."""
        self.skipped += [self.entries[i].name for i in problems]
        kept = [i for i in range(len(self.entries)) if i not in problems]
        self.entries = [self.entries[i] for i in kept]
        self.digests = [self.digests[i] for i in kept]
        self.facts = [self.facts[i] for i in kept]

    def fingerprint(self) -> str:
        """Return the SHA-256 of all names and digests, in order."""
        lines = (f"{entry.name}\0{found}\n" for entry, found in zip(self.entries, self.digests, strict=True))
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()

    def class_fingerprint(self) -> str:
        """Return the SHA-256 of the classes of all images, in order, and of their names."""
        known = labelled(self.source, self.entries)
        labels = None if known.labels is None else known.labels.tolist()
        return hashlib.sha256(json.dumps([labels, known.classes]).encode()).hexdigest()

    def classes(self) -> dict[str, int]:
        """Return the number of images of each class, in order of classes; empty where the source knows none."""
        labels = getattr(self.source, "labels", None)
        if labels is None:
            return {}
        names = getattr(self.source, "classes", ())
        counted = Counter(int(labels[entry.index]) for entry in self.entries)
        return {names[label] if names else str(label): counted[label] for label in sorted(counted)}

    def describe(self) -> dict[str, Any]:
        """Return counts for the provenance: sizes, modes, conversions, what was skipped."""
        known = [facts for facts in self.facts if facts is not None]
        sizes = Counter(f"{facts.width}x{facts.height}" for facts in known)
        return {
            "name": self.source.name,
            "kind": self.source.kind,
            "count": len(self.entries),
            "fingerprint": self.fingerprint(),
            "sizes": dict(sizes.most_common(SHOWN)),
            "distinct_sizes": len(sizes),
            "classes": self.classes(),
            "modes": dict(Counter(facts.mode for facts in known).most_common()),
            "conversions": dict(Counter(name for facts in known for name in facts.conversions).most_common()),
            "distinct_images": len(set(self.digests)),
            "skipped": self.skipped[:SHOWN],
            "skipped_count": len(self.skipped),
            "seeded": self.source.seeded,
            "notes": list(self.source.notes),
        }


def labelled(source: Source, entries: Sequence[Entry]) -> Features:
    """Return the names of ``entries``, and their classes where the source knows them; no features."""
    labels = getattr(source, "labels", None)
    return Features(
        {},
        tuple(entry.name for entry in entries),
        None if labels is None else np.asarray(labels, np.int64)[[entry.index for entry in entries]],
        tuple(getattr(source, "classes", ())),
    )


def choose(source: Source, count: int | None, seed: int) -> list[Entry]:
    """Return at most ``count`` images: the first of a generator, else those of smallest sha256(seed, name)."""
    entries = source.entries(count)
    if count is None or count >= len(entries):
        return entries
    lucky = sorted(entries, key=lambda entry: (derive(seed, "count", entry.name), entry.index))[:count]
    return sorted(lucky, key=lambda entry: entry.index)


def survey(source: Source, entries: list[Entry], store: Store, watch: Watch, *, verify: bool = False) -> Survey:
    """Hash and check every image that has a stamp and was not seen before.

    Args:
        source: where the images are.
        entries: the chosen ones.
        store: remembers what was seen, by stamp.
        watch: told of progress.
        verify: open all files again, whatever the store remembers.
    """
    if not entries:
        raise NotEnoughImages(f"source {source.name!r}: no images; expected at least 1, got 0.")
    stamps = [entry.stamp for entry in entries if entry.stamp is not None]
    seen = {} if verify else store.recall(stamps)
    fresh = [entry for entry in entries if entry.stamp is not None and entry.stamp not in seen]
    watch.start(f"check {source.name}", len(fresh))
    readers = ThreadPoolExecutor(max_workers=4)
    blobs = zip(fresh, _read_each(source, fresh), strict=True)
    with readers:
        while part := list(islice(blobs, AT_ONCE)):
            results = list(readers.map(_look, (blob for _, blob in part)))
            found = {entry.stamp: result for (entry, _), result in zip(part, results, strict=True) if entry.stamp}
            store.remember({stamp: result for stamp, result in found.items() if result[1].problem is None})
            seen.update(found)
            watch.advance(len(part))
    watch.finish()
    known = [seen.get(entry.stamp) if entry.stamp else None for entry in entries]
    return Survey(
        source,
        entries,
        [None if result is None else result[0] for result in known],
        [None if result is None else result[1] for result in known],
    )


def refuse_unreadable(parts: Sequence[Survey], *, skip: bool) -> None:
    """Raise ``UnreadableImages`` that names them, or, if ``skip``, leave them out of the surveys."""
    for part in parts:
        problems = {i: facts.problem for i, facts in enumerate(part.facts) if facts and facts.problem}
        leave_out(part, problems, skip=skip)


def leave_out(part: Survey, problems: dict[int, str], *, skip: bool) -> None:
    """Drop the images at the positions in ``problems`` from ``part`` if ``skip``, else raise with their names."""
    if problems and not skip:
        lines = [f"\n  {part.entries[i].name}: {why}" for i, why in list(problems.items())[:SHOWN]]
        more = f"\n  and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise UnreadableImages(
            f"source {part.source.name!r}: {len(problems)} of {len(part.entries)} images cannot be read; expected "
            f"complete image files. Remove or replace them, or leave them out with --skip-unreadable."
            + "".join(lines)
            + more
        )
    part.drop(problems)
    if not part.entries:
        raise NotEnoughImages(f"source {part.source.name!r}: no readable image; expected at least 1, got 0.")


def read_images(part: Survey) -> Iterator[Pixels]:
    """Yield the pictures of ``part`` in order, uint8 RGB [h, w, 3]."""
    yield from map(decode, part.source.read(part.entries))


def _look(blob: Blob | BadInput) -> tuple[str, Facts]:
    if isinstance(blob, BadInput):
        return "", Facts(problem=str(blob))
    facts = inspect(blob)
    return digest(blob), replace(facts)


def _read_each(source: Source, entries: Sequence[Entry]) -> Iterator[Blob | BadInput]:
    """Yield each blob, or the reason why that one cannot be read."""
    position = 0
    while position < len(entries):
        try:
            for blob in source.read(entries[position:]):
                yield blob
                position += 1
        except BadInput as problem:
            yield problem
            position += 1
