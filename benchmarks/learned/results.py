"""What a run leaves: ``result.json``, one a (model, preset, seed)."""

import json
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from genbench.errors import BadInput

RESULT = "result.json"


class Measured(BaseModel):
    """A score.

    Attributes:
        value: the number.
        stderr: its standard error; None where there is none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    stderr: float | None


class Check(BaseModel):
    """A number beside the threshold that says whether the model learned.

    Attributes:
        name: what is measured, a name in ``checks.MEASURES``.
        value: the number; None where it could not be measured, which is a fail.
        threshold: best value that still fails to be worse: the check passes at it.
        better: "lower" or "higher".
        passed: the value is at the threshold or better.
        section: of the zoo's recipes, which sets the threshold.
        is_bound: the model is built so that it holds from the start: it must not break, and shows nothing learned.
        note: what should be read beside it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: float | None
    threshold: float
    better: Literal["lower", "higher"]
    passed: bool
    section: str
    is_bound: bool = False
    note: str = ""


class Result(BaseModel):
    """All about one run.

    Attributes:
        version: of this schema.
        model: name in the zoo's table.
        preset: as trained, with variants.
        seed: of training and of scoring.
        data: data set as written.
        error: why there are no numbers: the last line of a crash, or how training diverged; None: there was none.
        steps: updates of the generator.
        images: examples shown.
        training_seconds: spent in training, over all sittings.
        judging_seconds: spent in scoring and checks.
        parameters: network -> number of trained parameters.
        count: images a side of the distances.
        extractor: whose features they are in.
        distances: Frechet distances from the held-out data: "floor" (of training data), "untrained", "trained"; {} of
            points.
        checks: one a threshold.
        picture: the last sample grid, relative to this file.
        command: that made it.
        environment: versions, machine, threads, time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal["zoo.learned/1"] = "zoo.learned/1"
    model: str
    preset: str
    seed: int
    data: str = ""
    error: str | None = None
    steps: int = 0
    images: int = 0
    training_seconds: float = 0.0
    judging_seconds: float = 0.0
    parameters: dict[str, int] = {}
    count: int = 0
    extractor: str = ""
    distances: dict[str, Measured] = {}
    checks: list[Check] = []
    picture: str | None = None
    command: str = ""
    environment: dict[str, Any] = {}

    @property
    def passed(self) -> bool:
        """It ran, and every check passed."""
        return self.error is None and bool(self.checks) and all(check.passed for check in self.checks)


def write_result(result: Result, folder: Path) -> None:
    """Write ``result.json`` into ``folder``, whole."""
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / f".{RESULT}"
    scratch.write_text(result.model_dump_json(indent=2) + "\n", encoding="utf-8")
    os.replace(scratch, folder / RESULT)


def read_result(folder: Path) -> Result | None:
    """Return the result in ``folder``, None if there is none; raises ``BadInput`` for a file that is no result."""
    path = folder / RESULT
    if not path.is_file():
        return None
    try:
        return Result.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, ValidationError) as error:
        raise BadInput(
            f"result {str(path)!r}: cannot be read; expected one that this program wrote, got "
            f"{' '.join(str(error).split())[:200]}. Remove it to judge that run again."
        ) from error


def read_results(home: Path) -> list[tuple[Path, Result]]:
    """Return the folders in ``home`` that hold a result, with it, by name; raises ``BadInput`` if there are none."""
    folders = [path.parent for path in home.glob(f"*/{RESULT}")]
    found = [(folder, result) for folder in folders if (result := read_result(folder)) is not None]
    found.sort(key=lambda pair: (pair[1].model, pair[1].preset, pair[1].seed))
    if not found:
        raise BadInput(
            f"table {str(home)!r}: no results there; expected folders with {RESULT}, got none. "
            "Make some: python -m benchmarks.learned run --out DIR."
        )
    return found
