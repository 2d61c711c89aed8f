"""What a protocol is, what it sets, and what it refuses. tests/parity/test_protocols.py holds each to its tool."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import genbench
from genbench.contracts import Features
from genbench.errors import BadInput, NotEnoughImages, UnknownName
from genbench.features import EXTRACTORS
from genbench.features.inception import PROTOCOLS as RESIZES
from genbench.metrics import METRICS
from genbench.parameters import bind, bind_each, describe_metrics, parameters_of
from genbench.protocols import PROTOCOLS
from genbench.request import Request, make_request
from genbench.stats.pair import Pair
from genbench.views import label_of

NAMES = list(PROTOCOLS)
ASKED_FOR = {
    *("pytorch-fid", "torch-fidelity", "clean-fid", "torchmetrics", "adm"),
    *("stylegan3", "dgm-eval", "improved-pr", "prdc"),
}
WITH_PARAMETERS = [name for name in METRICS if parameters_of(METRICS.get(name))]


@pytest.fixture(params=NAMES)
def protocol(request):
    return PROTOCOLS.get(request.param)


@pytest.fixture
def sets(rng):
    return [rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8) for count in (20, 24)]


def test_every_tool_is_there():
    assert set(NAMES) == ASKED_FOR


def test_the_record_is_complete(protocol, request):
    assert protocol.name == request.node.callspec.params["protocol"]
    for fact in ("tool", "source", "summary", "resize", "quantised", "count", "draws", "differs", "proof"):
        text = getattr(protocol, fact)
        assert text, fact
        assert "\n" not in text, fact
    for extractor in {protocol.extractor, *protocol.extractors.values()} - {""}:
        network, _, resize = extractor.partition(":")
        assert network in EXTRACTORS
        assert network != "inception" or resize in RESIZES


def test_its_metrics_take_its_parameters(protocol):
    metrics = bind_each([METRICS.get(name) for name in protocol.metrics], protocol.parameters, protocol.extractors)
    for metric in metrics:
        assert parameters_of(metric) == parameters_of(METRICS.get(metric.name)) | protocol.parameters.get(
            metric.name, {}
        )
        assert metric.extractor == protocol.extractors.get(metric.name, "")


def test_a_resize_is_named_after_the_tool_that_has_it():
    """FID is printed with the tool's name: that of the resize, and under a protocol that of the protocol."""
    for name, resize in (("pytorch-fid", ""), ("torch-fidelity", "tf1"), ("clean-fid", "clean")):
        assert PROTOCOLS.get(name).extractor == ("inception" + (f":{resize}" if resize else ""))
        assert RESIZES[resize].tool == name
    assert RESIZES[PROTOCOLS.get("torchmetrics").extractor.partition(":")[2]].tool == "torchmetrics"
    eye = SimpleNamespace(name="inception:tf1", labels={"fd": "FID (torch-fidelity)"})
    assert label_of(METRICS.get("fd"), eye, None) == "FID (torch-fidelity)"
    assert label_of(METRICS.get("fd"), eye, "stylegan3") == "FID (stylegan3)"
    assert label_of(METRICS.get("kd"), eye, "stylegan3") == "KD[inception:tf1]"
    assert label_of(METRICS.get("fd"), SimpleNamespace(name="pixels"), "prdc") == "FD[pixels]"


def test_it_sets_what_the_user_leaves_open(protocol):
    found = make_request({"protocol": protocol.name, "count": 7, "seed": 3})
    assert found.metrics == protocol.metrics
    assert found.extractor == protocol.extractor or not protocol.extractor
    assert found.parameters == protocol.parameters
    assert (found.count, found.seed) == (7, 3)
    first = make_request({"protocol": protocol.name, "metrics": protocol.metrics[0]})
    assert set(first.parameters) <= {protocol.metrics[0]}
    assert Request(**json.loads(json.dumps(found.describe()))) == replace(found, metrics=found.metrics)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"protocol": "torch-fidelity", "extractor": "inception"},
            r"expected inception:tf1, got inception",
        ),
        ({"protocol": "pytorch-fid", "metrics": "fd,kd"}, r"has no kd; expected metrics among fd"),
        ({"protocol": "prdc", "parameters": {"recall": {"k": 4}}}, r"sets the parameters of recall; expected {'k': 5"),
        ({"protocol": "prdc", "parameters": {}}, r"sets the parameters of"),
    ],
)
def test_what_says_otherwise_is_refused(options, message):
    with pytest.raises(BadInput, match=message):
        make_request(options)


def test_a_request_that_was_not_filled_in_is_refused():
    with pytest.raises(BadInput, match="has no kd"):
        Request(protocol="pytorch-fid")
    with pytest.raises(BadInput, match="sets the extractor"):
        Request(protocol="clean-fid", metrics="fd")


