"""Writes a report so that its file is whole or not there."""

import contextlib
import os
import tempfile
from pathlib import Path

from genbench.errors import BadInput


def check_writable(path: Path, option: str) -> None:
    """Raise ``BadInput`` if ``path`` could not be written later; nothing is left behind."""
    if path.is_dir():
        raise BadInput(f"{option}: {path} is a folder; expected a file name. Write {path / 'scorecard.json'}.")
    folder = path.absolute().parent
    if not folder.is_dir():
        raise BadInput(f"{option}: no folder {folder}; expected one that exists. Make it first.")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BadInput(f"{option}: {folder} cannot be written to; expected a writable folder, got {error}.") from error


def write_text(path: Path, text: str, option: str) -> None:
    """Write text as ``write_bytes`` does, UTF-8; odd bytes of file names come out as they were."""
    write_bytes(path, text.encode("utf-8", "surrogateescape"), option)


def write_bytes(path: Path, data: bytes, option: str) -> None:
    """Write to a scratch file and put it in place at once; a failure raises ``BadInput``."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        scratch.write_bytes(data)
        os.replace(scratch, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            scratch.unlink()
        raise BadInput(
            f"{option}: {path} cannot be written; expected room and rights, got {error}. What was computed is kept: "
            "run the same command with another path."
        ) from error
