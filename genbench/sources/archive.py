"""An archive of image files, zip or tar, read in place."""

import os
import threading
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Blob, Entry, Source, SourceOptions
from genbench.errors import BadInput
from genbench.sources.listing import folder_classes, ignored_note, is_hidden, is_image, nothing_found, printable
from genbench.sources.tarball import TarSource

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz")
MAX_MEMBER_BYTES = 256 * 2**20
ENCRYPTED = 0x1  # bit of ZipInfo.flag_bits


def open_archive(rest: str, options: SourceOptions) -> Source:
    """A .zip, .tar, .tar.gz or .tgz file, read in place; with --labels folders its folders are classes."""
    source = TarSource(rest) if rest.lower().endswith(TAR_SUFFIXES) else ZipSource(rest)
    if options.labels == "folders":
        names = [entry.name for entry in source.entries()]
        source.labels, source.classes = folder_classes(names, f"archive {rest!r}", may_be_wrapped=True)
    return source


class ZipSource:
    """Image members of a zip archive, sorted by name; satisfies ``Source``.

    A member that is encrypted, too large or damaged is listed like any other; reading it raises ``BadInput``.

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
        self._lock = threading.Lock()
        try:
            self._zip = ZipFile(path)
        except (OSError, BadZipFile) as error:
            raise BadInput(
                f"archive {path!r}: cannot be opened; expected a complete zip file, got {type(error).__name__}: "
                f"{error}. Check or download it again."
            ) from error
        members = {info.filename: info for info in self._zip.infolist() if not info.is_dir()}  # of equals the last
        visible = sorted(name for name in members if not is_hidden(name))
        others = [name for name in visible if not is_image(name)]
        self._members = [members[name] for name in visible if is_image(name)]
        if not self._members:
            self._zip.close()
            folders = sorted({name.rpartition("/")[0] for name in visible} - {""})
            raise BadInput(nothing_found(f"archive {path!r}", others, folders))
        self.notes += ignored_note(others)
        status = os.stat(path)
        self._stamp = f"{printable(str(Path(path).absolute()))}|{status.st_size}|{status.st_mtime_ns}"

    def entries(self, count: int | None = None) -> list[Entry]:
        """Return all images, stamped "path of the zip|size|mtime_ns|member|crc"; ``count`` does not matter."""
        return [
            Entry(index, printable(info.filename), f"{self._stamp}|{printable(info.filename)}|{info.CRC:08x}")
            for index, info in enumerate(self._members)
        ]

    def read(self, entries: Sequence[Entry]) -> Iterator[Blob]:
        """Yield the bytes of each member; one that cannot be read raises ``BadInput`` with the reason."""
        for entry in entries:
            info = self._members[entry.index]
            _refuse(info)
            try:
                with self._lock:
                    data = self._zip.read(info)
            except (BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError, zlib.error) as error:
                raise _unreadable(info, f"{type(error).__name__}: {error}") from error
            yield data


def _refuse(info: ZipInfo) -> None:
    if info.flag_bits & ENCRYPTED:
        raise _unreadable(info, "an encrypted one")
    if info.file_size > MAX_MEMBER_BYTES:
        raise _unreadable(info, f"one of {info.file_size / 2**20:.0f} MiB, over the limit of 256 MiB")


def _unreadable(info: ZipInfo, got: str) -> BadInput:
    return BadInput(
        f"image {info.filename!r}: cannot be read from the archive; expected a plain member, got {got}. "
        "Unpack the archive or make it again."
    )
