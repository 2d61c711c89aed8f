"""The checks of benchmarks/learned: no untrained model passes one, real data pass all, planted faults are seen."""

from dataclasses import replace
from functools import cache
from types import MappingProxyType, SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.learned import classifier, images
from benchmarks.learned.checks import MEASURES, check
from benchmarks.learned.networks import path_spread
from benchmarks.learned.results import Check
from benchmarks.learned.run import untrained
from benchmarks.learned.subject import Subject
from benchmarks.learned.trials import TRIALS, Threshold, choose_trials
from genbench.errors import BadInput, GenbenchError
from genbench.features import EXTRACTORS
from zoo import MODELS, checkpoint
from zoo.data import open_data
from zoo.data.edges import edges
from zoo.data.source import pictures
from zoo.journal import read_log
from zoo.layers import SelfAttention, spectral_all
from zoo.model import choose_preset
from zoo.runs import plan, start

pytestmark = pytest.mark.usefixtures("fields")
ROWS = 120  # samples judged here; 360 to 1,000 in earnest
FRESH = torch.Generator().seed() % 1000  # another start each time: no check may hang on one
slow = pytest.mark.slow
SLOW = {  # a classifier of colours or of voxels, many scores
    "order under truncation",
    *(f"{name}-classes covered" for name in TRIALS if name.startswith(("3d-gan", "sngan", "style"))),
}
THRESHOLDS = [
    pytest.param(
        name,
        threshold,
        id=f"{name}-{threshold.measure}".replace(" ", "-"),
        marks=[slow] if {threshold.measure, f"{name}-{threshold.measure}"} & SLOW else [],
    )
    for name, trial in TRIALS.items()
    for threshold in trial.thresholds
]


class Fields:
    """No network: the means of 8 x 8 fields of the picture; distances in the network's features take minutes."""

    name, batch_size, widths = "fields", 64, MappingProxyType({"pooled": 192})
    facts = MappingProxyType(dict.fromkeys(("extractor", "network", "weights", "resize", "decode", "dtype"), "fields"))

    def __init__(self, setup):
        self.side = 8

    def prepare(self, image):
        rows = [part.mean(0) for part in np.array_split(image.astype(np.float32), self.side, 0)]
        fields = [part.mean(1) for part in np.array_split(np.stack(rows), self.side, 1)]
        return np.stack(fields, 1) / 255

    def __call__(self, batch):
        return {"pooled": batch.reshape(len(batch), -1).astype(np.float32)}


@pytest.fixture
def fields():
    EXTRACTORS.add("fields", Fields)
    yield
    del EXTRACTORS._targets["fields"]


@cache
def split(data, part, rows=None):
    """The first rows of a split: those of the finite sets are in no order."""
    whole = open_data(data, part)
    if rows is None or whole.partner is None:
        labels = whole.labels if whole.labels is None else whole.labels[:rows]
        return whole if rows is None else replace(whole, x=whole.x[:rows], labels=labels)
    return replace(whole, x=whole.x[:rows], labels=whole.labels[:rows], partner=whole.partner[:rows])


def subject_of(model, data, *, before=None, directory=None, extractor="fields", rows=ROWS):
    rows = rows if data != "voxels16" else 1000  # the nearest of few is far
    parts = split(data, "train"), split(data, "test", rows)
    return Subject(model, before, *parts, directory=directory, extractor=extractor)


@cache
def untrained_pair(trial):
    """The subject of a trial before any training; what it is compared with has another start."""
    recipe, _ = plan(TRIALS[trial].model, TRIALS[trial].preset, seed=FRESH)
    other = recipe.model_copy(update={"seed": FRESH + 1})
    return subject_of(untrained(recipe), recipe.data, before=untrained(other))


def measure(name, subject):
    return MEASURES.get(name)(subject).value


# ------------------------------------------------------------------------------------------------ not faked


def settle(model):
    """Let power iteration converge without training: its first 15 steps may leave a singular value 6 % off."""
    layers = [part for part in model.modules() if torch.nn.utils.parametrize.is_parametrized(part, "weight")]
    for layer in layers:
        layer.train()
        for _ in range(200):
            _ = layer.weight
        layer.eval()


@pytest.mark.parametrize(("trial", "threshold"), THRESHOLDS)
def test_the_untrained_model_fails(trial, threshold):
    subject = untrained_pair(trial)
    if threshold.is_bound:
        settle(subject.model)
    found = check(threshold, subject)
    assert not found.note.startswith("crashed"), found.note
    assert found.passed is threshold.is_bound, f"seed {FRESH}: {found}"


