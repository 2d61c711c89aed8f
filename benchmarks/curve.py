"""A metric of every checkpoint of a run, against the images it has seen."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

import genbench
from benchmarks.contracts import Contestant
from benchmarks.home import JOB, RUN, read_job, writing
from genbench.contracts import Direction, Score, Scorecard, Watch
from genbench.errors import BadInput
from genbench.report.write import write_bytes, write_text
from zoo.checkpoint import STATE, found
from zoo.runs import RECIPE, read_recipe

CSV, PICTURE, JSON = "curve.csv", "curve.png", "curve.json"
EXTRACTOR = "efficientnet-lite0"  # of a run that is no job: its weights come with the packages


class Point(BaseModel):
    """A checkpoint.

    Attributes:
        step: updates done.
        images: examples seen.
        seconds: of training.
        value: of the metric.
        stderr: its standard error; None where there is none.
        ci95: its interval, likewise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int
    images: int
    seconds: float
    value: float
    stderr: float | None
    ci95: tuple[float, float] | None


class Curve(BaseModel):
    """``curve.json``.

    Attributes:
        version: of this schema.
        run: folder of the run, as given.
        model: as tables call it.
        metric: id.
        label: how a plot calls it.
        better: direction.
        real: the reference as written.
        n_fake: samples of each checkpoint.
        n_real: images of the reference.
        floor: the metric between a part of the reference and the rest; None without.
        points: oldest first.
        warnings: sentences to read beside the curve.
        provenance: of the newest checkpoint's scorecard.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal["genbench.curve/1"] = "genbench.curve/1"
    run: str
    model: str = ""
    metric: str
    label: str
    better: Direction
    real: str
    n_fake: int
    n_real: int
    floor: float | None
    points: list[Point]
    warnings: list[str]
    provenance: dict[str, Any]


def draw_curve(
    run: Path,
    out: Path | None = None,
    *,
    real: str | None = None,
    extractor: str | None = None,
    count: int | None = None,
    metric: str = "fd",
    watch: Watch | None = None,
) -> Curve:
    """Score every checkpoint of a run; write ``curve.csv``, ``curve.png`` and ``curve.json``.

    Each checkpoint draws with the run's seed: neighbours on the curve share the luck of the reference and of the
    latents, and differ by less than their intervals say. Of a job, images are as the model makes them: small digits,
    which a bench enlarges before it judges them, are judged by small digits here.

    Args:
        run: folder of a training run, or of a job of a bench.
        out: folder of the files; None: ``run``.
        real: the reference; None: the test split of what the run learns from, or of what judges the job.
        extractor: whose features; None: the job's, by its protocol, or ``EXTRACTOR``.
        count: samples of each checkpoint; None: as many as of the job, or as the reference has.
        metric: id.
        watch: told of progress.

    Returns:
        What was written.

    Raises:
        BadInput: if there is no run or no checkpoint.
    """
    directory = run if (run / RECIPE).exists() or not (run / RUN / RECIPE).exists() else run / RUN
    recipe, checkpoints, folder = read_recipe(directory), found(directory), out or run
    if not checkpoints:
        raise BadInput(
            f"curve {str(run)!r}: nothing trained yet; expected a checkpoint, got none. "
            f"Go on with: genbench zoo resume {directory}."
        )
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    job = read_job(run) if (run / JOB).exists() else None
    asked: dict[str, Any] = {
        "real": real or (job.real if job and job.judged_by in recipe.data else f"data:{recipe.data}/test"),
        "count": count or (job.count if job else None),
        "metrics": [metric],
        "extractor": extractor or (job.extractor if job else EXTRACTOR),
        "protocol": job.protocol if job and extractor is None else None,
        "seed": recipe.seed,
    }
    cards = [genbench.score(fake=f"zoo:{directory}@{int(path.name)}", watch=watch, **asked) for path in checkpoints]
    named = {"run": str(run), "model": Contestant(recipe.model, recipe.preset).name, "metric": metric}
    curve = _curve(named, cards, checkpoints)
    write_text(folder / CSV, to_csv(curve), "--out")
    write_text(folder / JSON, curve.model_dump_json(indent=2) + "\n", "--out")
    write_bytes(folder / PICTURE, to_png(curve), "--out")
    return curve


def to_csv(curve: Curve) -> str:
    """Return a row a checkpoint: step, images, seconds, the metric, stderr, low95, high95, floor."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["step", "images", "seconds", curve.metric, "stderr", "low95", "high95", "floor"])
    for point in curve.points:
        told = [point.step, point.images, point.seconds, point.value, point.stderr]
        writer.writerow([*told, *(point.ci95 or (None, None)), curve.floor])
    return stream.getvalue()


def to_png(curve: Curve) -> bytes:
    """Draw the metric with its 95 % intervals against images seen, the floor as a line."""
    from matplotlib.figure import Figure  # no pyplot: nothing global, no window

    figure = Figure(figsize=(7, 4.2), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    images, values = ([getattr(point, name) for point in curve.points] for name in ("images", "value"))
    ends = [point.ci95 or (point.value, point.value) for point in curve.points]
    low, high = zip(*ends, strict=True)
    axes.fill_between(images, low, high, color="#f0c9ab", linewidth=0, label="95 % interval")
    axes.plot(images, values, "o-", color="#c2561a", linewidth=1.5, markersize=4)
    if curve.floor is not None:
        axes.axhline(curve.floor, color="#2f6fb0", linestyle="--", linewidth=1.2, label=f"floor {curve.floor:.4g}")
    arrow = {"lower": ", lower is better", "higher": ", higher is better"}.get(curve.better, "")
    title = f"{curve.model}: {curve.n_fake:,} samples a checkpoint{arrow}"
    axes.set(xlabel="images seen", ylabel=curve.label, title=title)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_xlim(left=0)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def _curve(named: Mapping[str, str], cards: Sequence[Scorecard], checkpoints: Sequence[Path]) -> Curve:
    scores = [card[named["metric"]] for card in cards]
    last = scores[-1]
    return Curve(
        **named,
        **last.model_dump(include={"label", "better", "n_fake", "n_real", "floor"}),
        real=cards[-1].real,
        points=[_point(*pair) for pair in zip(scores, checkpoints, strict=True)],
        warnings=list(dict.fromkeys(warning for score in scores for warning in score.warnings)),
        provenance=cards[-1].provenance,
    )


def _point(score: Score, checkpoint: Path) -> Point:
    counters = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))["counters"]
    seen = {name: counters[name] for name in ("step", "images", "seconds")}
    return Point(**seen, **score.model_dump(include={"value", "stderr", "ci95"}))
