"""What a metric asks of the two sets, checked before any network runs."""

from collections.abc import Mapping, Sequence
from typing import Any

from genbench.capabilities import check_likelihood
from genbench.contracts import Entry, Features, Metric, Source
from genbench.errors import BadInput, NotEnoughImages
from genbench.features.survey import Survey
from genbench.pairs.matching import match_by_name
from genbench.stats.classes import match_classes

ABILITIES = {"latents": ("prior", "decode"), "log-prob": ("log_prob",)}


def judges_model(metric: Metric) -> bool:
    """Whether a score is of what drew the fakes, so that their bytes do not tell it: it is computed every time."""
    return bool(ABILITIES.keys() & set(metric.needs))


def refuse_missing_train(metrics: Sequence[Metric], given: Mapping[str, Any]) -> None:
    """Raise ``BadInput`` if a metric needs a training set and none is given."""
    for metric in metrics:
        if "train" in metric.needs and "fake" in given and "train" not in given:
            raise BadInput(
                f"{metric.name}: no training set; expected the images the generator was made from, beside a reference "
                f"it has not seen. Give --train, or leave {metric.name} out."
            )


def refuse_unfit_model(metrics: Sequence[Metric], sources: Mapping[str, Source]) -> None:
    """Raise ``BadInput`` if a metric judges a model and the fake source has no such model."""
    for metric in metrics:
        wanted = [part for need in metric.needs for part in ABILITIES.get(need, ())]
        model = getattr(sources.get("fake"), "model", None)
        if "fake" in sources and any(not callable(getattr(model, part, None)) for part in wanted):
            kind = "images without a model" if model is None else str(model)
            raise BadInput(
                f"{metric.name}: judges a model; expected a fake source that has {' and '.join(wanted)}, got {kind}. "
                f"Give zoo:DIR or file.py:NAME of such a model, or leave {metric.name} out."
            )
        if "log-prob" in metric.needs and "fake" in sources:
            check_likelihood(metric.name, model)
            _refuse_made_up(metric, sources)


def _refuse_made_up(metric: Metric, sources: Mapping[str, Source]) -> None:
    """Raise ``BadInput`` if the real source says, by ``is_native``, that its grey levels were not measured."""
    real = sources.get("real")
    if real is not None and not getattr(real, "is_native", True):
        raise BadInput(
            f"{metric.name}: means nothing of resized pictures, whose pixels follow from their neighbours; expected "
            f"images in the grey levels that were measured, got {real.name!r}. Give the data that the model learned "
            "from, such as data:digits8/test."
        )


def refuse_unmatched(metrics: Sequence[Metric], chosen: Mapping[str, Sequence[Entry]]) -> None:
    """Raise ``BadInput`` if a metric compares images of one name and the sides differ in names."""
    for metric in metrics:
        if metric.pairs == "matched" and {"real", "fake"} <= set(chosen):
            match_by_name(metric.name, chosen["fake"], chosen["real"])


def refuse_unfit_classes(metrics: Sequence[Metric], sides: Mapping[str, Features]) -> None:
    """Raise ``BadInput`` if a metric needs classes and the sides do not have the same."""
    for metric in metrics:
        if "labels" in metric.needs and {"real", "fake"} <= set(sides):
            match_classes(metric.name, sides["real"], sides["fake"])
        if "real-labels" in metric.needs and "real" in sides and sides["real"].labels is None:
            raise BadInput(
                f"{metric.name}: real has no labels; expected the class of every image, got none. Give class folders "
                f"with --labels folders or a data set that knows its classes, or leave {metric.name} out."
            )


def _is_endless(side: tuple[str, Survey]) -> bool:
    return side[1].source.is_endless


def refuse_too_few(metrics: Sequence[Metric], parts: Mapping[str, Survey]) -> None:
    """Raise ``NotEnoughImages`` if a side has fewer images than a metric needs."""
    for metric in metrics:
        for side, part in sorted(parts.items(), key=_is_endless):  # those last: they have the count of the others
            if len(part.entries) < metric.min_count:
                raise NotEnoughImages(
                    f"{metric.name}: too few images; expected at least {metric.min_count} on each side, got "
                    f"{len(part.entries)} in {side} {part.source.name!r}. Give more images or leave {metric.name} out"
                    + (f"; {metric.instead} takes fewer." if metric.instead else ".")
                )
