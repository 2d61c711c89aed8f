"""Whether a set holds copies of training pictures: the record, its words, and a table for a terminal."""

import csv
import io
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from genbench.contracts import Score
from genbench.report.power import PowerCurve, power_tables

COLUMNS = ("image", "nearest", "space", "distance", "calibrated", "p_value", "q_value", "flagged")
MORE_COLUMNS = ("local", "transform", "patch_max", "hash_bits")
SHOWN = 10
BESIDE = {
    "ct": "p = {p_value:.2g}; below 0: nearer to training pictures than held-out ones are",
    "authpct": "{on_test:.4g} of the held-out pictures; less: nearer than they are",
    "fld": "gap between training and held-out pictures {generalisation_gap:.3g}; below 0: training ones are likelier",
    "mifid": "fd {fd:.4g}, mean distance in direction {memorization_distance:.3g}",
    "nn": "1: as far as training pictures from each other; near 0: copied",
}
DESCRIPTIVE = (
    "Of the whole set, descriptive: these react to blur and to lost variety as well as to copying, and the verdict "
    "does not go by them."
)


class Picture(BaseModel):
    """What is known of one picture.

    Attributes:
        image: its name in its source.
        nearest: name of the training picture that it comes nearest to, for where it lies.
        space: where it stands out most: "pixels", an extractor; "exact": the two have the same pixels.
        distance: between the two in that space, Euclidean; of pixels the root mean square in [0, 1].
        calibrated: that over the mean distance of the picture to its 20 nearest training pictures; 0 is a copy.
        local: that over the mean distance of the nearest to its own 20 nearest training pictures.
        transform: what brings the two together: "mirrored, 1 px down".
        patch_max: largest root mean square difference of a ninth of the picture to its nearest in pixels, in [0, 1].
        hash_bits: smallest number of 64 bits by which its difference hash differs from a training picture's.
        p_value: chance that an honest picture looks as copied.
        q_value: Benjamini and Hochberg's: expected share of false finds among all with so small a p-value.
        flagged: the same pixels, or p_value <= alpha.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str
    nearest: str
    space: str
    distance: float
    calibrated: float
    local: float
    transform: str
    patch_max: float
    hash_bits: int
    p_value: float
    q_value: float
    flagged: bool


class Leak(BaseModel):
    """A picture for the calibration that is a training picture, or nearly, and was left out.

    Attributes:
        image: its name.
        train: name of the training picture.
        is_exact: same pixels.
        hash_bits: of 64 that differ.
        calibrated: distance in pixels over that to the 20 nearest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str
    train: str
    is_exact: bool
    hash_bits: int
    calibrated: float


class Source(BaseModel):
    """A training picture that flagged pictures come near to.

    Attributes:
        train: its name.
        times: flagged pictures that do.
        images: their names, strongest evidence first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: str
    times: int
    images: list[str]


class Memorization(BaseModel):
    """What was found.

    Attributes:
        version: of this schema.
        fake: the judged source, as written.
        train: the training set.
        test: the held-out set of the calibration; None: the training pictures, each against the others.
        alpha: false-positive rate of ``flagged``.
        spaces: those searched.
        not_searched: extractors that would have been, were their weights on the machine.
        n_fake: pictures judged.
        n_train: pictures searched.
        n_calibration: honest pictures that p-values are of.
        is_copied: the verdict: a picture has a training picture's pixels, or ``close_bounds[0]`` > 3 alpha.
        words: the verdict in words.
        exact: pictures with a training picture's pixels.
        near: others whose difference hash is within 4 bits of a training picture's, and whose calibrated distance in
            pixels is below a half: nearly the same to the eye.
        flagged: pictures flagged.
        flagged_share: of all; about ``alpha`` where nothing was copied.
        flagged_bounds: its exact 95 % interval.
        close_share: of pictures with p <= alpha by either calibration of the distance; the verdict goes by it.
        close_bounds: its exact one-sided 95 % bounds.
        close_chance: upper bound of the chance of such a share, or a larger one, where nothing was copied.
        leaks: pictures left out of the calibration.
        sources: training pictures that flagged ones come near to, most often met first.
        scores: of the whole set, descriptive.
        notes: what should be read beside.
        power: what planted copies tell of the detectors; None: not asked for.
        images: the pictures, in their order; in the file the flagged ones, as ``images.csv`` holds all.
        provenance: versions, hashes, seed, what was searched.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal["genbench.memorization/1"] = "genbench.memorization/1"
    fake: str
    train: str
    test: str | None
    alpha: float
    spaces: list[str]
    not_searched: list[str]
    n_fake: int
    n_train: int
    n_calibration: int
    is_copied: bool
    words: list[str]
    exact: int
    near: int
    flagged: int
    flagged_share: float
    flagged_bounds: tuple[float, float]
    close_share: float
    close_bounds: tuple[float, float]
    close_chance: float
    leaks: list[Leak]
    sources: list[Source]
    scores: list[Score] = []
    notes: list[str] = []
    power: PowerCurve | None = None
    images: list[Picture]
    provenance: dict[str, Any]

    def to_json(self) -> str:
        """Return indented JSON with the flagged pictures; ``Memorization.model_validate_json`` reads it back."""
        return self.model_copy(update={"images": self.by_evidence()}).model_dump_json(indent=2)

    def to_pandas(self) -> Any:
        """Return a ``pandas.DataFrame``, a row a picture, with the columns of ``images.csv``."""
        import pandas as pd

        return pd.DataFrame([_row(one) for one in self.images], columns=[*COLUMNS, *MORE_COLUMNS])

    def to_csv(self) -> str:
        """Return ``images.csv``: a row a picture, ``flagged`` as 0 or 1."""
        stream = io.StringIO()
        writer = csv.DictWriter(stream, [*COLUMNS, *MORE_COLUMNS], lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(_row, self.images))
        return stream.getvalue()

    def by_evidence(self) -> list[Picture]:
        """Return the flagged pictures, strongest evidence first."""
        flagged = [one for one in self.images if one.flagged]
        return sorted(flagged, key=lambda one: (one.space != "exact", one.p_value, one.calibrated, one.image))


