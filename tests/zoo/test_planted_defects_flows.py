"""Tests of flows and of interpolation must be able to fail: defects are planted in a copy, and tests go red."""

import pytest

STEPS, DENSITY = "zoo/flow/test_steps.py", "zoo/flow/test_density.py"
WAYS, SHEETS = "zoo/latent/test_interpolation.py", "zoo/latent/test_sheets.py"
CONTRACT = "conformance/test_models.py"
# what -> (file, code, defect, file of tests and words of the test that must notice)
DEFECTS = {
    "log-determinant of the convolution without h w": (
        "flow/steps.py",
        "(positions(x) * self.log_size.sum())",
        "self.log_size.sum()",
        f"{STEPS} -k jacobian",
    ),
    "log-determinant of the norm without h w": (
        "flow/norms.py",
        "(positions(x) * log_scale.sum())",
        "log_scale.sum()",
        f"{STEPS} -k jacobian",
    ),
    "slope of the logit without its stretch": (
        "flow/steps.py",
        "log_slope = math.log(1 - 2 * self.margin) + F",
        "log_slope = F",
        f"{STEPS} -k jacobian",
    ),
    "sign of the factors lost": (
        "flow/steps.py",
        "torch.diag(self.sign * self.log_size.exp())",
        "torch.diag(self.log_size.exp())",
        f"{STEPS} -k starts_as_a_rotation",
    ),
    "factors undone in the wrong order": (
        "flow/steps.py",
        "(lower, flat, upper=False, unitriangular=True)",
        "(lower.T, flat, upper=True, unitriangular=True)",
        f"{STEPS} -k can_be_undone",
    ),
    "squeeze that keeps colours together": (
        "flow/steps.py",
        ".permute(0, 3, 5, 1, 2, 4)",
        ".permute(0, 1, 3, 5, 2, 4)",
        f"{STEPS} -k no_checkerboard",
    ),
    "shift and scale undone in the wrong order": (
        "flow/coupling.py",
        "(moved - shift) * (-log_scale).exp()",
        "moved * (-log_scale).exp() - shift",
        f"{STEPS} -k can_be_undone",
    ),
    "shift before scale": (
        "flow/coupling.py",
        "moved * log_scale.exp() + shift",
        "(moved + shift) * log_scale.exp()",
        f"{STEPS} -k what_the_paper_says",
    ),
    "mask swapped for the network": (
        "flow/coupling.py",
        "self.net(x * self.mask)",
        "self.net(x * (1 - self.mask))",
        f"{STEPS} -k mask_hides",
    ),
    "scale of what the mask keeps": (
        "flow/coupling.py",
        "bounded(log_scale) * (1 - self.mask), shift",
        "bounded(log_scale), shift",
        f"{STEPS} -k mask_hides",
    ),
    "scales without a bound": (
        "flow/coupling.py",
        "return BOUND * torch.tanh(s / BOUND)",
        "return s",
        f"{STEPS} -k out_of_bounds",
    ),
    "last layer not zero": (
        "flow/coupling.py",
        "nn.init.zeros_(layer.weight)",
        "pass",
        f"{STEPS} -k starts_as_the_identity",
    ),
    "both checkerboards alike": (
        "flow/coupling.py",
        "((places + first) % 2)",
        "(places % 2)",
        f"{STEPS} -k complete_each_other",
    ),
    "norm starts with every batch": (
        "flow/norms.py",
        "self.is_started.fill_(True)",
        "pass",
        f"{STEPS} -k started_once",
    ),
    "start not in the state": (
        "flow/norms.py",
        'self.register_buffer("is_started", torch.zeros((), dtype=torch.bool))',
        'self.register_buffer("is_started", torch.zeros((), dtype=torch.bool), persistent=False)',
        f"{CONTRACT} -k going_on and glow",
    ),
    "norm starts at half of the scale": (
        "flow/norms.py",
        "self.log_scale.copy_(-0.5 *",
        "self.log_scale.copy_(-1.0 *",
        f"{STEPS} -k mean_0",
    ),
    "statistics of one process": (
        "flow/norms.py",
        "centre = mean(x.mean(axes))",
        "centre = x.mean(axes)",
        f"{STEPS} -k all_processes",
    ),
    "statistics taken whenever in training mode": (
        "flow/norms.py",
        "if self.mean_over_processes is not None and",
        "self.mean_over_processes = self.mean_over_processes or (lambda x: x)\n        if self.training and",
        f"{STEPS} -k learning_alone",
    ),
    "prior's deviation forgotten": (
        "flow/multiscale.py",
        ", -log_deviation.flatten(1).sum(1)",
        ", x.new_zeros(len(x))",
        f"{STEPS} -k against_its_prior",
    ),
    "split priors at full temperature": (
        "flow/multiscale.py",
        "leaves = leaves * log_deviation.exp() + mean",
        "leaves = (leaves + torch.ones_like(leaves)) * log_deviation.exp() + mean",
        f"{DENSITY} -k undone and glow-0",
    ),
    "log-determinant of a scale dropped": (
        "flow/multiscale.py",
        "total + log_det + log_det_split",
        "total + log_det_split",
        f"{DENSITY} -k whole_is_that_of",
    ),
    "normal density without its constant": (
        "flow/density.py",
        "(z.square() + math.log(2 * math.pi))",
        "z.square()",
        f"{DENSITY} -k integrates",
    ),
    "no noise": ("flow/density.py", "torch.rand(k.shape, device=k.device)", "0.5", f"{DENSITY} -k spread_before"),
    "levels not divided by": (
        "flow/density.py",
        "+ math.log2(self.levels or 1)",
        "",
        f"{DENSITY} -k evaluator_finds",
    ),
    "bits called exact": (
        "flow/density.py",
        '= "lower_bound"  #',
        '= "exact"  #',
        f"{DENSITY} -k evaluator_finds",
    ),
    "levels encoded at their lower ends": (
        "flow/density.py",
        "(x * (self.levels - 1) + 0.5) / self.levels",
        "x * (self.levels - 1) / self.levels",
        f"{DENSITY} -k middles_of_its_levels",
    ),
    "levels decoded at their lower ends": (
        "flow/density.py",
        "(y * self.levels - 0.5) /",
        "(y * self.levels) /",
        f"{DENSITY} -k levels_that_hold",
    ),
    "temperature squared": (
        "flow/density.py",
        "generator=generator) * deviation)",
        "generator=generator) * deviation**2)",
        f"{DENSITY} -k temperature",
    ),
    "half precision": (
        "flow/density.py",
        "torch.autocast(self.device.type, enabled=False)",
        "torch.autocast(self.device.type, torch.bfloat16)",
        f"{DENSITY} -k half_precision",
    ),
    "straight for bent": ("latent/interpolation.py", 'if geometry == "uniform"', "if True", f"{WAYS} -k right_angle"),
    "lengths of the first end": (
        "latent/interpolation.py",
        "bent * torch.lerp(length_a, length_b, share)",
        "bent * length_a",
        f"{WAYS} -k lengths_change",
    ),
    "no straight line where there is no circle": (
        "latent/interpolation.py",
        "(sine >= FLAT) & (length_a > 0) & (length_b > 0)",
        "torch.ones_like(sine, dtype=torch.bool)",
        f"{WAYS} -k without_a_great_circle",
    ),
    "classes of other rows": (
        "latent/interpolation.py",
        ".repeat_interleave(steps)",
        ".repeat(steps)",
        f"{WAYS} -k keeps_its_class",
    ),
    "one completion six times": (
        "latent/sheets.py",
        'derive(seed, "complete", place)',
        'derive(seed, "complete")',
        f"{SHEETS} -k completions_follow",
    ),
    "training images shown": ("latent/sheets.py", '.data, "test")', '.data, "train")', f"{SHEETS} -k follows_its"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", DEFECTS)
def test_a_planted_defect_turns_its_test_red(what, goes_red):
    file, code, defect, tests = DEFECTS[what]
    file_of_tests, _, words = tests.partition(" -k ")
    goes_red(f"zoo/{file}", code, defect, f"tests/{file_of_tests}", "-k", words)
