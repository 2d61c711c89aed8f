"""Evaluators keep features of one extractor: metrics that look at images otherwise are refused, not fed with others."""

import pytest

from genbench.errors import BadInput
from genbench.online import Evaluator


@pytest.mark.parametrize("metrics", [["l1"], ["fd", "spectrum"], ["fwd", "spectrum"], ["fd", "ssim"]])
def test_metrics_that_look_otherwise_are_refused(metrics, rng):
    images = rng.integers(0, 256, (20, 16, 16, 3), dtype="uint8")
    with pytest.raises(BadInput, match=f"{metrics[-1]}: an evaluator keeps the features of one extractor"):
        Evaluator(real=images, metrics=metrics, extractor="pixels")


def test_a_metric_with_its_own_extractor_runs_alone(rng):
    images = rng.integers(0, 256, (20, 16, 16, 3), dtype="uint8")
    evaluator = Evaluator(real=images, metrics=["spectrum"], extractor="pixels")
    evaluator.update(images)
    assert evaluator.compute()["spectrum"].value == pytest.approx(0, abs=1e-6)
