"""What program, on what machine, made a number."""

import hashlib
import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from genbench import __version__

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "pillow", "onnxruntime", "timm", "scikit-learn")


def describe_environment() -> dict[str, Any]:
    """Return versions, commit, machine and time, JSON-safe."""
    return {
        "genbench": __version__,
        "git_commit": git_commit(Path(__file__).parent),
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


@cache
def code_fingerprint() -> str:
    """Return the SHA-256 of the code that turns features into numbers: kept scores of other code are not reused."""
    here = Path(__file__).parent
    files = sorted([*(here / "stats").glob("*.py"), *(here / "metrics").glob("*.py")])
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def git_commit(directory: Path) -> str | None:
    """Return the commit of the checkout that tracks this package, "-dirty" where files differ; None for a wheel."""
    if _git(directory, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    return _git(directory, "describe", "--always", "--abbrev=40", "--dirty", "--exclude", "*")


def _git(directory: Path, *words: str) -> str | None:
    try:
        found = subprocess.run(
            ["git", "-C", str(directory), *words], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip() or None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
