"""The ladder on real digits: faults are seen by the metrics that should see them, and nothing else is."""

import math

import numpy as np
import pytest

from genbench.analyses.ladder import make_ladder
from genbench.analyses.rungs import error_of_difference, judge, measure
from genbench.contracts import Estimate, Features
from genbench.errors import BadInput, NotEnoughImages, UnknownName
from genbench.metrics import METRICS
from genbench.report.ladder import Ladder, Rung
from genbench.request import Request
from genbench.sources import open_source
from genbench.sources.memory import ArraySource


def request(tmp_path, metrics="fd,precision,recall", **options):
    return Request(metrics=metrics, cache=tmp_path, **{"extractor": "pixels", **options})


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Two faults of digits, by a distance and by metrics of quality and of variety."""
    asked = request(tmp_path_factory.mktemp("ladder"), "fd,precision,recall,coverage", count=400)
    return make_ladder("sklearn:digits", asked, ("resize", "dropped-modes"), (3, 5))


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """Faults of classes, by a metric that needs them and by one that does not."""
    asked = request(tmp_path_factory.mktemp("classes"), "fd-class,precision", count=200)
    return make_ladder("sklearn:digits", asked, ("dropped-modes", "label-mix"), (2, 5))


def verdict(ladder, corruption, metric):
    return next(one for one in ladder.verdicts if (one.corruption, one.metric) == (corruption, metric))


def test_what_destroys_the_digits_is_noticed_by_all_distances(digits):
    assert digits.of("resize", "fd")[-1].z > 10
    assert verdict(digits, "resize", "fd").noticed == 3
    assert verdict(digits, "resize", "coverage").noticed == 3
    assert digits.of("resize", "precision")[-1].z > 3


def test_dropped_modes_lower_variety_and_not_quality(digits):
    at = {metric: digits.of("dropped-modes", metric)[-1] for metric in ("precision", "recall", "coverage")}
    assert at["recall"].z > 3
    assert at["coverage"].z > 3
    assert abs(at["precision"].z) < 3
    assert verdict(digits, "dropped-modes", "precision").noticed is None
    assert at["recall"].count == pytest.approx(0.2 * 200, rel=0.3)
    assert digits.modes == "10 classes"


def test_a_metric_that_needs_all_classes_says_why_it_refuses(classes):
    refused = classes.of("dropped-modes", "fd-class")
    assert [rung.value for rung in refused] == [None] * 2
    assert "not of the same classes" in refused[0].problem


def test_mixed_labels_are_seen_by_metrics_of_classes_alone(classes):
    assert verdict(classes, "label-mix", "fd-class").noticed is not None
    assert [rung.z for rung in classes.of("label-mix", "precision")] == [0, 0]


def test_the_clean_value_is_of_as_many_pictures(digits):
    floor = digits.floor_of("recall")
    assert {rung.clean for rung in digits.of("resize", "recall")} == {floor.value}
    dropped = digits.of("dropped-modes", "recall")
    assert len({rung.clean for rung in dropped}) == 2
    assert dropped[-1].clean > floor.value  # balls around fewer fakes are wider: recall rises without any merit


def test_the_cost_is_the_fewest_of_the_sizes_tried(digits):
    assert (digits.cost_severity, digits.sizes, digits.count) == (3, [25, 50, 100, 200], 200)
    assert verdict(digits, "resize", "fd").fewest == 25
    assert verdict(digits, "dropped-modes", "precision").fewest is None
    assert set(digits.seconds) == {"fd", "precision", "recall", "coverage"}
    assert all(spent > 0 for spent in digits.seconds.values())


def test_it_is_read_back_from_json(digits):
    assert Ladder.model_validate_json(digits.to_json()) == digits


def test_a_second_run_runs_no_network_and_says_the_same(tmp_path):
    asked = request(tmp_path, "kd", count=80)
    first, second = (make_ladder("sklearn:digits", asked, ("noise",), (2, 4)) for _ in range(2))
    assert first.rungs == second.rungs
    assert second.provenance["features"]["real"]["computed"] == 0


def test_without_classes_modes_are_clusters_and_labels_are_left_out(tmp_path):
    asked = request(tmp_path, "recall")
    source = open_source("sklearn:digits")
    pictures = ArraySource(np.stack(list(source.read(source.entries()[:120]))), "digits without classes")
    found = make_ladder(pictures, asked, ("dropped-modes", "label-mix"), (5,))
    assert found.modes == "10 clusters of the reference's features"
    assert found.left_out == {"label-mix": "needs labels, and these pictures have none"}
    assert found.of("dropped-modes", "recall")[0].z > 1
    with pytest.raises(BadInput, match="none to try"):
        make_ladder(pictures, asked, ("label-mix",))


@pytest.mark.slow
def test_a_network_notices_strong_blur(tmp_path, networks_kept):
    del networks_kept
    asked = Request(metrics="fd,kd", cache=None, extractor="efficientnet-lite0", count=240)
    found = make_ladder("sklearn:digits", asked, ("blur",), (4, 5))
    assert found.of("blur", "fd")[-1].z > 5
    assert found.of("blur", "kd")[-1].z > 5


@pytest.mark.parametrize(
    ("options", "faults", "severities", "error", "message"),
    [
        ({}, ("blurr",), (1,), UnknownName, "'blurr': no such corruption"),
        ({}, ("blur",), (0, 3), BadInput, r"--severities: .*got \[0, 3\]"),
        ({}, ("blur",), (), BadInput, "--severities"),
        ({"metrics": "fld"}, ("blur",), (1,), BadInput, "fld: cannot be put on a ladder; .* needs train"),
        ({"count": 30}, ("blur",), (1,), NotEnoughImages, "two halves; expected at least 40, got 30"),
        ({"metrics": "kd-subsets", "count": 1500}, ("blur",), (1,), NotEnoughImages, "at least 2000, got 1500"),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_work(tmp_path, options, faults, severities, error, message):
    with pytest.raises(error, match=message):
        make_ladder("sklearn:digits", request(tmp_path, **options), faults, severities)


# ------------------------------------------------------------------------------------------------ errors and verdicts


def features(rows):
    return Features({"pooled": np.asarray(rows, np.float32)}, tuple(map(str, range(len(rows)))))


@pytest.mark.parametrize("name", ["fd", "kd", "precision"])
def test_the_error_of_a_difference_is_that_of_many_draws(name):
    """One reference, two independent fakes of the same width, again and again."""
    rng, metric = np.random.default_rng(5), METRICS.get(name)
    gaps, errors = [], []
    for _ in range(60):
        real, clean, worse = rng.normal(size=(3, 100, 4)) * np.array([1, 1, 1.3])[:, None, None]
        one, other = (measure([metric], features(real), features(x), 0)[name].estimate for x in (worse, clean))
        gaps.append(one.value - other.value)
        errors.append(error_of_difference(one, other))
    assert np.median(errors) == pytest.approx(np.std(gaps), rel=0.35)


def test_a_common_reference_lowers_the_error_and_no_error_stays_none(rng):
    """Of two narrow sets beside a wide reference most luck is the reference's."""
    real, sets = features(rng.normal(size=(60, 4))), 1 + 0.5 * rng.normal(size=(2, 60, 4))
    one, other = (measure([METRICS.get("fd")], real, features(rows), 0)["fd"].estimate for rows in sets)
    fakes_alone = math.hypot(one.parts["fake"][0] ** 0.5, other.parts["fake"][0] ** 0.5)
    assert fakes_alone < error_of_difference(one, other) < 0.7 * math.hypot(one.stderr, other.stderr)
    assert error_of_difference(Estimate(1.0, 3.0), Estimate(2.0, 4.0)) == 5
    assert error_of_difference(Estimate(1.0, None), Estimate(2.0, 4.0)) is None


def rung(severity, harm, error=1.0):
    z = None if error is None else harm / error
    return Rung(
        corruption="blur", severity=severity, label="", metric="fd", count=9, value=harm, stderr=1, clean=0,
        clean_stderr=1, harm=harm, harm_stderr=error, z=z,
    )  # fmt: skip


def test_verdicts():
    rising = judge([rung(1, 1), rung(2, 3.5), rung(3, 2.6), rung(4, 9)], 7)
    assert (rising.noticed, rising.better, rising.is_monotone, rising.fewest) == (2, [], True, 7)
    falling = judge([rung(1, 1), rung(2, -4), rung(3, 5), rung(4, -3)], None)
    assert (falling.noticed, falling.better, falling.is_monotone) == (3, [2, 4], False)
    assert judge([rung(1, 9, None)], None).noticed is None
