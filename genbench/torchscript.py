"""Files of ``torch.jit.save``, in which a network comes with its own code. Only graphs are run: no pickle is loaded."""

import warnings
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from genbench.errors import BadInput

MARK = "constants.pkl"  # a TorchScript archive has it, a pickled checkpoint has not
SHOWN = 300  # characters of torch's message


def is_torchscript(path: str | Path) -> bool:
    """Whether there is a TorchScript archive at ``path``, judged by its members."""
    try:
        with ZipFile(path) as archive:
            return any(name.count("/") == 1 and name.endswith(f"/{MARK}") for name in archive.namelist())
    except (BadZipFile, OSError):
        return False


def load_torchscript(path: str | Path, who: str, instead: str) -> Any:
    """Return the ``torch.jit.ScriptModule`` in a file, on the CPU.

    Args:
        path: of the file.
        who: of messages.
        instead: what one does who has another kind of file.

    Raises:
        BadInput: for a file of another kind, or a damaged one.
    """
    if not is_torchscript(path):
        raise BadInput(
            f"{who}: not TorchScript; expected a file of torch.jit.save, got another, such as a pickled checkpoint or "
            f"state dict, which is not loaded: a pickle can run any code. {instead}"
        )
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError, OSError) as error:
        text = " ".join(str(error).split())[:SHOWN]
        raise BadInput(
            f"{who}: cannot be loaded; expected a complete TorchScript file, got {type(error).__name__}: {text}. "
            "Export it again."
        ) from error
