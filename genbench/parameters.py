"""What may be set of a metric: the keyword-only arguments of its function, with the defaults that stand there.

A protocol sets k, subsets or splits to those of a published tool. Parameters left alone leave every number as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from inspect import Parameter, signature
from typing import Annotated, Any, get_type_hints

from pydantic import Field, TypeAdapter, ValidationError

from genbench.contracts import Metric
from genbench.errors import BadInput

Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Settings = Mapping[str, Mapping[str, Any]]  # metric -> parameter -> value


def parameters_of(metric: Metric) -> dict[str, Any]:
    """Return parameter -> value: the defaults of ``metric``, or what ``bind`` has set."""
    found = signature(metric.compute).parameters.values()
    return {one.name: one.default for one in found if one.kind is Parameter.KEYWORD_ONLY}


def bind(metric: Metric, chosen: Mapping[str, Any]) -> Metric:
    """Return ``metric`` with parameters set, and the fewest images that they need.

    Raises:
        BadInput: for a parameter it does not have, or a value that it does not take.
    """
    if not chosen:
        return metric
    hints = get_type_hints(metric.compute, include_extras=True)
    known = parameters_of(metric)
    for name, value in chosen.items():
        if name not in known:
            raise BadInput(
                f"{metric.name}: no parameter {name!r}; expected one of {', '.join(known) or 'none'}, got {value!r}."
            )
        try:
            TypeAdapter(hints[name]).validate_python(value, strict=True)
        except ValidationError as error:
            rule = error.errors()[0]["msg"].removeprefix("Input should be ")
            raise BadInput(f"{metric.name}: parameter {name} does not fit; expected {rule}, got {value!r}.") from error
    fewest = metric.min_count if metric.fewest is None else metric.fewest(**known | dict(chosen))
    return replace(metric, compute=partial(metric.compute, **chosen), min_count=fewest)


def bind_each(metrics: Sequence[Metric], settings: Settings, extractors: Mapping[str, str]) -> list[Metric]:
    """Return ``metrics`` as a request wants them.

    Args:
        metrics: records.
        settings: their parameters.
        extractors: metric -> the one extractor of whose features it is to be.

    Raises:
        BadInput: if ``settings`` are of a metric not among them, or do not fit.
    """
    names = [metric.name for metric in metrics]
    for name in settings:
        if name not in names:
            raise BadInput(f"parameters: of a metric not asked for; expected one of {', '.join(names)}, got {name!r}.")
    return [
        replace(bind(metric, settings.get(metric.name, {})), extractor=extractors.get(metric.name, metric.extractor))
        for metric in metrics
    ]


def describe_metrics(metrics: Sequence[Metric]) -> dict[str, dict[str, Any]]:
    """Return metric -> its version and its parameters, JSON-safe, for keys and for the provenance."""
    return {metric.name: {"version": metric.version, "parameters": parameters_of(metric)} for metric in metrics}
