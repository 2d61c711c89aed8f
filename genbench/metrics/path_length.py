"""Perceptual path length: how far an image moves when its latent moves a little (Karras et al. 2019, arXiv:1812.04948).

    d = D(G(z_t), G(z_(t + eps))) / eps^2 for a perceptual distance D that is quadratic in small steps,

averaged over paths between random latents without the smallest and the largest percent. Low: the latent space is
smooth and evenly laid out. It says nothing of whether the images are any good: a generator of one image scores 0.

Conventions are those of stylegan2-ada-pytorch (arXiv:2006.06676): eps 1e-4, percentiles by the "lower" and "higher"
rule, images above 256 pixels averaged down to 256, noise fixed. Images stay floats: rounded to 8 bits, the step of 1e-4
would be lost in them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from genbench.contracts import Estimate, Measure, Metric
from genbench.errors import BadInput
from genbench.parameters import Count
from genbench.stats.latents import CHUNK, as_pictures, chunks, draw_labels, refuse_styleless, take
from genbench.stats.pair import Pair

NAME = "ppl"
MOST_PIXELS = 256  # of a side, before the measure looks
HALVED = 256  # paths on which half the step is tried too
STEADY = (0.8, 1.25)  # ratio of the lengths by eps and by eps / 2 that is not warned of
TOLERANCE = 1e-3  # of a grey level
NOISE = 0.01  # share of a step that two draws from one latent may differ by
FLAT = 1e-6  # sine of an angle below which two latents span no plane

Space = Literal["z", "w"]
Endpoints = Literal["full", "end"]
Interpolation = Literal["auto", "lerp", "slerp"]
Epsilon = Annotated[float, Field(gt=0, le=0.5)]
Percentile = Annotated[float, Field(ge=0, le=100)]
Floats = NDArray[np.float64]


def path_length(
    pair: Pair,
    *,
    space: Space = "z",
    endpoints: Endpoints = "full",
    interpolation: Interpolation = "auto",
    epsilon: Epsilon = 1e-4,
    samples: Count | None = None,
    lowest: Percentile = 1.0,
    highest: Percentile = 99.0,
) -> Estimate:
    """Trimmed mean of squared perceptual speeds along random paths, range [0, inf), lower is better.

    Args:
        pair: its ``model`` has ``prior`` and ``decode``, its ``measure`` compares images.
        space: "z", or "w" of a model that has ``mapping`` and ``synthesis``.
        endpoints: "full": anywhere on a path, t even in [0, 1); "end": where it begins, t = 0.
        interpolation: "slerp": directions along the great circle, lengths in proportion; "lerp": straight; "auto":
            slerp in a z of geometry "gaussian" or "sphere", else lerp.
        epsilon: step.
        samples: paths; None: as many as there are judged images.
        lowest: percentile below which lengths are left out.
        highest: percentile above which they are.

    Returns:
        The mean of what is kept. Standard error over paths: that of a trimmed mean, by winsorised variance (Tukey &
        McLaughlin 1963); the model is taken as given. Details: "median" of all, "mean" of all, "discarded" share,
        "step_ratio", the length by ``epsilon`` over that by half of it on the first 256 paths: 1 for a smooth
        generator; and the settings.

    Raises:
        BadInput: if the model or the measure rounds images, decoding draws random numbers, or there is no w.
    """
    if pair.measure is None or pair.model is None:
        raise BadInput(f"{NAME}: judges a model by a measure; expected both, got one or none. Give zoo:DIR.")
    if lowest >= highest:
        raise BadInput(f"{NAME}: nothing is kept; expected lowest below highest, got {lowest:g} and {highest:g}.")
    bends = _bends(pair.model, space, interpolation)
    walk = _Walk(pair.model, pair.measure, space, endpoints, bends, epsilon)
    count = samples or pair.fake.count
    rows = np.array(list(walk.lengths(count, pair.seed)))
    lengths, pairs = rows[:, 0], rows[:HALVED]
    value, error, discarded = _trimmed(lengths, lowest, highest)
    ratio = float(pairs[:, 0].sum() / pairs[:, 1].sum()) if pairs[:, 1].any() else None
    details = {
        "space": space,
        "endpoints": endpoints,
        "interpolation": "slerp" if bends else "lerp",
        "epsilon": epsilon,
        "paths": count,
        "median": float(np.median(lengths)),
        "mean": float(lengths.mean()),
        "discarded": discarded,
        "step_ratio": ratio,
    }
    return Estimate(value, error, _warnings(ratio, error), details)


@dataclass(frozen=True)
class _Walk:
    """Small steps along random paths."""

    model: Any
    measure: Measure
    space: Space
    endpoints: Endpoints
    bends: bool
    epsilon: float

    def lengths(self, count: int, seed: int) -> Iterator[tuple[float, float]]:
        """Yield the length of each path by the step, and by half of it for the first 256 (else 0)."""
        import torch

        done = 0
        with torch.no_grad():
            for size, generator in chunks(count, seed, NAME):
                path = self._draw(generator)
                for start in range(0, size, self.measure.batch_size):
                    part = slice(start, min(size, start + self.measure.batch_size))
                    yield from self._measure(path, part, is_first=not done, is_halved=done < HALVED)
                    done += part.stop - part.start

    def _draw(self, generator: Any) -> tuple[Any, Any, Any, Any]:
        """Return both ends and the place between them of 64 paths, and their labels."""
        import torch

        labels = draw_labels(self.model, generator)
        ends = [self.model.prior(CHUNK, generator) for _ in range(2)]
        if self.space == "w":
            ends = [self.model.mapping(z, labels) for z in ends]
        t = torch.rand(CHUNK, generator=generator, dtype=torch.float64)
        return ends[0], ends[1], t if self.endpoints == "full" else torch.zeros_like(t), labels

    def _measure(
        self, path: tuple[Any, Any, Any, Any], part: slice, *, is_first: bool, is_halved: bool
    ) -> Iterator[tuple[float, float]]:
        here, there = self._images(path, part, 0), self._images(path, part, self.epsilon)
        if is_first:
            _refuse_rounded(here)
            _refuse_noisy(here, self._images(path, part, 0), there)
            _refuse_rounding(self.measure, here)
        whole = self.measure(here, there).astype(np.float64) / self.epsilon**2
        half = np.zeros_like(whole)
        if is_halved:
            between = self._images(path, part, self.epsilon / 2)
            half = self.measure(here, between).astype(np.float64) / (self.epsilon / 2) ** 2
        yield from zip(whole.tolist(), half.tolist(), strict=True)

    def _images(self, path: tuple[Any, Any, Any, Any], part: slice, ahead: float) -> NDArray[np.float32]:
        """Return the images ``ahead`` of the place on each path, float32 [n, h, w, 3]."""
        first, second, t, labels = path
        go = _slerp if self.bends else _lerp
        latents = go(first[part], second[part], (t[part] + ahead).to(first.device))
        if self.space == "w":
            made = self.model.synthesis(latents[:, None].expand(-1, self.model.num_ws, -1))
        else:
            made = self.model.decode(latents, take(labels, part))
        return _shrink(as_pictures(NAME, made))


def _lerp(first: Any, second: Any, t: Any) -> Any:
    """Return the points at t [n] of the straight lines between latents [n, *latent]; computed in float64."""
    share = t.reshape(-1, *[1] * (first.ndim - 1))
    return (first.double() + (second.double() - first.double()) * share).to(first.dtype)


def _slerp(first: Any, second: Any, t: Any) -> Any:
    """Return directions along the great circle and lengths in proportion; straight where latents are parallel."""
    import torch

    a, b = first.double().flatten(1), second.double().flatten(1)
    lengths = a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True)
    u, v = a / lengths[0].clamp_min(1e-300), b / lengths[1].clamp_min(1e-300)
    cosine = (u * v).sum(1, keepdim=True)
    across = v - cosine * u
    sine = across.norm(dim=1, keepdim=True)
    angle = torch.atan2(sine, cosine)
    share = t[:, None]
    turned = u * torch.cos(share * angle) + across / sine.clamp_min(FLAT) * torch.sin(share * angle)
    length = lengths[0] + (lengths[1] - lengths[0]) * share
    points = torch.where(sine > FLAT, turned * length, a + (b - a) * share)
    return points.reshape(first.shape).to(first.dtype)


def _bends(model: Any, space: Space, interpolation: Interpolation) -> bool:
    if space == "w":
        refuse_styleless(NAME, model)
    if interpolation != "auto":
        return interpolation == "slerp"
    geometry = getattr(model, "geometry", None)
    if space == "z" and geometry not in ("gaussian", "sphere", "uniform"):
        raise BadInput(
            f"{NAME}: the model does not say how its latents lie; expected geometry to be gaussian, sphere or uniform, "
            f"got {geometry!r}. Add the attribute, or set interpolation."
        )
    return space == "z" and geometry != "uniform"


def _shrink(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average pictures above 256 pixels down by a whole factor."""
    n, h, w, c = pictures.shape
    factor = min(h, w) // MOST_PIXELS
    if factor <= 1:
        return pictures
    cut = pictures[:, : h - h % factor, : w - w % factor]
    fields = cut.reshape(n, h // factor, factor, w // factor, factor, c)
    small: NDArray[np.float32] = fields.mean(axis=(2, 4), dtype=np.float32)
    return small


def _trimmed(lengths: Floats, lowest: float, highest: float) -> tuple[float, float | None, float]:
    """Return the mean of what lies between the percentiles, its standard error, and the share left out."""
    low = np.percentile(lengths, lowest, method="lower")
    high = np.percentile(lengths, highest, method="higher")
    kept = lengths[(lengths >= low) & (lengths <= high)]
    share, count = len(kept) / len(lengths), len(lengths)
    error = float(np.clip(lengths, low, high).std(ddof=1) / (share * np.sqrt(count))) if count > 1 else None
    return float(kept.mean()), error, 1 - share


def _refuse_rounded(pictures: NDArray[np.float32]) -> None:
    levels = pictures.astype(np.float64) * 255
    if np.abs(levels - np.rint(levels)).max() < TOLERANCE:
        raise BadInput(
            f"{NAME}: the model rounds its images; expected floats of decode, got whole grey levels alone. Return them "
            "before they are made 8-bit."
        )


def _refuse_noisy(here: NDArray[np.float32], again: NDArray[np.float32], there: NDArray[np.float32]) -> None:
    noise, step = np.abs(again - here).mean(), np.abs(there - here).mean()
    if noise > NOISE * step:
        raise BadInput(
            f"{NAME}: one latent decodes to different images; expected decode to be a function of its arguments, got "
            f"{noise:.2g} between two calls beside a step of {step:.2g}. Keep noise fixed, and dropout off, in decode."
        )


def _refuse_rounding(measure: Measure, pictures: NDArray[np.float32]) -> None:
    rounded = np.rint(pictures * np.float32(255)) / np.float32(255)
    if not measure(pictures, rounded).any():
        raise BadInput(
            f"{NAME}: {measure.name!r} rounds images to 8 bits; expected a measure that takes floats as they are, got "
            "0 between images and their rounded copies. Choose another --perceptual."
        )


def _warnings(ratio: float | None, error: float | None) -> tuple[str, ...]:
    warnings = []
    if ratio is not None and not STEADY[0] <= ratio <= STEADY[1]:
        warnings.append(
            f"half the step gives another length (ratio {ratio:.3g}, expected about 1): the distance is not quadratic "
            "in the step, or rounding outweighs it; another epsilon gives another number"
        )
    if error is None:
        warnings.append("one path: no standard error")
    return tuple(warnings)


PPL = Metric(
    name=NAME,
    label="PPL",
    summary="how fast images change along paths between latents, by a perceptual distance; needs a model",
    compute=path_length,
    better="lower",
    range=(0.0, float("inf")),
    source="Karras et al. 2019, arXiv:1812.04948",
    layer="",
    measure="lpips:vgg",
    uses_real=False,
    needs=("latents",),
    biased_by=(),
)
