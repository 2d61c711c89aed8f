"""Numbers that other tools computed, on inputs anyone can make again."""

import json
from pathlib import Path

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.metrics import METRICS
from genbench.stats.pair import Pair

GOLDEN = json.loads(Path(__file__).with_name("peers.json").read_text(encoding="utf-8"))


def pair_of(recipe):
    r = GOLDEN["recipes"][recipe]
    real = np.random.RandomState(0).randn(r["n"], r["d"])
    fake = np.random.RandomState(1).randn(r["m"], r["d"]) * r["scale"] + r["shift"]
    train = np.random.RandomState(2).randn(r["n"], r["d"])
    sides = (rows.astype(np.float32) for rows in (real, fake, train))
    return Pair(*(Features(dict.fromkeys(("pooled", "spatial"), rows)) for rows in sides))


@pytest.fixture(scope="module")
def pairs():
    return {recipe: pair_of(recipe) for recipe in GOLDEN["recipes"]}


@pytest.mark.parametrize("case", GOLDEN["values"], ids=lambda case: f"{case['metric']}-{case['recipe']}")
def test_agrees_with_the_peers(case, pairs):
    found = METRICS.get(case["metric"]).compute(pairs[case["recipe"]]).value
    assert found == pytest.approx(case["value"], rel=case["rel"], abs=1e-12), case["peer"]
