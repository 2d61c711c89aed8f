"""Sets made of scikit-learn's 1,797 handwritten digits; each split keeps to its own 1,437 (train) or 360 (test).

Source: Alpaydin and Kaynak 1998, UCI Optical Recognition of Handwritten Digits, its test set; 8 x 8, values 0..16.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.errors import BadInput
from genbench.seeds import derive, generator
from zoo.data.contracts import Examples
from zoo.data.edges import edges
from zoo.data.splits import count_of, indices_of, refuse_argument

TOTAL, HIGHEST = 1797, 16
SIDE, FACTOR = 8, 4
CLASSES = tuple("0123456789")
MODES = 1000


def load_digits8(argument: str, split: str) -> Examples:
    """Handwritten digits, 8 x 8, in the 17 grey levels they were measured in: for likelihoods.

    uint8 [n, 1, 8, 8] of 0..16; 1,437 in train, 360 in test. Labels are the digits. ``digits8:no-9`` leaves the nines
    out of train; test, and the classes, stay whole: to see what a model makes of a class that it never met.
    """
    images, labels = _without("digits8", argument, split)
    return _examples(images[:, None], labels, levels=HIGHEST + 1, native=True)


def load_digits32(argument: str, split: str) -> Examples:
    """The same digits enlarged to 32 x 32, 256 grey levels; interpolated, so no likelihoods.

    uint8 [n, 1, 32, 32]; rows are those of ``digits8``, and so are they of ``digits32:no-9``. Bicubic (Keys, a = -1/2).
    """
    images, labels = _without("digits32", argument, split)
    return _examples(enlarged(images)[:, None], labels)


def load_stacked_digits(argument: str, split: str) -> Examples:
    """Three digits as the colours of one 32 x 32 picture: 1,000 modes, equally frequent.

    uint8 [n, 3, 32, 32]; 4,000 in train (4 a mode), 1,000 in test (1 a mode), each from the digits of its own split.
    Truth: mode int64 [n], 100 red + 10 green + blue; digit int64 [n, 3]. After Metz et al. 2016, arXiv:1611.02163,
    which stacks digits of MNIST drawn at random.
    """
    refuse_argument("stacked_digits", argument)
    images, labels = _digits(split)
    images = enlarged(images)
    draws, count = generator(0, "stacked_digits", split), count_of(split)
    modes = draws.permutation(count) % MODES
    digits = np.stack([modes // 100, modes // 10 % 10, modes % 10], axis=1)
    picks = draws.integers(1 << 32, size=digits.shape)
    stacked = np.empty((count, 3, *images.shape[1:]), np.uint8)
    for digit in range(10):
        rows = np.flatnonzero(labels == digit)
        places = digits == digit
        stacked[places] = images[rows[picks[places] % len(rows)]]
    truth = {"mode": modes, "digit": digits}
    return _examples(stacked, None, truth=truth)


def load_digits_edge(argument: str, split: str) -> Examples:
    """Two unpaired domains: one half of the enlarged digits, and the edges of the other half.

    uint8 [n, 1, 32, 32] each; 707 and 730 in train, 182 and 178 in test. Truth, for scoring only: partner_oracle, the
    edges of x[i], which are ``edges(x)``; of_partner_oracle, the digit whose edges are partner[j]. After Liu and Tuzel
    2016, arXiv:1606.07536.
    """
    refuse_argument("digits_edge", argument)
    images, labels = _digits(split)
    images = enlarged(images)[:, None]
    ours = np.array([derive(0, "domain", "digits_edge", row) % 2 == 0 for row in indices_of(split, "digits", TOTAL)])
    x, others = images[ours], images[~ours]
    truth = {"partner_oracle": edges(x), "of_partner_oracle": others, "of_partner_labels": labels[~ours]}
    return _examples(x, labels[ours], partner=edges(others), truth=truth)


def enlarged(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return digits [n, 8, 8] of 0..16 as uint8 [n, 32, 32] of 0..255: bicubic, edges repeated, rounded half up once.

    The weights of an enlargement by 4 are whole multiples of 1/1024, so that the result is computed in whole numbers.
    """
    weights = _weights()
    wide = np.einsum("oh,nhw,pw->nop", weights, images.astype(np.int64), weights, optimize=True)
    scale = HIGHEST * weights[0].sum() ** 2
    pixels: NDArray[np.uint8] = np.clip((2 * 255 * wide + scale) // (2 * scale), 0, 255).astype(np.uint8)
    return pixels


def _weights() -> NDArray[np.int64]:
    """Return Keys's kernel (a = -1/2) for each of the 32 places over the 8 pixels, times 1024, int64 [32, 8]."""
    weights = np.zeros((SIDE * FACTOR, SIDE), np.int64)
    for out in range(SIDE * FACTOR):
        eighths = 2 * out + 1 - FACTOR  # the place in eighths of a pixel, counted from the centre of pixel 0
        for tap in range(eighths // 8 - 1, eighths // 8 + 3):
            t = abs(eighths - 8 * tap)
            near = 3 * t**3 - 5 * 8 * t**2 + 2 * 512
            far = -(t**3) + 5 * 8 * t**2 - 8 * 64 * t + 4 * 512
            weights[out, np.clip(tap, 0, SIDE - 1)] += near if t <= 8 else far
    return weights


def _digits(split: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    from sklearn.datasets import load_digits

    found = load_digits()
    rows = indices_of(split, "digits", TOTAL)
    return found.images[rows].astype(np.uint8), found.target[rows].astype(np.int64)


def _without(name: str, argument: str, split: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the digits of a split, those of train without the class of an argument such as "no-9"."""
    images, labels = _digits(split)
    if not argument:
        return images, labels
    left_out = argument.removeprefix("no-")
    if left_out not in CLASSES or argument == left_out:
        raise BadInput(
            f"data set '{name}:{argument}': not a class to leave out of training; expected one of no-0 to no-9, got "
            f"{argument!r}. Write {name}:no-9, or {name} alone."
        )
    kept = labels != int(left_out) if split == "train" else np.ones(len(labels), bool)
    return images[kept], labels[kept]


def _examples(
    x: NDArray[np.uint8],
    labels: NDArray[np.int64] | None,
    *,
    levels: int = 256,
    native: bool = False,
    partner: NDArray[np.uint8] | None = None,
    truth: dict[str, NDArray[Any]] | None = None,
) -> Examples:
    return Examples(
        name="",
        split="",
        x=x,
        levels=levels,
        native=native,
        labels=labels,
        classes=CLASSES if labels is not None else (),
        partner=partner,
        is_paired=False,
        truth=truth or {},
        can_flip=False,
    )
