"""Flags keep their rate, copies are found, and what is no copy raises no verdict."""

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy import stats

from genbench.analyses.copy_search import TrainingSet, look_at
from genbench.analyses.copy_verdict import check_alpha, find_leaks, judge
from genbench.errors import BadInput, NotEnoughImages
from tests.reference.pictures import smooth_pictures

ALPHA = 0.05


@pytest.fixture(scope="module")
def world():
    """A training set of 100, evidence on 60 honest pictures, and 120 more."""
    pictures = smooth_pictures(np.random.default_rng(11), 280)
    training = TrainingSet(look_at(pictures[:100]))
    return pictures[:100], training, training.search(look_at(pictures[100:160])), pictures[160:]


def blurred(picture, radius):
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)))


def central(pictures, count):
    """Return those nearest to the mean: a generator that has lost its variety and copied nothing."""
    rows = pictures.reshape(len(pictures), -1).astype(float)
    return pictures[np.argsort(((rows - rows.mean(0)) ** 2).sum(1))[:count]]


def test_copies_are_flagged_and_traced(world):
    train, training, honest, others = world
    mixed = [*others[:60], *train[:10], *np.roll(train[10:20], 1, axis=2)]
    judged = judge(training.search(look_at(mixed)), honest, ALPHA)
    assert judged.is_copied
    assert judged.flagged[60:].all()
    assert judged.nearest[60:].tolist() == list(range(20))
    assert (judged.space[60:70] == -1).all()
    assert (judged.space[70:] == 0).all()
    assert judged.p_value[60:].max() <= ALPHA
    assert (judged.q_value >= judged.p_value).all()
    assert judged.bounds[0] > 3 * ALPHA
    assert judged.chance < 1e-3


@pytest.mark.parametrize("trap", ["held-out", "mode-shrunk", "blurred 1", "blurred 3"])
def test_what_is_no_copy_raises_no_verdict(world, trap):
    _, training, honest, others = world
    fakes = {
        "held-out": others,
        "mode-shrunk": central(others, 40),
        "blurred 1": [blurred(one, 1) for one in others],
        "blurred 3": [blurred(one, 3) for one in others],
    }[trap]
    judged = judge(training.search(look_at(fakes)), honest, ALPHA)
    assert not judged.is_copied
    assert judged.bounds[0] <= 3 * ALPHA


def test_one_exact_copy_is_a_verdict_and_one_blank_picture_is_not(world):
    train, training, honest, others = world
    assert judge(training.search(look_at([*others, train[42]])), honest, ALPHA).is_copied
    blank = np.zeros((32, 32, 3), np.uint8)
    both = TrainingSet(look_at([*train, blank]))
    judged = judge(both.search(look_at([*others, blank])), both.search(look_at(others)), ALPHA)
    assert not judged.is_copied
    assert judged.flagged[-1]  # at distance 0: seen, but no proof


def test_p_values_of_honest_pictures_are_uniform():
    """Gaussian pixels: small pictures, a training set and a calibration of their own each time."""
    rng, found = np.random.default_rng(3), []
    for _ in range(40):
        pictures = rng.normal(128, 40, (22 + 19 + 4, 4, 4, 3)).clip(0, 255).astype(np.uint8)
        training = TrainingSet(look_at(pictures[:22]))
        evidence = training.search(look_at(pictures[22:]))
        found.append(judge(evidence.take(np.arange(19, 23)), evidence.take(np.arange(19)), 0.05).p_value)
    first = np.array(found)[:, 0]  # of those of one calibration only one is independent
    assert stats.kstest(first - 1 / 40, "uniform").pvalue > 1e-3
    assert np.mean(found) == pytest.approx(0.525, abs=0.1)


def test_leaks_are_found_and_others_are_not(world):
    train, training, _, others = world
    worse = np.asarray(Image.fromarray(train[6]).resize((24, 24)).resize((32, 32)))
    evidence = training.search(look_at([train[5], worse, train[7][:, ::-1], *others]))
    assert find_leaks(evidence)[:3].all()
    assert not find_leaks(evidence)[3:].any()


def test_a_leak_in_the_calibration_would_hide_a_copy(world):
    train, training, honest, others = world
    spoilt = training.search(look_at([*train[50:55], *others[:55]]))
    fakes = training.search(look_at(np.roll(train[:3], 1, axis=1)))
    assert not judge(fakes, spoilt, ALPHA).flagged.any()
    assert judge(fakes, spoilt.take(~find_leaks(spoilt)), ALPHA).flagged.all()
    assert judge(fakes, honest, ALPHA).flagged.all()


def test_too_few_to_calibrate_are_refused(world):
    train, training, honest, _ = world
    with pytest.raises(NotEnoughImages, match=r"alpha = 0.01; expected at least 99 .* got 60.* --alpha 0.017"):
        judge(honest, honest, 0.01)
    assert judge(training.search(look_at(train[:1])), honest, 0.017).p_value[0] <= 0.017
    for alpha in (0.0, 0.4, -1.0):
        with pytest.raises(BadInput, match="not a false-positive rate"):
            check_alpha(alpha)
