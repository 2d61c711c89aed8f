"""From evidence on single pictures to p-values, to a share with its bound, and to a verdict on the set."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genbench.analyses.copy_search import Evidence
from genbench.errors import BadInput, NotEnoughImages
from genbench.stats.exchangeable import chance_of, lower_bound, needed_for, p_values, upper_bound
from genbench.stats.false_discovery import q_values

FACTOR = 3  # a verdict needs a flagged share surely above so many times alpha
NEAR_BITS, NEAR_RATIO = 4, 0.5  # a near duplicate: bits of the hash, and distance over that of the 20 nearest

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Judged:
    """What is made of a set of n pictures.

    Attributes:
        evidence: on its pictures.
        p_value: chance that an honest picture looks as copied, [n].
        q_value: Benjamini and Hochberg's, [n].
        space: column of ``evidence.spaces`` where each stands out most, int64 [n]; -1: it has the pixels of another.
        nearest: training picture that it seems to copy, int64 [n].
        flagged: same pixels, or p <= alpha, [n].
        is_close: p <= alpha by ``evidence.calibrated`` alone and by ``evidence.local`` alone, [n]. The verdict goes by
            their share: blurred pictures, and those from the middle of their kind, are near by one more than by both.
        share: of pictures with ``is_close``.
        bounds: exact one-sided 95 % bounds of ``share``.
        chance: that so many honest pictures or more are close; an upper bound.
        is_copied: the verdict: a picture with the same pixels, or the lower bound above 3 alpha.
    """

    evidence: Evidence
    p_value: Floats
    q_value: Floats
    space: Integers
    nearest: Integers
    flagged: Bools
    is_close: Bools
    share: float
    bounds: tuple[float, float]
    chance: float
    is_copied: bool


def find_leaks(evidence: Evidence) -> Bools:
    """Return which pictures, of a test set, are training pictures or near duplicates of one, [n].

    Near: the difference hash differs in at most 4 bits, and the nearest is less than half as far as the 20 nearest are
    on average, in pixels.
    """
    is_near = (evidence.hash_bits <= NEAR_BITS) & (evidence.calibrated[:, 0] < NEAR_RATIO)
    return np.asarray((evidence.twin >= 0) | is_near)


def check_alpha(alpha: float) -> float:
    """Return ``alpha``; raises ``BadInput`` unless 0 < alpha < 1 / 3, as no share can surely exceed 3 alpha else."""
    if not 0 < alpha < 1 / FACTOR:
        raise BadInput(f"--alpha: not a false-positive rate; expected more than 0 and less than 1/3, got {alpha}.")
    return alpha


def refuse_too_few(count: int, alpha: float, side: str = "--test") -> None:
    """Raise ``NotEnoughImages`` if no p-value could be as small as ``alpha``."""
    needed, possible = needed_for(alpha), np.ceil(1000 / (count + 1)) / 1000
    if count < needed:
        instead = f", or --alpha {possible:g}" if possible < 1 / FACTOR else ""
        raise NotEnoughImages(
            f"{side}: too few pictures to calibrate alpha = {alpha:g}; expected at least {needed} without copies of "
            f"training pictures, got {count}. Give more{instead}."
        )


def decide(is_twin: Bools, is_close: Bools, alpha: float) -> bool:
    """Return the verdict on a set: one with the same pixels, or a share of close ones that is surely above 3 alpha."""
    return bool(is_twin.any() or lower_bound(int(is_close.sum()), len(is_close)) > FACTOR * alpha)


def judge(fake: Evidence, calibration: Evidence, alpha: float = 0.01) -> Judged:
    """Judge every picture and the set.

    Args:
        fake: evidence on the judged pictures.
        calibration: evidence on honest pictures, from the same ``TrainingSet``, without ``find_leaks``.
        alpha: false-positive rate of ``flagged``.

    Raises:
        NotEnoughImages: if the calibration has fewer than 1 / alpha - 1 pictures.
    """
    check_alpha(alpha)
    refuse_too_few(calibration.count, alpha)
    p, detector = p_values(fake.scores, calibration.scores)
    is_twin, is_close = fake.twin >= 0, _is_below(fake.calibrated, calibration.calibrated, alpha)
    is_close &= _is_below(fake.local, calibration.local, alpha)
    space = detector % len(fake.spaces)
    nearest = np.where(is_twin, fake.twin, fake.nearest[np.arange(fake.count), space])
    hits = int(is_close.sum())
    bounds = lower_bound(hits, fake.count), upper_bound(hits, fake.count)
    return Judged(
        fake,
        p,
        q_values(p),
        np.where(is_twin, -1, space),
        nearest,
        is_twin | (p <= alpha),
        is_close,
        hits / fake.count,
        bounds,
        chance_of(hits, fake.count, calibration.count, alpha),
        decide(is_twin, is_close, alpha),
    )


def _is_below(scores: Floats, honest: Floats, alpha: float) -> Bools:
    return np.asarray(p_values(scores, honest)[0] <= alpha)
