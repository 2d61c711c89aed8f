"""Scores again what a scorecard tells of, from its own words: the request and the sources in its provenance."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from genbench.contracts import Scorecard, Watch
from genbench.errors import BadInput
from genbench.evaluate import open_run, score, survey_sides, take_reference
from genbench.features.survey import Survey
from genbench.request import Request, make_request

IN_MEMORY = "python:"  # before the type of an object, where a name would be


def repeat(card: Scorecard, watch: Watch | None = None, cache: Path | None = None) -> Scorecard:
    """Score the same sources by the same request, after a look at whether they still hold the same images.

    Files are hashed again and scores computed again; kept features are used. Relative paths are from the folder where
    this runs.

    Args:
        card: what to repeat.
        watch: told of progress.
        cache: another feature store; an empty folder: features are computed again too.

    Raises:
        BadInput: before any network runs, if a source was an object in memory, or holds other images now.
    """
    request = restore_request(card)
    request = replace(request, verify=True, cache=cache or request.cache)
    sources = {side: _reopenable(side, told) for side, told in card.provenance["sources"].items()}
    with open_run(request, watch) as run:
        given = dict(sources)
        run.reference = take_reference(run, given)
        if run.reference is not None:
            _refuse_changed("real", card, run.reference.fingerprint)
        for side, part in survey_sides(run, given).items():
            if _is_known(part, card.provenance["sources"][side]):
                _refuse_changed(side, card, part.fingerprint())
    again = score(**sources, request=request, watch=watch)
    for side, told in again.provenance["sources"].items():
        _refuse_changed(side, card, told["fingerprint"])
    return again


def restore_request(card: Scorecard) -> Request:
    """Return the request that made a scorecard; raises ``BadInput`` if this version cannot carry it out."""
    told: Mapping[str, Any] = card.provenance["request"]
    return make_request({name: tuple(value) if isinstance(value, list) else value for name, value in told.items()})


def _reopenable(side: str, told: Mapping[str, Any]) -> str:
    """Return the name by which a source can be opened again."""
    name = str(told["name"])
    if told["kind"] == "online" or (name.startswith(IN_MEMORY) and ":" not in name.removeprefix(IN_MEMORY)):
        raise BadInput(
            f"rerun: the {side} images were an object in memory; expected a source that can be opened by its name, got "
            f"{name!r}. Score it again from Python."
        )
    return name


def _is_known(part: Survey, told: Mapping[str, Any]) -> bool:
    """Whether the digest of ``part`` is final before features are made: nothing is drawn then, or found broken."""
    return None not in part.digests and len(part.skipped) == told["skipped_count"]


def _refuse_changed(side: str, card: Scorecard, found: str) -> None:
    told = card.provenance["sources"][side]
    if found != told["fingerprint"]:
        raise BadInput(
            f"rerun: the {side} images are not those of the scorecard; expected {told['count']} images of fingerprint "
            f"{told['fingerprint'][:16]}, got {found[:16]} from {told['name']!r}. "
            + ("Put the images back, or score them anew." if told["seeded"] else "It is not seeded: score it anew.")
        )
