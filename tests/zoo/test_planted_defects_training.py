"""Tests of the training loop must be able to fail: defects are planted in a copy of the code, and tests go red."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOOP, TOY = "tests/zoo/engine/test_training.py", "tests/zoo/engine/test_training.py::TestToy"
MODELS = "tests/conformance/test_models.py"
# what -> (file, code, defect, tests that must notice)
DEFECTS = {
    "noise carried over": (
        "training.py",
        'torch.manual_seed(derive(self._recipe.seed, "update", self.step, self._fabric.global_rank))',
        "pass",
        f"{TOY}::test_resumed_equals_uninterrupted_bit_by_bit",
    ),
    "order starts afresh": (
        "training.py",
        "self._deck.dealt, self.step, self.images = counters.dealt,",
        "self._deck.dealt, self.step, self.images = 0,",
        f"{TOY}::test_resumed_equals_uninterrupted_bit_by_bit",
    ),
    "optimizer forgets": (
        "checkpoint.py",
        'optimizer.load_state_dict({"state": memory,',
        'optimizer.load_state_dict({"state": {},',
        f"{TOY}::test_resumed_equals_uninterrupted_bit_by_bit",
    ),
    "processes go their own ways": (
        "training.py",
        "if self._fabric.world_size == 1:",
        "if True:",
        f"{TOY}::test_two_processes_equal_one",
    ),
    "NaN goes on": (
        "training.py",
        "if not math.isfinite(value)]",
        "if False]",
        f"{TOY}::test_a_loss_that_is_no_number",
    ),
    "damage unseen": ("checkpoint.py", 'if digest != state["sha256"][name]:', "if False:", f"{TOY}::test_a_damaged"),
    "average moves the wrong way": ("averaging.py", "1.0 - old)", "old)", "tests/zoo/engine/test_averaging.py"),
    "statistics not copied": ("averaging.py", "kept.copy_(seen)", "pass", "tests/zoo/engine/test_averaging.py"),
    "fakes not detached": (
        "gan/adversarial.py",
        "with frozen(self.critic):",
        "with nullcontext():",
        "tests/zoo/engine/test_adversarial.py",
    ),
    "samples in training mode": ("gan/adversarial.py", "with evaluating(self.average):", "with nullcontext():", MODELS),
    "labels unchecked": (
        "model.py",
        "if n and not 0 <= int(given.min())",
        "if n and not -9 <= int(given.min())",
        MODELS,
    ),
    "global random numbers": ("gan/adversarial.py", "latent, generator=generator)", "latent)", MODELS),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", DEFECTS)
def test_a_planted_defect_is_noticed(what, tmp_path):
    file, code, defect, tests = DEFECTS[what]
    for folder in ("genbench", "zoo", "benchmarks", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    path = tmp_path / "zoo" / file
    text = path.read_text(encoding="utf-8")
    assert code in text
    path.write_text(text.replace(code, defect), encoding="utf-8")
    path_of_tests, _, name = tests.rpartition("::test_")
    chosen = [path_of_tests, "-k", f"test_{name}"] if path_of_tests else [tests]
    chosen += ["-k", "cgan and not dcgan and not going_on"] if tests == MODELS else []
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *chosen],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout[-2000:]
    assert "passed" in done.stdout or "failed" in done.stdout
