"""One SQLite file shared by several processes, whose rows carry checksums: the ground under the feature store.

Opening, waiting for locks, transactions, reading with the CRC checked, and SQLite's errors put into words. What the
tables mean is the business of ``store``.
"""

import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genbench.errors import BadInput, CacheCorrupt, GenbenchError

PAGE_BYTES = 16384  # three vectors of 1280 floats fill a page to 94 %
CHUNK = 500  # values a statement; SQLite promises 999

ELSEWHERE = "Pass --cache DIR or set GENBENCH_CACHE to use another directory."
AFRESH = "Run `genbench cache prune --all`, which deletes the store; features are then computed again."
CLOSED = (BadInput, "cannot be opened for writing", "a file you may write to", ELSEWHERE)
CORRUPT = (CacheCorrupt, "is damaged", "a feature store", AFRESH)
FAILURES: dict[
    int, tuple[type[GenbenchError], str, str, str]
] = {  # SQLite's code -> class, what is wrong, rule, remedy
    sqlite3.SQLITE_BUSY: (
        GenbenchError,
        "is locked by another process",
        "its turn within {timeout_s:g} s",
        f"Wait for that process to end. {ELSEWHERE}",
    ),
    sqlite3.SQLITE_FULL: (
        GenbenchError,
        "cannot grow: the disk is full",
        "room for new rows",
        f"Free some space (`genbench cache prune` helps). {ELSEWHERE}",
    ),
    sqlite3.SQLITE_IOERR: (
        GenbenchError,
        "cannot be read or written",
        "a working disk",
        f"Check its health, space and quota. {ELSEWHERE}",
    ),
    sqlite3.SQLITE_CANTOPEN: CLOSED,
    sqlite3.SQLITE_READONLY: CLOSED,
    sqlite3.SQLITE_CORRUPT: CORRUPT,
    sqlite3.SQLITE_NOTADB: CORRUPT,
}


@dataclass(frozen=True)
class Schema:
    """The tables of a file.

    Attributes:
        version: kept in the file; a file with another one is refused.
        statements: SQL that makes the tables.
        checked: table -> names of the three columns that its column ``crc`` covers.
    """

    version: int
    statements: tuple[str, ...]
    checked: Mapping[str, str]


