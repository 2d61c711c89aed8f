"""Which images are compared with which."""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from genbench.contracts import Entry
from genbench.errors import BadInput
from genbench.seeds import generator

SHOWN = 3

Places = list[tuple[int, int]]  # positions of the first and of the second image of every pair


def match_by_name(who: str, first: Sequence[Entry], second: Sequence[Entry]) -> Places:
    """Return the pairs of one name, suffixes left aside: "a/003.png" and "a/003.jpg"; in the order of ``first``.

    Args:
        who: the metric, for messages.
        first: images of the fake side.
        second: images of the real side.

    Raises:
        BadInput: if a name is there twice, or on one side only.
    """
    places = [_places(who, side, entries) for side, entries in (("fake", first), ("real", second))]
    alone = sorted(set(places[0]) ^ set(places[1]))
    if alone:
        raise BadInput(
            f"{who}: compares images of one name; expected every name in fake and in real, got {len(alone)} on one "
            f"side only, such as {', '.join(alone[:SHOWN])}. Name both alike, or leave {who} out."
        )
    return [(place, places[1][name]) for name, place in places[0].items()]


def shuffle(count: int, seed: int) -> Places:
    """Return ``count`` pairs of images in a seeded round: each image is in two, pairs that follow share one."""
    order = generator(seed, "pairs").permutation(count).tolist()
    return list(zip(order, [*order[1:], order[0]], strict=True))


def _places(who: str, side: str, entries: Sequence[Entry]) -> dict[str, int]:
    stems = [PurePosixPath(entry.name).with_suffix("").as_posix() for entry in entries]
    twice = [name for name, count in Counter(stems).items() if count > 1]
    if twice:
        raise BadInput(
            f"{who}: cannot tell images apart; expected different names without their suffixes, got "
            f"{', '.join(twice[:SHOWN])} twice in {side}. Rename them, or leave {who} out."
        )
    return {name: place for place, name in enumerate(stems)}
