"""Files of tensors by name: safetensors, torch's two formats, TorchScript. Tensors alone are read: no code is run."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

from genbench.errors import BadInput
from genbench.torchscript import is_torchscript, load_torchscript

SHOWN = 120  # characters of torch's message
Tensors = dict[str, Any]  # name -> torch.Tensor


def read_tensors(path: Path, who: str) -> Tensors:
    """Return the tensors in the file at ``path``, on the CPU; large ones stay in the file until they are used.

    Args:
        path: of a state dict saved by safetensors or torch, or of a TorchScript module.
        who: of the message.

    Raises:
        BadInput: if it is none of these.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if is_torchscript(path):
            return dict(load_torchscript(path, who, "").state_dict())
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zipfile(path))
    except (RuntimeError, ValueError, EOFError, OSError, pickle.UnpicklingError, SafetensorError) as problem:
        reason = str(problem).partition("\n")[0][:SHOWN]
        raise BadInput(f"{who}: {path} cannot be read; expected tensors saved by torch, got {reason}.") from problem
    if not isinstance(found, Mapping):
        raise BadInput(f"{who}: {path} cannot be read; expected tensors by name, got {type(found).__name__}.")
    return dict(found)


def put_in(net: Any, tensors: Mapping[str, Any], path: Path, who: str) -> None:
    """Make ``tensors`` the parameters and buffers of ``net``, in float32, without a copy.

    Args:
        net: an ``nn.Module``, which may be on torch's "meta" device.
        tensors: name -> tensor.
        path: of the message.
        who: of the message.

    Raises:
        BadInput: if a name or a shape differs.
    """
    wanted = net.state_dict()
    refuse_misfit(wanted, tensors, path, who)
    net.load_state_dict({name: tensors[name].to(wanted[name].dtype) for name in wanted}, assign=True)


def refuse_misfit(wanted: Mapping[str, Any], found: Mapping[str, Any], path: Path, who: str) -> None:
    """Raise ``BadInput`` unless ``found`` has the names and shapes of ``wanted``, and no others; counters may lack."""
    for name in dict.fromkeys([*wanted, *found]):
        expected, got = _shape(wanted.get(name)), _shape(found.get(name))
        if expected != got and not name.endswith("num_batches_tracked"):
            raise BadInput(f"{who}: {path} does not fit the network; expected {name} of shape {expected}, got {got}.")


def _shape(tensor: Any) -> str:
    return "none" if tensor is None else str(tuple(getattr(tensor, "shape", ("no tensor",))))
