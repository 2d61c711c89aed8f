"""Tests must be able to fail: one defect a metric is planted in a copy of the code, and its tests go red."""

import pytest

from genbench.metrics import METRICS

GOLDEN, STATS, METRIC = "tests/golden", "tests/engine/stats", "tests/engine/metrics"
PAIRS, WAVELET = "tests/engine/pairs", "tests/engine/features/test_wavelet.py"
COVERAGE = f"{METRIC}/test_coverage_of_intervals.py"
ALONE = f"{COVERAGE}::test_no_interval_is_too_small_nor_much_too_large"
# what -> (file, code, defect, tests that must notice)
DEFECTS = {
    "fd": ("stats/gaussian.py", "apart = float(gap @ gap + real", "apart = float(abs(gap).sum() + real", GOLDEN),
    "kd": ("metrics/kernel.py", "sums.within_fake / (m - 1)", "sums.within_fake / m", GOLDEN),
    "is": (
        "metrics/inception_score.py",
        "log_total - np.log(len(logits))",
        "log_total",
        f"{METRIC}/test_inception_score.py",
    ),
    "precision": (
        "metrics/manifold.py",
        'pair.cover("real", k, is_closed=is_closed).point',
        'pair.cover("fake", k, is_closed=is_closed).point',
        GOLDEN,
    ),
    "recall": ("metrics/manifold.py", 'pair.cover("fake", k,', 'pair.cover("fake", k - 1,', GOLDEN),
    "density": (
        "stats/balls.py",
        "self.hits_by_point.sum(axis=1) / self.k,",
        "self.hits_by_point.sum(axis=1) / 6,",
        GOLDEN,
    ),
    "coverage": ("stats/balls.py", "(held > 0).mean()", "(held > 1).mean()", GOLDEN),
    "fwd": ("metrics/wavelets.py", "float(values.mean())", "float(values.sum())", f"{METRIC}/test_wavelets.py"),
    "spectrum": (
        "metrics/power_spectrum.py",
        "np.sqrt(np.square(gap).mean())",
        "np.abs(gap).mean()",
        f"{METRIC}/test_power_spectrum.py",
    ),
    "l1": ("pairs/differences.py", "difference = np.abs(", "difference = np.square(", f"{PAIRS}/test_similarity.py"),
    "psnr": ("metrics/paired.py", "values = -10 * np.log10", "values = -20 * np.log10", f"{METRIC}/test_paired.py"),
    "ssim": ("pairs/similarity.py", "C1, C2 = 0.01**2, 0.03**2", "C1, C2 = 0.01, 0.03", f"{PAIRS}/test_similarity.py"),
    "ms-ssim": ("pairs/similarity.py", "if scale == number - 1", "if scale == 0", f"{PAIRS}/test_similarity.py"),
    "lpips": ("pairs/lpips.py", "normalize=True", "normalize=False", f"{PAIRS}/test_lpips.py"),
    "lpips-diversity": (
        "pairs/matching.py",
        "zip(order, [*order[1:], order[0]]",
        "zip(order, order",
        f"{METRIC}/test_perceptual.py",
    ),
    "lite0": ("pairs/lite0.py", "stage / length / places", "stage / places", f"{PAIRS}/test_lite0.py"),
    "haar packets": (
        "features/wavelet.py",
        "for rows in (top + low, top - low)",
        "for rows in (top + low, top)",
        WAVELET,
    ),
    "rings of the spectrum": (
        "features/power.py",
        "(across == 0) | (across == 0.5)",
        "(across == 0)",
        "tests/engine/features/test_power.py",
    ),
    "error of fwd": (
        "metrics/wavelets.py",
        "Part(float(effects @ effects)",
        "Part(float(effects @ effects) / 256",
        f"{METRIC}/test_wavelets.py",
    ),
    "error of spectrum": (
        "metrics/power_spectrum.py",
        "len(gap) * value",
        "value",
        f"{METRIC}/test_power_spectrum.py",
    ),
    "error over pairs": (
        "stats/parts.py",
        "effects[partners] = part.effects",
        "effects[:] = part.effects",
        f"{METRIC}/test_paired.py",
    ),
    "error of lpips-diversity": (
        "metrics/perceptual.py",
        "(squares + 2 * products)",
        "squares",
        f"{METRIC}/test_perceptual.py",
    ),
    "ppl": (
        "metrics/path_length.py",
        "self.measure(here, there).astype(np.float64) / self.epsilon**2",
        "self.measure(here, there).astype(np.float64) / self.epsilon",
        f"{METRIC}/test_path_length.py",
    ),
    "separability": (
        "metrics/separability.py",
        "2 ** sum(entropies.values())",
        "2 * sum(entropies.values())",
        f"{METRIC}/test_separability.py",
    ),
    "likelihood": (
        "metrics/likelihood.py",
        "self.dimensions * math.log(self.levels) if",
        "math.log(self.levels) if",
        f"{METRIC}/test_likelihood.py",
    ),
    "cas": (
        "metrics/classification.py",
        "float(right[labels == place].mean())",
        "float(right[labels != place].mean())",
        f"{METRIC}/test_classification.py",
    ),
    "nn": ("metrics/nearest.py", "np.median(among_train.dist", "np.mean(among_train.dist", f"{METRIC}/test_nearest.py"),
    "ct": (
        "stats/rank_sum.py",
        "first * second / 2 - CONTINUITY",
        "first * second / 2",
        f"{METRIC}/test_data_copying.py::test_ten_below_ten_as_worked_out_by_hand",
    ),
    "authpct": (
        "metrics/authenticity.py",
        "among_train.squared[near.index[:, 0], 0]",
        "among_train.squared[:, 0].mean()",
        f"{METRIC}/test_authenticity.py::test_by_hand",
    ),
    "mifid": (
        "metrics/memorization_informed.py",
        '("fake", side) if direction == "generated" else (side, "fake")',
        '("fake", side)',
        f"{METRIC}/test_memorization_informed.py::test_the_mean_is_over_the_set_that_the_direction_names",
    ),
    "fd-infinity": (
        "metrics/extrapolated.py",
        "roots * counts[0] / counts]",
        "roots * counts / counts[0]]",
        f"{METRIC}/test_extrapolated.py",
    ),
    "fd-class": (
        "stats/classes.py",
        "features.classes[label] if are_named else int(label)",
        "int(label)",
        f"{METRIC}/test_per_class.py",
    ),
    "sfd": ("metrics/frechet.py", 'pair.rows("spatial")', "pair.rows()", f"{METRIC}/test_frechet.py"),
    "mind": ("stats/transport.py", "np.square(x[i] - y[j])", "np.abs(x[i] - y[j])", GOLDEN),
    "kd-subsets": ("metrics/kernel.py", "(size * (size - 1))", "size**2", GOLDEN),
    "cmmd": ("stats/kernels.py", "cosine /= sigma**2", "cosine /= 2 * sigma**2", GOLDEN),
    "p-precision": (
        "stats/soft_balls.py",
        "self.scale * float(np.sqrt(self.neighbours.squared_radii(self.k)).mean())",
        "self.scale * float(np.sqrt(self.neighbours.squared_radii(self.k).mean()))",
        GOLDEN,
    ),
    "p-recall": (
        "metrics/probabilistic.py",
        'pair.soft_covers.real_in_fake, ("fake"',
        'pair.soft_covers.fake_in_real, ("fake"',
        GOLDEN,
    ),
    "realism": ("stats/best_balls.py", "1 / np.sqrt(self._cost)", "1 / self._cost", GOLDEN),
    "rarity": ("stats/best_balls.py", "squared_radii(balls.k)", "squared_radii(balls.k + 1)", GOLDEN),
    "vendi": ("stats/spectrum.py", "wide / np.where(length > 0, length, 1)[:, None]", "wide", GOLDEN),
    "c2st": (
        "stats/logistic.py",
        "(self._placed[side][part, None] != np.arange(self.folds))",
        "(self._placed[side][part, None] >= 0)",
        f"{STATS}/test_logistic.py",
    ),
    "class-histogram": (
        "metrics/histograms.py",
        "fake / fake.sum()).sum()) / 2",
        "fake / fake.sum()).max())",
        f"{METRIC}/test_histograms.py",
    ),
    "fld": ("stats/mixture.py", "NEARER**2 * to_mean", "NEARER * to_mean", GOLDEN),
    "is, ten splits": (
        "metrics/inception_score.py",
        "np.random.RandomState(seed).permutation(count)",
        "np.arange(count)",
        f"{METRIC}/test_inception_score.py",
    ),
    "error of fd-infinity": (
        "metrics/extrapolated.py",
        "math.hypot(error, misfit)",
        "misfit",
        f"{METRIC}/test_extrapolated.py",
    ),
    "error of fd-class": (
        "metrics/per_class.py",
        "math.hypot(*known) / len(known)",
        "math.hypot(*known)",
        f"{METRIC}/test_per_class.py",
    ),
    "error of mind": (
        "stats/transport.py",
        "rises[1:] -= 2 * np.cumsum",
        "rises[1:] -= np.cumsum",
        f"{STATS}/test_transport.py",
    ),
    "error of kd-subsets": (
        "metrics/kernel.py",
        "values.std(ddof=1) / math.sqrt(subsets)",
        "values.std(ddof=1)",
        f"{METRIC}/test_kernel.py",
    ),
    "error of cmmd": ("metrics/kernel.py", "CMMD_SCALE * error", "error", f"{METRIC}/test_kernel.py"),
    "error of p-precision": (
        "stats/soft_balls.py",
        "log_outside - near * self.log_growth",
        "log_outside + near * self.log_growth",
        f"{STATS}/test_soft_balls.py",
    ),
    "error of realism": (
        "stats/best_balls.py",
        "_is_small(radii) for radii in self._grown.T",
        "self._is_kept for _ in self._grown.T",
        f"{STATS}/test_best_balls.py",
    ),
    "error of vendi": (
        "stats/spectrum.py",
        "(self.is_zero & is_kept).sum()",
        "self.is_zero.sum()",
        f"{METRIC}/test_diversity.py",
    ),
    "error of c2st": (
        "metrics/two_sample.py",
        "math.sqrt(2 * variance)",
        "math.sqrt(variance)",
        f"{ALONE}[c2st-120-0.0-gaussian]",
    ),
    "error of class-histogram": (
        "metrics/histograms.py",
        "_variance(sign, fake) / m) / 4",
        "0) / 16",
        f"{ALONE}[class-histogram-120-0.5-gaussian]",
    ),
    "error of fld": (
        "metrics/likelihood_divergence.py",
        "gain.var(ddof=1) / len(gain)",
        "0.0",
        f"{ALONE}[fld-60-0.5-gaussian]",
    ),
    "error of fd, jackknife": (
        "stats/gaussian.py",
        "- len(kept) * np.outer(mean, mean)",
        "",
        f"{STATS}/test_gaussian.py",
    ),
    "error of fd, influence": ("stats/gaussian.py", "x @ (2 * gap)", "x @ gap", f"{STATS}/test_gaussian.py"),
    "error of kd": ("metrics/kernel.py", "4 * towards_fake.var", "2 * towards_fake.var", COVERAGE),
    "error of is": ("metrics/inception_score.py", "value * divergence.std", "divergence.std", COVERAGE),
    "error of precision": ("stats/jackknife.py", "- np.square(change).sum(axis=0)", "", COVERAGE),
}


def test_every_metric_has_a_defect():
    assert set(METRICS) <= set(DEFECTS)


@pytest.mark.slow
@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_turns_its_test_red(name, goes_red):
    file, code, defect, tests = DEFECTS[name]
    goes_red(f"genbench/{file}", code, defect, tests)
