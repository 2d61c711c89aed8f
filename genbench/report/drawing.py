"""Drawings as SVG text for a page: their colours are classes of its style sheet, so that they follow light and dark."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054
WIDE, HIGH = 340, 220  # of a chart, in units of its own
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 34
MAP_WIDE, MAP_HIGH = 640, 420
BAR_WIDE, BAR_HIGH = 120, 14
GROUND = 0.12  # of the range of the values, kept free above and below


@dataclass(frozen=True)
class Curve:
    """A metric on subsets of the fake set.

    Attributes:
        label: of the metric.
        sizes: images of each subset, rising.
        values: of the metric.
        errors: standard errors, None where there is none.
        limit: value at infinitely many images and its standard error; None: not known.
    """

    label: str
    sizes: Sequence[int]
    values: Sequence[float]
    errors: Sequence[float | None]
    limit: tuple[float, float | None] | None = None


@dataclass(frozen=True)
class Cloud:
    """Both sets in the plane.

    Attributes:
        real: float [k, 2].
        fake: float [l, 2].
        shares: of the variance that the two axes have.
    """

    real: NDArray[np.float64]
    fake: NDArray[np.float64]
    shares: tuple[float, float]


def draw_interval(
    value: float, interval: tuple[float, float] | None, span: tuple[float, float], floor: float | None = None
) -> str:
    """Draw a value as a dot on its interval, and the floor as a tick, on an axis from ``span[0]`` to ``span[1]``."""
    width = (span[1] - span[0]) or 1.0

    def at(number: float) -> float:
        return 4 + (BAR_WIDE - 8) * (number - span[0]) / width

    middle = BAR_HIGH / 2
    parts = [f'<line class="axis" x1="0" x2="{BAR_WIDE}" y1="{middle}" y2="{middle}"/>']
    if floor is not None:
        parts.append(f'<line class="floor" x1="{at(floor):.1f}" x2="{at(floor):.1f}" y1="1" y2="{BAR_HIGH - 1}"/>')
    if interval is not None:
        low, high = (at(number) for number in interval)
        parts.append(f'<rect class="range" x="{low:.1f}" y="4" width="{max(high - low, 1):.1f}" height="6" rx="3"/>')
    parts.append(f'<circle class="fake" cx="{at(value):.1f}" cy="{middle}" r="3.2"/>')
    return _svg(BAR_WIDE, BAR_HIGH, "bar", "".join(parts), "")


def draw_curve(curve: Curve) -> str:
    """Draw a metric against the number of images, on a logarithmic axis, with 95 % intervals."""
    lows = [value - Z95 * (error or 0) for value, error in zip(curve.values, curve.errors, strict=True)]
    highs = [value + Z95 * (error or 0) for value, error in zip(curve.values, curve.errors, strict=True)]
    limits = [] if curve.limit is None else [curve.limit[0]]
    ticks = nice_ticks(min(lows + limits), max(highs + limits))
    low, high = min(ticks[0], *lows, *limits), max(ticks[-1], *highs, *limits)
    rise = (high - low) or 1.0
    first, last = math.log(curve.sizes[0]), math.log(curve.sizes[-1])

    def x(size: float) -> float:
        return LEFT + 14 + (WIDE - LEFT - RIGHT - 28) * (math.log(size) - first) / ((last - first) or 1.0)

    def y(value: float) -> float:
        return HIGH - BOTTOM - (HIGH - TOP - BOTTOM) * (value - low) / rise

    parts = [_tick(tick, y(tick), ticks) for tick in ticks]
    if curve.limit is not None:
        line = f'x1="{LEFT}" x2="{WIDE - RIGHT}" y1="{y(curve.limit[0]):.1f}" y2="{y(curve.limit[0]):.1f}"'
        parts.append(f'<line class="limit" {line}/>')
    path = " ".join(f"{x(size):.1f},{y(value):.1f}" for size, value in zip(curve.sizes, curve.values, strict=True))
    parts.append(f'<polyline class="line" points="{path}"/>')
    for size, value, bottom, top in zip(curve.sizes, curve.values, lows, highs, strict=True):
        parts.append(
            f'<line class="whisker" x1="{x(size):.1f}" x2="{x(size):.1f}" y1="{y(bottom):.1f}" y2="{y(top):.1f}"/>'
        )
        parts.append(f'<circle class="fake" cx="{x(size):.1f}" cy="{y(value):.1f}" r="4"/>')
        parts.append(f'<text class="tick" x="{x(size):.1f}" y="{HIGH - 18}" text-anchor="middle">{size:,}</text>')
    parts.append(f'<text class="tick" x="{WIDE - RIGHT}" y="{HIGH - 3}" text-anchor="end">fake images</text>')
    told = ", ".join(f"{value:.4g} of {size}" for size, value in zip(curve.sizes, curve.values, strict=True))
    return _svg(WIDE, HIGH, "chart", "".join(parts), f"{curve.label} against the number of fake images: {told}")


def draw_cloud(cloud: Cloud) -> str:
    """Draw both sets as points, real ones as rings, on axes of one scale."""
    both = np.concatenate([cloud.real, cloud.fake])
    low, high = both.min(axis=0), both.max(axis=0)
    room = np.array([MAP_WIDE - 40, MAP_HIGH - 50])
    scale = float((room / np.where(high > low, high - low, 1.0)).min())
    middle = (low + high) / 2

    def dots(points: NDArray[np.float64]) -> str:
        places = (points - middle) * scale * np.array([1, -1]) + np.array([MAP_WIDE / 2, MAP_HIGH / 2 - 8])
        return "".join(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3"/>' for x, y in places)

    one, two = (f"{100 * share:.0f} %" for share in cloud.shares)
    text = (
        f'<text class="tick" x="{MAP_WIDE / 2}" y="{MAP_HIGH - 4}" text-anchor="middle">first axis: {one} of the '
        f'variance</text><text class="tick" x="12" y="{MAP_HIGH / 2}" text-anchor="middle" '
        f'transform="rotate(-90 12 {MAP_HIGH / 2})">second axis: {two}</text>'
    )
    groups = f'<g class="rings">{dots(cloud.real)}</g><g class="points">{dots(cloud.fake)}</g>{text}'
    counts = f"{len(cloud.real)} reference and {len(cloud.fake)} fake images"
    return _svg(MAP_WIDE, MAP_HIGH, "map", groups, f"{counts} on the two principal axes of their features")


def nice_ticks(low: float, high: float) -> list[float]:
    """Return three to six round numbers of one distance that lie around [low, high]."""
    if high <= low:
        high, low = low + (abs(low) * GROUND or 1.0), low - (abs(low) * GROUND or 1.0)
    rough = (high - low) / 3
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [step * i for i in range(first, last + 1)]


def _tick(tick: float, height: float, ticks: Sequence[float]) -> str:
    step = ticks[1] - ticks[0]
    places = next((places for places in range(6) if math.isclose(round(step, places), step)), None)
    text = f"{tick:.2g}" if places is None else f"{tick:.{places}f}"
    return (
        f'<line class="grid" x1="{LEFT}" x2="{WIDE - RIGHT}" y1="{height:.1f}" y2="{height:.1f}"/>'
        f'<text class="tick" x="{LEFT - 6}" y="{height + 4:.1f}" text-anchor="end">{text}</text>'
    )


def _svg(wide: int, high: int, kind: str, inside: str, label: str) -> str:
    role = f'role="img" aria-label="{html.escape(label)}"' if label else 'aria-hidden="true"'
    return f'<svg class="{kind}" viewBox="0 0 {wide} {high}" {role}>{inside}</svg>'
