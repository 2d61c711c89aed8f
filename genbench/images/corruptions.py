"""Known faults of five strengths: of a picture (blur, noise, JPEG ...) and of a set of them (dropped modes ...).

A metric is worth what it notices of them. Strengths that are lengths are shares of the shorter side, so that 32 px and
256 px behave alike. The list follows Heusel et al. 2017, arXiv:1706.08500, appendix A1 (blur, noise, swirl, occlusion,
other classes) and Parmar et al. 2022, arXiv:2104.11222 (JPEG, resizing without antialiasing).
"""

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import correlate1d
from scipy.special import ndtr

from genbench.contracts import Pixels
from genbench.errors import BadInput, UnknownName

VERSION = 1  # raised whenever a pixel of any corrupted picture changes
SEVERITIES = (1, 2, 3, 4, 5)
REACH = 4  # standard deviations after which a Gaussian is cut off
GREY = 128  # of an occlusion
Array = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Corruption:
    """A fault of single pictures.

    Attributes:
        name: id, lower-kebab.
        summary: what it does, one line.
        strengths: of severities 1 to 5, rising in harm.
        wording: label of a severity, with {} for its strength: "JPEG {:g}".
        apply: (uint8 RGB [h, w, 3], strength, generator) -> the same shape; a new array.
        is_relative: strengths are lengths, as shares of the shorter side.
    """

    name: str
    summary: str
    strengths: tuple[float, ...]
    wording: str
    apply: Callable[[Pixels, float, np.random.Generator], Pixels]
    is_relative: bool = False

    def label(self, severity: int, side_px: int | None = None) -> str:
        """Return what severity 1 to 5 is, in words: "blur 1 px", or "blur 3.12% of the side" if sides differ."""
        strength = self.strengths[severity - 1]
        if not self.is_relative:
            return self.wording.format(strength)
        return self.wording.format(f"{strength * side_px:.2g} px" if side_px else f"{100 * strength:.3g}% of the side")


@dataclass(frozen=True)
class Selection:
    """A fault of a set: which of its pictures, or whose labels, it has.

    Attributes:
        name: id, lower-kebab.
        summary: what it does, one line.
        strengths: of severities 1 to 5, shares.
        wording: label of a severity.
        choose: (mode of every picture int64 [m], strength, generator) -> places of the pictures, or labels, to take.
        is_of_labels: pictures stay and labels move: every label is taken from the place that ``choose`` says.
    """

    name: str
    summary: str
    strengths: tuple[float, ...]
    wording: str
    choose: Callable[[Rows, float, np.random.Generator], Rows]
    is_of_labels: bool = False

    def label(self, severity: int, side_px: int | None = None) -> str:
        """Return what severity 1 to 5 is, in words: "30 % of modes dropped"."""
        return self.wording.format(self.strengths[severity - 1])


