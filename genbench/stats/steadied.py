"""The spread between few trainings of a model, steadied by other models' (Smyth 2004, doi:10.2202/1544-6115.1027).

Two runs say next to nothing of a variance: with one degree of freedom, Student's t asks for gaps of hundreds of
standard errors once many pairs are tested. Models are alike enough to learn from each other. Of model k the runs'
variance s_k^2 has d_k degrees of freedom, and

    s_k^2 | v_k ~ v_k chi^2(d_k) / d_k,        1 / v_k ~ chi^2(d_0) / (d_0 v_0),        so s_k^2 / v_0 ~ F(d_k, d_0),

with the v_0 and d_0 that make the s_k^2 most likely: the less alike models are, the smaller d_0, and the less any
learns. (Moments of log s_k^2, as in the paper, let two runs that happen to be alike pass for a difference of models.)
Then v_k is estimated by (d_0 v_0 + d_k s_k^2) / (d_0 + d_k) with d_0 + d_k degrees, but never more than all have
together; a model of one run has v_0 with d_0.

Two departures, on the safe side. A model is not taken for steadier than its own runs show: those that are less steady
than most would else get verdicts too soon. Nor than drawing images alone makes it. Simulated, 5 to 20 equal models of
two or three runs, the logarithms of whose standard deviations have one of 0 to 2: Holm's 5 % of tables with a false
verdict are .5 to 8 %.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from genbench.stats.paired import Level

FEWEST = 5  # models with several runs
SMALLEST = 1e-8  # of a variance, of the median: what is 0 by rounding has a logarithm
DEGREES = np.append(np.exp(np.arange(math.log(0.5), math.log(1000), 0.15)), np.inf)  # of the prior, that are tried
EXTENT = 40.0  # of log v_0 about that of the median


@dataclass(frozen=True)
class Prior:
    """What models have in common.

    Attributes:
        variance: v_0.
        degrees: d_0; inf where variances differ no more than chance makes them.
        most: degrees of all variances together.
    """

    variance: float
    degrees: float
    most: float

    def posterior(self, spread: float, degrees: float) -> tuple[float, float]:
        """Return the variance of a model whose own is ``spread`` with ``degrees``, and its degrees."""
        weight = 0.0 if math.isinf(self.degrees) else degrees / (self.degrees + degrees)
        return (1 - weight) * self.variance + weight * spread, min(self.degrees + degrees, self.most)


def fit_prior(spreads: NDArray[np.float64], degrees: NDArray[np.float64]) -> Prior:
    """Return the prior that makes variances [K] with their degrees of freedom [K] likeliest; not most of them are 0."""
    unit = float(np.median(spreads))
    shares = np.maximum(spreads / unit, SMALLEST)
    tried = [(prior, _scale(shares, degrees, prior)) for prior in DEGREES.tolist()]
    prior, scale = max(tried, key=lambda one: _log_likelihood(shares, degrees, *one))
    return Prior(unit * scale, prior, float(degrees.sum()))


def _scale(shares: NDArray[np.float64], degrees: NDArray[np.float64], prior: float) -> float:
    """Return the most likely v_0 for a given d_0; the likelihood is concave in its logarithm."""
    if math.isinf(prior):
        return float(degrees @ shares / degrees.sum())

    def slope(log_scale: float) -> float:
        odds = degrees * shares * math.exp(-log_scale) / prior
        return float(((degrees + prior) * odds / (1 + odds) - degrees).sum())

    return math.exp(optimize.brentq(slope, -EXTENT, EXTENT))


def _log_likelihood(shares: NDArray[np.float64], degrees: NDArray[np.float64], prior: float, scale: float) -> float:
    """Return the logarithm of the density of ``scale`` F(degrees, prior) at ``shares``, summed."""
    half, ratios = degrees / 2, shares / scale
    core = (half - 1) * np.log(ratios) - math.log(scale)
    if math.isinf(prior):
        return float((half * np.log(half) - special.gammaln(half) + core - half * ratios).sum())
    front = half * np.log(degrees / prior) - special.betaln(half, prior / 2)
    return float((front + core - (half + prior / 2) * np.log1p(degrees * ratios / prior)).sum())


def steady(levels: Mapping[str, Level], *, is_relative: bool) -> dict[str, Level]:
    """Return the levels of models, each with what all say of the spread between trainings.

    Args:
        levels: name -> mean score of its runs.
        is_relative: spreads are compared as shares of the scores, which are positive.

    Returns:
        The same where fewer than five models have several runs, or runs of most do not differ at all.
    """
    scales = {name: level.value**2 if is_relative else 1.0 for name, level in levels.items()}
    repeated = [name for name, level in levels.items() if level.spread is not None]
    spreads = np.array([(levels[name].spread or 0.0) / scales[name] for name in repeated])
    if len(repeated) < FEWEST or not np.median(spreads) > 0:
        return dict(levels)
    prior = fit_prior(spreads, np.array([levels[name].runs - 1.0 for name in repeated]))
    return {name: _steadied(level, prior, scales[name]) for name, level in levels.items()}


def _steadied(level: Level, prior: Prior, scale: float) -> Level:
    variance, degrees = prior.posterior((level.spread or 0.0) / scale, level.runs - 1.0)
    return replace(level, own=max(level.own, scale * variance / level.runs), degrees=degrees)
