"""The feature store: one SQLite file that remembers what networks said about pictures, so that none is run twice.

    files     stamp of a file -> digest of its bytes, Facts       an unchanged file is not opened again
    features  layer of an extractor, digest -> float32 vector     a known picture is not computed again
    scores    key -> JSON                                         a known score is not computed again

The engine goes ``missing`` -> compute -> ``put`` -> ``get``. Every row carries a CRC-32 of its key and content, checked
whenever the row is read. One that fails is deleted and named in ``Store.damaged``: ``missing`` asks for it again,
``get`` never returns it. Damage to the file as a whole is a ``CacheCorrupt``.

Several processes may use one store at once (WAL, short transactions). What a call has written survives ``kill -9`` of
the process. A ``Store`` belongs to the process and the thread that opened it (the main one); others open their own.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_dir

from genbench.contracts import Facts
from genbench.errors import BadInput, CacheCorrupt, UnknownName
from genbench.features import database
from genbench.scratch import empty_rows

FILE = "features.sqlite"
LOCK_S = 60.0
TOUCH_S = 3600.0  # "last used" is kept to the hour, so that reading seldom has to write
DAY_S = 86400.0

SCHEMA = database.Schema(
    version=1,
    statements=(
        "CREATE TABLE extractors (id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE,"
        " facts TEXT NOT NULL DEFAULT '{}', used REAL NOT NULL)",
        "CREATE TABLE layers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, width INTEGER NOT NULL,"
        " extractor INTEGER NOT NULL REFERENCES extractors ON DELETE CASCADE, UNIQUE (extractor, name))",
        "CREATE TABLE features (layer INTEGER NOT NULL REFERENCES layers ON DELETE CASCADE, digest BLOB NOT NULL,"
        " crc INTEGER NOT NULL, vector BLOB NOT NULL, UNIQUE (layer, digest))",
        "CREATE TABLE files (stamp BLOB NOT NULL UNIQUE, digest BLOB NOT NULL, facts TEXT NOT NULL,"
        " crc INTEGER NOT NULL)",
        "CREATE TABLE scores (key TEXT NOT NULL UNIQUE, extractor TEXT NOT NULL, text TEXT NOT NULL,"
        " crc INTEGER NOT NULL)",
    ),
    checked={"features": "layer, digest, vector", "files": "stamp, digest, facts", "scores": "key, extractor, text"},
)
FORGET_ORPHANS = (  # what belongs to no extractor that is left
    "DELETE FROM files WHERE digest NOT IN (SELECT digest FROM features)",
    "DELETE FROM scores WHERE extractor NOT IN (SELECT fingerprint FROM extractors)",
)


class Damaged(NamedTuple):
    """A row whose CRC was wrong; it has been deleted.

    Attributes:
        table: "features", "files" or "scores".
        key: hex digest of the image, stamp of the file, or key of the score.
        extractor: fingerprint, of features.
        layer: name of the layer, of features.
    """

    table: str
    key: str
    extractor: str = ""
    layer: str = ""

    def __str__(self) -> str:
        """Return "features of 3f2a... (layer pooled, extractor 81c0...)"."""
        return f"{self.table} of {self.key}" + (
            f" (layer {self.layer}, extractor {self.extractor})" if self.layer else ""
        )


class Verification(NamedTuple):
    """What ``Store.verify`` found: the number of rows checked, and those that were damaged."""

    checked: int
    damaged: tuple[Damaged, ...]


@dataclass(frozen=True)
class ExtractorInfo:
    """What the store holds of one extractor.

    Attributes:
        fingerprint: its key.
        facts: what ``describe`` was told: network, weights, resize ...
        images: images with features in any layer.
        bytes: size of the vectors.
        used: when they were last read or written, seconds since 1970, to the hour.
    """

    fingerprint: str
    facts: Mapping[str, str]
    images: int
    bytes: int
    used: float


@dataclass(frozen=True)
class StoreInfo:
    """What the store holds.

    Attributes:
        path: the file.
        bytes: its size on disk, journal included.
        extractors: sorted by fingerprint.
        files: files remembered.
        scores: scores kept.
    """

    path: Path
    bytes: int
    extractors: tuple[ExtractorInfo, ...]
    files: int
    scores: int


class _Layer(NamedTuple):
    id: int
    width: int


def default_cache() -> Path:
    """Return the directory of the store: $GENBENCH_CACHE, else the user's cache directory."""
    return Path(os.environ.get("GENBENCH_CACHE") or user_cache_dir("genbench")).expanduser()


