"""Which of many file names are images; shared by folders and archives."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from genbench.errors import BadInput
from genbench.images.decode import IMAGE_EXTENSIONS

OPENABLE = (".zip", ".tar", ".gz", ".tgz", ".npz", ".npy")
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


def folder_classes(
    names: Sequence[str], who: str, *, may_be_wrapped: bool
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the classes of images: the first folder in each name.

    Args:
        names: of the images, relative posix paths.
        who: of the message.
        may_be_wrapped: a folder that holds all others does not count (archives of a folder have one).

    Returns:
        (labels, classes): class of each image, int64 [n], an index into the sorted names of the classes.

    Raises:
        BadInput: if an image lies in no folder.
    """
    folders = [name.split("/")[:-1] for name in names]
    if may_be_wrapped and all(len(parts) > 1 and parts[0] == folders[0][0] for parts in folders):
        folders = [parts[1:] for parts in folders]
    outside = [name for name, parts in zip(names, folders, strict=True) if not parts]
    if outside:
        raise BadInput(
            f"{who}: {_many(len(outside), 'image')} outside of any sub-folder; expected, for --labels folders, each in "
            f"the folder of its class, got {outside[0]!r}. Move them, or leave --labels out."
        )
    classes = tuple(sorted({parts[0] for parts in folders}))
    place = {name: index for index, name in enumerate(classes)}
    return np.array([place[parts[0]] for parts in folders], np.int64), classes


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
