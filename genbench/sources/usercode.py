"""Running code that the user gave: where it may import from, and how its errors are told."""

import os
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, TracebackType

from genbench import errors
from genbench.errors import BadInput, GenbenchError

OURS = os.path.dirname(os.path.abspath(errors.__file__))
LIBRARIES = (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), OURS, "<frozen")
SHOWN = 300  # characters of the user's message
_own: dict[str, dict[str, ModuleType]] = {}  # user's folder -> its modules whose names another folder's have taken


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
