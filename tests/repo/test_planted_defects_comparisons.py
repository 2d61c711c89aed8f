"""Tests of comparisons and floors must be able to fail: each defect, planted in a copy of the code, turns one red."""

import pytest

STATS, ANALYSES = "tests/engine/stats", "tests/engine/analyses"
# what -> (file, code, defect, tests that must notice)
DEFECTS = {
    "pairing": (
        "stats/paired.py",
        "gap = first.effects - second.effects",
        "gap = first.effects + second.effects",
        f"{STATS}/test_paired.py",
    ),
    "noise that was taken out": (
        "stats/paired.py",
        "float(gap @ gap) + _beyond(first) + _beyond(second)",
        "float(gap @ gap)",
        f"{STATS}/test_paired.py",
    ),
    "several runs": (
        "stats/paired.py",
        "own=(run_variance + sampling) / runs",
        "own=sampling / runs",
        f"{STATS}/test_paired.py",
    ),
    "the reference's luck in runs": (
        "stats/paired.py",
        "np.mean([part.effects for part in parts], axis=0)",
        "np.mean([part.effects for part in parts], axis=0) / count",
        f"{STATS}/test_paired.py",
    ),
    "degrees of freedom": (
        "stats/paired.py",
        "special.stdtrit(degrees",
        "special.stdtrit(1e9",
        f"{STATS}/test_paired.py",
    ),
    "images needed": (
        "stats/paired.py",
        "special.ndtri(POWER)",
        "special.ndtri(0.5)",
        f"{STATS}/test_paired.py",
    ),
    "effects of blocks": (
        "stats/parts.py",
        "math.sqrt((len(leave) - 1) / len(leave))",
        "math.sqrt(1 / len(leave))",
        f"{STATS}/test_parts.py",
    ),
    "effects of images": (
        "stats/parts.py",
        "math.sqrt(len(psi) * count)",
        "len(psi)",
        f"{STATS}/test_parts.py",
    ),
    "whose balls": (
        "metrics/manifold.py",
        '.point_share(), k, ("fake", "real"))',
        '.point_share(), k, ("real", "fake"))',
        f"{STATS}/test_parts.py",
    ),
    "correction": ("stats/holm.py", "np.arange(len(p), 0, -1)", "1", f"{STATS}/test_holm.py"),
    "direction": (
        "analyses/verdicts.py",
        '(gap.value < 0) == (score.better == "lower")',
        "gap.value < 0",
        f"{ANALYSES}/test_verdicts.py",
    ),
    "places": ("analyses/verdicts.py", "1 + beaten[model]", "1", f"{ANALYSES}/test_verdicts.py"),
    "level of what is not resolved": (
        "analyses/verdicts.py",
        "alpha / open_tests",
        "alpha",
        f"{ANALYSES}/test_verdicts.py",
    ),
    "equal counts": ("analyses/compare.py", 'if "fake" in metric.biased_by', "if False", f"{ANALYSES}/test_compare.py"),
    "the rest": ("stats/split_off.py", "drawn[size:]", "drawn", "tests/engine/test_floor.py"),
    "key of a floor": ("floor.py", "{KEPT}/{size}/{key}", "{KEPT}/{key}", "tests/engine/test_floor.py"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_turns_its_test_red(name, goes_red):
    file, code, defect, tests = DEFECTS[name]
    goes_red(f"genbench/{file}", code, defect, tests)
