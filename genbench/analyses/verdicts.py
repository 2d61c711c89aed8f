"""From scores of models to verdicts: differences of each two, corrected for their number, and the places they allow."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from genbench.comparison import PairedDifference, Verdict
from genbench.contracts import Score
from genbench.stats.holm import holm
from genbench.stats.paired import Difference, Level, can_be_paired, difference
from genbench.stats.steadied import FEWEST, steady

Rank = tuple[int, int]
STEADIED = (
    "what training again changes is learned from all models (Smyth 2004): few runs of one say little of it; a model is "
    "not taken for steadier than its own runs show; where models differ much in that, up to 8 % of simulated tables "
    "had a false verdict for a level of 5 %"
)


@dataclass(frozen=True)
class Judged:
    """One metric of one model.

    Attributes:
        scores: of each run.
        level: their mean and its error; None where a run has no standard error.
        is_split: whether it is known what of the error the reference adds, image by image, if it adds any.
        is_relative: its error is in proportion to its size, so that it is tested by its logarithm.
    """

    scores: Sequence[Score]
    level: Level | None
    is_split: bool
    is_relative: bool = False

    @property
    def value(self) -> float:
        """Mean over the runs."""
        return float(np.mean([score.value for score in self.scores]))


@dataclass(frozen=True)
class _Pair:
    first: str
    second: str
    a: Judged
    b: Judged
    gap: Difference | None
    tested: Difference | None

    @property
    def p(self) -> float | None:
        """p-value of a difference that may have a verdict."""
        if self.tested is None or self.a.scores[0].better == "none" or math.isnan(self.tested.p_value):
            return None
        return self.tested.p_value

    @property
    def is_paired(self) -> bool:
        """Whether nothing of the reference's luck had to be counted twice."""
        if self.a.level is None or self.b.level is None:
            return True
        references = self.a.level.reference, self.b.level.reference
        is_known = can_be_paired(*references) or not any(part.variance for part in references)
        return is_known and self.a.is_split and self.b.is_split


def steady_runs(judged: Mapping[str, Judged]) -> dict[str, Judged]:
    """Return what is known of models in one metric, the spread between trainings of each steadied by all.

    Distances, positive and better when lower, err in proportion to their size: the spreads of theirs are compared as
    shares, and their differences are tested as those of logarithms.

    Args:
        judged: model -> what is known of it; fewer than five with several runs are returned as they are.
    """
    levels = {model: one.level for model, one in judged.items() if one.level is not None}
    are_distances = all(one.scores[0].better == "lower" for one in judged.values())
    is_relative = are_distances and all(level.value > 0 for level in levels.values())
    found = steady(levels, is_relative=is_relative)
    if found == levels:
        return dict(judged)
    return {model: replace(one, level=found.get(model), is_relative=is_relative) for model, one in judged.items()}


def say_lone(runs: Mapping[str, int]) -> list[str]:
    """Say what is known of training again.

    Args:
        runs: model -> how many; one at least has several.
    """
    lone = ", ".join(model for model, count in runs.items() if count == 1)
    if sum(count > 1 for count in runs.values()) >= FEWEST:
        return [STEADIED, *([f"{lone}: one run: what training again changes is that of the others"] if lone else [])]
    return [f"{lone}: one run: what training again changes is not in the intervals"] if lone else []


def judge_pairs(judged: Mapping[str, Mapping[str, Judged]], alpha: float) -> list[PairedDifference]:
    """Return the difference of each two models in each metric, with verdicts at ``alpha`` for all of them together.

    Args:
        judged: metric -> model -> what is known.
        alpha: chance of any false verdict.
    """
    pairs = [
        _pair(first, second, models[first], models[second])
        for models in judged.values()
        for first, second in combinations(models, 2)
    ]
    tested = [pair.p for pair in pairs if pair.p is not None]
    corrected = iter(holm(tested).tolist())
    adjusted = [None if pair.p is None else next(corrected) for pair in pairs]
    open_tests = sum(1 for p in adjusted if p is not None and p >= alpha)
    return [_record(pair, p, alpha, open_tests) for pair, p in zip(pairs, adjusted, strict=True)]


def rank_intervals(models: Sequence[str], differences: Sequence[PairedDifference]) -> dict[str, Rank]:
    """Return model -> first and last place that the verdicts of one metric allow: 1 + better ones, K - worse ones."""
    beaten = dict.fromkeys(models, 0)
    beats = dict.fromkeys(models, 0)
    for one in differences:
        if one.verdict in ("first better", "second better"):
            winner, loser = (one.first, one.second) if one.verdict == "first better" else (one.second, one.first)
            beats[winner] += 1
            beaten[loser] += 1
    return {model: (1 + beaten[model], len(models) - beats[model]) for model in models}


def _pair(first: str, second: str, a: Judged, b: Judged) -> _Pair:
    if a.level is None or b.level is None:
        return _Pair(first, second, a, b, None, None)
    gap = difference(a.level, b.level)
    is_relative = a.is_relative and b.is_relative
    tested = difference(a.level.logarithm(), b.level.logarithm()) if is_relative else gap
    return _Pair(first, second, a, b, gap, tested)


def _record(pair: _Pair, adjusted: float | None, alpha: float, open_tests: int) -> PairedDifference:
    score, gap = pair.a.scores[0], pair.gap
    verdict: Verdict = "none"
    needed = None
    if adjusted is None or gap is None or pair.tested is None:
        words = _why_none(pair)
    elif adjusted < alpha:
        is_first = (gap.value < 0) == (score.better == "lower")
        verdict = "first better" if is_first else "second better"
        words = f"{pair.first if is_first else pair.second} better"
    else:
        verdict = "not resolved"
        needed, words = _unresolved(pair, pair.tested, alpha / open_tests)
    return PairedDifference(
        metric=score.metric,
        label=score.label,
        first=pair.first,
        second=pair.second,
        value=pair.a.value - pair.b.value,
        stderr=None if gap is None else gap.stderr,
        interval=None if gap is None else gap.interval(1 - alpha),
        p=pair.p,
        p_holm=adjusted,
        verdict=verdict,
        images_needed=needed,
        words=words,
        is_paired=pair.is_paired,
    )


def _why_none(pair: _Pair) -> str:
    if pair.gap is None:
        return "no verdict: no standard error"
    if pair.a.scores[0].better == "none":
        return "no verdict: the metric has no direction"
    return "no verdict: a standard error of 0"


def _unresolved(pair: _Pair, gap: Difference, alpha: float) -> tuple[int | None, str]:
    """Return how many images a run would resolve the difference, and say so."""
    growth = gap.growth_needed(alpha)
    runs = max(len(one.scores) for one in (pair.a, pair.b))
    if math.isfinite(growth):
        needed = math.ceil(growth * max(score.n_fake for one in (pair.a, pair.b) for score in one.scores))
        also = "" if pair.is_paired else ", and as many times more reference images"
        also += ", or more runs" if runs > 1 else ""
        return needed, f"not resolved; about {_rounded(needed)} images a run would{also}"
    if gap.value == 0:
        return None, "not resolved; the difference is 0"
    more = "more reference images" if runs == 1 else "more runs or more reference images"
    return None, f"not resolved; no number of images would, only {more}"


def _rounded(number: int) -> str:
    return f"{float(f'{number:.2g}'):,.0f}"
