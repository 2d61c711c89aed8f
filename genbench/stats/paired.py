"""Scores of models on one reference, and their differences: what both owe to its luck cancels.

A score's squared error has a part of the reference and a part of its own. For one run the latter is that of its images.
For R runs of one model it is s^2 / R, where s^2 (divisor R - 1), the variance of the runs' scores, holds both what
training again changes and what drawing images again changes; as the latter is known, s^2 is not taken for less:

    Var(mean of R runs) = reference + (sigma_run^2 + sigma_sampling^2) / R,
    sigma_sampling^2 the mean over runs of what each says of its own images, sigma_run^2 = max(0, s^2 - that).

In the difference of two models the reference's parts are paired (``stats.parts``), the others add. Each part v_i has
degrees of freedom of its own, R - 1 for runs. The interval's half-width is sqrt(sum t_i^2 v_i), t_i Student's quantile
for part i (Banerjee 1960), which holds at least as often as it says for any degrees; one quantile for the sum (Welch
1947) does not, where two runs happen to be alike: simulated, 88 % instead of 95 %.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import optimize, special

from genbench.stats.parts import Part

POWER = 0.8
SMALLEST = -240.0  # logarithm of the smallest p-value told: scipy's quantiles of Student's t hold so far


@dataclass(frozen=True)
class Level:
    """The score of a model: the mean over its runs.

    Attributes:
        value: the mean.
        reference: what the reference adds to its squared error.
        own: what the model adds.
        degrees: of ``own``.
        sampling: what of ``own`` falls with the number of images.
        run_sd: standard deviation between trainings, sigma_run; None with one run.
        sampling_sd: standard deviation of one run's score from drawing its images.
        runs: how many.
        spread: variance of their scores, s^2; None with one run.
    """

    value: float
    reference: Part
    own: float
    degrees: float
    sampling: float
    run_sd: float | None
    sampling_sd: float
    runs: int = 1
    spread: float | None = None

    @property
    def variance(self) -> float:
        """Squared standard error."""
        return self.reference.variance + self.own

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the interval of Student's t for the expected score."""
        half = _half_width([Term(self.reference.variance, self.reference.degrees), self.term], 1 - confidence)
        return self.value - half, self.value + half

    def logarithm(self) -> "Level":
        """Return the level of the score's logarithm, to first order in its errors; the score is positive."""
        square = self.value**2
        return replace(
            self,
            value=math.log(self.value),
            reference=self.reference.scaled(1 / self.value),
            own=self.own / square,
            sampling=self.sampling / square,
        )

    @property
    def term(self) -> "Term":
        """What the model itself adds."""
        return Term(self.own, self.degrees, self.sampling)


@dataclass(frozen=True)
class Term:
    """A part of a squared standard error.

    Attributes:
        variance: that part.
        degrees: its degrees of freedom.
        sampling: what of it falls with the number of a model's images.
    """

    variance: float
    degrees: float
    sampling: float = 0.0

    def with_images(self, fewer: float) -> "Term":
        """Return the part with 1 / ``fewer`` times as many images."""
        return Term(self.variance - self.sampling * (1 - fewer), self.degrees, self.sampling * fewer)


