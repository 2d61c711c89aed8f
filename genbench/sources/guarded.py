"""A user's model as the rest of the program sees it: its methods fail with one line that names the user's file."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from genbench.usercode import user_code


class Guarded:
    """Has what ``thing`` has; each call of a method runs as user code, a torch module in eval mode.

    Args:
        thing: a user's or a zoo model.
        who: of messages.
        folder: importable while its code runs.
    """

    def __init__(self, thing: Any, who: str, folder: str | None) -> None:
        self._thing, self._who, self._folder = thing, who, folder

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self._thing, name)
        return self._guard(found) if callable(found) else found

    def __str__(self) -> str:
        return type(self._thing).__name__

    def _guard(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            training = [part for part in _parts(self._thing) if part.training]
            for part in training:
                part.training = False
            try:
                with user_code(self._who, self._folder):
                    return method(*args, **kwargs)
            finally:
                for part in training:
                    part.training = True

        return call


def _parts(thing: Any) -> list[Any]:
    torch = sys.modules.get("torch")
    return list(thing.modules()) if torch is not None and isinstance(thing, torch.nn.Module) else []