def verdict_words(found: Memorization) -> list[str]:
    """Return the verdict and what it rests on, a sentence or two each."""
    alpha, close = f"{100 * found.alpha:g} %", round(found.close_share * found.n_fake)
    of_all = f"{close:,} of {found.n_fake:,} pictures ({_percent(found.close_share)})"
    surely = f"{_percent(found.close_bounds[0])} with 95 % confidence"
    chance = f"the chance of that without copying is {_chance(found.close_chance)}"
    nearer = f"come nearer to a training picture than {100 * (1 - found.alpha):g} % of honest pictures do"
    words = []
    if found.exact:
        words.append(f"COPIED: {found.exact:,} of {found.n_fake:,} pictures are training pictures, pixel for pixel.")
    if found.close_bounds[0] > 3 * found.alpha:
        words.append(f"COPIED: {of_all} {nearer}: at least {surely}, where {alpha} would by chance; {chance}.")
    if not words:
        words.append(
            f"No copying found: {of_all} {nearer}, at most {_percent(found.close_bounds[1])} with 95 % confidence, "
            f"where {alpha} would by chance. A verdict needs surely more than {_percent(3 * found.alpha)}, or the same "
            "pixels."
        )
    words.append(
        f"{found.flagged:,} of {found.n_fake:,} pictures ({_percent(found.flagged_share)}) are flagged, {alpha} of "
        f"honest ones would be; they come near to {len(found.sources):,} of {found.n_train:,} training pictures. "
        f"{found.near:,} that are not the same are nearly so to the eye."
    )
    return [*words, _calibration(found)]


def _calibration(found: Memorization) -> str:
    exact, left_out = sum(leak.is_exact for leak in found.leaks), len(found.leaks)
    what = "another" if found.test is None else "a training picture"
    out = (
        f"; left out: {exact:,} the same as {what}, {left_out - exact:,} nearly the same"
        if left_out
        else f"; none of them is the same as {what}, or nearly"
    )
    smallest = f"The smallest p-value is 1 / {found.n_calibration + 1:,}."
    if found.test is None:
        return (
            f"No held-out set was given: calibrated on {found.n_calibration:,} training pictures, each searched for "
            f"among the others{out}. {smallest} A held-out set is better evidence."
        )
    return f"Calibrated on {found.n_calibration:,} held-out pictures, searched for in the same way{out}. {smallest}"


def memorization_table(found: Memorization) -> Group:
    """Return the verdict, the strongest evidence, and what is descriptive, for a terminal."""
    style = "bold red" if found.is_copied else "bold green"
    shown: list[RenderableType] = [Text(line, style=style if i == 0 else "") for i, line in enumerate(found.words)]
    if found.flagged:
        shown += [Text(), _pairs(found.by_evidence()[:SHOWN], found.flagged)]
    if found.scores:
        shown += [_scores(found.scores), Text(DESCRIPTIVE, style="dim")]
    shown += [Text(note, style="yellow") for note in found.notes]
    if found.power is not None:
        shown += [Text(), power_tables(found.power)]
    searched = f"searched: {', '.join(found.spaces)}; mirrored too, in pixels shifted by 1 of 32 too"
    searched += f"; not, without weights: {', '.join(found.not_searched)}" if found.not_searched else ""
    return Group(*shown, Text(searched, style="dim"))


def _pairs(pictures: Sequence[Picture], flagged: int) -> Table:
    title = f"Strongest evidence, {len(pictures)} of {flagged} flagged" if len(pictures) < flagged else "Flagged"
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, title=title, title_justify="left")
    for name in ("picture", "training picture", "by", "transform"):
        table.add_column(name, overflow="fold", no_wrap=name == "by")
    for name in ("calibrated", "p", "q"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in pictures:
        numbers = f"{one.calibrated:.3f}", f"{one.p_value:.2g}", f"{one.q_value:.2g}"
        table.add_row(*map(Text, (one.image, one.nearest, one.space, one.transform, *numbers)))
    return table


def _scores(scores: Sequence[Score]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("metric", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("std. error", justify="right", no_wrap=True)
    table.add_column("beside it")
    for score in scores:
        error = "" if score.stderr is None else f"{score.stderr:.2g}"
        table.add_row(Text(score.label), f"{score.value:.4g}", error, Text(beside(score)))
    return table


def beside(score: Score) -> str:
    """Return what is read beside the value of a metric of the whole set."""
    return BESIDE[score.metric].format_map(score.details)


def _row(picture: Picture) -> dict[str, Any]:
    row = picture.model_dump()
    return {name: row[name] for name in (*COLUMNS, *MORE_COLUMNS)} | {"flagged": int(picture.flagged)}


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:.4g} %"


def _chance(chance: float) -> str:
    return "below 1 in a million" if chance < 1e-6 else f"at most {chance:.2g}"
