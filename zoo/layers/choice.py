"""Options that have a name."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

from genbench.errors import UnknownName

Thing = TypeVar("Thing")


def chosen(what: str, name: str, known: Mapping[str, Thing]) -> Thing:
    """Return ``known[name]``; an unknown name raises ``UnknownName`` with the known ones."""
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UnknownName(f"{what} {name!r}: no such {what}; expected one of {', '.join(sorted(known))}.{hint}")
    return known[name]