def test_every_model_has_a_trial_and_every_trial_a_preset():
    assert set(MODELS) <= {trial.model for trial in TRIALS.values()}
    for trial in TRIALS.values():
        if trial.model in MODELS:
            assert choose_preset(MODELS.get(trial.model), trial.preset).steps > 2


def test_every_measure_is_used_and_can_be_loaded():
    assert {t.measure for trial in TRIALS.values() for t in trial.thresholds} == set(MEASURES)
    for name in MEASURES:
        assert MEASURES.get(name).__doc__


# ------------------------------------------------------------------------------------------------ known good


class RealData:
    """Held-out real data as a sampler: what a perfect model would give. Row i of a draw is of the class asked for."""

    def __init__(self, data, rows=None):
        self.examples = split(data, "train", rows)

    def pick(self, n, generator, labels=None):
        own = torch.from_numpy(self.examples.labels)
        if labels is None:
            return torch.randint(len(own), (n,), generator=generator)
        return torch.stack([self.one_of((own == label).nonzero()[:, 0], generator) for label in labels])

    def one_of(self, rows, generator):
        return rows[torch.randint(len(rows), (), generator=generator)]

    def sample(self, n, generator, *, z=None, labels=None, truncation=None):
        rows = self.pick(n, generator, labels)
        if self.examples.levels is None:
            return torch.from_numpy(self.examples.x)[rows]
        return torch.from_numpy(pictures(self.examples)[rows.numpy()]).float() / 255


class RealVoxels(RealData):
    def sample_voxels(self, n, generator, *, z=None):
        return torch.from_numpy(self.examples.x[self.pick(n, generator).numpy()]).float()


class RealPairs(RealData):
    def sample_pair(self, n, generator, *, z=None):
        first = self.sample(n, generator)
        second = edges((first * 255).round().byte().numpy())
        return first, torch.from_numpy(second).float() / 255


GOOD = [
    ("gan:ring", RealData, {"gain of averaging"}),
    ("cgan:small", RealData, set()),
    pytest.param("sngan:small", RealData, {"singular values from 1"}, marks=slow),
    ("cogan:small", RealPairs, set()),
    pytest.param("3d-gan:small", RealVoxels, set(), marks=slow),
]


@pytest.mark.parametrize(("trial", "kind", "of_networks"), GOOD)
def test_real_data_pass(trial, kind, of_networks):
    before = untrained_pair(trial)
    subject = replace(before, model=kind(before.train.name), untrained=before.model)
    for threshold in TRIALS[trial].thresholds:
        if threshold.measure not in of_networks:
            assert check(threshold, subject).passed, check(threshold, subject)


# ------------------------------------------------------------------------------------------------ planted faults


class Collapsed(RealData):
    """One example of each class, again and again."""

    def pick(self, n, generator, labels=None):
        firsts = {int(label): row for row, label in reversed(list(enumerate(self.examples.labels)))}
        return torch.tensor([firsts[int(label)] for label in (torch.zeros(n) if labels is None else labels)])


class Deaf(RealData):
    """It does not heed the class it is asked for."""

    def pick(self, n, generator, labels=None):
        return super().pick(n, generator)


class MeanImage(RealData):
    def sample(self, n, generator, **_):
        mean = torch.from_numpy(self.examples.x).float().mean(0) / 255
        return mean.expand(n, *mean.shape)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Collapsed, "classes covered"),
        (Collapsed, "variety within classes"),
        (Collapsed, "distance over the mean image's"),
        (Deaf, "class agreement"),
        (MeanImage, "distance over the mean image's"),
        (MeanImage, "classes covered"),
        (MeanImage, "variety within classes"),
    ],
)
def test_a_planted_fault_fails(kind, name):
    subject = replace(untrained_pair("cgan:small"), model=kind("digits32"))
    threshold = next(t for t in TRIALS["cgan:small"].thresholds if t.measure == name)
    assert not check(threshold, subject).passed, check(threshold, subject)


class Grids(RealVoxels):
    """Grids made by a rule."""

    def __init__(self, rule):
        self.rule = rule

    def sample_voxels(self, n, generator, *, z=None):
        return self.rule(torch.rand(n, 1, 16, 16, 16, generator=generator))


