"""What a page shows of a scorecard beside its numbers: its images, opened again and checked to be those scored.

Features are in the store since the scoring; where they are not any more, the network runs again.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.analyses.per_image import Judged, for_images, judge
from genbench.contracts import Features, Metric, Pixels, Score, Scorecard, Watch
from genbench.errors import BadInput, GenbenchError
from genbench.evaluate import Run, extract_sides, look, open_run, survey_sides, take_reference
from genbench.features.extract import extractor_key
from genbench.features.survey import Survey
from genbench.images.decode import decode
from genbench.metrics import METRICS
from genbench.parameters import bind
from genbench.report.drawing import Cloud, Curve
from genbench.report.page import Exhibit, Gallery, Shot
from genbench.request import Request
from genbench.seeds import generator
from genbench.stats.gaussian import Moments
from genbench.stats.pair import Pair

SHOWN, SAMPLES = 12, 24  # pictures of a gallery and of a side's sample
LEAST = 4  # of a gallery, where many sets share the page
SHARED = 48  # pictures of a gallery over all sets of a page, so that it stays below 5 MB
CURVES = "fd", "kd", "precision"
SHARES = 8, 4, 2, 1  # of the fake set
FEWEST = 10  # images of a subset that is worth a point
DOTS = 800  # of a side on the map


@dataclass(frozen=True)
class Opened:
    """Both sides of a scorecard, opened again.

    Attributes:
        run: open.
        parts: side -> its images.
        pair: their pooled features.
    """

    run: Run
    parts: Mapping[str, Survey]
    pair: Pair

    def read(self, side: str, places: Sequence[int]) -> list[tuple[Pixels, str]]:
        """Return the pictures at ``places`` of a side, and their names."""
        part = self.parts[side]
        order = sorted(set(map(int, places)))
        entries = [part.entries[i] for i in order]
        found = dict(zip(order, map(decode, part.source.read(entries)), strict=True))
        return [(found[int(i)], part.entries[int(i)].name) for i in places]


def exhibit(
    card: Scorecard, *, sets: int = 1, cache: Path | None = None, watch: Watch | None = None, pictures: bool = True
) -> Exhibit:
    """Collect what a page shows of ``card``.

    Args:
        card: a scorecard of ``genbench.score``.
        sets: scorecards on the page: the more, the fewer pictures of each.
        cache: the feature store; None: the one that the scorecard names.
        watch: told of progress.
        pictures: False: show what needs no images.

    Returns:
        The exhibit; where the images or the network are gone, only a sentence that says so.

    Raises:
        BadInput: if the images are there and are not those that were scored.
    """
    title = card.fake.rstrip("/").rsplit("/", 1)[-1] or card.fake
    bare = Exhibit(title, card.provenance)
    if not pictures:
        return replace(bare, missing="Without pictures, as asked for.")
    if "request" not in card.provenance:
        return replace(bare, missing="No pictures: the scorecard joins several runs and names none to open again.")
    try:
        with _open(card, cache, watch) as opened:
            return _collect(bare, card, opened, max(LEAST, min(SHOWN, SHARED // sets)))
    except Changed:
        raise
    except GenbenchError as error:
        return replace(bare, missing=f"No pictures: the images cannot be opened again. {error}")


class Changed(BadInput):
    """The images are not those that were scored."""


@contextmanager
def _open(card: Scorecard, cache: Path | None, watch: Watch | None) -> Iterator[Opened]:
    """Open the sources of ``card`` with its own request; raises ``Changed`` if they hold other images by now."""
    sources = card.provenance["sources"]
    given = {side: sources[side]["name"] for side in ("fake", "real", "train") if side in sources}
    with open_run(_request_of(card, cache), watch) as run:
        if extractor_key(run.extractor) != card.provenance["extractor_key"]:
            raise BadInput(
                f"{run.extractor.name}: not the network of the scorecard, or not on the same runtime; expected "
                f"{card.provenance['extractor_key'][:12]}, got {extractor_key(run.extractor)[:12]}. Score it here."
            )
        _ = take_reference(run, dict(given))
        parts = survey_sides(run, given)
        for side, part in parts.items():
            if None not in part.digests:
                _refuse_changed(side, part, sources[side])
        extract_sides(run, parts, {side: ["pooled"] for side in parts})
        for side, part in parts.items():
            _refuse_changed(side, part, sources[side])
        yield Opened(run, parts, look(run, run.views[0], parts, run.metrics))


def _request_of(card: Scorecard, cache: Path | None) -> Request:
    """Return the request of ``card``, but for what newer versions ask for, and for other metrics."""
    asked = {name: value for name, value in card.provenance["request"].items() if name in Request.__dataclass_fields__}
    for name in ("latent", "output_range"):
        asked[name] = None if asked.get(name) is None else tuple(asked[name])
    request = for_images(Request(**asked))
    return replace(request, cache=cache or request.cache)


def _refuse_changed(side: str, part: Survey, scored: Mapping[str, Any]) -> None:
    found = part.fingerprint()
    if found != scored["fingerprint"]:
        raise Changed(
            f"report: {side} {part.source.name!r} holds other images than when it was scored; expected fingerprint "
            f"{scored['fingerprint'][:12]} of {scored['count']}, got {found[:12]} of {len(part.entries)}. Score it "
            "again, or give --no-pictures."
        )


def _collect(bare: Exhibit, card: Scorecard, opened: Opened, shown: int) -> Exhibit:
    judged = judge(opened.pair)
    return replace(
        bare,
        samples=_samples(opened, max(LEAST, min(SAMPLES, 2 * shown))),
        curves=[curve for metric in CURVES if (curve := _curve(metric, card, opened)) is not None],
        cloud=_cloud(opened.pair),
        galleries=[
            *_by_realism(opened, judged, shown),
            *_by_influence(opened, judged, shown),
            _pairs(opened, judged, shown),
        ],
    )


def _samples(opened: Opened, count: int) -> list[Gallery]:
    galleries = []
    for side, title in (("fake", "Fake images"), ("real", "Reference images")):
        total = len(opened.parts[side].entries)
        chosen = generator(opened.run.request.seed, "page", side).permutation(total)[:count]
        shots = [Shot(pixels, name) for pixels, name in opened.read(side, sorted(chosen))]
        galleries.append(Gallery(title, f"{len(shots)} of {total}, drawn by the seed.", shots))
    return galleries


def _by_realism(opened: Opened, judged: Judged, shown: int) -> list[Gallery]:
    order = np.argsort(judged.realism, kind="stable")
    words = "How deep an image lies among the reference images: 1 on the surface, more inside."
    note = lambda i: f"{judged.realism[i]:.2f}"  # noqa: E731
    return [
        _gallery(opened, "Most realistic", words, order[::-1][:shown], note),
        _gallery(opened, "Least realistic", "", order[:shown], note),
    ]


def _by_influence(opened: Opened, judged: Judged, shown: int) -> list[Gallery]:
    order = np.argsort(judged.fd_change, kind="stable")
    average = judged.fd_change.mean()
    words = f"How fd changes when the image is taken away; {average:+.2g} for the average image, for the count alone."
    places = max(0, 1 - math.floor(math.log10(np.abs(judged.fd_change).max() or 1)))
    note = lambda i: f"{judged.fd_change[i]:+.{places}f}"  # noqa: E731
    return [
        _gallery(opened, "fd would be lower without these", words, order[:shown], note),
        _gallery(opened, "fd would miss these most", "", order[::-1][:shown], note),
    ]


def _gallery(opened: Opened, title: str, words: str, places: NDArray[np.intp], note: Callable[[int], str]) -> Gallery:
    read = opened.read("fake", places.tolist())
    return Gallery(title, words, [Shot(*shot, note(int(i))) for shot, i in zip(read, places, strict=True)])


def _pairs(opened: Opened, judged: Judged, shown: int) -> Gallery:
    side = "train" if "train" in opened.parts else "real"
    order = np.argsort(judged.distance, kind="stable")[:shown]
    fakes, others = opened.read("fake", order.tolist()), opened.read(side, judged.nearest[order].tolist())
    shots = [Shot(*fake, f"{judged.ratio[i]:.2f}", other) for fake, other, i in zip(fakes, others, order, strict=True)]
    whose = "training" if side == "train" else "reference"
    words = (
        f"Each fake image beside its nearest {whose} image, nearest first. The number is their distance over the "
        f"median distance of a {whose} image to its own nearest: near 0 is a copy."
    )
    return Gallery("Nearest neighbours", words, shots)


def _curve(name: str, card: Scorecard, opened: Opened) -> Curve | None:
    """Return the metric on growing subsets of the fake set; None if the scorecard lacks it so or images are too few."""
    scored = next((score for score in card.scores if score.metric == name), None)
    if scored is None or scored.extractor != opened.run.extractor.name:
        return None
    pair = opened.pair
    metric: Metric = bind(METRICS.get(name), card.provenance["request"].get("parameters", {}).get(name, {}))
    total = pair.fake.count
    sizes = [total // share for share in SHARES if total // share >= max(FEWEST, metric.min_count)]
    if len(sizes) < 2:
        return None
    order = generator(pair.seed, "page", "subsets").permutation(total)
    found = []
    for size in sizes:
        rows = pair.fake.pooled if size == total else pair.fake.pooled[np.sort(order[:size])]
        found.append(metric.compute(replace(pair, fake=Features({"pooled": rows}))))
    limit = _limit(card) if name == "fd" else None
    return Curve(scored.label, sizes, [one.value for one in found], [one.stderr for one in found], limit)


def _limit(card: Scorecard) -> tuple[float, float | None] | None:
    found: Score | None = next((score for score in card.scores if score.metric == "fd-infinity"), None)
    return None if found is None else (found.value, found.stderr)


def _cloud(pair: Pair) -> Cloud:
    """Return both sets on the two principal axes of their joint features."""
    import scipy.linalg

    moments = Moments.of(pair.real.pooled).merge(Moments.of(pair.fake.pooled))
    width = len(moments.mean)
    values, axes = scipy.linalg.eigh(moments.scatter, subset_by_index=[max(0, width - 2), width - 1])
    values, axes = values[::-1], axes[:, ::-1]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])  # eigenvectors have no sign
    total = float(np.trace(moments.scatter)) or 1.0
    real, fake = (
        (_some(features.pooled, pair.seed, side) - moments.mean) @ axes
        for side, features in (("real", pair.real), ("fake", pair.fake))
    )
    return Cloud(real, fake, (float(values[0]) / total, float(values[-1]) / total))


def _some(rows: NDArray[np.float32], seed: int, side: str) -> NDArray[np.float32]:
    """Return the rows that the map shows."""
    return rows[np.sort(generator(seed, "page", "map", side).permutation(len(rows))[:DOTS])]
