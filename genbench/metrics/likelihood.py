"""Bits per dimension: how many bits a pixel value costs under a model's likelihood.

Of grey levels dequantised by uniform noise: Uria et al. 2013 (arXiv:1306.0186); why the noise, and why a density of
pixel values means nothing without it: Theis et al. 2016 (arXiv:1511.01844). Likelihood says little of how images look:
a model may have a good one and poor samples, or the reverse.
"""

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.capabilities import check_likelihood
from genbench.contracts import Estimate, Metric, Pixels
from genbench.errors import BadInput
from genbench.parameters import Count
from genbench.seeds import derive, generator
from genbench.stats.pair import Pair
from genbench.stats.parts import part_of_mean

NAME = "likelihood"
CHUNK = 64
SHOWN = 5
ROUNDING = 1e-4  # nats a dimension by which a log probability may exceed 0
NATIVE = (
    "Give images of the data that the model learned from, as they were measured (data:digits8/test for the zoo's "
    "digits): the likelihood of resized or enlarged pictures means nothing."
)
KINDS = {
    "exact": "exact",
    "lower_bound": "a lower bound",
    "iw_estimate": "an importance-weighted estimate, in expectation a lower bound",
}
DEQUANTISATIONS = {
    "none": "of the grey levels themselves, without dequantisation",
    "uniform": "of grey levels that uniform noise dequantises",
    "variational": "of the grey levels, which the model dequantises itself (variational)",
}
BELOW_ONE = 1 - 2.0**-24  # the largest float32 there
Floats = NDArray[np.float64]


def bits_per_dimension(pair: Pair, *, draws: Count = 1) -> Estimate:
    """Mean over the real images of -log2 p a pixel value, range (-inf, inf), lower is better.

    With D pixel values and L grey levels, -log_prob / (D ln 2) where the model's ``log_prob`` is of levels; where it is
    a density of x in [0, 1], x = (level + u) / L with u uniform in [0, 1), and log2 L is added: the density's unit is
    1 / L. What comes out is comparable between both; by Jensen's inequality the noise can only raise it.

    Args:
        pair: its ``model`` has ``log_prob`` and says what that is (``genbench.capabilities.HasLikelihood``); the real
            images are those it judges, and should be new to it.
        draws: of the noise, or of the model's own random numbers; their log probabilities are averaged.

    Returns:
        Bits a dimension. Standard error: over images, which covers the noise, as each image has its own: a function of
        the seed, the draw and the image's name. Details: "kind" and "dequantisation" as the model states them,
        "is_bound", "levels", "dimensions", "nats" (mean of -log_prob as given), quartiles over images, and the least
        likely ones.

    Raises:
        BadInput: if the model does not say what its ``log_prob`` is, the images are not of its shape and levels, or one
            of them has probability 0.
    """
    model = _Model(pair.model)
    if "real" not in pair.images or not pair.real.count:
        raise BadInput(f"{NAME}: no pictures of real; expected images that the model has not seen, got none.")
    for name, picture in zip(pair.real.names, pair.images["real"](), strict=True):
        model.refuse_unfit(name, picture)
    pictures, bits = pair.images["real"](), []
    for names in _groups(pair.real.names, model.at_once):
        levels = model.levels_of(list(islice(pictures, len(names))))
        bits.append(np.mean([model.bits(levels, names, pair.seed, draw) for draw in range(draws)], axis=0))
    found = np.concatenate(bits)
    _refuse_impossible(found)
    part = part_of_mean(found)
    details = {
        "kind": model.kind,
        "is_bound": model.kind != "exact",
        "dequantisation": model.dequantisation,
        "levels": model.levels,
        "dimensions": model.dimensions,
        "nats": float(found.mean() * model.dimensions * math.log(2) - model.offset_nats),
        "draws": draws,
        "quartiles": [float(edge) for edge in np.quantile(found, (0.25, 0.5, 0.75))],
        "least_likely": {pair.real.names[i]: float(found[i]) for i in np.argsort(-found, kind="stable")[:SHOWN]},
    }
    return Estimate(float(found.mean()), math.sqrt(part.variance), (_what_it_is(model),), details, parts={"real": part})