@pytest.mark.parametrize(
    ("rule", "failing"),
    [
        (lambda u: (u < 0.5).float(), "connected share"),  # hangs together, as no real one does
        (lambda u: (u < 0.15).float(), "connected share"),  # as full as real ones, in crumbs
        (torch.ones_like, "connected share"),
        (torch.ones_like, "occupancy's distance"),
        (torch.zeros_like, "connected share"),
        (torch.zeros_like, "overlap with the nearest real"),
        (lambda u: (u < 0.15).float(), "overlap with the nearest real"),
    ],
)
def test_grids_that_are_no_things_fail(rule, failing):
    threshold = next(t for t in TRIALS["3d-gan:small"].thresholds if t.measure == failing)
    found = check(threshold, subject_of(Grids(rule), "voxels16"))
    assert not found.passed
    assert not found.note.startswith("crashed")


def test_the_overlap_of_a_grid_with_itself_is_one():
    same = RealVoxels("voxels16")
    same.examples = split("voxels16", "test", 1000)
    assert measure("overlap with the nearest real", subject_of(same, "voxels16")) == 1


class ShuffledPairs(RealPairs):
    def sample_pair(self, n, generator, *, z=None):
        first, second = super().sample_pair(n, generator)
        return first, second.roll(1, 0)


def test_pairs_that_do_not_belong_together_fail():
    error = measure("pair error over shuffled", subject_of(ShuffledPairs("digits_edge"), "digits_edge"))
    assert error == pytest.approx(1, abs=0.15)
    assert measure("pair error over shuffled", subject_of(RealPairs("digits_edge"), "digits_edge")) < 0.01


class OneMode:
    def sample(self, n, generator, **_):
        return torch.tensor([[2.0, 0.0]]) + 0.02 * torch.randn(n, 2, generator=generator)


def test_one_mode_of_eight():
    subject = subject_of(OneMode(), "ring8")
    assert measure("modes covered", subject) == 1
    assert measure("high-quality share", subject) == pytest.approx(0.989, abs=0.01)


class Spread:
    """Points of all modes, so far around them."""

    def __init__(self, sigma):
        self.sigma = sigma

    def draw(self, n, generator):
        angle = torch.randint(8, (n,), generator=generator) * torch.pi / 4
        centres = 2 * torch.stack([angle.cos(), angle.sin()], dim=1)
        return centres + self.sigma * torch.randn(n, 2, generator=generator)


class Averaged:
    """A good average of weights that are not."""

    def __init__(self):
        self.generator, self.average = Spread(0.06), Spread(0.02)

    def sample(self, n, generator, **_):
        return self.average.draw(n, generator)


def test_the_gain_of_averaging():
    subject = subject_of(Averaged(), "ring8")
    chi2 = 1 - np.exp(-0.5)  # within 3 sigma of 0.02 with a deviation of 0.06: radius 1
    assert measure("gain of averaging", subject) == pytest.approx(1 - np.exp(-4.5) - chi2, abs=0.03)
    assert measure("modes covered", subject) == 8


# ------------------------------------------------------------------------------------------------ single measures


class Trading(RealData):
    """The larger the truncation, the more examples it knows and the more of its samples are no digits at all."""

    def share_of_noise(self, truncation):
        return 0.2 * truncation

    def sample(self, n, generator, *, z=None, labels=None, truncation=None):
        truncation = 1.0 if truncation is None else truncation
        some = torch.randint(int(60 * truncation**2), (n,), generator=generator)
        known = torch.from_numpy(self.examples.x[some.numpy()]).float() / 255
        is_noise = torch.rand(n, 1, 1, 1, generator=generator) < self.share_of_noise(truncation)
        return torch.where(is_noise, torch.rand(known.shape, generator=generator), known)


def test_truncation_that_trades_precision_for_recall():
    subject = subject_of(Trading("digits32"), "digits32")
    for name in ("order under truncation", "precision for recall by psi"):
        threshold = next(t for trial in TRIALS.values() for t in trial.thresholds if t.measure == name)
        assert check(threshold, subject).passed, check(threshold, subject)
        for kind in (Reversed, Improving):
            assert not check(threshold, replace(subject, model=kind("digits32"))).passed


class Improving(Trading):
    """Precision and recall rise together: nothing is traded."""

    def share_of_noise(self, truncation):
        return 0.2 / truncation


class Reversed(Trading):
    def sample(self, n, generator, *, z=None, labels=None, truncation=None):
        return super().sample(n, generator, truncation=None if truncation is None else 1 / truncation)


