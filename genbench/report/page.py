"""Scores as one page that needs nothing else: pictures and drawings are inside, and it asks no other machine."""

import base64
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from genbench.contracts import Pixels, Score
from genbench.report.columns import Column, labels_of, sample_of, short_names
from genbench.report.drawing import Cloud, Curve, draw_cloud, draw_curve, draw_interval
from genbench.report.table import ARROWS, digits, floor_text

SIDE_PX = 112  # of a picture on the page; larger ones are made smaller
LOSSLESS_PX = 40  # up to this side PNG is small enough, and JPEG's blocks would be seen
JPEG_QUALITY = 86
COMMON = 3  # rows from which on a warning stands once below the table
MARKS = "*†‡§"
DIRECTIONS = {"lower": "lower is better", "higher": "higher is better", "none": "no better or worse"}


@dataclass(frozen=True)
class Shot:
    """A picture on the page.

    Attributes:
        pixels: uint8 RGB [h, w, 3].
        name: in its source.
        note: a few words below it.
        beside: a picture it is compared with, and its name.
    """

    pixels: Pixels
    name: str
    note: str = ""
    beside: tuple[Pixels, str] | None = None


@dataclass(frozen=True)
class Gallery:
    """Pictures under a heading.

    Attributes:
        title: the heading.
        words: a sentence on how to read it; "" needs none.
        shots: the pictures.
    """

    title: str
    words: str
    shots: Sequence[Shot]


@dataclass(frozen=True)
class Exhibit:
    """What is shown of one fake set beside its scores.

    Attributes:
        title: what the fake set is called on the page.
        samples: pictures of both sides, unchosen.
        curves: metrics on subsets.
        cloud: both sets in the plane.
        galleries: pictures that stand out.
        missing: a sentence on what is not shown, and why; "" where all is.
        provenance: of the scorecard.
    """

    title: str
    provenance: Mapping[str, Any]
    samples: Sequence[Gallery] = ()
    curves: Sequence[Curve] = ()
    cloud: Cloud | None = None
    galleries: Sequence[Gallery] = ()
    missing: str = ""


def draw_page(columns: Sequence[Column], exhibits: Sequence[Exhibit]) -> str:
    """Return the page as HTML; ``columns`` are its table, ``exhibits`` the sections below."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("genbench.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["picture"] = lambda pixels: Markup(_picture(pixels))
    environment.filters["curve"] = lambda curve: Markup(draw_curve(curve))
    environment.filters["cloud"] = lambda cloud: Markup(draw_cloud(cloud))
    environment.filters["readable"] = lambda thing: json.dumps(thing, indent=2, ensure_ascii=False, default=str)
    names = short_names(columns)
    floors = [score for column in columns for score in column.scores.values() if score.floor is not None]
    rows = [_row(columns, label) for label in labels_of(columns)]
    notes = _gather(rows)
    extractors = {score.extractor for column in columns for score in column.scores.values()}
    return environment.get_template("page.html.j2").render(
        sets=list(zip(names, columns, strict=True)),
        names=names,
        title=names[0] if len(names) == 1 else f"{len(names)} sets of images",
        rows=rows,
        notes=notes,
        extractor=extractors.pop() if len(extractors) == 1 else None,
        exhibits=exhibits,
        has_floor=bool(floors),
        floor_count=floors[0].floor_count if len({score.floor_count for score in floors}) == 1 else None,
        ladder_words=_take_tail(rows),
        has_places=any(column.places for column in columns),
    )


def _row(columns: Sequence[Column], label: str) -> dict[str, Any]:
    """Return what the template shows of a metric."""
    sample = sample_of(columns, label)
    scores = [column.scores.get(label) for column in columns]
    span = _span([score for score in scores if score is not None])
    return {
        "label": label.partition("[")[0],
        "extractor": sample.extractor if "[" in label else "",
        "arrow": ARROWS[sample.better],
        "direction": DIRECTIONS[sample.better],
        "cells": [_cell(score, column.places.get(label), span) for score, column in zip(scores, columns, strict=True)],
        "warnings": _warnings(columns, label),
    }


def _cell(score: Score | None, place: str | None, span: tuple[float, float]) -> dict[str, Any] | None:
    from markupsafe import Markup

    if score is None:
        return None
    floor, floor_error = floor_text(score)
    return {
        "value": score.value,
        "text": digits(score.value, score),
        "error": None if score.stderr is None else digits(score.stderr, score),
        "interval": None if score.ci95 is None else [digits(end, score) for end in score.ci95],
        "bar": Markup(draw_interval(score.value, score.ci95, span, score.floor)),
        "floor": score.floor,
        "floor_text": floor,
        "floor_error": floor_error,
        "floor_count": score.floor_count,
        "place": place,
    }


def _span(scores: Sequence[Score]) -> tuple[float, float]:
    """Return the axis of a metric's bars: all intervals and floors, 0, and 1 where all lie below it."""
    ends = [0.0]
    for score in scores:
        ends += [score.value, *(score.ci95 or ()), *([] if score.floor is None else [score.floor])]
    is_share = scores[0].better == "higher" and max(ends) <= 1
    return min(ends), 1.0 if is_share else max(ends) * 1.08


def _warnings(columns: Sequence[Column], label: str) -> list[str]:
    """Return the warnings of a row; one that is not of all sets says whose it is."""
    whose: dict[str, list[str]] = {}
    for name, column in zip(short_names(columns), columns, strict=True):
        score = column.scores.get(label)
        for warning in dict.fromkeys(score.warnings if score else ()):
            whose.setdefault(warning, []).append(name)
    return [
        warning if len(names) == len(columns) else f"{', '.join(names)}: {warning}" for warning, names in whose.items()
    ]


def _gather(rows: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Take what several rows are warned of out of them; return (mark, warning), and leave the marks in the rows."""
    counted = Counter(warning for row in rows for warning in row["warnings"])
    common = [warning for warning, count in counted.items() if count >= COMMON]
    notes = [(MARKS[i] if i < len(MARKS) else f"[{i + 1}]", warning) for i, warning in enumerate(common)]
    for row in rows:
        row["marks"] = " ".join(mark for mark, warning in notes if warning in row["warnings"])
        row["warnings"] = [warning for warning in row["warnings"] if warning not in common]
    return notes


def _take_tail(rows: Sequence[dict[str, Any]]) -> str:
    """Return the words in brackets that end every place on the ladder, and take them off; "" where they differ."""
    cells = [cell for row in rows for cell in row["cells"] if cell and cell["place"]]
    tails = {cell["place"].partition(" (")[2] for cell in cells}
    if len(tails) != 1:
        return ""
    for cell in cells:
        cell["place"] = cell["place"].partition(" (")[0]
    return str(tails.pop())


def _picture(pixels: Pixels) -> str:
    """Return the address of a picture that is inside the page: small ones as they are, larger ones as JPEG."""
    image = Image.fromarray(pixels)
    stream = io.BytesIO()
    if max(image.size) > LOSSLESS_PX:
        image.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
        image.save(stream, "JPEG", quality=JPEG_QUALITY)
        kind = "jpeg"
    else:
        image.save(stream, "PNG", optimize=True)
        kind = "png"
    return f"data:image/{kind};base64,{base64.b64encode(stream.getvalue()).decode()}"
