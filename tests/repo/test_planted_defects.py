"""Tests must be able to fail: one defect a metric is planted in a copy of the code, and its tests go red."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from genbench.metrics import METRICS

ROOT = Path(__file__).parents[2]
GOLDEN, STATS, METRIC = "tests/golden", "tests/engine/stats", "tests/engine/metrics"
COVERAGE = f"{METRIC}/test_coverage_of_intervals.py"
# what -> (file, code, defect, tests that must notice)
DEFECTS = {
    "fd": ("stats/gaussian.py", "return float(gap @ gap + real", "return float(abs(gap).sum() + real", GOLDEN),
    "kd": ("metrics/kernel.py", "sums.within_fake / (m - 1)", "sums.within_fake / m", GOLDEN),
    "is": ("metrics/inception_score.py", "logsumexp(log_p, axis=0) - np.log(len(log_p))", "log_p.mean(axis=0)", METRIC),
    "precision": ("metrics/manifold.py", "covers.fake_in_real.point", "covers.real_in_fake.point", GOLDEN),
    "recall": ("stats/pair.py", "Balls(near_fake, CLOSED_K, True)", "Balls(near_fake, CLOSED_K - 1, True)", GOLDEN),
    "density": (
        "stats/balls.py",
        "self.hits_by_point.sum(axis=1) / self.k,",
        "self.hits_by_point.sum(axis=1) / 6,",
        GOLDEN,
    ),
    "coverage": ("stats/pair.py", "Balls(near_real, OPEN_K, False)", "Balls(near_real, OPEN_K - 1, False)", GOLDEN),
    "nn": ("metrics/nearest.py", "np.median(among_train.dist", "np.mean(among_train.dist", f"{METRIC}/test_nearest.py"),
    "error of fd, jackknife": (
        "stats/gaussian.py",
        "- len(kept) * np.outer(mean, mean)",
        "",
        f"{STATS}/test_gaussian.py",
    ),
    "error of fd, influence": ("stats/gaussian.py", "psi_fake = 2 * x", "psi_fake = x", f"{STATS}/test_gaussian.py"),
    "error of kd": ("metrics/kernel.py", "4 * towards_fake.var", "2 * towards_fake.var", COVERAGE),
    "error of is": ("metrics/inception_score.py", "value * divergence.std", "divergence.std", COVERAGE),
    "error of precision": ("stats/jackknife.py", "- np.square(change).sum(axis=0)", "", COVERAGE),
}


def test_every_metric_has_a_defect():
    assert set(METRICS) <= set(DEFECTS)


@pytest.mark.slow
@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_turns_tests_red(name, tmp_path):
    file, code, defect, tests = DEFECTS[name]
    for part in ("genbench", "tests", "pyproject.toml"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, tmp_path / part)
    text = (tmp_path / "genbench" / file).read_text(encoding="utf-8")
    assert text.count(code) == 1, "the defect no longer fits the code: renew it"
    (tmp_path / "genbench" / file).write_text(text.replace(code, defect), encoding="utf-8")
    words = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", tests]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stdout[-2000:]
    assert "AssertionError" in done.stdout
