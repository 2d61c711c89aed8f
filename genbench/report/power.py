"""What detectors of copies are worth on the user's own pictures: the record, and tables for a terminal."""

from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

ENOUGH = 0.8  # power from which on a share counts as detected
VERDICT = "verdict"
CLEAN = "held-out"


class Trial(BaseModel):
    """How often one detector noticed one share of copies of one kind.

    Attributes:
        detector: "verdict", "nn" ...
        kind: of the copies.
        planted: copies in the set.
        count: pictures in the set, copies among them.
        detected: sets in which they were noticed.
        repetitions: sets that were made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    detector: str
    kind: str
    planted: int
    count: int
    detected: int
    repetitions: int

    @property
    def share(self) -> float:
        """Share of copies in the set."""
        return self.planted / self.count

    @property
    def power(self) -> float:
        """Share of sets in which they were noticed."""
        return self.detected / self.repetitions


class Alarm(BaseModel):
    """How often one detector fired at sets without a copy.

    Attributes:
        detector: "verdict", "nn" ...
        source: "held-out", or a trap: "mode-shrunk", "blurred".
        count: pictures in a set, on average over the splits.
        fired: sets at which it did.
        repetitions: sets that were made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    detector: str
    source: str
    count: int
    fired: int
    repetitions: int

    @property
    def rate(self) -> float:
        """Share of sets at which it fired."""
        return self.fired / self.repetitions


class Area(BaseModel):
    """How well the numbers of single pictures tell copies of one kind from honest pictures.

    Attributes:
        detector: "verdict", by p-values; "nn", "authpct", "mifid".
        kind: of the copies.
        auroc: chance that a copy looks more suspicious than an honest picture, ties one half: 0.5 nothing, 1 always.
        recall: share of copies with p <= alpha; None of others than "verdict".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    detector: str
    kind: str
    auroc: float
    recall: float | None = None


class PowerCurve(BaseModel):
    """What detectors of copies see, by copies planted among held-out pictures.

    Attributes:
        version: of this schema.
        alpha: false-positive rate that detectors were set to; the verdict's is far below it, by its own rule.
        spaces: in which the verdict searches.
        space: whose features the detectors of whole sets look at.
        n_train: training pictures.
        n_calibration: held-out pictures that calibrate.
        n_fake: pictures in a set.
        repetitions: ways in which the held-out pictures were split.
        trials: one a detector, kind and share.
        alarms: one a detector and set without copies.
        areas: one a detector of single pictures and kind.
        flagged: set without copies -> mean share of its pictures with p <= alpha.
        left_out: shares too small for the size of the set.
        notes: what to read beside.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal["genbench.power/1"] = "genbench.power/1"
    alpha: float
    spaces: list[str]
    space: str
    n_train: int
    n_calibration: int
    n_fake: int
    repetitions: int
    trials: list[Trial]
    alarms: list[Alarm]
    areas: list[Area]
    flagged: dict[str, float]
    left_out: list[float]
    notes: list[str]

    def to_json(self) -> str:
        """Return the record as indented JSON; ``PowerCurve.model_validate_json`` reads it back."""
        return self.model_dump_json(indent=2)

    @property
    def detectors(self) -> list[str]:
        """Those tried, in order."""
        return list(dict.fromkeys(one.detector for one in self.alarms))

    @property
    def kinds(self) -> list[str]:
        """Kinds of copies, in order."""
        return list(dict.fromkeys(one.kind for one in self.trials))

    def of(self, detector: str, kind: str) -> list[Trial]:
        """Return the trials of a detector and a kind, smallest share first."""
        found = [one for one in self.trials if (one.detector, one.kind) == (detector, kind)]
        return sorted(found, key=lambda one: one.planted)

    def smallest(self, detector: str, kind: str) -> float | None:
        """Return the smallest share, of those tried, from which on power is .8 or more; None: none."""
        smallest = None
        for trial in reversed(self.of(detector, kind)):
            if trial.power < ENOUGH:
                break
            smallest = trial.share
        return smallest

    def alarm(self, detector: str, source: str = CLEAN) -> Alarm:
        """Return how often ``detector`` fired at sets without copies; KeyError for one not tried."""
        for one in self.alarms:
            if (one.detector, one.source) == (detector, source):
                return one
        raise KeyError(f"{detector} on {source}")

    def area(self, detector: str, kind: str) -> Area | None:
        """Return how well ``detector`` tells single copies; None for one that looks at whole sets."""
        return next((one for one in self.areas if (one.detector, one.kind) == (detector, kind)), None)


def power_tables(curve: PowerCurve) -> Group:
    """Return the false-positive rates, the smallest shares detected, the verdict's power and AUROC as tables."""
    title = Text(
        f"Copies planted among {curve.n_fake} held-out pictures; {curve.n_calibration} others calibrate, "
        f"{curve.repetitions} splits, alpha = {curve.alpha:g}",
        style="bold",
    )
    notes = [Text(note, style="yellow") for note in curve.notes]
    tables = _alarms(curve), _smallest(curve), _power(curve), _areas(curve)
    return Group(title, *(part for table in tables for part in (table, Text())), *notes)


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="", box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for i, name in enumerate(columns):
        table.add_column(Text(name), justify="right" if i else "left", no_wrap=True)
    return table


def _alarms(curve: PowerCurve) -> Table:
    sources = list(dict.fromkeys(one.source for one in curve.alarms))
    table = _table("Fired though nothing was copied, share of sets", ["detector", *sources])
    for detector in curve.detectors:
        cells = [f"{curve.alarm(detector, source).rate:.2f}" for source in sources]
        table.add_row(*_marked(detector, cells, [curve.alarm(detector, source).rate > 0.5 for source in sources]))
    table.add_row(*map(Text, ["pictures flagged", *(f"{curve.flagged[source]:.3f}" for source in sources)]))
    return table


def _smallest(curve: PowerCurve) -> Table:
    table = _table(f"Smallest share of copies, in %, detected with power {ENOUGH:g}", ["detector", *curve.kinds])
    for detector in curve.detectors:
        shares = [curve.smallest(detector, kind) for kind in curve.kinds]
        cells = ["-" if share is None else f"{100 * share:.3g}" for share in shares]
        table.add_row(*_marked(detector, cells, [share is None for share in shares]))
    return table


def _power(curve: PowerCurve) -> Table:
    first = curve.of(VERDICT, curve.kinds[0])
    table = _table("Power of the verdict", ["copies", *(f"{100 * trial.share:.3g} %" for trial in first)])
    for kind in curve.kinds:
        table.add_row(*map(Text, [kind, *(f"{trial.power:.2f}" for trial in curve.of(VERDICT, kind))]))
    return table


def _areas(curve: PowerCurve) -> Table:
    detectors = list(dict.fromkeys(one.detector for one in curve.areas))
    recalled = f"p <= {curve.alpha:g}"
    table = _table("Single copies told from honest pictures, AUROC", ["copies", *detectors, recalled])
    for kind in curve.kinds:
        found = [curve.area(detector, kind) for detector in detectors]
        shares = [one.recall for one in found if one is not None and one.recall is not None]
        cells = [*("-" if one is None else f"{one.auroc:.3f}" for one in found), *(f"{share:.2f}" for share in shares)]
        table.add_row(*map(Text, [kind, *cells]))
    return table


def _marked(name: str, cells: Sequence[str], is_bad: Sequence[bool]) -> Iterator[Text]:
    yield Text(name)
    yield from (Text(cell, "red" if bad else "") for cell, bad in zip(cells, is_bad, strict=True))