class Database:
    """An open file; used by the thread and the process that opened it.

    Args:
        path: made where it does not exist, with its directory.
        schema: its tables.
        discarded: called with the table and the checked columns of every row deleted for a wrong CRC.
        timeout_s: how long to wait for a lock of another process.

    Raises:
        BadInput: the file cannot be written.
        CacheCorrupt: the file is broken, or of another version or program; in any method.
        GenbenchError: the disk is full, or locked for more than ``timeout_s``; in any method.
    """

    def __init__(
        self, path: Path, schema: Schema, discarded: Callable[[str, Sequence[Any]], None], *, timeout_s: float
    ) -> None:
        self.path, self.schema = path, schema
        self._discarded, self._timeout_s = discarded, timeout_s
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _in_words(path, CLOSED, error) from None
        with self._translated():
            self._connection = sqlite3.connect(path, timeout=timeout_s, isolation_level=None)
        try:
            self._set_up()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file; what was committed is in it already."""
        self._connection.close()

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return _size(self.path)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep other writers out; commit at the end, undo all after an error."""
        with self._translated(), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield

    def run(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Execute one statement and return all its rows."""
        with self._translated():
            return self._connection.execute(sql, values).fetchall()

    def insert(self, table: str, rows: Sequence[tuple[Any, ...]], *, replace: bool) -> None:
        """Write rows of checked columns, their CRC added; where the key is taken, ``replace`` the row or leave it."""
        otherwise = "REPLACE" if replace else "IGNORE"
        sql = f"INSERT OR {otherwise} INTO {table} ({self.schema.checked[table]}, crc) VALUES (?, ?, ?, ?)"
        with self._translated():
            self._connection.executemany(sql, ((*row, checksum(row)) for row in rows))

    def sound(self, table: str, where: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return the checked columns of the rows whose CRC is right; the other rows are deleted."""
        rows = self.run(f"SELECT rowid, crc, {self.schema.checked[table]} FROM {table} WHERE {where}", values)
        spoilt = {row[0] for row in rows if row[1] != checksum(row[2:])}
        if spoilt:
            self._discard(table, spoilt)
        return [row[2:] for row in rows if row[0] not in spoilt]

    def sound_among(
        self, table: str, where: str, keys: Sequence[Any], first: Sequence[Any] = ()
    ) -> Iterator[tuple[Any, ...]]:
        """Yield what ``sound`` returns for ``where`` IN ``keys``, of which there may be many.

        Args:
            table: name.
            where: SQL that ends in a column: "layer = ? AND digest".
            keys: values of that column.
            first: values for the question marks in ``where``.
        """
        for start in range(0, len(keys), CHUNK):
            chunk = keys[start : start + CHUNK]
            yield from self.sound(table, f"{where} IN ({','.join('?' * len(chunk))})", [*first, *chunk])

    def sound_all(self, table: str) -> Iterator[tuple[Any, ...]]:
        """Yield what ``sound`` returns for the whole table."""
        [[last]] = self.run(f"SELECT COALESCE(MAX(rowid), 0) FROM {table}")
        for start in range(0, last, CHUNK):
            yield from self.sound(table, "rowid > ? AND rowid <= ?", [start, start + CHUNK])

    def check_structure(self) -> None:
        """Let SQLite check its pages and indices; anything wrong raises ``CacheCorrupt``."""
        [[state]] = self.run("PRAGMA integrity_check(1)")
        if state != "ok":
            raise _in_words(self.path, CORRUPT, state)

    def shrink(self) -> None:
        """Give the space of deleted rows back to the disk."""
        self.run("VACUUM")
        self.run("PRAGMA wal_checkpoint(TRUNCATE)")

    def _discard(self, table: str, rowids: set[int]) -> None:
        """Delete damaged rows, after a second look: by now another process may have put a good row there."""
        ask = f"SELECT crc, {self.schema.checked[table]} FROM {table} WHERE rowid = ?"
        with self.transaction():
            rows = [(rowid, *row) for rowid in sorted(rowids) for row in self.run(ask, [rowid])]
            for rowid, crc, *row in rows:
                if crc != checksum(row):
                    self.run(f"DELETE FROM {table} WHERE rowid = ?", [rowid])
                    self._discarded(table, row)

    def _set_up(self) -> None:
        self.run(f"PRAGMA page_size = {PAGE_BYTES}")
        is_new = not self._has_schema()
        with self._translated():
            self._use_wal()
        self.run("PRAGMA synchronous = NORMAL")
        self.run("PRAGMA foreign_keys = ON")
        if is_new:
            with self.transaction():  # of several processes that get here, only the first still finds no schema
                for statement in () if self._has_schema() else self.schema.statements:
                    self.run(statement)
                self.run(f"PRAGMA user_version = {self.schema.version}")

    def _has_schema(self) -> bool:
        """Whether the tables are there, False for an empty file; one statement, so that it sees one moment."""
        tables = "(SELECT COUNT(*) FROM sqlite_master)"
        [[version, count]] = self.run(f"SELECT user_version, {tables} FROM pragma_user_version")
        if version != self.schema.version and (version or count):
            wrong = f"is of another genbench or program; expected version {self.schema.version}, got version {version}"
            raise CacheCorrupt(f"feature store: {self.path} {wrong}. Upgrade genbench, or else: {ELSEWHERE} {AFRESH}")
        return bool(version)

    def _use_wal(self) -> None:
        """Switch to WAL, the one step at which SQLite does not wait for locks by itself."""
        give_up = time.monotonic() + self._timeout_s
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                    raise
            time.sleep(0.01)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:  # closed, or another thread: the caller's mistake
            raise
        except sqlite3.DatabaseError as error:
            raise _in_words(self.path, FAILURES.get(_code(error), CORRUPT), error, self._timeout_s) from error


def checksum(row: Sequence[int | str | bytes]) -> int:
    """Return the CRC-32 of the values of a row, one after the other."""
    crc = 0
    for value in row:
        crc = zlib.crc32(value if isinstance(value, bytes) else str(value).encode(), crc)
    return crc


def erase(path: Path) -> int:
    """Delete the file, sound or not, and return the bytes freed; one that is in use raises ``GenbenchError``."""
    freed = _size(path)
    try:
        if path.is_file():
            with closing(sqlite3.connect(path, timeout=1.0)) as connection:
                connection.execute("PRAGMA journal_mode = DELETE")  # granted only where nobody else has it open
    except sqlite3.DatabaseError as error:
        if _code(error) == sqlite3.SQLITE_BUSY:
            raise _in_words(path, FAILURES[sqlite3.SQLITE_BUSY], error, 1.0) from None
    try:
        for part in _parts(path):
            part.unlink(missing_ok=True)
    except OSError as error:
        raise _in_words(path, CLOSED, error) from None
    return freed


def _in_words(
    path: Path, failure: tuple[type[GenbenchError], str, str, str], got: object, timeout_s: float = 0
) -> Exception:
    kind, wrong, rule, remedy = failure
    return kind(
        f"feature store: {path} {wrong}; expected {rule.format(timeout_s=timeout_s)}, got {str(got)!r}. {remedy}"
    )


def _code(error: sqlite3.Error) -> int:
    return (
        getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    )  # the upper bits tell kinds of one code apart


def _parts(path: Path) -> list[Path]:
    return [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))]


def _size(path: Path) -> int:
    return sum(part.stat().st_size for part in _parts(path) if part.is_file())