def test_rank_correlation_by_hand():
    assert images.rank_correlation([0.1, 0.2, 0.4, 0.3, 0.5]) == pytest.approx(0.9)  # 1 - 6 * 2 / (5 * 24)
    assert images.rank_correlation([0.3] * 5) == 0


def log(directory, estimates):
    """Write the log of a run whose critic estimated these distances."""
    directory.mkdir(exist_ok=True)
    rows = [f"{step},{step},{step},{value}" for step, value in enumerate(estimates)]
    (directory / "log.csv").write_text("\n".join(["step,images,seconds,wasserstein_estimate", *rows]))
    assert len(read_log(directory)) == len(rows)


@pytest.mark.parametrize(
    ("estimates", "fall"),
    [
        (np.r_[np.linspace(0, 1, 20), np.linspace(1, 0.2, 180)], 0.8),
        (np.linspace(0, 1, 200), 0.0),
        (np.ones(200), 0.0),
        (np.linspace(0, -1, 200), None),
        (np.linspace(1, 0, 5), None),
        (np.r_[np.ones(100), 50, np.ones(99)], 0.83),  # one wild row is smoothed to a tenth: 5.9 -> 1
    ],
)
def test_fall_of_the_estimate(tmp_path, estimates, fall):
    log(tmp_path, estimates)
    value = measure("fall of the Wasserstein estimate", subject_of(None, "digits32", directory=tmp_path))
    assert np.isnan(value) if fall is None else value == pytest.approx(fall, abs=0.03)


class Slope(RealData):
    """A critic whose gradient by pixels in [-1, 1] has this norm everywhere."""

    def __init__(self, norm):
        super().__init__("digits32")
        direction = torch.randn(1, 32, 32)
        self.weight = norm * direction / direction.norm()

    def criticise(self, x, labels=None):
        return ((2 * x - 1) * self.weight).sum((1, 2, 3))


@pytest.mark.parametrize(("norm", "passes"), [(1.0, True), (1.15, True), (0.7, False), (2.0, False)])
def test_slope(norm, passes):
    threshold = next(t for t in TRIALS["wgan-gp:small"].thresholds if t.measure == "critic's slope from 1")
    found = check(threshold, subject_of(Slope(norm), "digits32"))
    assert found.value == pytest.approx(abs(norm - 1), abs=1e-4)
    assert found.passed is passes


def test_singular_values_that_are_not_bound_fail():
    net = nn.Sequential(nn.Linear(5, 7), nn.Linear(7, 3))
    with torch.no_grad():
        for layer in net:
            layer.weight.mul_(10)
    model = SimpleNamespace(critic=net, config=SimpleNamespace(bound=1.0))
    by_name = {t.measure: t for trial in TRIALS.values() for t in trial.thresholds}
    for name in ("singular values from 1", "singular values over the bound"):
        assert not check(by_name[name], subject_of(model, "digits32")).passed
    spectral_all(net, "clamp_all")
    assert check(by_name["singular values over the bound"], subject_of(model, "digits32")).passed


def test_attention_is_used_when_any_gamma_left_zero():
    parts = [SelfAttention(8), SelfAttention(8)]
    model = SimpleNamespace(generator=nn.Sequential(parts[0]), critic=nn.Sequential(parts[1]))
    assert measure("attention used", subject_of(model, "digits32")) == 0
    with torch.no_grad():
        parts[1].gamma.fill_(-0.2)
    assert measure("attention used", subject_of(model, "digits32")) == pytest.approx(0.2)
    model.generator = model.critic = nn.Linear(2, 2)
    assert np.isnan(measure("attention used", subject_of(model, "digits32")))


class Paths:
    """Images A w, w = z, whose first ``steep`` latents of each ten are ten times as steep."""

    num_ws = 1

    def __init__(self, steep, gain=1.0):
        self.steep = steep
        self.weight = gain * torch.randn(4, 1 * 16 * 16, generator=torch.Generator().manual_seed(1))

    def prior(self, n, generator, truncation=None):
        return torch.randn(n, 4, generator=generator)

    def mapping(self, z, labels=None):
        return z

    def synthesis(self, ws):
        scale = torch.where(torch.arange(len(ws)) % 10 < self.steep, 10.0, 1.0)
        return (scale[:, None] * (ws[:, 0] @ self.weight)).unflatten(1, (1, 16, 16))


