"""A worked example on 1,797 real handwritten digits: what does each metric react to?

The digits are dealt into five sets of 359. One is the reference; the others stand for four generators whose faults are
known: held-out digits (a perfect generator: the floor), blurred digits, a generator that has collapsed to a few images,
and one that copies the reference with a little noise.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from genbench.contracts import Scorecard, Watch
from genbench.errors import BadInput
from genbench.evaluate import score
from genbench.images.decode import decode
from genbench.report.figures import Strip, write_neighbour_sheet
from genbench.report.write import check_writable, write_text
from genbench.request import Request
from genbench.seeds import generator
from genbench.sources import open_source
from genbench.sources.memory import ArraySource

SET_SIZE = 359
METRICS = ("fd", "kd", "precision", "recall", "density", "coverage", "nn")
EXTRACTOR = "efficientnet-lite0"
BLUR_PX = 0.5
MODES = 12  # images that the collapsed generator has left
NOISE_LEVELS = 2  # standard deviation of the noise, in grey levels of 255
COPIED_BELOW = 0.5
SHOWN = 10

Images = NDArray[np.uint8]


def make_sets(seed: int = 0) -> dict[str, Images]:
    """Return "reference" and the four generators, each uint8 RGB [359, 8, 8, 3]."""
    source = open_source("sklearn:digits")
    images = np.stack([decode(blob) for blob in source.read(source.entries())])
    rng = generator(seed, "demo")
    dealt = images[rng.permutation(len(images))[: 5 * SET_SIZE]].reshape(5, SET_SIZE, *images.shape[1:])
    return {
        "reference": dealt[0],
        "held-out": dealt[1],
        "blurred": np.stack([_blur(image) for image in dealt[2]]),
        "collapsed": _add_noise(dealt[3][rng.integers(0, MODES, SET_SIZE)], rng),
        "copier": _add_noise(dealt[0][rng.permutation(SET_SIZE)], rng),
    }


def run_demo(directory: Path, seed: int, cache: Path | None, watch: Watch) -> list[Scorecard]:
    """Score the four generators; write ``scorecard.json`` and ``neighbours.png`` to ``directory``.

    Returns:
        One scorecard a generator, the held-out digits (the floor) first.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--out: {directory} cannot be made; expected a folder, got {error}.") from error
    check_writable(directory / "scorecard.json", "--out")
    sets = make_sets(seed)
    request = Request(metrics=METRICS, extractor=EXTRACTOR, seed=seed, cache=cache, floor=False)
    reference = ArraySource(sets["reference"], "reference")
    cards = [
        score(fake=ArraySource(images, name), real=reference, train=reference, request=request, watch=watch)
        for name, images in sets.items()
        if name != "reference"
    ]
    write_text(directory / "scorecard.json", join(cards).to_json() + "\n", "--out")
    write_neighbour_sheet(
        [_strip(card, sets) for card in cards],
        directory / "neighbours.png",
        f"The {SHOWN} samples nearest to the reference, and their nearest reference images ({EXTRACTOR})",
    )
    return cards


def join(cards: list[Scorecard]) -> Scorecard:
    """Return one scorecard with the scores of all; each score names its fake."""
    return Scorecard(
        fake=", ".join(card.fake for card in cards),
        real=cards[0].real,
        scores=[score for card in cards for score in card.scores],
        provenance={"runs": {card.fake: card.provenance for card in cards}},
    )


def copied(cards: list[Scorecard]) -> list[str]:
    """Return, in words, which sets lie suspiciously near to the reference."""
    return [
        f"{card.fake}: caught copying. Its images lie {1 / card['nn'].value:.1f} times nearer to the reference than "
        "the reference's own images lie to each other."
        for card in cards
        if 0 < card["nn"].value < COPIED_BELOW
    ]


def _blur(image: Images) -> Images:
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(BLUR_PX)))


def _add_noise(images: Images, rng: np.random.Generator) -> Images:
    noise = rng.normal(0, NOISE_LEVELS, (*images.shape[:3], 1))
    return np.clip(np.rint(images + noise), 0, 255).astype(np.uint8)


def _strip(card: Scorecard, sets: Mapping[str, Images]) -> Strip:
    pairs: list[dict[str, Any]] = card["nn"].details["pairs"][:SHOWN]
    pick: Callable[[str, str], list[Images]] = lambda name, side: [sets[name][int(pair[side])] for pair in pairs]  # noqa: E731
    return Strip(
        title=card.fake,
        images=pick(card.fake, "fake"),
        neighbours=pick("reference", "nearest"),
        captions=[f"ratio {pair['ratio']:.2f}" for pair in pairs],
    )
