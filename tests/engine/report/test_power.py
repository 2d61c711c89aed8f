"""The record of planted copies: smallest shares, rates, and what a terminal shows."""

import io

import pytest
from rich.console import Console

from genbench.report.power import Alarm, Area, PowerCurve, Trial, power_tables


def trials(detector, kind, powers):
    return [
        Trial(detector=detector, kind=kind, planted=planted, count=200, detected=round(10 * power), repetitions=10)
        for planted, power in zip((2, 10, 100), powers, strict=True)
    ]


@pytest.fixture
def curve():
    return PowerCurve(
        alpha=0.01,
        spaces=["pixels"],
        space="pixels",
        n_train=500,
        n_calibration=200,
        n_fake=200,
        repetitions=10,
        trials=[
            *trials("verdict", "exact", (1, 1, 1)),
            *trials("verdict", "flip", (0.9, 0.3, 0.8)),
            *trials("nn", "exact", (0, 0.8, 1)),
            *trials("nn", "flip", (0, 0, 0.7)),
        ],
        alarms=[
            Alarm(detector="verdict", source="held-out", count=200, fired=0, repetitions=10),
            Alarm(detector="nn", source="held-out", count=200, fired=1, repetitions=10),
            Alarm(detector="verdict", source="blurred", count=200, fired=0, repetitions=10),
            Alarm(detector="nn", source="blurred", count=200, fired=9, repetitions=10),
        ],
        areas=[
            Area(detector="verdict", kind="exact", auroc=1, recall=1),
            Area(detector="verdict", kind="flip", auroc=0.97, recall=0.75),
            Area(detector="nn", kind="exact", auroc=1),
            Area(detector="nn", kind="flip", auroc=0.5),
        ],
        flagged={"held-out": 0.012, "blurred": 0.034},
        left_out=[0.001],
        notes=["one thing more"],
    )


def test_the_smallest_share_is_that_from_which_on_all_are_detected(curve):
    assert curve.smallest("verdict", "exact") == 0.01
    assert curve.smallest("verdict", "flip") == 0.5  # luck at .01 is not power
    assert curve.smallest("nn", "exact") == 0.05
    assert curve.smallest("nn", "flip") is None


def test_what_is_asked_for_is_found(curve):
    assert curve.alarm("nn").rate == 0.1
    assert curve.alarm("nn", "blurred").rate == 0.9
    with pytest.raises(KeyError, match="nn on nowhere"):
        curve.alarm("nn", "nowhere")
    assert curve.area("verdict", "flip").recall == 0.75
    assert curve.area("ct", "flip") is None
    assert (curve.detectors, curve.kinds) == (["verdict", "nn"], ["exact", "flip"])


def test_json_reads_back(curve):
    assert PowerCurve.model_validate_json(curve.to_json()) == curve


def test_the_tables_hold_every_number(curve):
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(power_tables(curve))
    lines = [" ".join(line.split()) for line in console.export_text().splitlines()]
    for line in (
        "Copies planted among 200 held-out pictures; 200 others calibrate, 10 splits, alpha = 0.01",
        "nn 0.10 0.90",
        "pictures flagged 0.012 0.034",
        "verdict 1 50",
        "nn 5 -",
        "flip 0.90 0.30 0.80",
        "flip 0.970 0.500 0.75",
        "one thing more",
    ):
        assert line in lines, line