def test_paths_of_one_length_spread_less():
    assert path_spread(Paths(0), 0) < 0.6 * path_spread(Paths(2), 0)
    assert path_spread(Paths(2, gain=10), 0) == pytest.approx(path_spread(Paths(2), 0), rel=1e-3)


def test_path_spread_is_compared_with_the_run_without_regularisation(tmp_path):
    name = "spread of path lengths over pathless"
    runs = {}
    for preset in ("smoke", "smoke+pathless"):
        recipe, _ = plan("stylegan2", preset)
        runs[preset] = tmp_path / f"stylegan2-{preset}-0" / "run"
        start(recipe, runs[preset])
        model = untrained(recipe)
        subject = subject_of(model, recipe.data, directory=runs[preset])
        if preset == "smoke":
            assert np.isnan(measure(name, subject))
        checkpoint.write(runs[preset], model, {}, checkpoint.Counters())
    subject = subject_of(model, recipe.data, directory=runs["smoke"])
    assert measure(name, subject) == pytest.approx(1)


# ------------------------------------------------------------------------------------------------ judging


@pytest.mark.parametrize("data", ["digits32", pytest.param("shapes", marks=slow), pytest.param("voxels16", marks=slow)])
def test_the_classifier_is_right_and_knows_what_is_none(data):
    judge = classifier.classifier_of(data)
    test = split(data, "test")
    x = torch.from_numpy(test.x).float() / (test.levels - 1)
    assert (judge.classify(x).numpy() == test.labels).mean() == pytest.approx(judge.accuracy)
    assert judge.accuracy >= 0.95
    draws = torch.Generator().manual_seed(FRESH)
    fine = torch.rand(x[:100].shape, generator=draws)
    coarse = fine[:, :, :4, :4] if fine.ndim == 4 else fine[:, :, :4, :4, :4]
    for junk in (fine, torch.full_like(fine, 0.5), torch.nn.functional.interpolate(coarse, x.shape[2:])):
        assert (judge.classify(junk) == judge.classes).float().mean() > 0.8


def test_the_classifier_is_the_same_again():
    once, again = (classifier.classifier_of.__wrapped__("digits8") for _ in range(2))
    for one, other in zip(once.net.parameters(), again.net.parameters(), strict=True):
        assert torch.equal(one, other)


def test_an_unfit_classifier_judges_nobody(monkeypatch):
    monkeypatch.setattr(classifier, "STEPS", {1: 1})
    with pytest.raises(GenbenchError, match="not fit to judge"):
        classifier.classifier_of.__wrapped__("digits8")


def test_a_class_is_covered_by_a_fifth_of_its_share():
    counts = [7, 8, *[43] * 8]
    found = torch.repeat_interleave(torch.arange(10), torch.tensor(counts))
    assert len(found) == 359  # 2 % of which are 7.18
    assert classifier.covered_share(found, 10) == 0.9
    assert classifier.covered_share(torch.full((100,), 10), 10) == 0


@pytest.mark.parametrize(
    ("better", "value", "passes"),
    [
        ("lower", 0.5, True),
        ("lower", 0.51, False),
        ("lower", float("nan"), False),
        ("lower", float("-inf"), False),
        ("higher", 0.5, True),
        ("higher", 0.49, False),
        ("higher", float("nan"), False),
    ],
)
def test_thresholds(better, value, passes):
    assert Threshold("x", 0.5, better, "1").passes(value) is passes


def test_a_measure_that_crashes_is_a_check_that_failed():
    found = check(Threshold("attention used", 0.01, "higher", "6.4"), subject_of(None, "digits32"))
    assert isinstance(found, Check)
    assert (found.passed, found.value) == (False, None)
    assert "crashed: AttributeError" in found.note


def test_image_i_depends_on_the_seed_and_i_alone():
    few, many = (subject_of(RealData("digits32"), "digits32", rows=rows).samples for rows in (70, 120))
    assert torch.equal(few, many[:70])
    assert not torch.equal(many[:56], many[64:])


def test_trials_are_chosen_by_name():
    assert [trial.name for trial in choose_trials("gan")] == ["gan:small", "gan:ring", "gan:ring+minimax"]
    assert [trial.name for trial in choose_trials("sngan:small+clamp", "smoke")] == ["sngan:smoke+clamp"]
    assert len(choose_trials(None)) == len(TRIALS)
    with pytest.raises(BadInput, match="nonsense"):
        choose_trials("gan,nonsense")
