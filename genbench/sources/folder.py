"""A folder of image files, searched recursively."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Blob, Entry, Source, SourceOptions
from genbench.errors import BadInput
from genbench.sources.listing import folder_classes, ignored_note, is_hidden, is_image, nothing_found, printable


def open_folder(rest: str, options: SourceOptions) -> Source:
    """A folder, searched in depth; with --labels folders its sub-folders are classes."""
    source = FolderSource(rest)
    if options.labels == "folders":
        names = [entry.name for entry in source.entries()]
        source.labels, source.classes = folder_classes(names, f"folder {rest!r}", may_be_wrapped=False)
    return source


class FolderSource:
    """Image files under a folder, sorted by relative posix path; satisfies ``Source``.

    Hidden files and __MACOSX are passed over, other files are counted in ``notes``. Symbolic links are followed, each
    folder once.

    Args:
        root: the folder.

    Attributes:
        labels: class of each image, int64 [n], and
        classes: their names, where they were asked for.
    """

    kind, seeded, is_endless = "folder", True, False
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()

    def __init__(self, root: str) -> None:
        self.name = root
        self.notes: list[str] = []
        if not root or not Path(root).is_dir():
            raise BadInput(f"folder {root!r}: not a folder; expected a folder of images. Check the path.")
        self._root = os.path.abspath(root)
        found, folders = _walk(self._root)
        kept = sorted((printable(name), name) for name in found if is_image(name))
        others = sorted(printable(name) for name in found if not is_image(name))
        if not kept:
            raise BadInput(nothing_found(f"folder {root!r}", others, folders))
        self.notes += ignored_note(others)
        self._paths = [os.path.join(self._root, name) for _, name in kept]
        self._names = [shown for shown, _ in kept]

    def entries(self, count: int | None = None) -> list[Entry]:
        """Return all images, stamped "absolute path|size|mtime_ns"; ``count`` does not matter."""
        pairs = zip(self._names, self._paths, strict=True)
        return [Entry(index, name, _stamp(path)) for index, (name, path) in enumerate(pairs)]

    def read(self, entries: Sequence[Entry]) -> Iterator[Blob]:
        """Yield the bytes of each file; one that cannot be opened raises ``BadInput``."""
        for entry in entries:
            try:
                yield Path(self._paths[entry.index]).read_bytes()
            except OSError as error:
                raise BadInput(
                    f"image {entry.name!r}: cannot be opened; expected a readable file, got {type(error).__name__}: "
                    f"{error.strerror}. Check it and its rights."
                ) from error


def _walk(root: str) -> tuple[list[str], list[str]]:
    """Return the files and the folders under ``root``, relative posix paths, hidden ones left out.

    Real folders are searched before links to folders, so that an image is named by its own place.
    """
    files: list[str] = []
    folders: list[str] = []
    seen: set[tuple[int, int]] = set()
    pending, links = [""], list[str]()
    while pending or links:
        folder = pending.pop() if pending else links.pop(0)
        identity = _identity(os.path.join(root, folder))
        if identity in seen:
            continue
        seen.add(identity)
        for name, kind in _children(root, folder):
            {"file": files, "folder": pending, "link": links}[kind].append(name)
            if kind == "folder":
                folders.append(name)
    return files, sorted(printable(name) for name in folders)


def _children(root: str, folder: str) -> list[tuple[str, str]]:
    """Return (relative path, "file" | "folder" | "link" to a folder) of all that is in ``folder``, sorted.

    A link to nothing counts as a file, so that it is reported; pipes and devices do not count.
    """
    try:
        with os.scandir(os.path.join(root, folder)) as listing:
            children = sorted(listing, key=lambda child: child.name)
    except OSError as error:
        raise BadInput(
            f"folder {os.path.join(root, folder)!r}: cannot be searched; expected a readable folder, got "
            f"{error.strerror}. Check its rights."
        ) from error
    found = []
    for child in children:
        if is_hidden(child.name):
            continue
        if child.is_symlink():
            kind = "link" if os.path.isdir(child.path) else "file"  # child.is_dir() raises on a link to itself
        elif child.is_dir():
            kind = "folder"
        elif child.is_file():
            kind = "file"
        else:
            continue
        found.append((f"{folder}/{child.name}" if folder else child.name, kind))
    return found


def _identity(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino


def _stamp(path: str) -> str:
    try:
        status = os.stat(path)
    except OSError:
        return f"{printable(path)}|cannot be opened"  # reading it says why
    return f"{printable(path)}|{status.st_size}|{status.st_mtime_ns}"