def blur(image: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Convolve with a Gaussian of standard deviation ``strength`` times the shorter side; edges are mirrored.

    Weights are integrals of the Gaussian over pixels, cut off after 4 deviations, so that half a pixel blurs too.
    """
    weights = gaussian_weights(strength * min(image.shape[:2]))
    rows = correlate1d(image.astype(np.float64), weights, axis=0, mode="reflect")
    return _quantise(correlate1d(rows, weights, axis=1, mode="reflect"))


def gaussian_weights(sigma: float) -> Array:
    """Return integrals of a Gaussian of ``sigma`` px over pixels -r .. r, r = ceil(4 sigma), scaled to sum 1."""
    reach = math.ceil(REACH * sigma)
    edges = (np.arange(-reach, reach + 2) - 0.5) / sigma
    weights = np.diff(ndtr(edges))
    return np.asarray(weights / weights.sum())


def noise(image: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Add independent Gaussian noise of ``strength`` grey levels to every value; clipped to 0 .. 255."""
    return _quantise(image + rng.normal(0, strength, image.shape))


def jpeg(image: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Write as JPEG of quality ``strength`` and read again; Pillow, its chroma subsampling 4:2:0."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=int(strength))
    with Image.open(file) as written:
        return np.array(written.convert("RGB"))


def resize(image: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Shrink by ``strength`` and enlarge again, both bilinear between pixel centres and not antialiased."""
    height, width = image.shape[:2]
    low, few = (max(1, round(side / strength)) for side in (height, width))
    small = _quantise(_sample(image, *_grid((height, width), (low, few))))
    return _quantise(_sample(small, *_grid((low, few), (height, width))))


def swirl(image: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Turn about the centre by ``strength`` degrees times (1 - r/R)^2, so by none beyond R, half the shorter side."""
    height, width = image.shape[:2]
    y, x = np.meshgrid(np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2, indexing="ij")
    inward = np.clip(1 - np.hypot(y, x) / (min(height, width) / 2), 0, 1)
    angle = math.radians(strength) * inward**2
    turned_y, turned_x = np.sin(angle) * x + np.cos(angle) * y, np.cos(angle) * x - np.sin(angle) * y
    return _quantise(_sample(image, turned_y + (height - 1) / 2, turned_x + (width - 1) / 2))


def occlusion(image: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Cover a share ``strength`` of the area by a grey rectangle (128) of the picture's form at a random place."""
    height, width = image.shape[:2]
    tall, wide = (max(1, round(side * math.sqrt(strength))) for side in (height, width))
    top, left = (int(rng.random() * (room + 1)) for room in (height - tall, width - wide))
    covered = image.copy()
    covered[top : top + tall, left : left + wide] = GREY
    return covered


def contrast(image: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Move all values to a share ``strength`` of their distance from the picture's mean over pixels and channels."""
    mean = image.mean()
    return _quantise(mean + strength * (image - mean))


def drop_modes(modes: Rows, strength: float, rng: np.random.Generator) -> Rows:
    """Return the places of pictures of modes that stay: a share ``strength`` is dropped, at least 1 and not all."""
    order = rng.permutation(np.unique(modes))
    dropped = order[: min(max(1, round(strength * len(order))), len(order) - 1)]
    return np.flatnonzero(~np.isin(modes, dropped))


def duplicate_mode(modes: Rows, strength: float, rng: np.random.Generator) -> Rows:
    """Return all places, of which a share ``strength`` gives way to pictures of one mode, again and again."""
    members = np.flatnonzero(modes == rng.permutation(np.unique(modes))[0])
    places = rng.permutation(len(modes))[: round(strength * len(modes))]
    again = members[rng.integers(0, len(members), len(modes))]  # as many at any strength: the smaller sets nest
    chosen = np.arange(len(modes))
    chosen[places] = again[: len(places)]
    return chosen


def mix_labels(modes: Rows, strength: float, rng: np.random.Generator) -> Rows:
    """Return for every place that whose label it gets: those of a share ``strength`` are shuffled among themselves."""
    places = rng.permutation(len(modes))[: round(strength * len(modes))]
    taken = np.arange(len(modes))
    taken[places] = places[rng.permutation(len(places))]
    return taken


CORRUPTIONS: dict[str, Corruption | Selection] = {
    one.name: one
    for one in (
        Corruption(
            "blur", "Gaussian blur", (1 / 128, 1 / 64, 1 / 32, 1 / 16, 1 / 8), "blur {}", blur, is_relative=True
        ),
        Corruption("noise", "Gaussian noise, grey levels of 255", (2, 5, 10, 20, 50), "noise {:g}/255", noise),
        Corruption("jpeg", "JPEG of falling quality", (90, 75, 50, 25, 10), "JPEG {:g}", jpeg),
        Corruption("resize", "shrunk and enlarged, not antialiased", (1.25, 1.5, 2, 3, 4), "resize 1/{:g}", resize),
        Corruption("swirl", "turned about its centre", (10, 20, 45, 90, 180), "swirl {:g}°", swirl),
        Corruption("occlusion", "a grey rectangle", (0.02, 0.05, 0.1, 0.25, 0.5), "occlusion {:.0%}", occlusion),
        Corruption("contrast", "contrast lowered", (0.9, 0.75, 0.5, 0.25, 0.1), "contrast {:.0%}", contrast),
        Selection("dropped-modes", "modes missing", (0.1, 0.2, 0.3, 0.5, 0.8), "{:.0%} of modes dropped", drop_modes),
        Selection(
            "duplicated-modes",
            "pictures give way to those of one mode, repeated",
            (0.05, 0.1, 0.25, 0.5, 0.9),
            "{:.0%} repeats of one mode",
            duplicate_mode,
        ),
        Selection(
            "label-mix",
            "labels shuffled among a share of the pictures",
            (0.05, 0.1, 0.25, 0.5, 1.0),
            "{:.0%} of labels mixed",
            mix_labels,
            is_of_labels=True,
        ),
    )
}


def find_corruptions(names: Sequence[str]) -> list[Corruption | Selection]:
    """Return the corruptions called ``names``; raises ``UnknownName`` with the known ones, ``BadInput`` for none."""
    if not names:
        raise BadInput(f"--corruptions: none named; expected some of {', '.join(CORRUPTIONS)}.")
    for name in names:
        if name not in CORRUPTIONS:
            raise UnknownName(f"corruption {name!r}: no such corruption; expected one of {', '.join(CORRUPTIONS)}.")
    return [CORRUPTIONS[name] for name in names]


def _quantise(values: Array) -> Pixels:
    return np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)


def _grid(source: tuple[int, int], target: tuple[int, int]) -> tuple[Array, Array]:
    """Return where in a source picture the pixel centres of a target picture lie, [h, w] each."""
    y, x = ((np.arange(n) + 0.5) * (old / n) - 0.5 for old, n in zip(source, target, strict=True))
    down, across = np.meshgrid(y, x, indexing="ij")
    return down, across


def _sample(image: Pixels, y: Array, x: Array) -> Array:
    """Return the picture at any places, bilinear between pixel centres, float64 [*y.shape, 3]; outside, as its edge."""
    y, x = (np.clip(at, 0, side - 1) for at, side in zip((y, x), image.shape[:2], strict=True))
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    below, right = (np.minimum(at + 1, side - 1) for at, side in zip((top, left), image.shape[:2], strict=True))
    down, across = (y - top)[..., None], (x - left)[..., None]
    upper = image[top, left] * (1 - across) + image[top, right] * across
    lower = image[below, left] * (1 - across) + image[below, right] * across
    return np.asarray(upper * (1 - down) + lower * down)