@dataclass(frozen=True)
class Difference:
    """The score of one model minus that of another.

    Attributes:
        value: the difference.
        terms: of its squared error: the reference, pairing counted, and the two models.
    """

    value: float
    terms: tuple[Term, Term, Term]

    @property
    def stderr(self) -> float:
        """Standard error."""
        return math.sqrt(sum(term.variance for term in self.terms))

    @property
    def p_value(self) -> float:
        """Two-sided p-value for a true difference of 0, the level whose interval ends there; NaN for an error of 0."""
        if self.stderr == 0:
            return math.nan

        def beyond(log_p: float) -> float:
            return _half_width(self.terms, math.exp(log_p)) - abs(self.value)

        if beyond(SMALLEST) < 0:
            return math.exp(SMALLEST)
        return math.exp(optimize.brentq(beyond, SMALLEST, 0.0, xtol=1e-10))

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the interval for the true difference."""
        half = _half_width(self.terms, 1 - confidence)
        return self.value - half, self.value + half

    def growth_needed(self, alpha: float) -> float:
        """Return how many times as many images a model would show this difference, were it true, at 80 % power.

        The models' sampling part falls as 1 / images; the parts of the reference and of training stay.

        Args:
            alpha: level of the two-sided test.

        Returns:
            The factor, 1 or more; inf where not even infinitely many would do.
        """

        def lacking(fewer: float) -> float:
            terms = [term.with_images(fewer) for term in self.terms]
            spread = math.sqrt(sum(term.variance for term in terms))
            return _half_width(terms, alpha) + float(special.ndtri(POWER)) * spread - abs(self.value)

        if lacking(0.0) >= 0:
            return math.inf
        return 1.0 if lacking(1.0) <= 0 else 1 / optimize.brentq(lacking, 0.0, 1.0)


def level_of(values: Sequence[float], references: Sequence[Part], fakes: Sequence[Part]) -> Level:
    """Return the mean score of the runs of a model.

    Args:
        values: score of each run, [R].
        references: the reference's part in each.
        fakes: the part of the run's own images in each.
    """
    runs = len(values)
    sampling = float(np.mean([part.variance for part in fakes]))
    reference = _mean_part(references)
    if runs == 1:
        return Level(values[0], reference, sampling, fakes[0].degrees, sampling, None, math.sqrt(sampling))
    spread = float(np.var(values, ddof=1))
    run_variance = max(0.0, spread - sampling)
    return Level(
        value=float(np.mean(values)),
        reference=reference,
        own=(run_variance + sampling) / runs,
        degrees=runs - 1.0,
        sampling=sampling / runs,
        run_sd=math.sqrt(run_variance),
        sampling_sd=math.sqrt(sampling),
        runs=runs,
        spread=spread,
    )


def difference(first: Level, second: Level) -> Difference:
    """Return the score of ``first`` minus that of ``second``, which the same reference judged."""
    degrees = min(first.reference.degrees, second.reference.degrees)
    shared = Term(_paired(first.reference, second.reference), degrees)
    return Difference(first.value - second.value, (shared, first.term, second.term))


def can_be_paired(first: Part, second: Part) -> bool:
    """Whether the effects of both are known, of the same images or blocks."""
    return len(first.effects) == len(second.effects) > 0


def _mean_part(parts: Sequence[Part]) -> Part:
    """Return the part of a reference in the mean of statistics that it judges together."""
    count = len(parts)
    if not all(can_be_paired(parts[0], part) for part in parts):
        luck = np.mean([math.sqrt(part.variance) for part in parts])  # as if it were wholly shared
        return Part(float(luck**2), np.empty(0))
    effects = np.mean([part.effects for part in parts], axis=0)
    beyond = sum(_beyond(part) for part in parts) / count**2
    return Part(max(0.0, float(effects @ effects) + beyond), effects)


def _paired(first: Part, second: Part) -> float:
    if not can_be_paired(first, second):
        return first.variance + second.variance
    gap = first.effects - second.effects
    return max(0.0, float(gap @ gap) + _beyond(first) + _beyond(second))


def _beyond(part: Part) -> float:
    """Return what the variance has beyond the squares of the effects: less than nothing, where noise was taken out."""
    return part.variance - float(part.effects @ part.effects)


def _half_width(terms: Sequence[Term], alpha: float) -> float:
    return math.hypot(*(math.sqrt(term.variance) * _quantile(alpha, term.degrees) for term in terms if term.variance))


def _quantile(alpha: float, degrees: float) -> float:
    """Return what Student's t exceeds in absolute value with probability ``alpha``."""
    return -float(special.ndtri(alpha / 2) if math.isinf(degrees) else special.stdtrit(degrees, alpha / 2))
