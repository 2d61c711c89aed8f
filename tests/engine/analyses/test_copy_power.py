"""Planted copies are noticed, honest pictures are not, and each is made and looked at as it should be."""

import numpy as np
import pytest

from genbench.analyses.copy_planting import Planter
from genbench.analyses.copy_power import Plan, below_chance, power_curve
from genbench.analyses.copy_search import Evidence, TrainingSet, look_at
from genbench.analyses.copy_verdict import decide, judge
from genbench.contracts import Silence
from genbench.errors import BadInput, NotEnoughImages, UnknownName
from genbench.images.copies import COPIES, find_copies
from genbench.report.power import PowerCurve
from genbench.seeds import generator

TRAIN, TEST, ALPHA, SIDE = 120, 160, 0.05, 24


class Means:
    """No network and few features: means of 4 x 4 fields."""

    name, batch_size = "means", 32

    def prepare(self, image):
        return image

    def __call__(self, batch):
        fields = np.asarray(batch, np.float32).reshape(len(batch), 4, SIDE // 4, 4, SIDE // 4, 3)
        return {"pooled": fields.mean((2, 4)).reshape(len(batch), -1) / 255}


def see(images):
    return Means()(np.stack(images))["pooled"]


def as_query(images):
    return look_at(images, {"means": [see(images), see([one[:, ::-1] for one in images])]})


def draw(rng, count):
    """Pictures of twelve waves of random place, direction and colour."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    pictures = []
    for _ in range(count):
        waves = [np.sin(rng.normal(0, 9) * x + rng.normal(0, 9) * y + 7 * rng.random()) for _ in range(12)]
        picture = 128 + 18 * np.tensordot(np.stack(waves, -1), rng.normal(size=(12, 3)), 1)
        pictures.append(np.clip(picture, 0, 255).astype(np.uint8))
    return pictures


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(4)
    return {"train": draw(rng, TRAIN), "real": draw(rng, TEST)}


@pytest.fixture(scope="module")
def training(pictures):
    return TrainingSet(look_at(pictures["train"], {"means": [see(pictures["train"])]}))


@pytest.fixture(scope="module")
def read(pictures):
    return lambda side, places: [pictures[side][i] for i in places]


@pytest.fixture(scope="module")
def honest(pictures):
    return as_query(pictures["real"])


@pytest.fixture(scope="module")
def evidence(training, honest):
    return training.search(honest)


@pytest.fixture(scope="module")
def curve(training, honest, evidence, read):
    plan = Plan(alpha=ALPHA, kinds=("exact", "flip"), shares=(0.0001, 0.1, 0.5), repetitions=8)
    return power_curve(training, honest, read, {"means": Means()}, plan, evidence=evidence)


# ------------------------------------------------------------------------------------------------ what is noticed


def test_exact_copies_are_detected_and_none_are_not(curve):
    assert [trial.power for trial in curve.of("verdict", "exact")] == [1, 1]
    assert curve.smallest("verdict", "exact") == 0.1
    assert curve.alarm("verdict").fired == 0
    assert curve.alarm("verdict").repetitions == 8


def test_mirrored_copies_are_found_one_by_one(curve):
    area = curve.area("verdict", "flip")
    assert area.recall > 0.9
    assert area.auroc > 0.95
    assert curve.of("verdict", "flip")[-1].power == 1


def test_exact_copies_are_ranked_before_all_others_by_every_detector(curve):
    assert [curve.area(detector, "exact").auroc for detector in ("verdict", "nn", "authpct", "mifid")] == [1] * 4


def test_no_trap_raises_the_verdict(curve):
    assert [curve.alarm("verdict", source).fired for source in ("held-out", "mode-shrunk", "blurred")] == [0, 0, 0]


def test_honest_pictures_are_flagged_at_the_nominal_rate(curve):
    """8 splits of 80: a share of .05 has a standard error of .024 for one and not much less for all."""
    assert curve.flagged["held-out"] == pytest.approx(ALPHA, abs=0.05)


@pytest.mark.parametrize("detector", ["nn", "ct", "authpct", "mifid", "fld"])
def test_detectors_of_whole_sets_notice_half_a_set_of_copies(curve, detector):
    trials = curve.of(detector, "exact")
    assert trials[-1].power == 1
    assert trials[-1].repetitions == (3 if detector == "fld" else 8)
    assert curve.alarm(detector).repetitions == 8
    assert curve.alarm(detector).fired <= 2  # of 8 at 5 %: more has a chance of .006


def test_sets_are_of_the_size_and_the_shares_asked_for(curve):
    assert (curve.n_fake, curve.n_calibration, curve.n_train) == (TEST // 2, TEST // 2, TRAIN)
    assert [(trial.planted, trial.count) for trial in curve.of("verdict", "flip")] == [(8, 80), (40, 80)]
    assert curve.left_out == [0.0001]
    assert PowerCurve.model_validate_json(curve.to_json()) == curve


# ------------------------------------------------------------------------------------------------ rules


def test_the_verdict_on_some_is_the_judgement_of_those_alone(pictures, training, evidence, rng):
    copies = training.search(as_query([COPIES["jpeg"].apply(one, rng, ()) for one in pictures["train"][:40]]))
    pool, calibration = Evidence.join([evidence, copies]), evidence.take(np.arange(80))
    judged = judge(pool, calibration, ALPHA)
    met = set()
    for planted in (0, 4, 8, 12, 16, 20, 40):
        chosen = np.concatenate([np.arange(80, TEST - planted), TEST + rng.permutation(40)[:planted]])
        expected = judge(pool.take(chosen), calibration, ALPHA).is_copied
        assert decide(judged.evidence.twin[chosen] >= 0, judged.is_close[chosen], ALPHA) == expected
        met.add(expected)
    assert met == {True, False}


def test_what_chance_makes_is_seldom_below_chance(rng):
    """20,000 splits in runs of 10: a rate of .05 has a standard error of about .002."""
    fired = [below_chance(gaps, gaps, 0.05) for gaps in rng.normal(0, 3, size=(2000, 10))]
    assert np.mean(fired) == pytest.approx(0.05, abs=0.008)


def test_only_gaps_below_count_and_nan_does_not():
    clean = np.array([1.0, -1, 1, -1, 1, -1, 1, -1])
    assert below_chance(np.array([-9.0, 9, np.nan]), clean, 0.01) == [True, False, False]


# ------------------------------------------------------------------------------------------------ planting


def test_all_kinds_copy_the_same_pictures_and_places_are_kept(training, honest, evidence, read):
    places = np.array([3, 8, 150])
    planter = Planter(training, read, {"means": Means()}, Silence())
    planted = planter.plant(honest, evidence, places, find_copies(["exact", "flip", "collage"]), number=6, seed=1)
    np.testing.assert_array_equal(planted.honest, [0, 1, 2])
    np.testing.assert_array_equal(planted.evidence.distance[:3], evidence.distance[places])
    exact, flipped, _ = planted.copies.values()
    np.testing.assert_array_equal(np.sort(planted.evidence.twin[exact]), planted.copied)
    np.testing.assert_array_equal(planted.evidence.nearest[flipped, 0], planted.evidence.twin[exact])
    np.testing.assert_allclose(planted.evidence.distance[flipped, 0], 0, atol=1e-6)
    np.testing.assert_array_equal(planted.blurred, [21, 22, 23])
    np.testing.assert_array_equal(planted.rows[:3], planter.rows_of(honest)[places])
    np.testing.assert_array_equal(planted.rows[exact], planter.rows_of(training.looks)[planted.evidence.twin[exact]])


def test_networks_see_the_copies_and_their_mirror_images(pictures, training, honest, evidence, read):
    kinds = ["noise", "flip"]
    planter = Planter(training, read, {"means": Means()}, Silence())
    planted = planter.plant(honest, evidence, np.arange(4), find_copies(kinds), number=70, seed=1)
    assert planted.space == "means"
    order = generator(1, "copied").permutation(TRAIN)[:70]
    for kind in kinds:
        copies = [
            COPIES[kind].apply(pictures["train"][row], generator(1, "copy", kind, i), ()) for i, row in enumerate(order)
        ]
        places = planted.copies[kind]
        np.testing.assert_array_equal(planted.rows[places], see(copies))
        found = planted.evidence.distance[places]
        np.testing.assert_array_equal(found, training.search(as_query(copies)).distance)


def test_without_a_network_pixels_are_the_space(pictures, read):
    training = TrainingSet(look_at(pictures["train"][:40]))
    honest = look_at(pictures["real"][:30])
    planter = Planter(training, read, {}, Silence())
    planted = planter.plant(honest, training.search(honest), np.arange(5), find_copies(["exact"]), number=3, seed=1)
    assert planted.space == "pixels"
    apart = np.linalg.norm(planted.rows[5:8] - planter.rows_of(training.looks)[planted.evidence.twin[5:8]], axis=1)
    np.testing.assert_array_equal(apart, 0)


# ------------------------------------------------------------------------------------------------ refusals


def test_too_few_held_out_pictures_are_refused(training, honest, evidence, read):
    with pytest.raises(NotEnoughImages, match="expected at least 198 without copies"):
        power_curve(training, honest, read, {"means": Means()}, evidence=evidence)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"kinds": ("exakt",)}, "no such way to copy"),
        ({"shares": (0.5, 1.0)}, "shares of copies"),
        ({"shares": ()}, "shares of copies"),
        ({"repetitions": 1}, "2 or more"),
        ({"detectors": ("fd",)}, "some of nn, ct"),
        ({"alpha": 0.4}, "--alpha"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(wrong, told):
    with pytest.raises((BadInput, UnknownName), match=told):
        Plan(**wrong)
