"""Which of many file names are images; shared by folders and archives."""

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

from genbench.images.decode import IMAGE_EXTENSIONS

OPENABLE = (".zip", ".npz", ".npy")
SHOWN = 5


def is_hidden(name: str) -> bool:
    """Whether any part of a relative posix path starts with a dot, or is macOS's shadow folder."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def is_image(name: str) -> bool:
    """Whether a file's name ends like an image's, in any case."""
    return extension(name) in IMAGE_EXTENSIONS


def extension(name: str) -> str:
    """Return a file name's ending in lower case, ".png"; "" if it has none."""
    return PurePosixPath(name).suffix.lower()


def printable(path: str) -> str:
    r"""Return ``path`` as text that can be stored: bytes that are not UTF-8 become "\xe9"."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def ignored_note(ignored: Iterable[str]) -> list[str]:
    """Return one sentence about files that were passed over, or none."""
    counted = Counter(extension(name) or "(none)" for name in ignored)
    total = sum(counted.values())
    if not total:
        return []
    return [f"{_many(total, 'file')} without an image extension ignored: {_endings(counted)}"]


def nothing_found(who: str, others: list[str], folders: list[str]) -> str:
    """Return the message for a place without images.

    Args:
        who: of the message.
        others: files there that are no images, relative.
        folders: sub-folders there, relative.
    """
    counted = Counter(extension(name) or "(none)" for name in others)
    got = f"{_many(len(others), 'other file')} ({_endings(counted)})" if others else "no file at all"
    if folders:
        shown = ", ".join(repr(name) for name in folders[:SHOWN])
        got += f" in {_many(len(folders), 'sub-folder')} ({shown}{', ...' if len(folders) > SHOWN else ''})"
    inside = [name for name in others if extension(name) in OPENABLE]
    todo = f"Give the file {inside[0]!r} itself." if inside else "Check the path."
    return f"{who}: no images; expected files ending in .png, .jpg, .webp or the like, got {got}. {todo}"


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _endings(counted: Counter[str]) -> str:
    names = [name for name, _ in counted.most_common()]
    return ", ".join(sorted(names[:SHOWN])) + (", ..." if len(names) > SHOWN else "")
