"""Tests of the search for copies must be able to fail: each defect, planted in a copy of the code, turns one red."""

import pytest

STATS, ANALYSES = "tests/engine/stats", "tests/engine/analyses"
SEARCH, VERDICT = f"{ANALYSES}/test_copy_search.py", f"{ANALYSES}/test_copy_verdict.py"
WHOLE = f"{ANALYSES}/test_memorization.py"
# what -> (file, code, defect, tests that must notice)
DEFECTS = {
    "p-value without the point itself": (
        "stats/exchangeable.py",
        "(stronger + 1) / (len(y) + 1)",
        "stronger / len(y)",
        f"{STATS}/test_exchangeable.py",
    ),
    "ranks that the point does not move": (
        "stats/exchangeable.py",
        "rank[near] + (x[part, None] <= y[near])",
        "rank[near] + np.zeros_like(x[part, None] <= y[near])",
        f"{STATS}/test_exchangeable.py",
    ),
    "ties of ranks": (
        "stats/exchangeable.py",
        "((reached == limit) & is_nearer)",
        "(reached == limit)",
        f"{STATS}/test_exchangeable.py",
    ),
    "luck of the calibration": (
        "stats/exchangeable.py",
        "stats.betabinom.sf(hits - 1, count, allowed, honest + 1 - allowed)",
        "stats.binom.sf(hits - 1, count, alpha)",
        f"{STATS}/test_exchangeable.py",
    ),
    "lower bound": (
        "stats/exchangeable.py",
        "count - hits + 1, 1 - confidence",
        "count - hits, 1 - confidence",
        f"{STATS}/test_exchangeable.py",
    ),
    "false discovery": (
        "stats/false_discovery.py",
        "np.minimum.accumulate(scaled[::-1])[::-1]",
        "scaled",
        f"{STATS}/test_false_discovery.py",
    ),
    "the same centre twice": (
        "stats/closest.py",
        "both.distance[:, 1:][both.index[:, 1:] == both.index[:, :-1]] = np.inf",
        "pass",
        f"{STATS}/test_closest.py",
    ),
    "a point its own neighbour": (
        "stats/closest.py",
        "np.where(index == own + np.arange(len(index))[:, None], np.inf, distance)",
        "distance",
        f"{STATS}/test_closest.py",
    ),
    "a copy at 0 / 0": (
        "stats/closest.py",
        "np.where(part == 0, 0.0, part / whole)",
        "part / whole",
        f"{STATS}/test_closest.py",
    ),
    "hash": (
        "images/fingerprints.py",
        "values[:, :-1] < values[:, 1:]",
        "values[:, :-1] > values[:, 1:]",
        "tests/engine/images/test_fingerprints.py",
    ),
    "mirror": (
        "sources/mirrored.py",
        "decode(blob)[:, ::-1]",
        "decode(blob)[::-1]",
        "tests/engine/sources/test_mirrored.py",
    ),
    "shifts": ("analyses/copy_search.py", "MARGIN_PX + step + inner", "MARGIN_PX + inner", SEARCH),
    "mirrored pixels": (
        "analyses/copy_search.py",
        "pixels[:, :, ::-1] if is_mirrored",
        "pixels if is_mirrored",
        SEARCH,
    ),
    "fields of the picture": ("analyses/copy_search.py", "parts.max(axis=(1, 2))", "parts.mean(axis=(1, 2))", SEARCH),
    "the quarter most alike": (
        "analyses/copy_search.py",
        "calibrated.argmin(axis=1)",
        "calibrated.argmax(axis=1)",
        SEARCH,
    ),
    "blank pictures": ("analyses/copy_search.py", "np.where(queries.is_blank, -1, rows)", "rows", SEARCH),
    "twins within the training set": (
        "analyses/copy_search.py",
        "np.where(others > rows, others, -1)",
        "others",
        SEARCH,
    ),
    "near duplicates": ("analyses/copy_verdict.py", "(evidence.twin >= 0) | is_near", "evidence.twin >= 0", VERDICT),
    "verdict by the share itself": (
        "analyses/copy_verdict.py",
        "lower_bound(int(is_close.sum()), len(is_close)) > FACTOR * alpha",
        "upper_bound(int(is_close.sum()), len(is_close)) > alpha",
        VERDICT,
    ),
    "same pixels": ("analyses/copy_verdict.py", "is_twin.any() or ", "", VERDICT),
    "leaks in the calibration": (
        "analyses/memorization.py",
        "honest.take(~leaks), self.alpha",
        "honest, self.alpha",
        WHOLE,
    ),
    "count of the training set": ("analyses/memorization.py", "count=None", "count=self.run.request.count", WHOLE),
    "up and down": (
        "analyses/memorization.py",
        "'up' if down > 0 else 'down'",
        "'down' if down > 0 else 'up'",
        WHOLE,
    ),
    "flags in the table": (
        "report/memorization.py",
        '{"flagged": int(picture.flagged)}',
        "{}",
        WHOLE,
    ),
    "threshold": (
        "cli/memorization.py",
        "found.flagged_share > limit",
        "found.close_bounds[0] > 1",
        "tests/engine/cli/test_memorization.py",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_turns_its_test_red(name, goes_red):
    file, code, defect, tests = DEFECTS[name]
    goes_red(f"genbench/{file}", code, defect, tests, "-m", "not slow")
