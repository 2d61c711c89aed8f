"""Stage 1: anything that yields images.

``open_source`` takes a path, a "scheme:rest" or a Python object; ``SOURCES`` is the table of schemes. A scheme is a
function ``open(rest: str, options: SourceOptions)`` that returns a ``Source`` or any object that ``open_source`` takes;
packages add theirs as entry points.
"""

import os
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any

from genbench.contracts import Source, SourceOptions
from genbench.errors import BadInput
from genbench.registry import Registry
from genbench.usercode import names_an_object

SOURCES = Registry(
    "source",
    {
        "archive": "genbench.sources.archive:open_archive",
        "arrays": "genbench.sources.arrays:open_arrays",
        "exported": "genbench.sources.exported:open_exported",
        "folder": "genbench.sources.folder:open_folder",
        "python": "genbench.sources.module:open_python",
        "sklearn": "genbench.sources.datasets:open_sklearn",
        "torchvision": "genbench.sources.datasets:open_torchvision",
    },
    "genbench.sources",
)
SUFFIXES = {  # of a file -> its scheme
    ".npy": "arrays",
    ".npz": "arrays",
    ".onnx": "exported",
    ".pt": "exported",
    ".tar": "archive",
    ".tar.gz": "archive",
    ".tgz": "archive",
    ".zip": "archive",
}
DEFAULT = SourceOptions()


def open_source(source: Any, options: SourceOptions = DEFAULT) -> Source:
    """Return the images that ``source`` names.

    Args:
        source: "scheme:rest"; else the path of a folder, an archive, an array file or an exported generator; else
            "file.py:attribute" or "package.module:attribute"; or an object: a ``Source``, an array or tensor of
            images, a torch module, a ``Sampler``, a callable f(n, generator), or an iterable of images.
        options: seed, latent, output_range, device.

    Raises:
        BadInput: if there is no such thing, or it holds no images.
    """
    if isinstance(source, PathLike):
        return _open_path(str(Path(source)), options)
    if isinstance(source, str):
        return _open_text(source, options)
    from genbench.sources.module import open_object

    return open_object(source, f"python:{type(source).__qualname__}", options)


def _open_text(text: str, options: SourceOptions) -> Source:
    scheme, colon, rest = text.partition(":")
    if colon and scheme in SOURCES:
        return _take(scheme, SOURCES.get(scheme)(rest, options), text, options)
    if names_an_object(text):
        found: Source = SOURCES.get("python")(text, options)
        return found
    return _open_path(text, options)


def _take(scheme: str, opened: Any, text: str, options: SourceOptions) -> Source:
    """Return what a scheme gave as a source called ``text``; it may give a sampler, an array ... instead."""
    from genbench.sources.module import open_object

    source = open_object(opened, text, options)
    source.name, source.kind = text, scheme
    return source


def _open_path(text: str, options: SourceOptions) -> Source:
    path = Path(text)
    if not os.path.exists(text):
        raise BadInput(_nothing_there(text))
    scheme = "folder" if path.is_dir() else _scheme_of(path.name)
    if scheme is None:
        hint = (
            f"Write {text}:NAME to use an object in it" if path.suffix == ".py" else "Put single images into a folder"
        )
        raise BadInput(
            f"source {text!r}: cannot tell what to do with this file; expected a folder or a file ending in "
            f"{', '.join(SUFFIXES)}, got {path.suffix or 'no ending'!r}. {hint}; schemes: {_schemes()}."
        )
    opened: Source = SOURCES.get(scheme)(text, options)
    return opened


def _scheme_of(file: str) -> str | None:
    return next((scheme for suffix, scheme in SUFFIXES.items() if file.lower().endswith(suffix)), None)


def _nothing_there(text: str) -> str:
    scheme, colon, _ = text.partition(":")
    near = get_close_matches(scheme, SOURCES, n=1) if colon else _near_names(text)
    hint = f" Did you mean {' or '.join(f'{name}:' if colon else name for name in near)}?" if near else ""
    looked = f"scheme {scheme!r}, and no such path or Python module" if colon else "folder or file"
    return (
        f"source {text!r}: no such {looked}; expected a folder, a file ending in {', '.join(SUFFIXES)}, file.py:NAME, "
        f"or a scheme of {_schemes()}.{hint}"
    )


def _near_names(text: str) -> list[str]:
    """Return up to three paths beside ``text``, which does not exist, whose names resemble its own."""
    path = Path(text)
    if not text or not os.path.isdir(path.parent):
        return []
    beside = sorted(os.listdir(path.parent))
    near = get_close_matches(path.name, beside, n=3) or [name for name in beside if name.startswith(path.name)][:3]
    return [str(path.parent / name) for name in near]


def _schemes() -> str:
    return ", ".join(f"{name}:" for name in SOURCES)
