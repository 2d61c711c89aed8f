"""Sets of coloured shapes whose every factor is known: one domain, two unpaired domains, and a biased population."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.errors import BadInput
from genbench.seeds import generator
from zoo.data.contracts import Examples
from zoo.data.edges import outlines
from zoo.data.renderer import FACTORS, GREYS, HUES, KINDS, REGIONS, TURNS, masks_of, render_shapes
from zoo.data.splits import count_of, refuse_argument

UNIT = 64
SIZES, PLACES = (6, 10), (11, 20)  # pixels
HEIGHTS = np.array([0, 2, 1], np.uint8)  # of background, shape, shadow: which covers which
PAIRED = ("edges", "mask")
ATTRIBUTES = ("shape", "colour")
WARM, COOL, AROUND = 0, 3 * HUES // 5, HUES // 16
DEFAULT_RHO = 0.9


def load_shapes(argument: str, split: str) -> Examples:
    """Discs, squares, triangles and stars with known factors; `shapes:edges` and `shapes:mask` are paired with these.

    Factors are independent and uniform, kinds equally frequent: 4,000 and 1,000 pictures, uint8 [n, 3, 32, 32]. Truth:
    factors float64 [n, 7] with factor_names, as ``renderer.render_shapes`` takes them; mask uint8 [n, 32, 32] of
    background 0, shape 1, shadow 2 (with the label the kind of shape is known too); edges uint8 [n, 32, 32], 0 or 255.
    With the argument "edges" the partner is the edges, uint8 [n, 1, 32, 32], with "mask" the regions as three planes
    of 0 and 255, uint8 [n, 3, 32, 32]; either is paired.
    """
    if argument not in ("", *PAIRED):
        raise BadInput(
            f"data set 'shapes:{argument}': no such partner; expected shapes, or shapes: with one of "
            f"{', '.join(PAIRED)}, got {argument!r}. Write it so."
        )
    found = _examples(_draw(generator(0, "shapes", split), count_of(split)))
    if argument == "edges":
        return replace(found, partner=found.truth["edges"][:, None], is_paired=True)
    if argument == "mask":
        planes = found.truth["mask"][:, None] == np.arange(len(REGIONS))[:, None, None]
        return replace(found, partner=255 * planes.astype(np.uint8), is_paired=True)
    return found


def load_shapes_ab(argument: str, split: str) -> Examples:
    """Two unpaired domains: flat shapes, and other shapes drawn striped in the opposite hue.

    The domains are drawn from disjoint seeds, 4,000 and 1,000 of each. Truth, for scoring only: partner_oracle, what
    x[i] is in the other domain; of_partner_oracle, what partner[j] is in the first; factors and of_partner_factors.
    """
    refuse_argument("shapes_ab", argument)
    ours, theirs = (_draw(generator(0, "shapes_ab", split, domain), count_of(split)) for domain in "ab")
    more: dict[str, NDArray[Any]] = {
        "partner_oracle": render_shapes(ours, is_striped=True),
        "of_partner_oracle": render_shapes(theirs),
        "of_partner_factors": theirs,
    }
    return _examples(ours, partner=render_shapes(theirs, is_striped=True), more=more)


def load_biased_shapes(argument: str, split: str) -> Examples:
    """Discs and squares, warm and cool, whose shape and colour are correlated: `biased_shapes:0.9`.

    Both attributes are as often 0 as 1, and their correlation is the argument (0 to 1, default 0.9) up to the rounding
    of the four counts; in every other factor the population is that of ``shapes``. Truth: attributes int64 [n, 2] with
    attribute_names: shape (0 disc, 1 square), colour (0 warm, 1 cool); warm discs and cool squares are the common ones.
    """
    rho = _correlation(argument)
    count, draws = count_of(split), generator(0, "biased_shapes", split)
    factors = _draw(draws, count)
    common = round(count * (1 + rho) / 4)
    cells = np.repeat([0, 3, 1, 2], [common, common, count // 2 - common, count // 2 - common])
    shape, colour = np.divmod(draws.permutation(cells), 2)
    hue = np.where(colour == 0, WARM, COOL) + draws.integers(-AROUND, AROUND + 1, count)
    factors[:, 0], factors[:, 1] = shape, hue % HUES / HUES
    more: dict[str, NDArray[Any]] = {
        "attributes": np.stack([shape, colour], axis=1),
        "attribute_names": np.array(ATTRIBUTES),
    }
    return _examples(factors, kinds=KINDS[:2], more=more)


def _draw(draws: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Return independent, uniform factors, float64 [count, 7], on the steps that the renderer tells apart."""
    place = [draws.integers(PLACES[0] * UNIT, PLACES[1] * UNIT + 1, count) / UNIT for _ in "xy"]
    columns = [
        draws.permutation(count) % len(KINDS),
        draws.integers(HUES, size=count) / HUES,
        draws.integers(SIZES[0] * UNIT, SIZES[1] * UNIT + 1, count) / UNIT,
        *place,
        draws.integers(TURNS, size=count) / TURNS,
        draws.integers(GREYS, size=count) / GREYS,
    ]
    return np.stack(columns, axis=1).astype(np.float64)


def _examples(
    factors: NDArray[np.float64],
    *,
    kinds: tuple[str, ...] = KINDS,
    partner: NDArray[np.uint8] | None = None,
    more: dict[str, NDArray[Any]] | None = None,
) -> Examples:
    masks = masks_of(factors)
    truth = {
        "factors": factors,
        "factor_names": np.array(FACTORS),
        "mask": masks,
        "region_names": np.array(REGIONS),
        "edges": outlines(masks, HEIGHTS),
    }
    return Examples(
        name="",
        split="",
        x=render_shapes(factors),
        levels=256,
        native=True,
        labels=factors[:, 0].astype(np.int64),
        classes=kinds,
        partner=partner,
        is_paired=False,
        truth=truth | (more or {}),
        can_flip=False,  # shadows fall to the right
    )


def _correlation(argument: str) -> float:
    try:
        rho = float(argument or DEFAULT_RHO)
    except ValueError:
        rho = -1.0
    if not 0 <= rho <= 1:
        raise BadInput(
            f"data set 'biased_shapes:{argument}': not a correlation; expected a number from 0 to 1, got {argument!r}. "
            "Write biased_shapes:0.9."
        )
    return rho
