"""Verdicts and the places they allow, from levels made by hand."""

import numpy as np
import pytest
from scipy import stats

from genbench.analyses.verdicts import STEADIED, Judged, judge_pairs, rank_intervals, say_lone, steady_runs
from genbench.contracts import Score
from genbench.stats.paired import level_of
from genbench.stats.parts import Part

NOTHING = Part(0.0, np.empty(0))


def judged(value, error=1.0, better="lower", metric="fd", is_split=True):
    score = Score(
        metric=metric,
        fake="x",
        extractor="e",
        label=metric.upper(),
        value=value,
        stderr=error,
        ci95=None,
        better=better,
        n_real=9,
        n_fake=100,
    )
    level = None if error is None else level_of([value], [NOTHING], [Part(error**2, np.empty(0))])
    return Judged([score], level, is_split)


def verdicts(models, alpha=0.05):
    found = judge_pairs({"fd": models}, alpha)
    return {(one.first, one.second): one for one in found}


@pytest.mark.parametrize(
    ("better", "value", "verdict"),
    [
        ("lower", -9, "first better"),
        ("lower", 9, "second better"),
        ("higher", -9, "second better"),
        ("higher", 9, "first better"),
        ("none", 9, "none"),
        ("lower", 1, "not resolved"),
    ],
)
def test_the_verdict_follows_difference_and_direction(better, value, verdict):
    one = verdicts({"a": judged(value, better=better), "b": judged(0, better=better)})["a", "b"]
    assert one.verdict == verdict
    if "better" in verdict:
        assert one.words == ("a better" if verdict == "first better" else "b better")
    assert (one.p_holm is None) == (better == "none")


def test_more_models_make_each_verdict_harder():
    gap = {"a": judged(0), "b": judged(3.0)}
    assert verdicts(gap)["a", "b"].verdict == "first better"
    more = gap | {name: judged(1.5) for name in "cdefg"}
    assert verdicts(more)["a", "b"].verdict == "not resolved"


def test_without_an_error_there_is_no_verdict_but_a_difference():
    one = verdicts({"a": judged(5, None), "b": judged(3)})["a", "b"]
    assert (one.value, one.stderr, one.interval, one.p, one.verdict) == (2, None, None, None, "none")
    assert "no standard error" in one.words
    exact = verdicts({"a": judged(5, 0.0), "b": judged(3, 0.0)})["a", "b"]
    assert exact.verdict == "none"


def test_equal_scores_are_not_resolved_by_any_number_of_images():
    one = verdicts({"a": judged(5), "b": judged(5)})["a", "b"]
    assert one.images_needed is None
    assert one.words == "not resolved; the difference is 0"


def test_images_needed_by_hand():
    """Difference 2, error sqrt 2 at 100 images: (1.96 + 0.8416)^2 * 2 / 4 times as many."""
    one = verdicts({"a": judged(2), "b": judged(0)})["a", "b"]
    assert one.images_needed == pytest.approx(100 * (1.959964 + 0.841621) ** 2 / 2, abs=1)
    unsplit = verdicts({"a": judged(2, is_split=False), "b": judged(0)})["a", "b"]
    assert not unsplit.is_paired
    assert "reference images" in unsplit.words


def test_images_needed_are_for_the_tests_that_are_still_open():
    """Three models, none told apart: each difference is tested at alpha / 3."""
    one = verdicts({"a": judged(2), "b": judged(0), "c": judged(1)})["a", "b"]
    assert one.images_needed == pytest.approx(100 * (2.393980 + 0.841621) ** 2 / 2, abs=1)


def test_places_that_the_verdicts_allow():
    models = {"best": judged(0), "second": judged(20), "likewise": judged(21), "worst": judged(90)}
    found = judge_pairs({"fd": models}, 0.05)
    assert rank_intervals(list(models), found) == {
        "best": (1, 1),
        "second": (2, 3),
        "likewise": (2, 3),
        "worst": (4, 4),
    }


def test_of_equal_models_a_false_verdict_is_as_rare_as_alpha(rng):
    false = np.mean(
        [
            any(
                one.verdict != "not resolved"
                for one in verdicts({k: judged(rng.standard_normal()) for k in "abcd"}).values()
            )
            for _ in range(600)
        ]
    )
    assert false < 0.05 + 2.5 * (0.05 * 0.95 / 600) ** 0.5


# ------------------------------------------------------------------------------------------------ several runs


def repeated(values, error=0.1, better="lower"):
    scores = [judged(value, error, better=better).scores[0] for value in values]
    level = level_of(list(values), [NOTHING] * len(values), [Part(error**2, np.empty(0))] * len(values))
    return Judged(scores, level, is_split=True)


DISTANCES = {"a": (4.0, 4.4), "b": (9.0, 9.3), "c": (14.0, 15.2), "d": (30.0, 30.6), "e": (150.0, 165.0)}


def test_two_runs_of_a_few_models_resolve_what_they_could_not_alone():
    plain = {name: repeated(values) for name, values in DISTANCES.items()}
    assert not any("better" in one.verdict for one in verdicts(plain).values())
    found = verdicts(steady_runs(plain))
    assert found["a", "e"].verdict == "first better"
    assert found["a", "e"].value == pytest.approx(4.2 - 157.5)


def test_distances_are_tested_by_their_logarithms():
    levels = {name: one.level for name, one in steady_runs({n: repeated(v) for n, v in DISTANCES.items()}).items()}
    found = verdicts(steady_runs({name: repeated(values) for name, values in DISTANCES.items()}))
    b, c = levels["b"], levels["c"]
    gap = abs(np.log(b.value / c.value)) / np.hypot(b.own**0.5 / b.value, c.own**0.5 / c.value)
    assert found["b", "c"].p == pytest.approx(2 * stats.t.sf(gap, b.degrees))
    assert b.degrees == c.degrees


def test_shares_are_steadied_as_they_are():
    shares = {
        name: repeated((x, x + 0.04), 0.01, better="higher")
        for name, x in zip("abcde", (0.1, 0.3, 0.5, 0.7, 0.9), strict=True)
    }
    found = steady_runs(shares)
    assert not any(one.is_relative for one in found.values())
    assert len({round(one.level.own, 12) for one in found.values()}) == 1


def test_four_models_learn_nothing_from_each_other():
    few = {name: repeated(values) for name, values in list(DISTANCES.items())[:4]}
    assert steady_runs(few) == few
    assert say_lone(dict.fromkeys("abcd", 2)) == []
    assert say_lone({"a": 2, "b": 1}) == ["b: one run: what training again changes is not in the intervals"]
    steadied, lone = say_lone(dict.fromkeys("abcde", 2) | {"f": 1})
    assert steadied == STEADIED
    assert lone == "f: one run: what training again changes is that of the others"
