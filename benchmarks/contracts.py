"""The records of a benchmark: a suite says what is asked, a record what one run answered.

    suite -> jobs (model, seed) -> records -> leaderboard

What a job is, and the folder that it lies in: ``home.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from genbench.contracts import Scorecard

Judge = Literal["images", "shapes", "points", "stacked", "likelihood"]
BY_IMAGE = ("images", "shapes")  # judges whose contestants are compared image by image
Status = Literal["done", "diverged", "crashed"]


@dataclass(frozen=True)
class Contestant:
    """A model in a preset.

    Attributes:
        model: name in the zoo's table.
        preset: of the model, with variants: "small+r1".
        data: what it learns from; None: the suite's. A model of ``digits8`` has its samples enlarged as ``digits32``
            was.
    """

    model: str
    preset: str = "small"
    data: str | None = None

    @property
    def name(self) -> str:
        """As tables and the command line call it: "dcgan", "dcgan:small+r1"."""
        return self.model if self.preset == "small" else f"{self.model}:{self.preset}"


@dataclass(frozen=True)
class Suite:
    """A question asked of many models in the same way.

    Attributes:
        name: id.
        title: one line.
        data: data set of the zoo that models learn from; they are judged by its test split.
        contestants: by default.
        metrics: ids, the first one ranks.
        extractor: whose features.
        protocol: a published convention (``genbench list protocols``) that metrics and extractor are of; None: of none.
        count: samples of every model that are judged.
        minutes: of training, the same for every model.
        judge: "images": genbench's metrics; "shapes": these, and factors; "points", "stacked": which modes are covered;
            "likelihood": bits.
        looks_for_copies: each run gets a memorization verdict.
        shows: what the table shows, a paragraph.
        cannot: what it cannot show.
        is_tested: False for suites of GPU presets, which were never run here.
        subset: so many training examples alone; None: all.
        seeds: of each contestant, 0 .. seeds - 1, unless the command says otherwise.
        outsiders: name -> source, entered with every run: what the numbers are read against.
    """

    name: str
    title: str
    data: str
    contestants: tuple[Contestant, ...]
    metrics: tuple[str, ...]
    extractor: str
    count: int
    minutes: float = 3.0
    judge: Judge = "images"
    looks_for_copies: bool = True
    shows: str = ""
    cannot: str = ""
    is_tested: bool = True
    subset: int | None = None
    seeds: int = 3
    outsiders: Mapping[str, str] = field(default_factory=dict)
    protocol: str | None = None


class Record(BaseModel):
    """All about one run; ``record.json`` in its folder.

    Attributes:
        version: of this schema.
        suite: name.
        contestant: name of the model in tables.
        model: in the zoo's table; "" for an outsider.
        preset: as trained.
        seed: of training and of sampling.
        data: learned from.
        source: what is judged: "samples.npz" beside the record, or an outsider's source as written.
        status: "done", "diverged", or "crashed".
        error: why there are no numbers; None: there are.
        steps: updates.
        images: examples shown.
        training_seconds: over all sittings.
        judging_seconds: sampling, scores, memorization.
        samples_per_second: when sampling.
        parameters: optimizer -> trained parameters.
        scorecard: the scores; None without.
        copies: words of the memorization verdict; None where none was asked for.
        flagged_share: share of samples flagged as copies; None likewise.
        picture: sample grid PNG, relative to the record; None without.
        curves: training curves PNG, likewise.
        command: that made it.
        environment: versions, machine, threads, time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal["genbench.bench/1"] = "genbench.bench/1"
    suite: str
    contestant: str
    model: str = ""
    preset: str = ""
    seed: int = 0
    data: str = ""
    source: str = ""
    status: Status = "done"
    error: str | None = None
    steps: int = 0
    images: int = 0
    training_seconds: float = 0.0
    judging_seconds: float = 0.0
    samples_per_second: float | None = None
    parameters: dict[str, int] = {}
    scorecard: Scorecard | None = None
    copies: str | None = None
    flagged_share: float | None = None
    picture: str | None = None
    curves: str | None = None
    command: str = ""
    environment: dict[str, Any] = {}
