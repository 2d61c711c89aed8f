"""Defects planted in the uses of models, leaks of held-out data among them, turn their tests red."""

import pytest

# what -> (file, code, defect, test file and words)
DEFECTS = {
    "ties count as won": ("area.py", '"left") + np', '"right") + np', "area: scikit_learns"),
    "error of independent rows for pairs": (
        "area.py",
        "[beaten - beating] if is_paired else [beaten, beating]",
        "[beaten, beating]",
        "area: spread_over",
    ),
    "divisor n": ("area.py", "part.var(ddof=1)", "part.var()", "area: by_hand"),
    "one order for all images": ("oddities.py", '"shuffle", row)', '"shuffle")', "anomalies: row_and_seed"),
    "colours shuffled apart": (
        "oddities.py",
        "image[:, order] for",
        "np.stack([image[0, order], *image[1:, order[::-1]]]) for",
        "anomalies: colours_of",
    ),
    "unit of the density forgotten": (
        "bits.py",
        "math.log2(model.levels) * is_density - nats",
        "-nats",
        "anomalies: mean_of_the_metric and realnvp",
    ),
    "nats for bits": ("bits.py", "(dimensions * math.log(2))", "dimensions", "anomalies: recomputed"),
    "image sizes in bytes": ("bits.py", "np.float64) * 8", "np.float64)", "anomalies: counted_whole"),
    "ratio the wrong way": ("anomalies.py", "ratio = bits - png", "ratio = bits + png", "anomalies: smooth_density"),
    "entropy of held-out images": (
        "anomalies.py",
        "model_bits(model, train.x, seed)",
        "model_bits(model, test.x, seed)",
        "anomalies: recomputed",
    ),
    "left-out class among the normal ones": (
        "anomalies.py",
        "scores(test.x[is_known])",
        "scores(test.x)",
        "anomalies: recomputed",
    ),
    "nobody is paired": ("oddities.py", "Oddity(speckle, True", "Oddity(speckle, False", "anomalies: are_paired"),
    "leak: held-out images centred by themselves": (
        "labels.py",
        "predict(new)",
        "predict(new - new.mean(axis=0) + labelled.mean(axis=0))",
        "labels: whatever_other",
    ),
    "leak: principal components of held-out images": (
        "labels.py",
        ".fit(seen)",
        ".fit(np.concatenate([seen, new]))",
        "labels: do_not_depend",
    ),
    "leak: all training labels": (
        "labels.py",
        "classify(seen[rows], known[rows], new",
        "classify(seen, known, new",
        "labels: without_a_label",
    ),
    "same draw again": (
        "labels.py",
        'derive(seed, "shots", draw)',
        'derive(seed, "shots")',
        "labels: others_each_time",
    ),
    "encoder left frozen": (
        "tuning.py",
        "[*network.model.encoder.parameters(), *network.head.parameters()]",
        "network.head.parameters()",
        "labels: images_labels_and_seed",
    ),
    "encoder itself is tuned": ("tuning.py", "deepcopy(start).eval()", "start", "labels: leaves_it"),
    "trained and untrained exchanged": (
        "tuning.py",
        '(("trained encoder", model), ("untrained encoder", untrained))',
        '(("trained encoder", untrained), ("untrained encoder", model))',
        "labels: leaves_it",
    ),
    "failures by a hair": (
        "records.py",
        "+ 2 * self.stderrs[score]",
        "+ 0 * self.stderrs[score]",
        "records: mends_them",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", DEFECTS)
def test_a_planted_defect_turns_its_test_red(what, goes_red):
    file, code, defect, test = DEFECTS[what]
    name, words = test.split(": ")
    goes_red(f"benchmarks/uses/{file}", code, defect, f"tests/benchmarks/test_uses_{name}.py", "-k", words)
