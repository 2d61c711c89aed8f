"""Exported generators: TorchScript (``g.pt``) and ONNX (``g.onnx``). Only graphs are run: no pickle is ever loaded."""

from pathlib import Path
from typing import Any

import numpy as np

from genbench.contracts import Source, SourceOptions
from genbench.errors import BadInput
from genbench.sources.sampled import Draw, SampledSource, draw_from_module, stated_range
from genbench.torchscript import load_torchscript

SHOWN = 300  # characters of another program's message


def open_exported(rest: str, options: SourceOptions) -> Source:
    """An exported generator, TorchScript .pt or .onnx, fed with standard normal latents.

    The latent shape is the model's own (an attribute ``latent_dim``, an ONNX input's shape) or ``options.latent``.
    """
    opener = {".pt": _open_torchscript, ".onnx": _open_onnx}.get(Path(rest).suffix.lower())
    if opener is None:
        raise BadInput(f"exported {rest!r}: unknown format; expected a file ending in .pt or .onnx, got another.")
    if not Path(rest).is_file():
        raise BadInput(f"exported {rest!r}: no such file; expected a TorchScript or ONNX model. Check the path.")
    draw, value_range = opener(rest, options)

    def guarded(count: int, generator: Any) -> Any:
        try:
            return draw(count, generator)
        except Exception as error:  # of torch or onnxruntime
            reason = (str(error).strip().splitlines() or [""])[-1][:SHOWN]
            raise BadInput(
                f"exported {rest!r}: does not run; expected images for standard normal latents [n, latent ...], got "
                f"{type(error).__name__}: {reason}. State their shape: --latent 128, or export it again."
            ) from error

    source = SampledSource(guarded, rest, options.seed, value_range)
    source.kind = "exported"
    return source


def _open_torchscript(path: str, options: SourceOptions) -> tuple[Draw, tuple[float, float] | None]:
    who = f"exported {path!r}"
    module = load_torchscript(
        path,
        who,
        "Export the generator (torch.jit.trace(module, z).save(path)), or name a function that builds it: "
        "file.py:build.",
    )
    needed = [one.name for one in module.forward.schema.arguments[1:] if not one.has_default_value()]
    _refuse_inputs(who, needed)
    return draw_from_module(module, path, options, is_live=False), stated_range(module, path, options)


def _open_onnx(path: str, options: SourceOptions) -> tuple[Draw, tuple[float, float] | None]:
    import onnxruntime

    who = f"exported {path!r}"
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no base of their own
        raise _unreadable(who, "a complete ONNX model", error) from error
    inputs, outputs = session.get_inputs(), session.get_outputs()
    _refuse_inputs(who, [one.name for one in inputs])
    if inputs[0].type != "tensor(float)" or len(inputs[0].shape) < 2:
        raise BadInput(
            f"{who}: another input; expected float32 [n, latent ...], got {inputs[0].type} {inputs[0].shape}. "
            "Export it so that it takes standard normal latents."
        )
    if len(outputs) != 1:
        names = ", ".join(one.name for one in outputs)
        raise BadInput(f"{who}: several outputs; expected images alone, got {names}. Export it with that one.")
    shape = options.latent or _latent_shape(inputs[0], who)
    fixed = inputs[0].shape[0]
    at_once = fixed if isinstance(fixed, int) else None

    def draw(count: int, generator: Any) -> Any:
        import torch

        latents = torch.randn(count, *shape, generator=generator).numpy()
        size = at_once or count
        made = []
        for start in range(0, count, size):
            part = latents[start : start + size]
            padded = np.concatenate([part, np.zeros((size - len(part), *shape), np.float32)])
            made.append(session.run(None, {inputs[0].name: padded})[0][: len(part)])
        return np.concatenate(made)

    return draw, stated_range(None, path, options)


def _latent_shape(taken: Any, who: str) -> tuple[int, ...]:
    shape = tuple(taken.shape[1:])
    if not all(isinstance(side, int) and side > 0 for side in shape):
        raise BadInput(
            f"{who}: unknown latent shape; expected numbers after the first axis of {taken.name!r}, got {taken.shape}. "
            "Say it: --latent 128."
        )
    return shape


def _refuse_inputs(who: str, needed: list[str]) -> None:
    if len(needed) != 1:
        raise BadInput(
            f"{who}: {'extra inputs' if needed else 'no input'}; expected one, the latent vectors, got "
            f"{', '.join(needed) or 'none'}. Export it with the others fixed, or write f(n, generator) in Python."
        )


def _unreadable(who: str, expected: str, error: Exception) -> BadInput:
    text = " ".join(str(error).split())[:SHOWN]
    return BadInput(
        f"{who}: cannot be loaded; expected {expected}, got {type(error).__name__}: {text}. Export it again."
    )
