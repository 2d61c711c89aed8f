"""Image members of a tar archive, read in place; a compressed one in one pass, so that it stays linear."""

import io
import os
import tarfile
import threading
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Blob, Entry
from genbench.errors import BadInput
from genbench.sources.listing import ignored_note, is_hidden, is_image, nothing_found, printable
from genbench.sources.spool import Spool

MAX_MEMBER_BYTES = 256 * 2**20
BROKEN = (tarfile.TarError, OSError, EOFError, ValueError, zlib.error)
AT_ONCE = 2**20


class _Header(tarfile.TarInfo):
    """Remembers at what the listing of an archive ended: ``tarfile`` takes rubbish for the end."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile)
        except Exception as error:
            if isinstance(tarfile, _Tar):
                tarfile.ended_at = error
            raise


class _Tar(tarfile.TarFile):
    tarinfo = _Header
    ended_at: Exception | None = None


class TarSource:
    """Image members of a tar archive, sorted by name; satisfies ``Source``.

    Members are never written to a path of theirs, so no name can do harm. Links and devices are passed over and
    counted; of members of one name the last counts, as when unpacking. A member that is too large is listed like any
    other; reading it raises ``BadInput``. A compressed archive is gone through once to list it and, at the first
    reading, once more: its images are then kept in a temporary file.

    Args:
        path: the archive.

    Attributes:
        labels: class of each image, int64 [n], and
        classes: their names, where they were asked for.
    """

    kind, seeded, is_endless = "archive", True, False
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()

    def __init__(self, path: str) -> None:
        self.name = path
        self.notes: list[str] = []
        self._path, self._lock = os.path.abspath(path), threading.Lock()
        self._kept: tuple[Spool, dict[int, int]] | None = None  # and index of an image -> its place there
        try:
            with _Tar.open(path) as archive:
                self._is_compressed = not isinstance(archive.fileobj, io.BufferedReader)
                members = {_clean(info.name): info for info in archive if not info.isdir()}
                _refuse_early_end(archive)
            status = os.stat(path)
        except BROKEN as error:
            raise BadInput(
                f"archive {path!r}: cannot be opened; expected a complete tar file, got {type(error).__name__}: "
                f"{error}. Check or download it again."
            ) from error
        visible = {name: info for name, info in members.items() if name and not is_hidden(name)}
        files = sorted((printable(name), info.offset, info) for name, info in visible.items() if info.isreg())
        others = [name for name, _, _ in files if not is_image(name)]
        self._members = [(name, info) for name, _, info in files if is_image(name)]
        if not self._members:
            folders = sorted({name.rpartition("/")[0] for name, _, _ in files} - {""})
            raise BadInput(nothing_found(f"archive {path!r}", others, folders))
        self.notes += ignored_note(others)
        if len(visible) > len(files):
            self.notes.append(f"links and devices in the archive passed over: {len(visible) - len(files)}")
        self._stamp = f"{printable(str(Path(path).absolute()))}|{status.st_size}|{status.st_mtime_ns}"

    def entries(self, count: int | None = None) -> list[Entry]:
        """Return all images, stamped "path of the tar|size|mtime_ns|member|place in it"; ``count`` does not matter."""
        return [
            Entry(index, name, f"{self._stamp}|{name}|{info.offset_data}")
            for index, (name, info) in enumerate(self._members)
        ]

    def read(self, entries: Sequence[Entry]) -> Iterator[Blob]:
        """Yield the bytes of each member; one that cannot be read raises ``BadInput`` with the reason."""
        for entry in entries:
            name, info = self._members[entry.index]
            reason = _refusal(info)
            try:
                data = b"" if reason else self._read(entry.index)
            except BROKEN as error:
                reason = f"{type(error).__name__}: {error}"
            if reason:
                raise BadInput(
                    f"image {name!r}: cannot be read from the archive; expected a plain member, got {reason}. "
                    "Unpack the archive or make it again."
                )
            yield data

    def _read(self, index: int) -> bytes:
        info = self._members[index][1]
        if not self._is_compressed:
            with open(self._path, "rb") as file:
                return _read_exactly(file, info)
        with self._lock:
            if self._kept is None:
                self._kept = self._unpack()
        images, places = self._kept
        return images[places[index]].tobytes()

    def _unpack(self) -> tuple[Spool, dict[int, int]]:
        images, places = Spool(), dict[int, int]()
        wanted = {info.offset: index for index, (_, info) in enumerate(self._members) if not _refusal(info)}
        with _Tar.open(self._path) as archive:
            for info in archive:
                if info.offset in wanted:
                    places[wanted[info.offset]] = len(images)
                    images.add(np.frombuffer(_read_exactly(archive.fileobj, info), np.uint8))
        return images, places


def _read_exactly(file: object, info: tarfile.TarInfo) -> bytes:
    assert isinstance(file, io.IOBase)
    file.seek(info.offset_data)
    data: bytes = file.read(info.size)
    if len(data) != info.size:
        raise EOFError(f"{len(data)} of {info.size} bytes")
    return data


def _clean(name: str) -> str:
    """Return a member's name as a relative posix path: "./a//b.png" and "/a/b.png" are "a/b.png"."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _refusal(info: tarfile.TarInfo) -> str:
    """Return why a member is not read, "" if it is."""
    if info.size > MAX_MEMBER_BYTES:
        return f"one of {info.size / 2**20:.0f} MiB, over the limit of 256 MiB"
    return "a sparse one" if info.issparse() else ""


def _refuse_early_end(archive: _Tar) -> None:
    """Raise if the listing did not end at the mark of an archive's end, or the compressed stream is damaged."""
    if not isinstance(archive.ended_at, tarfile.EOFHeaderError):  # type: ignore[attr-defined]
        raise tarfile.ReadError(f"no end mark but {archive.ended_at or 'nothing'}")
    while archive.fileobj is not None and archive.fileobj.read(AT_ONCE):
        pass
