"""Measures of generators of points: which modes of a mixture they reach, by averaged weights and by the last."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from benchmarks.learned.findings import Finding
from benchmarks.learned.subject import Subject
from zoo.data.modes import ModeReport, mode_report

POINTS = 2560


def modes_covered(subject: Subject) -> Finding:
    """Modes with a point within 3 sigma, by averaged weights; mean over the run's last checkpoints."""
    reports = _reports(subject)
    covered = [report.covered for report in reports]
    return Finding(_mean(covered), f"{covered}, well covered {[report.well_covered for report in reports]}")


def high_quality_share(subject: Subject) -> Finding:
    """Share of points within 3 sigma of a mode, by averaged weights; mean over the run's last checkpoints."""
    shares = [report.share_high_quality for report in _reports(subject)]
    return Finding(_mean(shares), f"{[round(share, 3) for share in shares]}")


def gain_of_averaging(subject: Subject) -> Finding:
    """Share of points within 3 sigma by averaged weights, less that by the last ones; means over checkpoints."""
    averaged, live = _reports(subject), _reports(subject, is_live=True)
    shares = [_mean([report.share_high_quality for report in reports]) for reports in (averaged, live)]
    covered = _mean([report.covered for report in live])
    return Finding(shares[0] - shares[1], f"the last weights: share {shares[1]:.3f}, {covered:.1f} modes")


def _reports(subject: Subject, *, is_live: bool = False) -> list[ModeReport]:
    truth = subject.test.truth
    return [
        mode_report(
            subject.draw(_live(state).sample if is_live else state.sample, POINTS).numpy(),
            truth["centres"],
            float(truth["sigma"]),
        )
        for state in subject.states()
    ]


def _live(model: Any) -> Any:
    """Return a copy of an adversarial model that samples by its generator as it is, not by the running average."""
    live = deepcopy(model)
    live.average = live.generator
    return live


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
