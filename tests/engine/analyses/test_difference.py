"""Which scorecards may be compared: cards of real runs, and cards that differ from them in one fact."""

import copy

import numpy as np
import pytest

import genbench
from genbench.analyses.difference import explain
from genbench.analyses.reference import write_reference
from genbench.contracts import Scorecard
from genbench.request import Request


@pytest.fixture
def sets(rng):
    return [rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8) for count in (20, 24)]


@pytest.fixture
def card(sets, tiny_extractor):
    fake, real = sets
    return genbench.score(fake=fake, real=real, metrics="fd,kd,is,nn", extractor=tiny_extractor)


def altered(card, *places, **scores):
    """A copy whose provenance is another at (name, ..., value), and whose first scores have other fields."""
    made = copy.deepcopy(card.provenance)
    for *path, last, value in places:
        inner = made
        for name in path:
            inner = inner[name]
        inner[last] = value
    changed = [score.model_copy(update=scores) for score in card.scores]
    return Scorecard(fake=card.fake, real=card.real, scores=changed, provenance=made)


def verdicts(first, second):
    return {one.metric: "; ".join(one.reasons) for one in explain(first, second).judged}


def test_the_same_run_twice_can_be_compared(card):
    found = explain(card, card)
    assert found.is_comparable
    assert {one.reasons for one in found.judged} == {()}
    assert {"weights", "resize", "reference", "seed"} <= set(found.same)
    assert any("fakes are the same images" in note for note in found.notes)


@pytest.mark.parametrize("fact", ["weights", "resize", "network", "decode", "extractor", "anything new"])
def test_another_network_compares_nothing(card, fact):
    found = verdicts(card, altered(card, ("extractor", fact, "other")))
    assert all(f"other {fact}" in reasons for reasons in found.values())
    assert "against other" in found["fd"]


def test_facts_are_those_of_the_metric_s_own_network(card):
    mixed = altered(card, ("others", {"vgg16": {"weights": "v"}}))
    mixed.scores[0] = mixed.scores[0].model_copy(update={"extractor": "vgg16"})
    other = altered(mixed, ("others", {"vgg16": {"weights": "w"}}))
    found = verdicts(mixed, other)
    assert found.pop("fd") == "other weights: v against w"
    assert set(found.values()) == {""}


@pytest.mark.parametrize(
    ("fact", "values"),
    [("runtime", ("onnxruntime", "torch")), ("decode", ("pillow 11.0 convert RGB", "pillow 12.1 convert RGB"))],
)
def test_what_moves_last_digits_is_a_note(card, fact, values):
    first, second = (altered(card, ("extractor", fact, value)) for value in values)
    found = explain(first, second)
    assert found.is_comparable
    assert any(values[0] in note and values[1] in note for note in found.notes)
    assert fact not in found.same


def test_another_reference_compares_only_what_never_looks_at_it(sets, card, tiny_extractor):
    fake, real = sets
    other = genbench.score(fake=fake, real=255 - real, metrics="fd,kd,is,nn", extractor=tiny_extractor)
    found = verdicts(card, other)
    assert found["is"] == ""
    assert all("other reference images" in found[name] for name in ("fd", "kd", "nn"))
    assert not explain(card, other).is_comparable


def test_statistics_of_the_reference_are_that_reference(sets, tiny_extractor, tmp_path):
    fake, real = sets
    np.save(tmp_path / "real.npy", real)
    path = tmp_path / "ref.npz"
    write_reference(str(tmp_path / "real.npy"), path, request=Request(metrics=("fd",), extractor=tiny_extractor))
    by_file, by_images = (
        genbench.score(fake=fake, real=one, metrics="fd", extractor=tiny_extractor)
        for one in (path, tmp_path / "real.npy")
    )
    assert explain(by_file, by_images).is_comparable


