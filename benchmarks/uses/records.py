"""What a use leaves: one JSON file a run, ``NAME.anomalies.json`` or ``NAME.labels.json``."""

import json
import math
import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from genbench.errors import BadInput


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Made(_Frozen):
    """What made a record.

    Attributes:
        model: name in the zoo's table.
        preset: as trained, with variants.
        data: data set as written.
        trained_seed: of training.
        steps: updates that were done.
        seed: of everything random here.
        command: as given.
        environment: versions, machine, time.
    """

    model: str
    preset: str
    data: str
    trained_seed: int
    steps: int
    seed: int
    command: str
    environment: dict[str, Any]


class Kind(_Frozen):
    """How a kind of images looks to a model, beside held-out ones.

    Attributes:
        name: "left out", or one of ``oddities.ODDITIES``.
        note: what these images are.
        count: of them.
        quartiles: of bits a value under the model; None where infinite.
        areas: score -> area under the ROC curve: "likelihood", "ratio", "typicality".
        stderrs: score -> its standard error.
    """

    name: str
    note: str
    count: int
    quartiles: list[float | None]
    areas: dict[str, float]
    stderrs: dict[str, float]

    def fails(self, score: str) -> bool:
        """Return whether odd images look less odd than held-out ones, by more than two standard errors."""
        return self.areas[score] + 2 * self.stderrs[score] < 0.5

    def tells(self, score: str) -> bool:
        """Return whether odd images look odder than held-out ones, by more than two standard errors."""
        return self.areas[score] - 2 * self.stderrs[score] > 0.5


class Anomalies(_Frozen):
    """How well a model's likelihood tells odd images from held-out ones.

    Attributes:
        version: of this schema.
        made: what made it.
        likelihood: what ``log_prob`` is: "exact", "lower_bound", "iw_estimate".
        count: held-out images of classes that the model was trained on.
        bits: mean bits a value of them; None where infinite.
        training_bits: the same of the training images, finite: the entropy H of ``typicality``.
        kinds: of odd images.
    """

    version: Literal["uses.anomalies/1"] = "uses.anomalies/1"
    made: Made
    likelihood: str
    count: int
    bits: float | None
    training_bits: float
    kinds: list[Kind]


class Accuracy(_Frozen):
    """How often a classifier of few labelled examples is right on held-out images.

    Attributes:
        inputs: what it looks at.
        width: numbers an image.
        shots: labelled examples a class; None: all that there are.
        shares: of right answers, one a draw of the labelled examples.
        fitted: mean share of right answers on the labelled examples themselves; None where it was not asked.
    """

    inputs: str
    width: int
    shots: int | None
    shares: list[float]
    fitted: float | None = None

    @property
    def mean(self) -> float:
        """Over the draws."""
        return float(np.mean(self.shares))

    @property
    def stderr(self) -> float | None:
        """Of the mean, over the draws (divisor draws - 1), the held-out images being given; None of one draw."""
        return _stderr(self.shares)


class Labels(_Frozen):
    """What a model's features are worth to a classifier of few labels.

    Attributes:
        version: of this schema.
        made: what made it.
        training, held_out: images.
        probes: of a linear classifier, one an input and number of labels.
        tuned: of whole networks, started from the trained and from an untrained encoder; [] without an encoder.
    """

    version: Literal["uses.labels/1"] = "uses.labels/1"
    made: Made
    training: int
    held_out: int
    probes: list[Accuracy]
    tuned: list[Accuracy]


Record = Anomalies | Labels
ENDINGS: dict[str, type[Record]] = {".anomalies.json": Anomalies, ".labels.json": Labels}


def gain(better: Accuracy, other: Accuracy) -> tuple[float, float | None]:
    """Return the mean difference of two accuracies on the same draws, and its standard error over these."""
    gaps = [one - two for one, two in zip(better.shares, other.shares, strict=True)]
    return float(np.mean(gaps)), _stderr(gaps)


def write_record(record: Record, out: Path, name: str) -> Path:
    """Write ``record`` into the folder ``out``, whole; return the file."""
    ending = next(ending for ending, kind in ENDINGS.items() if isinstance(record, kind))
    out.mkdir(parents=True, exist_ok=True)
    path, scratch = out / f"{name}{ending}", out / f".{name}{ending}"
    scratch.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
    os.replace(scratch, path)
    return path


def read_records(folder: Path) -> list[Record]:
    """Return the records in ``folder`` by name; raises ``BadInput`` if there are none, or one cannot be read."""
    paths = sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))
    found = [_read(path, kind) for path in paths for ending, kind in ENDINGS.items() if path.name.endswith(ending)]
    if not found:
        raise BadInput(
            f"table {str(folder)!r}: no records there; expected files such as NAME.anomalies.json, got none. "
            "Make some: python -m benchmarks.uses anomalies RUN --out DIR."
        )
    return found


def _read(path: Path, kind: type[Record]) -> Record:
    try:
        return kind.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, ValidationError) as error:
        raise BadInput(
            f"record {str(path)!r}: cannot be read; expected one that this program wrote, got "
            f"{' '.join(str(error).split())[:200]}. Remove it and make it again."
        ) from error


def _stderr(values: list[float]) -> float | None:
    return float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else None
