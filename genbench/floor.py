"""The floor of a score: the same metric between a part of the reference, as large as the fake set, and the rest of it.

No generator can be expected to do better, so a raw number reads as "so far above what chance alone gives". With twice
as many reference images as fakes these are two halves. The score has the whole reference, the floor only the rest; most
metrics hang on counts, so that is said unless the rest is nearly all.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from genbench.contracts import Metric, Score
from genbench.errors import GenbenchError
from genbench.features.extract import extractor_key, recall
from genbench.features.store import Store
from genbench.features.survey import Survey
from genbench.request import Request
from genbench.stats.pair import Pair
from genbench.stats.split_off import split_off
from genbench.views import View

KEPT = "floor/2"  # changes with the way the part is drawn
NEEDED = 5  # times the fake images: then the rest is
NEARLY_ALL = 0.8  # of the reference: with so much left, counts hardly matter


class Floor(BaseModel):
    """What is kept of one metric between a part of the reference and the rest.

    Attributes:
        floor: the value; None: there is none.
        floor_stderr: its standard error, where there is one.
        floor_count: images of the part.
        why: why there is none; "" where there is one.
    """

    floor: float | None = None
    floor_stderr: float | None = None
    floor_count: int | None = None
    why: str = ""


def add_floors(
    scores: Sequence[Score],
    views: Sequence[View],
    parts: Mapping[str, Survey],
    key_of: Callable[[Mapping[str, Survey], Metric], str],
    store: Store,
    request: Request,
) -> list[Score]:
    """Return ``scores`` with floors; those of metrics that do not look at features of a reference stay as they are.

    Args:
        scores: of one fake set.
        views: how their metrics look at the images.
        parts: "real" and "fake" images, perhaps "train"; without "real" there is no floor.
        key_of: key under which a score of given sides is kept; a floor depends on the reference, not on the fakes.
        store: holds the features; keeps the floors.
        request: its seed draws the part; told to verify, floors that are kept are computed again.
    """
    if "real" not in parts:
        return list(scores)
    size = min(len(parts["fake"].entries), len(parts["real"].entries) // 2)
    sides = {**parts, "fake": parts["real"]}
    found: dict[str, Floor] = {}
    for view in views:
        metrics = [metric for metric in view.metrics if _can_have_one(metric)]
        keys = {metric.name: _key(key_of(sides, metric), size) for metric in metrics}
        known = {} if request.verify else keys
        kept = {name: text for name, key in known.items() if (text := store.recall_score(key)) is not None}
        found |= {name: Floor.model_validate_json(text) for name, text in kept.items()}
        if fresh := [metric for metric in metrics if metric.name not in kept]:
            pair = _split(view, sides, fresh, store, size, seed=request.seed)
            for metric in fresh:
                found[metric.name] = _compute(metric, pair, size)
                text = found[metric.name].model_dump_json()
                store.remember_score(keys[metric.name], text, extractor=extractor_key(view.eye))
    return [_joined(score, found.get(score.metric)) for score in scores]


def _can_have_one(metric: Metric) -> bool:
    """Whether features of the reference, and perhaps its classes or a training set, are all that ``metric`` needs."""
    return metric.uses_real and bool(metric.layer) and not metric.measure and set(metric.needs) <= {"labels", "train"}


def _key(key: str, size: int) -> str:
    return hashlib.sha256(f"{KEPT}/{size}/{key}".encode()).hexdigest()


def _split(
    view: View, parts: Mapping[str, Survey], metrics: Sequence[Metric], store: Store, size: int, *, seed: int
) -> Pair:
    widths = view.extractor.widths
    layers = sorted({metric.layer_in(widths) for metric in metrics})
    of_train = sorted({metric.layer_in(widths) for metric in metrics if metric.uses_train})
    train = recall(parts["train"], view.extractor, store, of_train) if "train" in parts and of_train else None
    rest, part = split_off(recall(parts["real"], view.extractor, store, layers), size, seed)
    return Pair(rest, part, train, seed)


def _compute(metric: Metric, pair: Pair, size: int) -> Floor:
    if size < metric.min_count:
        return Floor(why=f"no floor: it takes {metric.min_count} images in each part of the reference, got {size}")
    try:
        estimate = metric.compute(pair)
    except GenbenchError as error:
        return Floor(why=f"no floor: {error}")
    return Floor(floor=estimate.value, floor_stderr=estimate.stderr, floor_count=size)


def _joined(score: Score, floor: Floor | None) -> Score:
    if floor is None:
        return score
    notes = [floor.why] if floor.why else []
    if floor.floor_count is not None:
        part, rest = floor.floor_count, score.n_real - floor.floor_count
        if part < score.n_fake or rest < NEARLY_ALL * score.n_real:
            notes = [
                f"floor: of {part} against {rest} reference images, the score of {score.n_fake} against "
                f"{score.n_real}; with fewer images distances come out higher. With {NEEDED * score.n_fake} reference "
                "images they compare"
            ]
    fields: dict[str, Any] = floor.model_dump(exclude={"why"})
    return score.model_copy(update={**fields, "warnings": [*score.warnings, *notes]})
