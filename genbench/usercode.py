"""Code that the user gave: how its objects are found and run, where it may import from, how its errors are told.

An object is written "file.py:NAME" or "package.module:NAME".
"""

import importlib.util
import inspect
import itertools
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from genbench import errors
from genbench.errors import BadInput, GenbenchError

OURS = os.path.dirname(os.path.abspath(errors.__file__))
LIBRARIES = (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), OURS, "<frozen")
SHOWN = 300  # characters of the user's message
NAMES_SHOWN = 20
OBJECT = re.compile(r"(.*\.py|[^\W\d]\w*(\.[^\W\d]\w*)*):[^\W\d]\w*(\.[^\W\d]\w*)*", re.DOTALL)
_loads = itertools.count()
_own: dict[str, dict[str, ModuleType]] = {}  # user's folder -> its modules whose names another folder's have taken


@dataclass(frozen=True)
class Found:
    """A Python object of the user's.

    Attributes:
        thing: the object.
        folder: importable while its code runs.
        file: in which it was found; None for a module that is not a file of Python.
    """

    thing: Any
    folder: str
    file: Path | None


# ------------------------------------------------------------------------------------------------ running


@contextmanager
def user_code(who: str, folder: str | None = None) -> Iterator[None]:
    """Run the user's code; what it raises becomes a ``BadInput`` that names the user's file and line.

    Args:
        who: of the message.
        folder: importable meanwhile.
    """
    try:
        with _importable(folder):
            yield
    except GenbenchError:
        raise
    except (Exception, SystemExit) as error:
        text = " ".join(str(error).split())[:SHOWN]
        raise BadInput(
            f"{who}: its code failed; expected it to run, got {type(error).__name__}: {text} ({_place(error)}). "
            "Correct it there."
        ) from error


@contextmanager
def _importable(folder: str | None) -> Iterator[None]:
    if folder is None:
        yield
        return
    strangers = _strangers(folder)
    for title in strangers:
        del sys.modules[title]
    sys.modules.update(_own.setdefault(folder, {}))
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)
        taken = {title.partition(".")[0] for title in strangers}
        titles = [title for title in sys.modules if title.partition(".")[0] in taken]
        _own[folder] |= {title: sys.modules.pop(title) for title in titles}
        sys.modules.update(strangers)


def _strangers(folder: str) -> dict[str, ModuleType]:
    """Return the loaded modules of other users' folders that stand where ``folder`` has modules of its own.

    Without this, ``b/gan.py`` would import ``a/layers.py`` once ``a/gan.py`` has done so.
    """
    others = {home for home in _own if home != folder}
    mine = {child.stem for child in Path(folder).iterdir()} if others else set[str]()
    tops = {title for title in mine & set(sys.modules) if _home(sys.modules[title]) in others}
    return {title: module for title, module in sys.modules.items() if title.partition(".")[0] in tops}


def _home(module: ModuleType) -> str:
    """Return the folder from which a top-level module or package was imported; "" if from none."""
    file = Path(getattr(module, "__file__", None) or "")
    return str((file.parent if file.name == "__init__.py" else file).parent) if file.name else ""


def _place(error: BaseException) -> str:
    """Return "file:line" of the innermost line of the user's, else of the innermost line."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = _frames(error.__traceback__)
    theirs = [frame for frame in frames if not frame[0].startswith(LIBRARIES)]
    file, line = (theirs or frames)[-1]
    return f"{file}:{line}"


def _frames(trace: TracebackType | None) -> list[tuple[str, int]]:
    return [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(trace)]


# ------------------------------------------------------------------------------------------------ finding


def names_an_object(text: str) -> bool:
    """Whether ``text`` is of the form of a Python object, and neither a path nor a misspelt "name:argument"."""
    first = text.partition(":")[0]
    return OBJECT.fullmatch(text) is not None and not os.path.exists(text) and not _is_misspelt_name(first)


def find_object(text: str, who: str) -> Found:
    """Return the object written "file.py:NAME" or "package.module:NAME".

    A file is loaded by its path, its folder importable; a package is looked for in the working directory too.

    Args:
        text: where it is.
        who: of messages: "source 'gan.py:build'".

    Raises:
        BadInput: if there is none, or the code fails.
    """
    where, colon, attribute = text.rpartition(":")
    if not colon or not where or not attribute:
        raise BadInput(
            f"{who}: no object named; expected file.py:NAME or package.module:NAME, got {text!r}. "
            f"Add the name: {(where or attribute or 'file.py')}:build."
        )
    is_file = where.endswith(".py") or Path(where).is_file()
    folder = str(Path(where).absolute().parent) if is_file else os.getcwd()
    module = _load_file(where, who, folder) if is_file else _import(where, who, folder)
    file = getattr(module, "__file__", None)
    return Found(_find(module, attribute, who), folder, Path(file) if file else None)


def accepts(function: Callable[..., Any], count: int) -> bool:
    """Whether ``function`` can be called with ``count`` positional arguments; where it cannot be known, with 2."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # a built-in without a signature
        return count == 2
    return True


def _is_misspelt_name(name: str) -> bool:
    if not name.isidentifier() or name in sys.modules or any(map(os.path.exists, (name, f"{name}.py"))):
        return False
    return importlib.util.find_spec(name) is None


def _load_file(path: str, who: str, folder: str) -> ModuleType:
    if not Path(path).is_file():
        beside = sorted(child.name for child in Path(path).absolute().parent.glob("*.py"))
        near = get_close_matches(Path(path).name, beside, n=1)
        hint = f"Did you mean {str(Path(path).parent / near[0])!r}?" if near else "Check the path."
        raise BadInput(f"{who}: no such file; expected a Python file, got {path!r}. {hint}")
    title = f"genbench_user_{next(_loads)}_{Path(path).stem}"
    spec = importlib.util.spec_from_file_location(title, os.path.abspath(path))
    if spec is None or spec.loader is None:
        raise BadInput(f"{who}: not Python; expected a file ending in .py, got {path!r}. Rename it.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[title] = module  # dataclasses and pickle look there
    try:
        with user_code(who, folder):
            spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(title, None)
        raise
    return module


def _import(title: str, who: str, folder: str) -> ModuleType:
    with user_code(who, folder):
        try:
            return importlib.import_module(title)
        except ModuleNotFoundError as error:
            missing = error.name or ""
            if title != missing and not title.startswith(f"{missing}."):
                raise
    raise BadInput(
        f"{who}: no such module; expected an installed package or one in {folder!r}, got {title!r} without "
        f"{missing!r}. Install it, or write the file: path/to/file.py:NAME."
    )


def _find(module: ModuleType, attribute: str, who: str) -> Any:
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            public = sorted(key for key in vars(found) if not key.startswith("_")) if hasattr(found, "__dict__") else []
            near = get_close_matches(part, public, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else "Check the name."
            raise BadInput(
                f"{who}: no such object; expected one of {', '.join(public[:NAMES_SHOWN])}, got {part!r}. {hint}"
            )
        found = getattr(found, part)
    return found
