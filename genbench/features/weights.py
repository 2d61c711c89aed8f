"""Finds weight files and checks that they are the published ones."""

import hashlib
from pathlib import Path

from genbench.errors import MissingWeights


def check_digest(path: Path, expected: str, network: str) -> None:
    """Raise ``MissingWeights`` unless the SHA-256 of the file at ``path`` is ``expected``."""
    if not path.is_file():
        raise MissingWeights(f"{network}: its weights are missing; expected a file at {path}, got none.")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        raise MissingWeights(
            f"{network}: {path} is not the published file; expected SHA-256 {expected}, got {found}. "
            "Reinstall the package that holds it."
        )
