"""Defects planted in the runner of benchmarks: each must turn a test red."""

import pytest

HOME, SUITES, JUDGING, SHAPES = (
    f"tests/benchmarks/test_bench_{name}.py" for name in ("home", "suites", "judging", "shapes")
)
FACTORS = "tests/benchmarks/test_leaderboard_factors.py"
PLANTED = [
    ("benchmarks/home.py", "if name not in GROWING and ours != theirs:", "if False:", HOME, "another_bench"),
    ("benchmarks/home.py", "fcntl.LOCK_EX | fcntl.LOCK_NB", "fcntl.LOCK_SH | fcntl.LOCK_NB", HOME, "by_one"),
    ("benchmarks/home.py", "if other:\n            raise", "if not other:\n            raise", HOME, "another_job"),
    ("benchmarks/lineup.py", "_part(suite, one.data or suite.data)", "_part(suite, suite.data)", SUITES, "hold_all"),
    ("benchmarks/lineup.py", "return _own(suite, text) or [", "return [", SUITES, "by_name_by_model"),
    (
        "benchmarks/judging/counts.py",
        "one.of(whole - part, n - size)",
        "one.of(part, size)",
        JUDGING,
        "plain_jackknife",
    ),
    ("benchmarks/judging/shapes.py", "shares).sum(axis=1) / 2", "shares).sum(axis=1)", SHAPES, "distances_by_hand"),
    ("benchmarks/judging/shapes.py", "np.where(kind == NONE, PAIRS, bins)", "bins", SHAPES, "bin_of_its_own"),
    ("benchmarks/judging/shapes.py", "np.floor(BINS *", "np.round(BINS *", SHAPES, "equally_frequent"),
    ("benchmarks/judging/shapes.py", "kind * BINS + others", "kind + others", SHAPES, "pairs_see"),
    ("benchmarks/judging/factors.py", "gaps[:, 1] -= np.round(gaps[:, 1])", "pass", SHAPES, "of_a_circle"),
    ("benchmarks/judging/factors.py", "if errors[worst] > MOST_WRONG:", "if False:", SHAPES, "unfit"),
    ("benchmarks/standing.py", 'one.model_copy(update={"rank": None})', "one", FACTORS, "without_places"),
    ("benchmarks/audit.py", "if not own:", "if own:", FACTORS, "does_not_follow and stderr"),
    ("benchmarks/judging/modes.py", "(counts > 0).sum()", "(counts >= 0).sum()", JUDGING, "one_mode"),
    ("benchmarks/judging/images.py", "        seed=SEED,\n", "        seed=job.seed,\n", JUDGING, "test_split_under"),
    ("benchmarks/judging/samples.py", "job.judged_by == LARGE", "job.judged_by != LARGE", JUDGING, "enlarged_as"),
    ("benchmarks/judging/samples.py", "if count < job.count:", "if count < 2:", JUDGING, "as_many_samples"),
    ("benchmarks/references.py", "axis=-1) + 1.0", "axis=-1) + 0.5", JUDGING, "references_of"),
    ("zoo/drawing.py", 'derive(seed, "sample", chunk)', 'derive(seed, "sample", 0)', JUDGING, "engine_draws"),
    (
        "zoo/data/few.py",
        "sorted(by_hash[: int(count)])",
        "by_hash[: int(count)]",
        "tests/zoo/data/test_few.py",
        "in_their",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("file", "code", "defect", "test", "chosen"), PLANTED)
def test_a_planted_defect_turns_a_test_red(goes_red, file, code, defect, test, chosen):
    goes_red(file, code, defect, test, "-k", chosen)
