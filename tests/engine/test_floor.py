"""The floor beside a score: the same metric between a part of the reference and the rest."""

import numpy as np
import pytest

import genbench
from genbench.contracts import Features, Score
from genbench.evaluate import open_run
from genbench.features.store import Store
from genbench.metrics import METRICS
from genbench.request import Request
from genbench.stats.pair import Pair
from genbench.stats.split_off import split_off


def images(rng, count, level=0):
    return rng.integers(level, 200, (count, 9, 9, 3), dtype=np.uint8)


def features_of(real, extractor):
    with open_run(Request(extractor=extractor)) as run:
        outputs = run.extractor(np.stack([run.extractor.prepare(image) for image in real]))
    return Features(outputs)


@pytest.fixture(autouse=True)
def _fresh_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path / "cache"))


def test_the_part_and_the_rest_are_disjoint_and_drawn_by_the_seed():
    rows = np.arange(50, dtype=np.float32)[:, None]
    whole = Features({"pooled": rows}, tuple(map(str, range(50))), np.arange(50), ("a",))
    rest, part = split_off(whole, 20, seed=1)
    assert (rest.count, part.count) == (30, 20)
    assert len(set(rest.labels) | set(part.labels)) == 50
    for one in (rest, part):
        assert one.names == tuple(map(str, one.labels))
        assert one.pooled[:, 0].tolist() == one.labels.tolist()
    assert set(split_off(whole, 20, seed=2)[1].labels) != set(part.labels)
    assert set(split_off(whole, 20, seed=1)[1].labels) == set(part.labels)


@pytest.mark.parametrize(("n_fake", "size", "is_told"), [(8, 8, False), (12, 12, True), (30, 20, True)])
def test_it_is_of_a_part_as_large_as_the_fake_set_against_the_rest(rng, tiny_extractor, n_fake, size, is_told):
    fake, real = images(rng, n_fake, 50), images(rng, 40)
    card = genbench.score(fake=fake, real=real, extractor=tiny_extractor, metrics="fd,kd,precision")
    rest, part = split_off(features_of(real, tiny_extractor), size, 0)
    for score in card.scores:
        expected = METRICS.get(score.metric).compute(Pair(rest, part, None, 0))
        assert score.floor == pytest.approx(expected.value)
        assert score.floor_stderr == pytest.approx(expected.stderr)
        assert score.floor_count == size
        told = f"floor: of {size} against {40 - size} reference images, the score of {n_fake} against 40"
        assert any(warning.startswith(told) for warning in score.warnings) == is_told
    assert card["fd"].value > card["fd"].floor


def test_metrics_of_other_layers_than_those_of_the_training_set_have_one(rng, tiny_extractor):
    """fld reads pooled features of the training set, sfd spatial ones of the reference alone."""
    sets = {side: images(rng, 60) for side in ("fake", "real", "train")}
    card = genbench.score(**sets, extractor=tiny_extractor, metrics="fld,sfd")
    assert card["fld"].floor is not None
    assert card["sfd"].floor is not None


def test_it_is_kept_and_hangs_on_the_reference_alone(rng, tiny_extractor, monkeypatch):
    real = images(rng, 40)
    first = genbench.score(fake=images(rng, 20), real=real, extractor=tiny_extractor, metrics="fd")
    computed = []
    monkeypatch.setattr("genbench.floor.split_off", lambda *given: computed.append(given) or split_off(*given))
    again = genbench.score(fake=images(rng, 20, 99), real=real, extractor=tiny_extractor, metrics="fd")
    assert again["fd"].floor == first["fd"].floor
    assert computed == []
    for changed in ({"real": images(rng, 40)}, {"seed": 1}, {"fake": images(rng, 19)}, {"verify": True}):
        given = {"fake": images(rng, 20), "real": real, "extractor": tiny_extractor, "metrics": "fd", **changed}
        genbench.score(**given)
        assert computed, changed
        computed.clear()


def test_nothing_more_runs_through_the_network(rng, tiny_extractor):
    card = genbench.score(fake=images(rng, 20), real=images(rng, 40), extractor=tiny_extractor, metrics="fd")
    assert card.provenance["features"]["real"]["computed"] == 40


def test_without_a_reference_or_when_it_is_not_asked_for_there_is_none(rng, tiny_extractor, tmp_path):
    fake, real = images(rng, 20), images(rng, 40)
    options = {"extractor": tiny_extractor, "fake": fake}
    assert genbench.score(real=real, metrics="fd", floor=False, **options)["fd"].floor is None
    card = genbench.score(real=real, metrics="is,fd", **options)
    assert card["is"].floor is None
    assert card["fd"].floor is not None
    from genbench.analyses.reference import write_reference

    write_reference(real, tmp_path / "ref.npz", request=Request(metrics=("fd",), extractor=tiny_extractor))
    assert genbench.score(real=tmp_path / "ref.npz", metrics="fd", **options)["fd"].floor is None


def test_halves_that_are_too_small_for_a_metric_are_named(rng, tiny_extractor):
    card = genbench.score(fake=images(rng, 20), real=images(rng, 10), extractor=tiny_extractor, metrics="precision,fd")
    assert card["precision"].floor is None
    assert any(warning.startswith("no floor: ") for warning in card["precision"].warnings)
    assert card["fd"].floor_count == 5


def test_classes_go_with_their_images(rng, tiny_extractor):
    card = genbench.score(fake="sklearn:digits", real="sklearn:digits", extractor=tiny_extractor, metrics="fd-class")
    assert 0 < card["fd-class"].floor < 1
    assert card["fd-class"].floor_count == 898


def test_a_scorecard_of_before_still_loads():
    text = Score(
        metric="fd",
        fake="a",
        extractor="x",
        label="FD",
        value=1,
        stderr=None,
        ci95=None,
        better="lower",
        n_real=2,
        n_fake=2,
    ).model_dump_json(exclude={"floor", "floor_stderr", "floor_count"})
    assert Score.model_validate_json(text).floor is None


def test_a_damaged_floor_is_computed_again(rng, tiny_extractor, tmp_path):
    given = {"fake": images(rng, 20), "real": images(rng, 40), "extractor": tiny_extractor, "metrics": "fd"}
    before = genbench.score(**given)["fd"].floor
    with Store(tmp_path / "cache") as store, store._db.transaction():
        store._db.run("UPDATE scores SET text = 'x'")
    assert genbench.score(**given)["fd"].floor == before
