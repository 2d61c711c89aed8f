"""The selftest is right here, is wrong where a metric is, and says on what it ran."""

import numpy as np
import pytest
from typer.testing import CliRunner

from genbench.analyses import selftest
from genbench.analyses.closed_forms import CASES, Case, turned_gaussians
from genbench.analyses.selftest import run_selftest
from genbench.cli.app import app
from genbench.errors import BadInput

OWED = {
    "fd",
    "fd-class",
    "sfd",
    "mind",
    "kd",
    "cmmd",
    "is",
    "precision",
    "recall",
    "density",
    "coverage",
    "vendi",
    "nn",
}


@pytest.fixture(scope="module")
def found():
    return run_selftest()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.metric}: {case.about}")
def test_every_metric_says_what_is_known_on_paper(case, found):
    outcome = next(one for one in found.outcomes if (one.metric, one.about) == (case.metric, case.about))
    assert outcome.problem == ""
    assert outcome.error <= 1e-7  # the command allows ten times as much


def test_it_says_what_it_covers_and_on_what_it_ran(found):
    tested = {outcome.metric for outcome in found.outcomes}
    assert tested >= OWED
    assert not tested & set(found.untested)
    assert any("thread" in line for line in found.libraries)
    assert found.is_right


def test_the_turned_gaussians_are_what_they_are_said_to_be():
    """Sample moments as numpy has them; the distance by eigenvalues of the product."""
    real, fake, expected = turned_gaussians(6, 64)
    first, second = np.cov(real.pooled.T), np.cov(fake.pooled.T)
    assert np.abs(first @ second - second @ first).max() > 0.1
    gap = real.pooled.mean(0) - fake.pooled.mean(0)
    root = np.sqrt(np.linalg.eigvals(first @ second).real).sum()
    assert gap @ gap + np.trace(first) + np.trace(second) - 2 * root == pytest.approx(expected, rel=1e-10)


def test_a_wrong_value_and_a_refusal_are_told_apart_from_right_ones():
    def refuse():
        raise BadInput("no")

    cases = [
        Case("fd", "right", lambda: (2.0, 2.0)),
        Case("kd", "off", lambda: (2.0, 2.1)),
        Case("is", "zero", lambda: (0.0, 0.5)),
        Case("nn", "refused", refuse),
    ]
    errors = {one.about: one.error for one in run_selftest(cases).outcomes}
    assert errors == pytest.approx({"right": 0, "off": 0.05, "zero": 0.5, "refused": np.inf})
    assert not run_selftest(cases[1:2]).is_right
    assert run_selftest(cases).outcomes[3].problem == "BadInput: no"


def test_the_command_prints_a_table_and_exits_1_when_something_is_wrong(monkeypatch):
    some = [case for case in CASES if case.metric in ("kd", "precision", "vendi")]
    monkeypatch.setattr(selftest.run_selftest, "__defaults__", (some, None))
    done = CliRunner().invoke(app, ["selftest"])
    assert done.exit_code == 0, done.output
    assert "right: largest relative error" in done.output
    assert "-2.375" in done.output
    monkeypatch.setattr(selftest.run_selftest, "__defaults__", ([*some, Case("kd", "off", lambda: (1.0, 1.1))], None))
    done = CliRunner().invoke(app, ["selftest"])
    assert done.exit_code == 1
    assert "WRONG: largest relative error 1.0e-01" in done.output


def test_a_defect_in_a_metric_is_seen(monkeypatch):
    cases = [case for case in CASES if case.metric == "cmmd"]
    assert run_selftest(cases).is_right
    monkeypatch.setattr("genbench.metrics.kernel.CMMD_SIGMA", 9.9)
    assert run_selftest(cases).largest_error > 0.01
