"""One table per kind of plug-in: name -> the thing, or the "module:attribute" where it is found.

A name is looked up among the built-ins, then among the entry points of ``group`` that installed packages declare.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from genbench.errors import BadInput, UnknownName


class Registry:
    """A lazy table of one kind of thing.

    Args:
        kind: what the table holds, for messages: "metric".
        targets: name -> "module:attribute" (imported at the first ``get``) or the thing itself.
        group: entry-point group in which third parties offer more of the kind.
    """

    def __init__(self, kind: str, targets: dict[str, Any], group: str) -> None:
        self.kind, self.group = kind, group
        self._targets = dict(targets)
        self._outside: dict[str, Any] | None = None

    def add(self, name: str, thing: Any) -> None:
        """Register ``thing`` under ``name``; a name that is taken raises ``BadInput``."""
        if self._all().get(name, thing) is not thing:
            raise BadInput(f"{self.kind} {name!r}: the name is already taken; expected a new name. Pick another one.")
        self._targets[name] = thing

    def get(self, name: str) -> Any:
        """Return the thing called ``name``; an unknown name raises ``UnknownName`` with the known ones.

        One that another package offers and that cannot be loaded raises ``BadInput``.
        """
        known = self._all()
        if name not in known:
            raise UnknownName(self._unknown(name))
        if isinstance(known[name], str):
            self._targets[name] = self._load(name, known[name])
            return self._targets[name]
        return known[name]

    def __contains__(self, name: object) -> bool:
        """Whether ``name`` is registered."""
        return name in self._all()

    def __iter__(self) -> Iterator[str]:
        """All names, sorted."""
        return iter(sorted(self._all()))

    def _load(self, name: str, target: str) -> Any:
        module, _, attribute = target.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            if name in self._targets:
                raise
            raise BadInput(
                f"{self.kind} {name!r}: cannot be loaded; expected {target!r} of an installed package, got "
                f"{type(error).__name__}: {error}. Repair or uninstall that package."
            ) from error

    def _all(self) -> dict[str, Any]:
        if self._outside is None:
            self._outside = {point.name: point.value for point in entry_points(group=self.group)}
        return self._outside | self._targets

    def _unknown(self, name: str) -> str:
        near = get_close_matches(name, self, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return f"{self.kind} {name!r}: no such {self.kind}; expected one of {', '.join(self)}.{hint}"
