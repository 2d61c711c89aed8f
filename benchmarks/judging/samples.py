"""What is judged: samples of a trained model, or an outsider's, kept as ``samples.npz`` with a grid of the first 64."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from benchmarks.home import GRID, SAMPLES, Job
from genbench.contracts import SourceOptions
from genbench.errors import BadInput
from genbench.features.survey import choose
from genbench.images.decode import decode
from genbench.sources import open_source
from zoo.contracts import Samples
from zoo.data.digits import HIGHEST, enlarged
from zoo.drawing import chunks
from zoo.levels import levels_of
from zoo.model import Model
from zoo.pictures import as_bytes, save_grid

SHOWN = 64
SMALL, LARGE = (1, 8, 8), "digits32"


def draw_samples(model: Model, job: Job) -> tuple[np.ndarray, float]:
    """Return ``job.count`` samples of a model and how many it draws a second.

    Image i depends on (seed, i) alone, as when genbench draws: uint8 [n, h, w, 3]; points float32 [n, 2].
    """
    if not isinstance(model, Samples):
        raise BadInput(f"model {job.model!r}: does not generate; expected one that samples. Leave it out.")
    started = time.perf_counter()
    drawn = torch.cat([_as_kept(chunk, model, job) for chunk in chunks(model, job.count, job.seed)])
    speed = len(drawn) / (time.perf_counter() - started)
    return drawn[: job.count].numpy(), speed


def take_samples(job: Job) -> np.ndarray:
    """Return ``job.count`` samples of an outsider, chosen as when genbench scores: uint8 [n, h, w, 3], or points.

    Raises:
        BadInput: if there are fewer, they are of several sizes, or an outsider judged by points gives none.
    """
    if job.judge == "points":
        return _points(Path(job.source))[: _enough(job, len(_points(Path(job.source))))]
    source = open_source(job.source, SourceOptions(seed=job.seed, device=job.device))
    entries = choose(source, job.count, job.seed)
    _enough(job, len(entries))
    pictures = [decode(blob) for blob in source.read(entries)]
    sizes = sorted({picture.shape[:2] for picture in pictures})
    if len(sizes) != 1:
        raise BadInput(
            f"outsider {job.contestant!r}: images of several sizes; expected one size, as a model gives, got "
            f"{', '.join(f'{width}x{height}' for height, width in sizes[:3])}. Resize them."
        )
    return np.stack(pictures)


def keep_samples(samples: np.ndarray, folder: Path) -> None:
    """Write ``samples.npz`` (uint8 "images" or float32 "points") and ``grid.png``."""
    arrays: Mapping[str, np.ndarray] = {"points" if samples.ndim == 2 else "images": samples}
    scratch = folder / f".{SAMPLES}"
    with open(scratch, "wb") as file:
        np.savez_compressed(file, **arrays)
    os.replace(scratch, folder / SAMPLES)
    shown = torch.from_numpy(samples[:SHOWN])
    save_grid(shown if samples.ndim == 2 else shown.permute(0, 3, 1, 2).float() / 255, folder / GRID)


def _as_kept(images: torch.Tensor, model: Model, job: Job) -> torch.Tensor:
    """Return float images [n, c, h, w] in [0, 1] as uint8 [n, h, w, 3], points as they are.

    Small digits are enlarged where large ones judge.
    """
    if model.spec.is_points:
        return images.detach().cpu()
    if tuple(model.spec.shape) == SMALL and job.judged_by == LARGE:
        levels = levels_of(images.detach().cpu()[:, 0], HIGHEST + 1).numpy().astype(np.uint8)
        pixels = torch.from_numpy(enlarged(levels)[:, None])
    else:
        pixels = as_bytes(images)
    return pixels.permute(0, 2, 3, 1).expand(-1, -1, -1, 3).contiguous()


def _points(path: Path) -> np.ndarray:
    if path.suffix not in (".npy", ".npz") or not path.is_file():
        raise BadInput(f"outsider {str(path)!r}: no points; expected a .npy or .npz file of them, got none. Save them.")
    found = np.load(path, allow_pickle=False)
    points = found[found.files[0]] if hasattr(found, "files") else found
    if points.ndim != 2 or points.shape[1] != 2 or points.dtype.kind != "f":
        raise BadInput(
            f"outsider {str(path)!r}: no points; expected floats [n, 2], got {points.dtype} {list(points.shape)}."
        )
    return points.astype(np.float32)


def _enough(job: Job, count: int) -> int:
    """Return ``job.count``; raises ``BadInput`` if an outsider has fewer samples: scores hang on the count."""
    if count < job.count:
        raise BadInput(
            f"outsider {job.contestant!r}: too few samples; expected {job.count}, as many as of the others, got "
            f"{count}. Make more."
        )
    return job.count
