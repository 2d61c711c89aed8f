"""Does this machine, with its BLAS and its threads, compute what is known on paper?"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from genbench.analyses.closed_forms import CASES, Case
from genbench.contracts import Silence, Watch
from genbench.errors import GenbenchError
from genbench.metrics import METRICS
from genbench.provenance import describe_environment

TOLERANCE = 1e-6  # relative


@dataclass(frozen=True)
class Outcome:
    """What came of one case.

    Attributes:
        metric: its id.
        about: the sets.
        expected: the value on paper.
        got: the value here; NaN where the metric raised.
        error: |got - expected| / |expected|, or |got| where 0 is expected; infinite for NaN.
        seconds: spent.
        problem: what the metric raised.
    """

    metric: str
    about: str
    expected: float
    got: float
    error: float
    seconds: float
    problem: str = ""


@dataclass(frozen=True)
class Selftest:
    """All outcomes, and on what they were had.

    Attributes:
        outcomes: one a case.
        libraries: linear algebra and threads: "openblas 0.3.31, 2 threads (Haswell)".
        untested: metrics without a case: what they say is not known on paper.
        environment: versions and machine.
    """

    outcomes: list[Outcome]
    libraries: list[str]
    untested: list[str]
    environment: dict[str, Any]

    @property
    def largest_error(self) -> float:
        """Largest of the relative errors."""
        return max(outcome.error for outcome in self.outcomes)

    @property
    def is_right(self) -> bool:
        """Whether no error is above 1e-6."""
        return self.largest_error <= TOLERANCE


def run_selftest(cases: Sequence[Case] = CASES, watch: Watch | None = None) -> Selftest:
    """Compute every case; a metric that raises counts as infinitely wrong.

    Args:
        cases: those to try.
        watch: told of progress.
    """
    watch = watch or Silence()
    watch.start("closed forms", len(cases))
    outcomes = []
    for case in cases:
        outcomes.append(_try(case))
        watch.advance(1)
    watch.finish()
    tested = {case.metric for case in cases}
    return Selftest(outcomes, libraries(), [name for name in METRICS if name not in tested], describe_environment())


def libraries() -> list[str]:
    """Return the libraries for linear algebra and threads that are loaded, with their numbers of threads."""
    from threadpoolctl import threadpool_info

    return [
        f"{found['internal_api']} {found['version'] or ''}".strip()
        + f", {found['num_threads']} thread{'s' if found['num_threads'] > 1 else ''}"
        + (f" ({found['architecture']})" if found.get("architecture") else "")
        for found in threadpool_info()
    ]


def _try(case: Case) -> Outcome:
    started = time.perf_counter()
    problem = ""
    expected = got = math.nan
    try:
        expected, got = case.compute()
    except (GenbenchError, ArithmeticError, RuntimeError, ValueError) as error:  # a finding: the others still run
        problem = f"{type(error).__name__}: {error}"
    gap = abs(got - expected)
    error_here = math.inf if math.isnan(gap) else gap / abs(expected) if expected else gap
    return Outcome(case.metric, case.about, expected, got, error_here, time.perf_counter() - started, problem)
