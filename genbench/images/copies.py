"""Ways to copy a picture: as it is, and with the small changes by which a copy escapes a plain comparison.

The list follows what memorising generators are known to do (Carlini et al. 2023, arXiv:2301.13188; Somepalli et al.
2023, arXiv:2212.03860): near copies, mirrored and cropped ones, and pictures put together from parts of several.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from genbench.contracts import Pixels
from genbench.errors import BadInput, UnknownName
from genbench.images.corruptions import jpeg as save_jpeg

QUALITY = 75  # of JPEG
CUT = 0.1  # share of each side that a crop takes away
BRIGHTER = 0.05  # share by which all values rise or fall
PARTS = 4  # training pictures in a collage
STEPS = ((0, 1), (0, -1), (1, 0), (-1, 0))  # down, right


@dataclass(frozen=True)
class Copy:
    """A way to copy.

    Attributes:
        name: id, lower-kebab.
        summary: what it does, one line.
        apply: (uint8 RGB [h, w, 3], generator, other training pictures) -> the same shape; a new array.
        sources: training pictures that go into a copy: ``apply`` takes one less beside the first.
    """

    name: str
    summary: str
    apply: Callable[[Pixels, np.random.Generator, Sequence[Pixels]], Pixels]
    sources: int = 1


def exact(image: Pixels, rng: np.random.Generator, others: Sequence[Pixels] = ()) -> Pixels:
    """Return the same pixels."""
    return image.copy()


def noise(image: Pixels, rng: np.random.Generator, others: Sequence[Pixels] = ()) -> Pixels:
    """Move every value by -1, 0 or 1 grey level, equally likely; clipped to 0 .. 255."""
    moved = image.astype(np.int16) + rng.integers(-1, 2, image.shape)
    return np.asarray(np.clip(moved, 0, 255), np.uint8)


def jpeg(image: Pixels, rng: np.random.Generator, others: Sequence[Pixels] = ()) -> Pixels:
    """Write as JPEG of quality 75 and read again; what came from such a file may stay as it is."""
    return save_jpeg(image, QUALITY, rng)


def shift(image: Pixels, rng: np.random.Generator, others: Sequence[Pixels] = ()) -> Pixels:
    """Move by 1 px up, down, left or right, equally likely; the edge that opens is repeated."""
    down, right = STEPS[rng.integers(len(STEPS))]
    height, width = image.shape[:2]
    rows, columns = (np.clip(np.arange(side) - step, 0, side - 1) for side, step in ((height, down), (width, right)))
    return np.ascontiguousarray(image[rows][:, columns])


def flip(image: Pixels, rng: np.random.Generator, others: Sequence[Pixels] = ()) -> Pixels:
    """Mirror left to right."""
    return np.ascontiguousarray(image[:, ::-1])


def crop(image: Pixels, rng: np.random.Generator, others: Sequence[Pixels] = ()) -> Pixels:
    """Cut out a window of 0.9 of either side at a random place and enlarge it again; Pillow, bicubic."""
    height, width = image.shape[:2]
    tall, wide = (max(1, round((1 - CUT) * side)) for side in (height, width))
    top, left = (int(rng.integers(room + 1)) for room in (height - tall, width - wide))
    window = Image.fromarray(np.ascontiguousarray(image[top : top + tall, left : left + wide]))
    return np.array(window.resize((width, height), Image.Resampling.BICUBIC))


def brighten(image: Pixels, rng: np.random.Generator, others: Sequence[Pixels] = ()) -> Pixels:
    """Multiply all values by 1.05 or 0.95, equally likely; rounded half up, clipped to 255."""
    factor = 1 + BRIGHTER * (1 if rng.integers(2) else -1)
    return np.asarray(np.clip(np.floor(image * factor + 0.5), 0, 255), np.uint8)


def collage(image: Pixels, rng: np.random.Generator, others: Sequence[Pixels] = ()) -> Pixels:
    """Put together quarters of four pictures, each where it was; in which quarter which picture is drawn.

    Pictures of other sizes are resized to that of the first; Pillow, bicubic.

    Raises:
        BadInput: unless there are three others.
    """
    if len(others) != PARTS - 1:
        raise BadInput(f"collage: other pictures; expected {PARTS - 1}, got {len(others)}. Give four different ones.")
    height, width = image.shape[:2]
    sized = [np.asarray(Image.fromarray(one).resize((width, height), Image.Resampling.BICUBIC)) for one in others]
    order = rng.permutation(PARTS)
    parts = [[image, *sized][place] for place in order]
    middle, centre = height // 2, width // 2
    top = np.concatenate([parts[0][:middle, :centre], parts[1][:middle, centre:]], axis=1)
    bottom = np.concatenate([parts[2][middle:, :centre], parts[3][middle:, centre:]], axis=1)
    return np.concatenate([top, bottom], axis=0)


COPIES: dict[str, Copy] = {
    one.name: one
    for one in (
        Copy("exact", "the same pixels", exact),
        Copy("noise", "every value moved by up to 1 grey level", noise),
        Copy("jpeg", "JPEG of quality 75", jpeg),
        Copy("shift", "moved by 1 px", shift),
        Copy("flip", "mirrored", flip),
        Copy("crop", "a tenth of each side cut off, enlarged again", crop),
        Copy("brightness", "5 % brighter or darker", brighten),
        Copy("collage", "quarters of four training pictures", collage, sources=PARTS),
    )
}


def find_copies(names: Sequence[str]) -> list[Copy]:
    """Return the ways called ``names``; raises ``UnknownName`` with the known ones, ``BadInput`` for none."""
    if not names:
        raise BadInput(f"copies: none named; expected some of {', '.join(COPIES)}.")
    for name in names:
        if name not in COPIES:
            raise UnknownName(f"copy {name!r}: no such way to copy; expected one of {', '.join(COPIES)}.")
    return [COPIES[name] for name in names]
