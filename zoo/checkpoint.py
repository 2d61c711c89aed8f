"""Checkpoints: safetensors and JSON, never pickle; written whole or not at all.

A checkpoint is a folder ``checkpoints/00000500`` that is renamed into place when all of it is on disk: a process that
is killed at any moment leaves the earlier ones intact.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from genbench.errors import BadInput

MODEL, TRAINING, STATE = "model.safetensors", "training.safetensors", "state.json"
RESUMABLE = 2  # the newest checkpoints keep what training needs, older ones the model alone


@dataclass(frozen=True)
class Counters:
    """Where a run stands.

    Attributes:
        step: updates done.
        images: examples shown to the generator, over all processes.
        dealt: examples dealt from the deck.
        seconds: time spent training.
    """

    step: int = 0
    images: int = 0
    dealt: int = 0
    seconds: float = 0.0


def write(
    directory: Path, model: nn.Module, optimizers: Mapping[str, torch.optim.Optimizer], counters: Counters
) -> Path:
    """Keep everything that training needs to go on; return the checkpoint's folder."""
    home = directory / "checkpoints"
    home.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=home, prefix=".writing-"))
    save_file({name: _own(tensor) for name, tensor in model.state_dict().items()}, scratch / MODEL)
    tensors, groups = _flatten(optimizers)
    save_file(tensors, scratch / TRAINING)
    state = {"version": 1, "counters": asdict(counters), "groups": groups, "sha256": _digests(scratch)}
    (scratch / STATE).write_text(json.dumps(state, indent=2), encoding="utf-8")
    for file in scratch.iterdir():
        _flush(file)
    final = home / f"{counters.step:08d}"
    if final.exists():
        shutil.rmtree(final)
    scratch.rename(final)
    _flush(home)
    _tidy(home)
    return final


def found(directory: Path) -> list[Path]:
    """Return the checkpoints of a run, oldest first."""
    home = directory / "checkpoints"
    return sorted(path for path in home.iterdir() if path.name.isdigit()) if home.is_dir() else []


def pick(directory: Path, step: int) -> Path:
    """Return the checkpoint of ``step``; raises ``BadInput`` if there is none."""
    steps = {int(path.name): path for path in found(directory)}
    if step not in steps:
        raise BadInput(
            f"zoo {str(directory)!r}: no such checkpoint; expected a step of {', '.join(map(str, steps)) or 'none'}, "
            f"got {step}. Name one of these."
        )
    return steps[step]


def read_counters(checkpoint: Path) -> Counters:
    """Return where the run stood."""
    return Counters(**_read_state(checkpoint)["counters"])


def read_model(checkpoint: Path, model: nn.Module) -> Counters:
    """Load the weights of ``checkpoint`` into ``model``; return where the run stood.

    Raises:
        BadInput: if a file is damaged, or holds another model.
    """
    state = _read_state(checkpoint)
    tensors = _read_tensors(checkpoint, MODEL, state)
    _refuse_others(checkpoint, tensors, model.state_dict())
    model.load_state_dict(tensors)
    return Counters(**state["counters"])


def read_training(checkpoint: Path, model: nn.Module, optimizers: Mapping[str, torch.optim.Optimizer]) -> Counters:
    """Load all of ``checkpoint`` into ``model`` and ``optimizers``; return where the run stood."""
    counters = read_model(checkpoint, model)
    if not (checkpoint / TRAINING).exists():
        raise BadInput(
            f"checkpoint {str(checkpoint)!r}: keeps the model alone; expected one of the newest {RESUMABLE}, which "
            "training can go on from. Resume from the newest."
        )
    state = _read_state(checkpoint)
    tensors = _read_tensors(checkpoint, TRAINING, state)
    for name, optimizer in optimizers.items():
        memory: dict[int, dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            owner, index, what = key.split("/")
            if owner == name:
                memory.setdefault(int(index), {})[what] = tensor
        optimizer.load_state_dict({"state": memory, "param_groups": state["groups"][name]})
    return counters


def _flatten(optimizers: Mapping[str, torch.optim.Optimizer]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors, groups = {}, {}
    for name, optimizer in optimizers.items():
        state = optimizer.state_dict()
        groups[name] = state["param_groups"]
        for index, memory in state["state"].items():
            tensors |= {f"{name}/{index}/{what}": _own(tensor) for what, tensor in memory.items()}
    return tensors, groups


def _own(tensor: Tensor) -> Tensor:
    """Return a copy that shares memory with no other tensor, on the CPU."""
    return tensor.detach().to("cpu", copy=True).contiguous()


def _digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.glob("*.safetensors")}


def _read_state(checkpoint: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(_damaged(checkpoint, STATE, str(error))) from error
    return state


def _read_tensors(checkpoint: Path, name: str, state: Mapping[str, Any]) -> dict[str, Tensor]:
    path = checkpoint / name
    if not path.exists():
        raise BadInput(
            f"checkpoint {str(checkpoint)!r}: {name} is missing; expected the file that was written, got none. "
            "Remove this checkpoint to go on from the one before it."
        )
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != state["sha256"][name]:
            raise BadInput(_damaged(checkpoint, name, f"SHA-256 {digest[:12]}"))
        return load_file(path)
    except (OSError, KeyError, SafetensorError) as error:
        raise BadInput(_damaged(checkpoint, name, f"{type(error).__name__}: {error}")) from error


def _refuse_others(checkpoint: Path, tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """Raise ``BadInput`` unless ``tensors`` have the names and shapes of those of the model."""
    kinds = {
        "missing": [name for name in wanted if name not in tensors],
        "unknown": [name for name in tensors if name not in wanted],
        "of another shape": [name for name in wanted if name in tensors and tensors[name].shape != wanted[name].shape],
    }
    wrong = [f"{len(names)} {kind} (first {names[0]!r})" for kind, names in kinds.items() if names]
    if wrong:
        raise BadInput(
            f"checkpoint {str(checkpoint)!r}: holds another model; expected the {len(wanted)} tensors of this one, got "
            f"{', '.join(wrong)}. Use the version of the program that wrote it."
        )


def _damaged(checkpoint: Path, name: str, got: str) -> str:
    return (
        f"checkpoint {str(checkpoint)!r}: {name} is damaged; expected the file that was written, got {got}. "
        "Remove this checkpoint to go on from the one before it."
    )


def _tidy(home: Path) -> None:
    """Remove what a killed process left, and the training state of old checkpoints."""
    for left in home.glob(".writing-*"):
        shutil.rmtree(left)
    kept = sorted(path for path in home.iterdir() if path.name.isdigit())
    for old in kept[:-RESUMABLE]:
        (old / TRAINING).unlink(missing_ok=True)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
