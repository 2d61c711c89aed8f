"""Runs a network: ONNX Runtime in fp32 on the CPU, torch where it is asked for or on CUDA.

A network is exported once; the exported file is kept beside the feature store under the key of its weights. Networks of
which nobody has tested that they can be exported, timm's and the user's, run under torch on every device.
"""

import contextlib
import ctypes
import io
import logging
import os
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Silence, Watch
from genbench.errors import BadInput

Run = Callable[[NDArray[Any]], Sequence[NDArray[np.float32]]]
Runtime = Literal["auto", "onnxruntime", "torch"]


@dataclass(frozen=True)
class Network:
    """A network that can be built, and how to recognise it.

    Attributes:
        key: changes whenever the network or its weights do; names the exported file.
        build: returns an ``nn.Module`` in eval mode that maps ``dtype`` [n, h, w, 3] to a tuple of float32 [n, width].
        side_px: height and width of its input.
        outputs: names of what it returns, in order.
        dtype: of its input.
    """

    key: str
    build: Callable[[], Any]
    side_px: int
    outputs: tuple[str, ...]
    dtype: Literal["uint8", "float32"] = "uint8"


@dataclass(frozen=True)
class Place:
    """Where and by what a network runs.

    Attributes:
        device: "cpu" or "cuda", "cuda:1".
        runtime: "onnxruntime" or "torch".
        directory: where exported networks are kept.
        is_chosen: the user named the runtime.
    """

    device: str
    runtime: str
    directory: Path
    is_chosen: bool = False

    def describe(self) -> str:
        """Return the runtime with its version and the kind of device, for the key of kept features."""
        return f"{self.runtime} {version(self.runtime)} {self.device.partition(':')[0]}"


@dataclass(frozen=True)
class Setup:
    """What an extractor is made with.

    Attributes:
        place: where its network runs.
        argument: what stands behind its name: "resnet50" in "timm:resnet50".
        weights: the weight file the user names; None: the published one.
        watch: told of the download of weights.
    """

    place: Place
    argument: str = ""
    weights: Path | None = None
    watch: Watch = field(default_factory=Silence)


def refuse_options(name: str, setup: Setup) -> None:
    """Raise ``BadInput`` if an extractor that takes neither was given an argument or a weight file."""
    refuse_argument(name, setup)
    if setup.weights is not None:
        raise BadInput(f"{name}: takes no other weights; expected no --weights, got {setup.weights}.")


def refuse_argument(name: str, setup: Setup) -> None:
    """Raise ``BadInput`` if an extractor that takes no argument was given one."""
    if setup.argument:
        raise BadInput(f"{name}: takes no argument; expected {name!r}, got {name + ':' + setup.argument!r}.")


def under_torch(name: str, place: Place) -> Place:
    """Return ``place`` with torch, for a network that is not exported: whether one can be is only found by trying.

    Raises:
        BadInput: if the user named another runtime.
    """
    if place.is_chosen and place.runtime != "torch":
        raise BadInput(
            f"--runtime: extractor {name!r} runs under torch only; expected auto or torch, got {place.runtime}. "
            "Leave --runtime out."
        )
    return replace(place, runtime="torch")


def choose_place(device: str, runtime: str, directory: Path) -> Place:
    """Resolve "auto" and check that the pair exists; raises ``BadInput`` before any work.

    Args:
        device: "auto", "cpu", "cuda" or "cuda:N".
        runtime: "auto", "onnxruntime" or "torch".
        directory: where exported networks are kept.
    """
    if runtime not in ("auto", "onnxruntime", "torch"):
        raise BadInput(f"--runtime: unknown runtime; expected auto, onnxruntime or torch, got {runtime!r}.")
    is_chosen = runtime != "auto"
    if device == "auto":
        device = "cuda" if runtime != "onnxruntime" and has_cuda() else "cpu"
    if device != "cpu" and not (device == "cuda" or device.removeprefix("cuda:").isdigit()):
        raise BadInput(f"--device: unknown device; expected auto, cpu, cuda or cuda:N, got {device!r}.")
    if device != "cpu" and not has_cuda():
        raise BadInput(f"--device: no CUDA device answers; expected one for {device!r}. Use --device cpu.")
    if runtime == "auto":
        runtime = "onnxruntime" if device == "cpu" else "torch"
    if runtime == "onnxruntime" and device != "cpu":
        raise BadInput(
            f"--runtime: onnxruntime runs on the CPU here; expected cpu, got {device!r}. Use --runtime torch."
        )
    return Place(device, runtime, directory, is_chosen)


def has_cuda() -> bool:
    """Whether torch can use a CUDA device; loads torch only where a driver is installed."""
    try:
        ctypes.CDLL("libcuda.so.1" if os.name == "posix" else "nvcuda.dll")
    except OSError:
        return False
    import torch

    return torch.cuda.is_available()


def load(network: Network, place: Place) -> Run:
    """Return a function that runs ``network`` at ``place`` on [n, side, side, 3] of its dtype."""
    return _load_torch(network, place) if place.runtime == "torch" else _load_onnxruntime(network, place)


def _load_torch(network: Network, place: Place) -> Run:
    import torch

    module = network.build().to(place.device, memory_format=torch.channels_last)

    def run(batch: NDArray[Any]) -> list[NDArray[np.float32]]:
        with torch.inference_mode(), torch.backends.cudnn.flags(allow_tf32=False):  # float32 means float32
            return [out.float().cpu().numpy() for out in module(torch.tensor(batch, device=place.device))]

    return run


def _load_onnxruntime(network: Network, place: Place) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    options.log_severity_level = 3
    path = _exported(network, place.directory)
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(batch: NDArray[Any]) -> list[NDArray[np.float32]]:
        outputs: list[NDArray[np.float32]] = session.run(list(network.outputs), {"images": batch})
        return outputs

    return run


def is_exported(key: str, place: Place) -> bool:
    """Whether the network of ``key`` runs from a file: it was built before, so its weights fit, and torch stays out."""
    return place.runtime == "onnxruntime" and _exported_file(key, place.directory).exists()


def _exported_file(key: str, directory: Path) -> Path:
    return directory / f"{key}.torch-{version('torch')}.onnx"


def _exported(network: Network, directory: Path) -> Path:
    """Return the path of the exported network, writing it the first time (atomically: others may be doing the same)."""
    path = _exported_file(network.key, directory)
    if path.exists():
        return path
    directory.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=directory, prefix=".export-", suffix=".onnx")
    os.close(handle)
    try:
        _export(network, scratch)
        os.replace(scratch, path)
    finally:
        Path(scratch).unlink(missing_ok=True)
    return path


def _export(network: Network, path: str) -> None:
    import torch

    example = torch.zeros(2, network.side_px, network.side_px, 3, dtype=getattr(torch, network.dtype))
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)  # the exporter reports its passes there and on stdout
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network.build(),
                (example,),
                path,
                input_names=["images"],
                output_names=list(network.outputs),
                dynamic_shapes=({0: torch.export.Dim("n")},),
                dynamo=True,
                external_data=False,
            )
    finally:
        logging.disable(level)