def test_an_unknown_one_is_refused():
    with pytest.raises(UnknownName, match="Did you mean 'clean-fid'"):
        make_request({"protocol": "cleanfid"})


def test_the_scorecard_holds_it_whole(sets, tiny_extractor):
    fake, real = sets
    card = genbench.score(fake=fake, real=real, protocol="prdc", extractor=tiny_extractor)
    told = json.loads(card.to_json())["provenance"]
    assert told["protocol"] == json.loads(json.dumps(PROTOCOLS.get("prdc").describe()))
    assert told["metrics"]["recall"] == {"version": 1, "parameters": {"k": 5, "is_closed": False}}
    assert told["request"]["parameters"]["recall"] == {"k": 5, "is_closed": False}
    without = genbench.score(fake=fake, real=real, metrics="recall", extractor=tiny_extractor)
    assert without.provenance["protocol"] is None
    assert without.provenance["metrics"]["recall"]["parameters"] == {"k": 3, "is_closed": True}


def test_kept_scores_are_told_apart_by_parameters_and_protocol(sets, tiny_extractor, tmp_path):
    fake, real = sets
    how = {"fake": fake, "real": real, "extractor": tiny_extractor, "cache": tmp_path, "metrics": "recall"}
    usual = genbench.score(**how)["recall"]
    other = genbench.score(**how, parameters={"recall": {"k": 7}})["recall"]
    assert other.value > usual.value
    assert other.details == {"k": 7}
    assert genbench.score(**how)["recall"] == usual


# -------------------------------------------------------------------------------------------------------- parameters


@pytest.mark.parametrize("name", [name for name in WITH_PARAMETERS if not METRICS.get(name).needs])
def test_defaults_change_nothing(name, rng):
    metric = METRICS.get(name)
    count = metric.min_count + 30
    rows = rng.normal(size=(2, count, 6)).astype(np.float32)
    pair = Pair(*(Features(dict.fromkeys(("pooled", "logits"), side)) for side in rows))
    bound = bind(metric, parameters_of(metric))
    one, other = bound.compute(pair), metric.compute(pair)
    for fact in ("value", "stderr", "warnings", "details"):
        assert getattr(one, fact) == getattr(other, fact)
    assert bound.min_count == metric.min_count
    assert describe_metrics([bound]) == describe_metrics([metric])


def test_there_are_metrics_with_and_without_parameters():
    assert (
        {"fd", "is", "kd-subsets", "precision", "recall", "density", "coverage"} <= set(WITH_PARAMETERS) < set(METRICS)
    )


@pytest.mark.parametrize(
    ("metric", "chosen", "message"),
    [
        ("precision", {"kk": 3}, r"precision: no parameter 'kk'; expected one of k, is_closed, got 3"),
        ("precision", {"k": 0}, r"parameter k does not fit; expected greater than or equal to 1, got 0"),
        ("precision", {"k": "3"}, r"parameter k does not fit; expected a valid integer, got '3'"),
        ("precision", {"is_closed": 1}, r"parameter is_closed does not fit"),
        ("fd", {"divisor": "n-2"}, r"parameter divisor does not fit; expected 'n-1' or 'n', got 'n-2'"),
        ("is", {"seed": -1}, r"parameter seed does not fit"),
        ("kd", {"size": 3}, r"kd: no parameter 'size'; expected one of none"),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused(metric, chosen, message):
    with pytest.raises(BadInput, match=message):
        bind(METRICS.get(metric), chosen)


def test_parameters_of_a_metric_not_asked_for_are_refused(sets, tiny_extractor):
    fake, real = sets
    with pytest.raises(BadInput, match="of a metric not asked for; expected one of fd, got 'recall'"):
        genbench.score(fake=fake, real=real, extractor=tiny_extractor, metrics="fd", parameters={"recall": {"k": 4}})


@pytest.mark.parametrize(
    ("metric", "chosen", "fewest"),
    [("recall", {"k": 30}, 31), ("kd-subsets", {"size": 50}, 50), ("is", {"splits": 40}, 40)],
)
def test_parameters_say_how_many_images_are_needed(sets, tiny_extractor, metric, chosen, fewest):
    fake, real = sets
    assert bind(METRICS.get(metric), chosen).min_count == fewest
    with pytest.raises(NotEnoughImages, match=f"{metric}: too few images; expected at least {fewest}"):
        genbench.score(fake=fake, real=real, extractor=tiny_extractor, metrics=metric, parameters={metric: chosen})


def test_subsets_that_shrink_need_two_images():
    assert bind(METRICS.get("kd-subsets"), {"shrinks": True}).min_count == 2