@pytest.mark.parametrize(("count", "is_near"), [(24, False), (20, True)])
def test_counts_matter_where_a_metric_is_biased_by_them(card, count, is_near):
    found = verdicts(card, altered(card, n_fake=count))
    assert all((found[name] == "") == is_near for name in ("fd", "is", "nn"))
    assert found["kd"] == ""
    assert is_near or "other number of fake images, which biases it: 20 against 24" in found["fd"]


def test_a_hundredth_of_the_images_is_near_enough(card):
    many, fewer, least = (altered(card, n_fake=count) for count in (50_000, 49_900, 49_000))
    assert verdicts(many, fewer)["fd"] == ""
    assert verdicts(many, least)["fd"] != ""


@pytest.mark.parametrize(("what", "value"), [("version", 99), ("parameters", {"divisor": "n"})])
def test_another_version_or_other_parameters_of_a_metric(card, what, value):
    found = verdicts(card, altered(card, ("metrics", "fd", what, value)))
    assert f"other {what}" in found.pop("fd")
    assert set(found.values()) == {""}


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, ()),
        ({"nats": 9.0}, ()),
        ({"kind": "lower_bound"}, ("other kind of likelihood: exact against lower_bound",)),
        ({"dequantisation": "uniform"}, ("other dequantisation of likelihood: none against uniform",)),
        (
            {"kind": "iw_estimate", "levels": 256},
            (
                "other kind of likelihood: exact against iw_estimate",
                "other levels of likelihood: 17 against 256",
            ),
        ),
    ],
)
def test_an_exact_likelihood_and_a_bound_are_told_apart(card, changes, reasons):
    details = {"kind": "exact", "dequantisation": "none", "levels": 17, "nats": 8.0}
    score = card["fd"].model_copy(update={"metric": "likelihood", "details": details})
    other = score.model_copy(update={"details": details | changes})
    first, second = (card.model_copy(update={"scores": [one]}) for one in (score, other))
    assert explain(first, second).judged[0].reasons == reasons


def test_training_images_matter_to_those_that_look_at_them(sets, tiny_extractor):
    fake, real = sets
    cards = [
        genbench.score(fake=fake, real=real, train=train, metrics="fd,nn", extractor=tiny_extractor)
        for train in (real[:12], real[12:])
    ]
    assert verdicts(*cards) == {"fd": "", "nn": "other training images"}


def test_notes_name_seed_protocol_and_packages(card):
    other = altered(
        card, ("seed", 5), ("protocol", {"name": "prdc"}), ("packages", "numpy", "1.0"), ("genbench", "0.0.0")
    )
    found = explain(card, other)
    assert found.is_comparable
    text = "\n".join(found.notes)
    for part in ("seed: 0 against 5", "protocol: none against prdc", "package numpy", "genbench: "):
        assert part in text
    assert "seed" not in found.same


def test_cards_without_a_shared_metric_cannot_be_compared(sets, card, tiny_extractor):
    fake, real = sets
    other = genbench.score(fake=fake, real=real, metrics="recall", extractor=tiny_extractor)
    found = explain(card, other)
    assert not found.is_comparable
    assert {one.reasons for one in found.judged} == {("only the first has it",), ("only the second has it",)}


def test_older_cards_without_records_of_metrics_are_taken_as_equal(card):
    older = altered(card)
    del older.provenance["metrics"]
    found = explain(older, card)
    assert found.is_comparable
    assert any("not recorded" in note for note in found.notes)


def test_equal_inputs_with_unequal_scores_are_pointed_out(card):
    found = explain(card, altered(card, value=card["fd"].value + 1))
    assert found.is_comparable
    assert any(note.startswith("fd, kd, is, nn: not equal") for note in found.notes)
    assert not any("not equal" in note for note in explain(card, card).notes)
    rounded = [score.model_copy(update={"value": score.value * (1 + 1e-9)}) for score in card.scores]
    assert not any("not equal" in note for note in explain(card, card.model_copy(update={"scores": rounded})).notes)
