"""The user's own images: a folder, folders of classes, paired folders, folders of two domains.

Everything is read into memory as RGB squares (``squares.squared``; `PATH@64` for 64 pixels, 32 without). One file in
ten, chosen by a hash of its name within the set, is test. Nothing is known of mirror images: ``can_flip`` is off.
"""

import os
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
    names = names_of(split, _images(Path(path), f"folder:{argument}"))
    return _examples(_read(Path(path), names, side))


def load_classes(argument: str, split: str) -> Examples:
    """Your labelled images: the sub-folders of `classes:PATH` are the classes."""
    path, side = split_side(argument)
    names = _images(Path(path), f"classes:{argument}")
    outside = [name for name in names if "/" not in name]
    if outside:
        raise BadInput(
            f"data set 'classes:{argument}': images outside of any sub-folder; expected each in the folder of its "
            f"class, got {_shown(outside)}. Move them, or write folder:{argument}."
        )
    classes = tuple(sorted({_class(name) for name in names}))
    kept = names_of(split, names)
    labels = np.array([classes.index(_class(name)) for name in kept], np.int64)
    return _examples(_read(Path(path), kept, side), labels=labels, classes=classes)


def load_pairs(argument: str, split: str) -> Examples:
    """Your pairs of images: `pairs:PATH` with PATH/A and PATH/B; equal names (endings aside) belong together."""
    path, side = split_side(argument)
    who = f"pairs:{argument}"
    ours, theirs = ({_stem(name): name for name in _images(Path(path, domain), who)} for domain in DOMAINS)
    alone = [f"A/{ours[stem]}" for stem in ours if stem not in theirs]
    alone += [f"B/{theirs[stem]}" for stem in theirs if stem not in ours]
    if alone:
        raise BadInput(
            f"data set {who!r}: images without a partner; expected equal names in A and B, got {_shown(alone)}. Rename "
            f"or remove them, or write domains:{argument}."
        )
    stems = names_of(split, sorted(ours))
    x = _read(Path(path, "A"), [ours[stem] for stem in stems], side)
    partner = _read(Path(path, "B"), [theirs[stem] for stem in stems], side)
    _refuse_unlike(who, stems, x, partner)
    return _examples(x, partner=partner, is_paired=True)


def load_domains(argument: str, split: str) -> Examples:
    """Your images of two domains, unpaired: `domains:PATH` with PATH/A and PATH/B."""
    path, side = split_side(argument)
    x, partner = (
        _read(folder, names_of(split, _images(folder, f"domains:{argument}")), side)
        for folder in (Path(path, domain) for domain in DOMAINS)
    )
    return _examples(x, partner=partner)


def _images(folder: Path, who: str) -> list[str]:
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


def _examples(
    x: Squares,
    *,
    labels: NDArray[np.int64] | None = None,
    classes: tuple[str, ...] = (),
    partner: Squares | None = None,
    is_paired: bool = False,
) -> Examples:
    return Examples(
        name="",
        split="",
        x=x.images,
        levels=256,
        native=x.native and (partner is None or partner.native),
        labels=labels,
        classes=classes,
        partner=None if partner is None else partner.images,
        is_paired=is_paired,
        truth={},
        can_flip=False,
    )