def erase(directory: Path) -> int:
    """Delete the store in ``directory``, sound or broken, and return the bytes freed; ``cache prune --all``.

    Raises:
        GenbenchError: another process has it open.
        BadInput: it cannot be deleted.
    """
    return database.erase(Path(directory) / FILE)


class Store:
    """The files, features and scores known so far, in ``directory``/features.sqlite; a context manager.

    Args:
        directory: made where it does not exist.
        timeout_s: how long to wait for a store that another process has locked.

    Attributes:
        path: the file.
        damaged: rows found damaged since opening, for the caller to report.

    Raises:
        BadInput: the directory cannot be written.
        CacheCorrupt: the file is broken, or of another version or program; in any method.
        GenbenchError: the disk is full, or the store locked for more than ``timeout_s``; in any method.
    """

    def __init__(self, directory: Path, *, timeout_s: float = LOCK_S) -> None:
        self.path = Path(directory) / FILE
        self.damaged: list[Damaged] = []
        self._db = database.Database(self.path, SCHEMA, self._note_damage, timeout_s=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was written is in it already."""
        self._db.close()

    # ------------------------------------------------------------------------------------------------- what was seen

    def recall(self, stamps: Sequence[str]) -> dict[str, tuple[str, Facts]]:
        """Return stamp -> (hex digest, Facts) for those of ``stamps`` that are remembered, in the order given."""
        keys = {_encode(stamp): stamp for stamp in stamps}
        known: dict[str, tuple[str, Facts]] = {}
        for stamp, digest, text in self._db.sound_among("files", "stamp", list(keys)):
            facts = _facts(text)
            if facts is not None:
                known[keys[stamp]] = digest.hex(), facts
        return {stamp: known[stamp] for stamp in keys.values() if stamp in known}

    def remember(self, seen: Mapping[str, tuple[str, Facts]]) -> None:
        """Keep stamp -> (hex digest, Facts); a stamp that is known already gets the new values."""
        rows = [(_encode(stamp), _key(digest), json.dumps(asdict(facts))) for stamp, (digest, facts) in seen.items()]
        with self._db.transaction():
            self._db.insert("files", rows, replace=True)

    # ------------------------------------------------------------------------------------------------------ features

    def missing(self, extractor: str, layers: Sequence[str], digests: Sequence[str]) -> list[str]:
        """Return the images that have to be computed.

        Args:
            extractor: fingerprint.
            layers: the layers wanted; their vectors are read and checked, the damaged ones dropped.
            digests: hex SHA-256 of the images, duplicates allowed.

        Returns:
            The distinct digests, in order of first appearance, that lack a sound row for any of the layers.
        """
        wanted = {_key(digest): digest for digest in digests}
        lacking: set[bytes] = set()
        for layer in layers:
            rows = self._vectors(self._layer(extractor, layer), list(wanted))
            lacking |= wanted.keys() - {digest for digest, _ in rows}
        return [digest for key, digest in wanted.items() if key in lacking]

    def put(self, extractor: str, rows: Mapping[str, Mapping[str, NDArray[np.float32]]]) -> None:
        """Keep digest -> layer -> float32 [d], all or (after an error) none; a row that is there stays as it is.

        Raises:
            BadInput: a vector is not [d], or d is not the width of the layer.
        """
        with self._db.transaction():
            self._touch(extractor)
            layers: dict[str, _Layer] = {}
            packed = []
            for digest, name, vector in ((d, name, v) for d, vectors in rows.items() for name, v in vectors.items()):
                if name not in layers:
                    layers[name] = self._layer(extractor, name) or self._add_layer(extractor, name, np.size(vector))
                packed.append((layers[name].id, _key(digest), _pack(name, layers[name].width, vector)))
            self._db.insert("features", packed, replace=False)

    def get(self, extractor: str, layer: str, digests: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 [n, d], row i for ``digests[i]``; duplicates allowed; many rows are mapped from a file.

        Raises:
            CacheCorrupt: a row is absent or damaged (``missing`` was not asked before, another process has pruned,
                the disk rots), or the vectors of the layer differ in width.
        """
        known = self._layer(extractor, layer)
        table = empty_rows(len(digests), known.width if known else 0)
        places: dict[bytes, list[int]] = {}
        for place, digest in enumerate(digests):
            places.setdefault(_key(digest), []).append(place)
        count = len(places)
        for key, blob in self._vectors(known, list(places)):
            if len(blob) != 4 * table.shape[1]:
                wrong = f"vectors of {layer!r} differ in width; expected {table.shape[1]}, got {len(blob) / 4:g}"
                raise CacheCorrupt(f"feature store: {self.path}: {wrong}. {database.AFRESH}")
            table[places.pop(key)] = np.frombuffer(blob, dtype="<f4")
        if places:
            wrong = f"features are absent or damaged; expected all, got {len(places)} of {count} absent"
            raise CacheCorrupt(f"feature store: {self.path}: {wrong}. Run the command again; it computes only those.")
        return table

    # -------------------------------------------------------------------------------------------------------- scores

    def recall_score(self, key: str) -> str | None:
        """Return the JSON text kept under ``key``, None where there is none."""
        return next((text for _, _, text in self._db.sound("scores", "key = ?", [key])), None)

    def remember_score(self, key: str, text: str, *, extractor: str = "") -> None:
        """Keep ``text`` under ``key``; ``prune`` forgets it with ``extractor``, unnamed ones with any extractor."""
        with self._db.transaction():
            self._db.insert("scores", [(key, extractor, text)], replace=True)

    # -------------------------------------------------------------------------------------------------------- upkeep

    def describe(self, extractor: str, facts: Mapping[str, str]) -> None:
        """Keep what the fingerprint ``extractor`` stands for, for ``info``; the first description stays."""
        update = "UPDATE extractors SET facts = ? WHERE fingerprint = ? AND facts = '{}'"
        with self._db.transaction():
            self._touch(extractor)
            self._db.run(update, [json.dumps(dict(facts)), extractor])

    def info(self) -> StoreInfo:
        """Return what the store holds."""
        rows = self._db.run(
            "SELECT fingerprint, facts, COUNT(DISTINCT digest), SUM(IIF(digest IS NULL, 0, 4 * width)), used"
            " FROM extractors LEFT JOIN layers ON layers.extractor = extractors.id"
            " LEFT JOIN features ON features.layer = layers.id GROUP BY extractors.id ORDER BY fingerprint"
        )
        [[files, scores]] = self._db.run("SELECT (SELECT COUNT(*) FROM files), (SELECT COUNT(*) FROM scores)")
        held = tuple(ExtractorInfo(fingerprint, json.loads(facts), *rest) for fingerprint, facts, *rest in rows)
        return StoreInfo(self.path, self._db.size, held, files, scores)

    def verify(self) -> Verification:
        """Check SQLite's structures and every CRC; damaged rows are deleted, so that they are computed again."""
        self._db.check_structure()
        before = len(self.damaged)
        sound = sum(1 for table in SCHEMA.checked for _ in self._db.sound_all(table))
        damaged = tuple(self.damaged[before:])
        return Verification(sound + len(damaged), damaged)

    def prune(self, *, extractor: str | None = None, unused_days: float | None = None) -> int:
        """Forget extractors, with the files and scores that belonged to them alone; ``erase`` forgets everything.

        Args:
            extractor: only the one of this fingerprint, of which the beginning is enough.
            unused_days: only those that were not used for so long.

        Returns:
            Bytes freed on disk.

        Raises:
            BadInput: neither argument is given, or several fingerprints begin so.
            UnknownName: no fingerprint begins so.
        """
        if extractor is None and unused_days is None:
            raise BadInput("prune: unclear what to forget; expected extractor or unused_days, got neither. Pass one.")
        before, oldest = self._db.size, time.time() - (unused_days or 0) * DAY_S
        used = dict(self._db.run("SELECT fingerprint, used FROM extractors ORDER BY fingerprint"))
        doomed = list(used) if extractor is None else [_match(extractor, list(used))]
        if unused_days is not None:
            doomed = [name for name in doomed if used[name] < oldest]
        with self._db.transaction():
            for name in doomed:
                self._db.run("DELETE FROM extractors WHERE fingerprint = ?", [name])
            for statement in FORGET_ORPHANS if doomed else ():
                self._db.run(statement)
        self._db.shrink()
        return max(0, before - self._db.size)

    def _vectors(self, layer: _Layer | None, digests: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Yield (digest, vector) of the sound rows among ``digests``; None is a layer of which nothing is known."""
        if layer is not None:
            for _, digest, blob in self._db.sound_among("features", "layer = ? AND digest", digests, [layer.id]):
                yield digest, blob

    def _layer(self, extractor: str, name: str) -> _Layer | None:
        join = "SELECT layers.id, width, used FROM layers JOIN extractors ON extractors.id = extractor"
        rows = self._db.run(f"{join} WHERE fingerprint = ? AND name = ?", [extractor, name])
        if rows and time.time() - rows[0][2] > TOUCH_S:
            self._touch(extractor)
        return _Layer(*rows[0][:2]) if rows else None

    def _add_layer(self, extractor: str, name: str, width: int) -> _Layer:
        insert = "INSERT INTO layers (extractor, name, width) SELECT id, ?, ? FROM extractors WHERE fingerprint = ?"
        self._db.run(insert, [name, width, extractor])
        [[number]] = self._db.run("SELECT last_insert_rowid()")
        return _Layer(number, width)

    def _touch(self, extractor: str) -> None:
        update = "ON CONFLICT (fingerprint) DO UPDATE SET used = excluded.used"
        self._db.run(f"INSERT INTO extractors (fingerprint, used) VALUES (?, ?) {update}", [extractor, time.time()])

    def _note_damage(self, table: str, row: Sequence[Any]) -> None:
        if table != "features":
            key = row[0] if isinstance(row[0], str) else bytes(row[0]).decode(errors="replace")
            self.damaged.append(Damaged(table, key))
            return
        join = "SELECT fingerprint, name FROM layers JOIN extractors ON extractors.id = extractor WHERE layers.id = ?"
        [[extractor, layer]] = self._db.run(join, [row[0]])
        self.damaged.append(Damaged(table, row[1].hex(), extractor, layer))


def _encode(stamp: str) -> bytes:
    return stamp.encode(errors="surrogatepass")  # names of files need not be UTF-8


def _key(digest: str) -> bytes:
    try:
        key = bytes.fromhex(digest)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise BadInput(f"feature store: not a digest; expected 64 hex digits (SHA-256), got {digest!r}. Pass a digest.")
    return key


def _pack(name: str, width: int, vector: NDArray[np.float32]) -> bytes:
    if np.shape(vector) != (width,):
        wrong = f"layer {name!r} does not fit; expected a vector [d] of width {width}, got {list(np.shape(vector))}"
        raise BadInput(f"feature store: {wrong}. Change the extractor's facts when its layers change.")
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()


def _facts(text: str) -> Facts | None:
    """Return the Facts, None where another version of genbench knew other ones."""
    try:
        values = json.loads(text)
        return Facts(**values | {"conversions": tuple(values["conversions"])})
    except (TypeError, KeyError):
        return None


def _match(beginning: str, known: Sequence[str]) -> str:
    found = [name for name in known if name.startswith(beginning)]
    if beginning in found or len(found) == 1:
        return beginning if beginning in found else found[0]
    names = ", ".join(found or known) or "none, the store is empty"
    if not found:
        raise UnknownName(f"prune: no extractor begins with {beginning!r}; expected one of: {names}.")
    wrong = f"{len(found)} extractors begin with {beginning!r}; expected one, got {names}"
    raise BadInput(f"prune: {wrong}. Write more of the fingerprint.")
