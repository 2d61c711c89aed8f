"""What a run has to tell while it goes: ``log.csv``, curves, TensorBoard events."""

import csv
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from genbench.errors import MissingExtra
from zoo.pictures import save_curves

COLUMNS = ("step", "images", "seconds")


class Journal:
    """Means of the logged values since the last row, one row at a time; a context manager.

    Args:
        directory: of the run.
        step: where the run stands; rows after it are from a process that was killed, and are dropped.
        writes: False on all processes but the first.
        events: write TensorBoard events too.

    Raises:
        MissingExtra: if events are asked for and tensorboard is not installed.
    """

    def __init__(self, directory: Path, step: int, *, writes: bool = True, events: bool = False) -> None:
        self._path, self._writes = directory / "log.csv", writes
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._rows = [row for row in read_log(directory) if row["step"] <= step]
        self._events = _open_events(directory, step) if events and writes else None

    def __enter__(self) -> Self:
        """Start writing."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the events file."""
        if self._events is not None:
            self._events.close()

    def add(self, values: dict[str, Tensor]) -> None:
        """Take the values of one update."""
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, torch.zeros(())) + value.detach().float().cpu()
            self._counts[name] = self._counts.get(name, 0) + 1

    def flush(self, step: int, images: int, seconds: float) -> dict[str, float]:
        """Write and return the means since the last row; nothing if there were no updates."""
        means = {name: float(total) / self._counts[name] for name, total in self._sums.items()}
        self._sums, self._counts = {}, {}
        if means and self._writes:
            self._rows.append({"step": step, "images": images, "seconds": round(seconds, 3), **means})
            self._write()
            for name, value in means.items() if self._events is not None else ():
                self._events.add_scalar(name, value, step)
        return means

    def show(self, picture: Path, step: int) -> None:
        """Add a picture to the events."""
        if self._events is not None:
            from torchvision.io import decode_image

            self._events.add_image("samples", decode_image(str(picture)), step)

    def plot(self, path: Path) -> None:
        """Draw the curves so far."""
        save_curves(self._rows, path)

    def _write(self) -> None:
        names = list(dict.fromkeys([*COLUMNS, *(name for row in self._rows for name in row)]))
        scratch = self._path.with_suffix(".csv.part")
        with scratch.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names, restval="")
            writer.writeheader()
            writer.writerows(self._rows)
        scratch.replace(self._path)


def read_log(directory: Path) -> list[dict[str, float]]:
    """Return the rows of a run's log; a value that was not logged then is left out."""
    path = directory / "log.csv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]


def _open_events(directory: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingExtra(
            "--events: tensorboard is not installed; expected the extra, got none. pip install 'genbench[tensorboard]'"
        ) from error
    return SummaryWriter(directory, purge_step=step + 1)
