"""Tests of the training loop must be able to fail: defects are planted in a copy of the code, and tests go red."""

import pytest

LOOP = "tests/zoo/engine/test_training.py"
MODELS = "tests/conformance/test_models.py -k cgan and not dcgan and not going_on"
# what -> (file, code, defect, tests that must notice)
DEFECTS = {
    "noise carried over": (
        "training.py",
        'torch.manual_seed(derive(self._recipe.seed, "update", self.step, self._fabric.global_rank))',
        "pass",
        f"{LOOP} -k resumed_equals_uninterrupted_bit_by_bit",
    ),
    "order starts afresh": (
        "training.py",
        "self._deck.dealt, self.step, self.images = counters.dealt,",
        "self._deck.dealt, self.step, self.images = 0,",
        f"{LOOP} -k resumed_equals_uninterrupted_bit_by_bit",
    ),
    "optimizer forgets": (
        "checkpoint.py",
        'optimizer.load_state_dict({"state": memory,',
        'optimizer.load_state_dict({"state": {},',
        f"{LOOP} -k resumed_equals_uninterrupted_bit_by_bit",
    ),
    "processes go their own ways": (
        "training.py",
        "if self._fabric.world_size == 1:",
        "if True:",
        f"{LOOP} -k two_processes_equal_one",
    ),
    "NaN goes on": (
        "training.py",
        "if not math.isfinite(value)]",
        "if False]",
        f"{LOOP} -k a_loss_that_is_no_number",
    ),
    "damage unseen": ("checkpoint.py", 'if digest != state["sha256"][name]:', "if False:", f"{LOOP} -k a_damaged"),
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
def test_a_planted_defect_turns_its_test_red(what, goes_red):
    file, code, defect, tests = DEFECTS[what]
    tests, _, name = tests.partition(" -k ")
    goes_red(f"zoo/{file}", code, defect, tests, *(("-k", name) if name else ()))
