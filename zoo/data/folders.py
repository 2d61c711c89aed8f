"""The user's own images: a folder, folders of classes, paired folders, folders of two domains.

Everything is read into memory as squares (``squares.squared``; `PATH@64` for 64 pixels, 32 without). One file in ten,
chosen by a hash of its name within the set, is test. Nothing is known of mirror images: ``can_flip`` is off.

Whatever the split, all files of the set are read, so that a broken one is found before any work, and what follows is
the same in every split: pictures have one channel if all are grey (red, green and blue equal in every pixel; else a
likelihood would count each grey level three times), else three; levels are native if no file has to be resized.
"""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genbench.errors import BadInput
from zoo.data.contracts import Examples
from zoo.data.splits import names_of
from zoo.data.squares import Squares, read_squares, split_side

ENDINGS = frozenset((".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"))
DOMAINS = ("A", "B")
SHOWN = 3


def load_folder(argument: str, split: str) -> Examples:
    """Your images: all under `folder:PATH`, or `folder:PATH@64`, in order of names."""
    path, side = split_side(argument)
    names = image_files(Path(path), f"folder:{argument}")
    return _examples(f"folder:{path}", (_read(Path(path), names, side), _places(split, names)))


def load_classes(argument: str, split: str) -> Examples:
    """Your labelled images: the sub-folders of `classes:PATH` are the classes."""
    path, side = split_side(argument)
    names = image_files(Path(path), f"classes:{argument}")
    outside = [name for name in names if "/" not in name]
    if outside:
        raise BadInput(
            f"data set 'classes:{argument}': images outside of any sub-folder; expected each in the folder of its "
            f"class, got {_shown(outside)}. Move them, or write folder:{argument}."
        )
    classes = tuple(sorted({_class(name) for name in names}))
    labels = np.array([classes.index(_class(name)) for name in names], np.int64)
    rows = _places(split, names)
    found = _examples(f"classes:{path}", (_read(Path(path), names, side), rows))
    return replace(found, labels=labels[rows], classes=classes)


def load_pairs(argument: str, split: str) -> Examples:
    """Your pairs of images: `pairs:PATH` with PATH/A and PATH/B; equal names (endings aside) belong together."""
    path, side = split_side(argument)
    who = f"pairs:{argument}"
    ours, theirs = ({_stem(name): name for name in image_files(Path(path, domain), who)} for domain in DOMAINS)
    alone = [f"A/{ours[stem]}" for stem in ours if stem not in theirs]
    alone += [f"B/{theirs[stem]}" for stem in theirs if stem not in ours]
    if alone:
        raise BadInput(
            f"data set {who!r}: images without a partner; expected equal names in A and B, got {_shown(alone)}. Rename "
            f"or remove them, or write domains:{argument}."
        )
    stems = sorted(ours)
    x = _read(Path(path, "A"), [ours[stem] for stem in stems], side)
    partner = _read(Path(path, "B"), [theirs[stem] for stem in stems], side)
    _refuse_unlike(who, stems, x, partner)
    rows = _places(split, stems)
    return replace(_examples(f"pairs:{path}", (x, rows), (partner, rows)), is_paired=True)


def load_domains(argument: str, split: str) -> Examples:
    """Your images of two domains, unpaired: `domains:PATH` with PATH/A and PATH/B."""
    path, side = split_side(argument)
    found = []
    for folder in (Path(path, domain) for domain in DOMAINS):
        names = image_files(folder, f"domains:{argument}")
        found.append((_read(folder, names, side), _places(split, names)))
    return _examples(f"domains:{path}", *found)


def image_files(folder: Path, who: str) -> list[str]:
    """Return the names of the image files under ``folder``, relative posix paths, sorted; hidden ones are left out."""
    if not folder.is_dir():
        raise BadInput(f"data set {who!r}: no such folder; expected {str(folder)!r} to hold images. Check the path.")
    found = []
    for place, inner, files in os.walk(folder):
        inner[:] = [name for name in inner if not name.startswith(".") and name != "__MACOSX"]
        found += [Path(place, name).relative_to(folder).as_posix() for name in files if not name.startswith(".")]
    images = sorted(name for name in found if Path(name).suffix.lower() in ENDINGS)
    if not images:
        raise BadInput(
            f"data set {who!r}: no images; expected files ending in {', '.join(sorted(ENDINGS))} in {str(folder)!r}, "
            f"got {len(found)} of other kinds. Check the path."
        )
    return images


def _read(folder: Path, names: list[str], side: int) -> Squares:
    return read_squares([folder / name for name in names], side)


def _places(split: str, names: list[str]) -> NDArray[np.int64]:
    """Return which of ``names`` are in a split."""
    kept = set(names_of(split, names))
    return np.array([place for place, name in enumerate(names) if name in kept], np.int64)


def _class(name: str) -> str:
    return name.partition("/")[0]


def _stem(name: str) -> str:
    return name[: -len(Path(name).suffix)]


def _shown(names: list[str]) -> str:
    listed = ", ".join(repr(name) for name in names[:SHOWN])
    return f"{listed} and {len(names) - SHOWN} more" if len(names) > SHOWN else listed


def _refuse_unlike(who: str, stems: list[str], ours: Squares, theirs: Squares) -> None:
    """Raise ``BadInput`` for partners of unequal proportions: squares cut from them would not lie over each other."""
    for stem, (width, height), (other_width, other_height) in zip(stems, ours.sizes, theirs.sizes, strict=True):
        if width * other_height != height * other_width:
            raise BadInput(
                f"data set {who!r}: partners of unequal proportions; expected one shape, got {stem!r} of {width} x "
                f"{height} and {other_width} x {other_height}. Cut them alike."
            )


def _examples(name: str, *domains: tuple[Squares, NDArray[np.int64]]) -> Examples:
    """Return some rows of all pictures of a set, and of those of its other domain, if it has one."""
    channels = 1 if all(squares.is_grey for squares, _ in domains) else 3
    sides = set().union(*(squares.shorter_sides for squares, _ in domains))
    x, *partner = (squares.images[rows, :channels] for squares, rows in domains)
    return Examples(
        name="",
        split="",
        x=x,
        levels=256,
        native=sides == {x.shape[-1]},
        labels=None,
        classes=(),
        partner=partner[0] if partner else None,
        is_paired=False,
        truth={},
        can_flip=False,
        native_as=f"{name}@{sides.pop()}" if len(sides) == 1 else "",
    )
