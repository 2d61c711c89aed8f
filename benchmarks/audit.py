"""Does a leaderboard follow from its records? Computed again from the scorecards, as far as they tell."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.board import Leaderboard
from benchmarks.contracts import BY_IMAGE
from benchmarks.standing import beside, compare_cards, is_same, metrics_beside
from genbench.analyses.verdicts import rank_intervals
from genbench.comparison import Comparison, ModelScore, PairedDifference
from genbench.contracts import Score, Scorecard
from genbench.stats.holm import holm

ROUNDING = 1e-9  # of a number that is computed twice
FILE = "comparison.json"
AROUND = 40  # letters shown of a line that differs
Cards = Mapping[str, Sequence[Scorecard]]  # contestant -> scorecard of each run


def inconsistencies(board: Leaderboard) -> list[str]:
    """Return what in the comparison does not follow from the records; [] if all does.

    Scores, means, standard deviations between trainings, corrected p-values, verdicts and places are computed again.
    Standard errors by images need the images, and are left to the seal. What is compared by scores alone is compared
    again.
    """
    found, cards = board.comparison, _cards(board)
    if list(cards) != found.models:
        return [f"{FILE}: is of {', '.join(found.models)}; the records with scores are of {', '.join(cards)}"]
    told = [line for score in found.scores for line in _of_score(score, cards[score.model])]
    told += [*_of_pairs(found), *_of_places(found)]
    if told or not cards:
        return told
    again = _again(board, cards)
    parts = ("scores", "differences", "notes")
    kept, expected = (one.model_dump(include=set(parts)) for one in (found, again))
    return [
        f"{FILE}: other {name} follow from the records" for name in parts if not _is_alike(kept[name], expected[name])
    ]


def _again(board: Leaderboard, cards: Cards) -> Comparison:
    """Return the comparison, with what follows from scorecards alone computed again."""
    found, metrics, judge = board.comparison, board.question.metrics, board.question.judge
    if judge not in BY_IMAGE:
        return compare_cards(cards, metrics, is_of_reference=judge == "likelihood")
    own = metrics_beside(cards, metrics)
    if not own:
        return found
    by_images = [score for score in found.scores if score.metric not in own]
    return beside(found.model_copy(update={"scores": by_images}), compare_cards(cards, own, is_of_reference=False))


def differing(name: str, path: Path, text: str) -> list[str]:
    """Return where a file differs from ``text``: its first line that does; [] if it is the same, byte for byte."""
    if not path.is_file():
        return [f"{name}: missing"]
    kept = path.read_bytes()
    if kept == text.encode():
        return []
    lines, expected = (f"{whole}\n\n".split("\n") for whole in (kept.decode("utf-8", "replace"), text))
    pairs = enumerate(zip(lines, expected, strict=False), 1)
    number, (line, other) = next(pair for pair in pairs if pair[1][0] != pair[1][1])
    start = next((i for i, (a, b) in enumerate(zip(line, other, strict=False)) if a != b), min(len(line), len(other)))
    shown, instead = (one[max(0, start - AROUND) : start + AROUND] for one in (line, other))
    return [f"{name}, line {number}: expected {instead!r}, got {shown!r}"]


def _cards(board: Leaderboard) -> dict[str, list[Scorecard]]:
    cards: dict[str, list[Scorecard]] = {}
    for record in board.records.values():
        if record.status == "done" and record.scorecard is not None:
            cards.setdefault(record.contestant, []).append(record.scorecard)
    return cards


def _of_score(one: ModelScore, cards: Sequence[Scorecard]) -> Iterator[str]:
    who = f"{FILE}: {one.metric} of {one.model}"
    told: list[Score] = [score for card in cards for score in card.scores if score.metric == one.metric]
    if len(told) != len(one.runs) or not all(map(is_same, told, one.runs)):
        runs, values = (", ".join(f"{value:.9g}" for value in side) for side in (one.runs, [s.value for s in told]))
        yield f"{who} is {runs}; its scorecards say {values}"
    elif not _is_near(one.value, statistics.fmean(one.runs)):
        yield f"{who} is {one.value:.9g} on average; of its runs {statistics.fmean(one.runs):.9g} is"
    elif one.run_sd is not None and one.sampling_sd is not None:
        between = statistics.variance(one.runs)
        expected = max(0.0, between - one.sampling_sd**2)
        if not math.isclose(one.run_sd**2, expected, rel_tol=ROUNDING, abs_tol=ROUNDING * between):
            yield f"{who} differs by {one.run_sd:.9g} between trainings; {math.sqrt(expected):.9g} follows"


def _of_pairs(found: Comparison) -> Iterator[str]:
    values = {(score.metric, score.model): score.value for score in found.scores}
    tested = [one for one in found.differences if one.p is not None]
    corrected = iter(holm([one.p for one in tested if one.p is not None]).tolist() if tested else [])
    for one in found.differences:
        who = f"{FILE}: {one.metric} of {one.first} and {one.second}"
        first, second = (values[one.metric, name] for name in (one.first, one.second))
        if not math.isclose(one.value, first - second, abs_tol=ROUNDING * max(abs(first), abs(second))):
            yield f"{who} differs by {one.value:.9g}; {first - second:.9g} follows"
        p = None if one.p is None else next(corrected)
        if not _is_near(one.p_holm, p):
            yield f"{who} has p = {one.p_holm} after Holm; {p} follows"
        elif one.verdict != _verdict(one, found):
            yield f"{who}: {one.verdict!r}; {_verdict(one, found)!r} follows"


def _verdict(one: PairedDifference, found: Comparison) -> str:
    if one.p_holm is None:
        return "none"
    if one.p_holm >= found.alpha:
        return "not resolved"
    better = next(score.better for score in found.scores if score.metric == one.metric)
    return "first better" if (one.value < 0) == (better == "lower") else "second better"


def _of_places(found: Comparison) -> Iterator[str]:
    for score in found.scores:
        pairs = [one for one in found.differences if one.metric == score.metric]
        met = [one for one in pairs if score.model in (one.first, one.second)]
        rivals = list(dict.fromkeys([score.model, *(name for one in met for name in (one.first, one.second))]))
        place = rank_intervals(rivals, [one for one in pairs if one.first in rivals])[score.model]
        if score.rank is not None and score.rank != place:
            yield f"{FILE}: {score.metric} of {score.model} has places {score.rank}; the verdicts allow {place}"


def _is_near(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=ROUNDING)


def _is_alike(one: Any, other: Any) -> bool:
    """Whether two nested things are the same but for rounding."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=ROUNDING)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_is_alike, one, other))
    return bool(one == other)
