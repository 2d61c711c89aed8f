"""Python objects that make images: ``file.py:attribute``, ``package.module:attribute``, or given by a program."""

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

from genbench.contracts import Source, SourceOptions
from genbench.errors import BadInput
from genbench.images.quantise import as_array
from genbench.sources.memory import ArraySource
from genbench.sources.sampled import SampledSource, draw_from_module, stated_range
from genbench.sources.spool import IterableSource
from genbench.usercode import accepts, find_object, user_code

MOST_FACTORIES = 4  # a factory may return a factory, but not for ever
ACCEPTED = (
    "a torch module, an object with sample(n, generator), a function f(n, generator), an array or tensor of images, "
    "an iterable of images, or a class or function without arguments that makes one of these"
)


@dataclass(frozen=True)
class _Origin:
    """Where a Python object comes from.

    Attributes:
        name: of the source, as written.
        options: of the user.
        folder: importable while the object's code runs.
        is_live: it belongs to a running program, and is not to be changed.
        factories: how many made it.
    """

    name: str
    options: SourceOptions
    folder: str | None = None
    is_live: bool = False
    factories: int = 0


def open_python(rest: str, options: SourceOptions) -> Source:
    """A Python object, file.py:NAME or package.module:NAME: module, sampler, function, array, iterable.

    A file is loaded by its path, its folder importable; a package is looked for in the working directory too.
    """
    found = find_object(rest, f"source {rest!r}")
    return _open(found.thing, _Origin(rest, options, found.folder))


def open_object(thing: Any, name: str, options: SourceOptions) -> Source:
    """Return the images of a Python object of a running program.

    Args:
        thing: a ``Source``, a torch module, a ``Sampler``, a callable f(n, generator), an array or tensor, an iterable
            of images, or a class or function without required arguments that makes one of these. A module runs where
            it is, and is left as it was.
        name: of the source.
        options: seed, latent, output_range.
    """
    return _open(thing, _Origin(name, options, is_live=True))


def _open(thing: Any, origin: _Origin) -> Source:
    for fits, open_one in _KINDS:
        if fits(thing):
            return open_one(thing, origin)
    raise BadInput(
        f"source {origin.name!r}: makes no images; expected {ACCEPTED}, got {_describe(thing)}. {_todo(thing)}"
    )


# ------------------------------------------------------------------------------------------------ what a thing is


def _is_source(thing: Any) -> bool:
    needed = ("name", "kind", "seeded", "is_endless", "notes", "entries", "read")
    return not inspect.isclass(thing) and all(hasattr(thing, part) for part in needed)


def _is_pixels(thing: Any) -> bool:
    return isinstance(thing, np.ndarray) or _is_torch(thing, "Tensor")


def _is_module(thing: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(thing, torch.nn.Module)


def _is_torch(thing: Any, kind: str) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(thing, getattr(torch, kind))


def _is_sampler(thing: Any) -> bool:
    sample = getattr(thing, "sample", None)
    if inspect.isclass(thing) or not callable(sample):
        return False
    return accepts(sample, 2) or not _is_module(thing)  # a module may have a ``sample`` of another meaning


def _is_drawing_function(thing: Any) -> bool:
    """Whether it is f(n, generator); one that needs no arguments is a factory unless it names its generator."""
    if inspect.isclass(thing) or not callable(thing) or not accepts(thing, 2):
        return False
    return not accepts(thing, 0) or "generator" in inspect.signature(thing).parameters


def _is_factory(thing: Any) -> bool:
    return callable(thing) and (inspect.isclass(thing) or accepts(thing, 0))


def _is_iterable(thing: Any) -> bool:
    if isinstance(thing, str | bytes | Mapping | ModuleType) or inspect.isclass(thing):
        return False
    return hasattr(thing, "__iter__") or (hasattr(thing, "__getitem__") and hasattr(thing, "__len__"))


# ------------------------------------------------------------------------------------------------ how it is opened


def _open_source(thing: Any, origin: _Origin) -> Source:
    found: Source = thing
    return found


def _open_pixels(thing: Any, origin: _Origin) -> Source:
    stated = stated_range(None, origin.name, origin.options)
    return ArraySource(as_array(thing), origin.name, "python", value_range=stated)


def _open_sampler(thing: Any, origin: _Origin) -> Source:
    if not accepts(thing.sample, 2):
        raise BadInput(_wrong_signature(thing.sample, f"{type(thing).__name__}.sample", origin))
    stated = stated_range(thing, origin.name, origin.options) or (0.0, 1.0)  # the contract's
    return SampledSource(thing.sample, origin.name, origin.options.seed, stated, origin.folder, model=thing)


def _open_module(thing: Any, origin: _Origin) -> Source:
    stated = stated_range(thing, origin.name, origin.options)
    draw = draw_from_module(thing, origin.name, origin.options, is_live=origin.is_live)
    return SampledSource(draw, origin.name, origin.options.seed, stated, origin.folder, model=thing)


def _open_drawing_function(thing: Any, origin: _Origin) -> Source:
    stated = stated_range(thing, origin.name, origin.options)
    return SampledSource(thing, origin.name, origin.options.seed, stated, origin.folder)


def _open_factory(thing: Any, origin: _Origin) -> Source:
    if not accepts(thing, 0):
        raise BadInput(_wrong_signature(thing, thing.__name__, origin))
    if origin.factories == MOST_FACTORIES:
        raise BadInput(f"source {origin.name!r}: only makes factories; expected {ACCEPTED}, got another {thing!r}.")
    with user_code(f"source {origin.name!r}", origin.folder):
        made = thing()
    return _open(made, replace(origin, factories=origin.factories + 1))


def _open_iterable(thing: Any, origin: _Origin) -> Source:
    return IterableSource(thing, origin.name, stated_range(thing, origin.name, origin.options), origin.folder)


_KINDS: tuple[tuple[Callable[[Any], bool], Callable[[Any, _Origin], Source]], ...] = (
    (_is_source, _open_source),
    (_is_pixels, _open_pixels),
    (_is_sampler, _open_sampler),
    (_is_module, _open_module),
    (_is_drawing_function, _open_drawing_function),
    (_is_factory, _open_factory),
    (_is_iterable, _open_iterable),
)


# ------------------------------------------------------------------------------------------------ messages


def _describe(thing: Any) -> str:
    if callable(thing):
        return f"{getattr(thing, '__name__', type(thing).__name__)}{_signature(thing)}"
    return f"{type(thing).__name__} {repr(thing)[:60]}"


def _todo(thing: Any) -> str:
    if callable(thing):
        return "Take (n, generator), and draw every random number from it: torch.randn(n, 128, generator=generator)."
    return "Name another object."


def _signature(function: Callable[..., Any]) -> str:
    try:
        return str(inspect.signature(function))
    except ValueError:
        return "(?)"


def _wrong_signature(function: Callable[..., Any], name: str, origin: _Origin) -> str:
    if inspect.isclass(function):
        return (
            f"source {origin.name!r}: a class that needs arguments; expected one that can be made without, got "
            f"{name}{_signature(function)}. Write a function that makes it, and name that."
        )
    return (
        f"source {origin.name!r}: {name} has another signature; expected (n, generator), got {_signature(function)}. "
        "Draw every random number from the torch.Generator: torch.randn(n, 128, generator=generator)."
    )