class _Model:
    """A model, and what it says of its ``log_prob``."""

    def __init__(self, model: Any) -> None:
        self._model = model
        check_likelihood(NAME, model)
        self.kind, self.dequantisation = str(model.kind), str(model.dequantisation)
        self.levels, self.shape = int(model.levels), tuple(model.image_shape)
        self.dimensions = math.prod(self.shape)
        steps, values = self.levels - 1, np.arange(256)
        gaps = 2 * np.abs(values[:, None] * steps - 255 * np.arange(self.levels))
        self._is_level = (gaps <= steps).any(1)  # of each value in 8 bits; a half may be rounded either way

    @property
    def is_density(self) -> bool:
        """Whether ``log_prob`` is of numbers in [0, 1], not of levels."""
        return self.dequantisation == "uniform"

    @property
    def offset_nats(self) -> float:
        """What log2 of the levels adds, nats an image."""
        return self.dimensions * math.log(self.levels) if self.is_density else 0.0

    @property
    def at_once(self) -> int:
        """Images a call: bounds that may draw get one, so that its noise depends on no other."""
        return CHUNK if self.kind == "exact" or self.is_density else 1

    def refuse_unfit(self, name: str, picture: Pixels) -> None:
        """Raise ``BadInput`` unless a picture [h, w, 3] is of the model's size, colours and grey levels."""
        channels, *sides = self.shape
        if list(picture.shape[:2]) != list(sides):
            raise BadInput(
                f"{NAME}: a real image is of another size; expected {sides[1]}x{sides[0]} as the model takes, got "
                f"{picture.shape[1]}x{picture.shape[0]} of {name!r}. {NATIVE}"
            )
        if channels == 1 and (picture != picture[..., :1]).any():
            raise BadInput(
                f"{NAME}: a real image has colours; expected grey images as the model takes, got {name!r}. {NATIVE}"
            )
        if not (fits := self._is_level[picture]).all():
            raise BadInput(
                f"{NAME}: a real image is not in the model's {self.levels} grey levels; expected level k as "
                f"255 k / {self.levels - 1}, rounded, got {picture[~fits][0]} in {name!r}. {NATIVE}"
            )

    def levels_of(self, pictures: list[Pixels]) -> Floats:
        """Return levels [n, c, h, w] of pictures that fit."""
        values = np.stack(pictures)[..., : self.shape[0]].transpose(0, 3, 1, 2)
        levels: Floats = np.floor(values * ((self.levels - 1) / 255) + 0.5)
        return levels

    def bits(self, levels: Floats, names: tuple[str, ...], seed: int, draw: int) -> Floats:
        """Return bits a dimension of each image, [n]."""
        import torch

        if self.is_density:
            noise = [generator(seed, "dequantise", draw, name).random(levels.shape[1:]) for name in names]
            x = np.minimum((levels + np.stack(noise)) / self.levels, BELOW_ONE)
        else:
            x = levels / (self.levels - 1)
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(seed, "log-prob", draw, names[0]))  # of bounds that draw
            nats = self._model.log_prob(torch.from_numpy(x.astype(np.float32)))
        if getattr(nats, "shape", None) != (len(levels),):
            raise BadInput(
                f"{NAME}: log_prob gives no number an image; expected [{len(levels)}], got "
                f"{list(getattr(nats, 'shape', ()))}. Sum over pixels."
            )
        found: Floats = nats.detach().cpu().double().numpy()
        if not self.is_density and (found > ROUNDING * self.dimensions).any():
            raise BadInput(
                f"{NAME}: a probability above 1; expected log_prob of grey levels to be at most 0, got "
                f"{found.max():g}. Set dequantisation to uniform if it is a density."
            )
        bits: Floats = (self.offset_nats - found) / (self.dimensions * math.log(2))
        return bits


def _groups(names: tuple[str, ...], size: int) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(names), size):
        yield names[start : start + size]


def _refuse_impossible(bits: Floats) -> None:
    if np.isnan(bits).any():
        raise BadInput(f"{NAME}: log_prob gives NaN for {int(np.isnan(bits).sum())} of {len(bits)} images. Mend it.")
    if not np.isfinite(bits).all():
        raise BadInput(
            f"{NAME}: {int((~np.isfinite(bits)).sum())} of {len(bits)} real images have probability 0; expected all to "
            "be possible, so that the mean is finite. Check the range that log_prob takes: [0, 1]."
        )


def _what_it_is(model: _Model) -> str:
    """Return a sentence to stand beside the number, exact or not."""
    what = f"log_prob is {KINDS[model.kind]}, {DEQUANTISATIONS[model.dequantisation]}"
    return what if model.kind == "exact" else f"bits/dim <= this: {what}; the likelihood may be better"


LIKELIHOOD = Metric(
    name=NAME,
    label="bits/dim",
    summary="bits per pixel value of real images under the model's likelihood, bounds called bounds; needs log_prob",
    compute=bits_per_dimension,
    better="lower",
    range=(-float("inf"), float("inf")),
    source="Theis et al. 2016, arXiv:1511.01844",
    layer="",
    needs=("log-prob", "images"),
    biased_by=(),
    version=2,
)
