"""Python objects of the user's as extractors: ``file.py:NAME``, ``package.module:NAME``."""

import hashlib
import inspect
from collections.abc import Mapping
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Extractor, Pixels
from genbench.errors import BadInput
from genbench.features.runtime import Setup
from genbench.features.usermodule import UserModule, probe, refuse_weights, tensor_digest
from genbench.features.weights import sha256_of
from genbench.usercode import Found, accepts, find_object, user_code

NAME = "python"
MOST_FACTORIES = 4  # a factory may return a factory, but not for ever
PARTS = ("widths", "facts", "batch_size", "prepare")
ACCEPTED = (
    "a torch module from float32 [n, 3, h, w] in [0, 1] to [n, d], an object with widths, facts, batch_size, prepare "
    "and __call__, or a class or function without arguments that makes one of these"
)


class OwnExtractor:
    """`file.py:NAME`, `pkg.mod:NAME`: a torch module of yours, or an object that is an extractor itself.

    A module maps float32 [n, 3, side, side] in [0, 1] to [n, d], layer "pooled"; ``UserModule`` says how it is fed. An
    object that satisfies ``contracts.Extractor`` feeds itself. A class or function without required arguments makes
    one of these.

    Features are kept under the SHA-256 of a module's parameters and buffers and of the source files of the object and
    of the classes that it is made of. Code in other files is not seen: after a change there, use another ``--cache``.

    Args:
        setup: "file.py:NAME" as its argument; where it runs.

    Raises:
        BadInput: if there is no such object, or it is none of these, or its features depend on more than the image.
    """

    name = NAME
    widths: Mapping[str, int] = {}
    facts: Mapping[str, str]
    batch_size = 16

    def __init__(self, setup: Setup) -> None:
        self.name = text = setup.argument
        self._who = f"extractor {text!r}"
        refuse_weights(self._who, setup)
        found = find_object(text, self._who)
        self._folder = found.folder
        thing = _make(found, self._who)
        code = code_digest(found, thing)
        self._inner: Extractor
        if _is_extractor(thing):
            _refuse_attributes(thing, self._who)
            self._inner, self.facts = thing, {**thing.facts, "code": code}
        else:
            facts = {"extractor": f"{NAME} v1", "network": type(thing).__qualname__, "weights": tensor_digest(thing)}
            self._inner = UserModule(thing, text, setup, facts | {"code": code}, found.folder)
            self.facts = self._inner.facts
        self.widths, self.batch_size = dict(self._inner.widths), self._inner.batch_size
        probe(self, self._who)

    def prepare(self, image: Pixels) -> NDArray[Any]:
        """Return the network's input for one uint8 RGB [h, w, 3] image."""
        with user_code(self._who):  # in worker threads, which must not change what others may import
            return self._inner.prepare(image)

    def __call__(self, batch: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        """Return layer -> float32 [n, width] for n prepared images stacked."""
        with user_code(self._who, self._folder):
            return self._inner(batch)


def _refuse_attributes(thing: Any, who: str) -> None:
    """Raise ``BadInput`` unless an extractor of the user's has a layer "pooled" and facts of texts."""
    fits = isinstance(thing.widths, Mapping) and "pooled" in thing.widths and isinstance(thing.facts, Mapping)
    if not fits or not all(isinstance(text, str) for item in thing.facts.items() for text in item):
        raise BadInput(
            f"{who}: no extractor; expected widths with a layer 'pooled', and facts of texts, got {thing.widths!r} and "
            f"{thing.facts!r}. See genbench.contracts.Extractor."
        )


def _make(found: Found, who: str) -> Any:
    """Return the object, made by the class or function that was named where it is one."""
    thing = found.thing
    for _ in range(MOST_FACTORIES + 1):
        if _is_extractor(thing) or _is_module(thing):
            return thing
        if not callable(thing) or not accepts(thing, 0):
            break
        with user_code(who, found.folder):
            thing = thing()
    raise BadInput(f"{who}: no network; expected {ACCEPTED}, got {type(thing).__name__} {repr(thing)[:60]}.")


def _is_extractor(thing: Any) -> bool:
    return not inspect.isclass(thing) and callable(thing) and all(hasattr(thing, part) for part in PARTS)


def _is_module(thing: Any) -> bool:
    import torch

    return isinstance(thing, torch.nn.Module)


def code_digest(found: Found, thing: Any) -> str:
    """Return the SHA-256 of the source files of an object: the one it was found in, and those of its classes."""
    parts = list(thing.modules()) if _is_module(thing) else [thing]
    classes = {kind for part in parts for kind in type(part).__mro__}
    functions = [inspect.unwrap(part) for kind in classes for part in vars(kind).values() if callable(part)]
    codes = [part.__code__ for part in [found.thing, *functions] if isinstance(part, FunctionType)]
    paths = {Path(code.co_filename) for code in codes} | ({found.file} if found.file else set())
    hashes = sorted(sha256_of(path) for path in paths if path.is_file())
    return hashlib.sha256("".join(hashes).encode()).hexdigest()
