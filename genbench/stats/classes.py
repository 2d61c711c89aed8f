"""Which class of one set is which class of the other."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Features
from genbench.errors import BadInput, NotEnoughImages

SHOWN = 5
FEWEST = 2  # images of a class a side: a covariance needs them


@dataclass(frozen=True, eq=False)
class Class:
    """The images of one class.

    Attributes:
        name: of the class; its number where it has no name.
        real: places in the real set, int64.
        fake: places in the fake set, int64.
    """

    name: str
    real: NDArray[np.int64]
    fake: NDArray[np.int64]


def match_classes(who: str, real: Features, fake: Features) -> list[Class]:
    """Return the classes that images of both sides are of.

    Classes are the same if they have one name, where both sides name theirs, else if they have one number.

    Args:
        who: what asks, for messages.
        real: the reference; its layers do not matter.
        fake: the judged images, likewise.

    Returns:
        The classes, in the order of the real side's numbers.

    Raises:
        BadInput: if a side has no labels, or the sides are not of the same classes.
        NotEnoughImages: if a class has fewer than 2 images on a side.
    """
    are_named = bool(real.classes and fake.classes)
    of_real, of_fake = (dict(_places(who, side, one, are_named)) for side, one in (("real", real), ("fake", fake)))
    _refuse_unmatched(who, set(of_real), set(of_fake))
    titles = real.classes or fake.classes
    matched = [
        Class(str(key if are_named or not titles else titles[int(key)]), of_real[key], of_fake[key]) for key in of_real
    ]
    for one in matched:
        for side, count in (("real", len(one.real)), ("fake", len(one.fake))):
            if count < FEWEST:
                raise NotEnoughImages(
                    f"{who}: too few images of class {one.name!r}; expected at least {FEWEST} on each side, got "
                    f"{count} in {side}. Give more, or leave that class out of both sides."
                )
    return matched


def _places(who: str, side: str, features: Features, are_named: bool) -> Iterator[tuple[str | int, NDArray[np.int64]]]:
    """Yield the name or number of every class of a side, and where its images are."""
    labels = features.labels
    if labels is None:
        raise BadInput(
            f"{who}: {side} has no labels; expected the class of every image, got none. Give class folders with "
            f"--labels folders or a data set that knows its classes, or leave {who} out."
        )
    known = len(features.classes)
    for label in np.unique(labels):
        if known and not 0 <= label < known:
            raise BadInput(f"{who}: {side} has images of no class; expected labels 0 to {known - 1}, got {label}.")
        yield features.classes[label] if are_named else int(label), np.flatnonzero(labels == label)


def _refuse_unmatched(who: str, real: set[str | int], fake: set[str | int]) -> None:
    alone = [(side, sorted(map(str, only))) for side, only in (("real", real - fake), ("fake", fake - real)) if only]
    if not alone:
        return
    told = "; ".join(f"{', '.join(names[:SHOWN])} only in {side} ({len(names)})" for side, names in alone)
    raise BadInput(
        f"{who}: the sides are not of the same classes; expected each class on both, got {told}. Name the classes "
        f"alike, or leave {who} out."
    )
