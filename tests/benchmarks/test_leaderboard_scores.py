"""Contestants of whom only scores and standard errors are known: points, modes, likelihoods."""

import math
import statistics

import pytest
from scipy import stats

from benchmarks.board import QUESTION, Leaderboard, Question
from benchmarks.contracts import Record
from benchmarks.leaderboard import check_leaderboard, write_leaderboard
from benchmarks.markdown import to_markdown
from benchmarks.standing import ALPHA, compare_cards
from benchmarks.verdicts import cautions, open_pairs, winners
from genbench.contracts import Score, Scorecard

EXACT = 1e-12


def card(**values):
    """A scorecard of metric=(value, standard error)."""
    scores = [
        Score(
            metric=metric.replace("_", "-"),
            fake="samples.npz",
            extractor="",
            label=metric,
            value=value,
            stderr=error,
            ci95=None,
            better="lower" if metric == "likelihood" else "higher",
            n_real=0,
            n_fake=500,
            floor=8.0,
            floor_count=500,
        )
        for metric, (value, error) in values.items()
    ]
    return Scorecard(fake="samples.npz", real="data:ring8/test", scores=scores, provenance={})


def of(found, metric, model):
    return next(one for one in found.scores if (one.metric, one.model) == (metric, model))


def board_of(found, cards, metrics, judge="points"):
    records = {
        f"{name}-{seed}": Record(suite="toy", contestant=name, seed=seed, scorecard=one)
        for name, own in cards.items()
        for seed, one in enumerate(own)
    }
    question = Question(suite="toy", data="ring8", judge=judge, metrics=list(metrics), jobs=list(records))
    told = found.provenance | {QUESTION: question.model_dump(mode="json")}
    return Leaderboard(found.model_copy(update={"provenance": told}), records)


CARDS = {
    "a": [card(modes=(8, 0.5), share=(0.90, 0.01)), card(modes=(6, 0.7), share=(0.80, 0.02))],
    "b": [card(modes=(2, 0.3), share=(0.50, 0.02))],
}


def test_means_errors_and_spreads_by_hand():
    found = compare_cards(CARDS, ("modes", "share"), is_of_reference=False)
    a, b = of(found, "modes", "a"), of(found, "modes", "b")
    sampling = (0.5**2 + 0.7**2) / 2
    assert (a.value, b.value) == (7, 2)
    assert a.sampling_sd == pytest.approx(math.sqrt(sampling), rel=EXACT)
    assert a.run_sd == pytest.approx(math.sqrt(statistics.variance([8, 6]) - sampling), rel=EXACT)
    assert a.stderr == pytest.approx(math.sqrt(statistics.variance([8, 6]) / 2), rel=EXACT)
    assert (b.stderr, b.run_sd, b.sampling_sd) == (0.3, None, 0.3)
    low, high = b.interval
    assert (high - low) / 2 == pytest.approx(0.3 * stats.norm.ppf(1 - ALPHA / 2), rel=1e-9)


def test_a_verdict_by_hand():
    cards = {"a": [card(modes=(8, 0.5))], "b": [card(modes=(2, 0.3))], "c": [card(modes=(2.2, 0.4))]}
    found = compare_cards(cards, ("modes",), is_of_reference=False)
    gaps = {"ab": (6, 0.5, 0.3), "ac": (5.8, 0.5, 0.4), "bc": (-0.2, 0.3, 0.4)}
    p = {pair: 2 * stats.norm.sf(abs(gap) / math.hypot(*errors)) for pair, (gap, *errors) in gaps.items()}
    assert {one.first + one.second: one.p for one in found.differences} == pytest.approx(p, rel=1e-6)
    assert [one.verdict for one in found.differences] == ["first better", "first better", "not resolved"]
    assert [of(found, "modes", name).rank for name in "abc"] == [(1, 1), (2, 3), (2, 3)]
    board = board_of(found, cards, ["modes"])
    assert [line.partition(" (")[0] for line in winners(board)] == ["a is better than c and b"]
    assert len(open_pairs(board)) == 1


def test_verdicts_are_of_the_metric_that_ranks():
    found = compare_cards(CARDS, ("modes", "share"), is_of_reference=False)
    assert [one.metric for one in found.differences] == ["modes"]
    assert of(found, "share", "a").rank is None


def test_errors_of_a_shared_reference_are_taken_as_independent_and_said_to_be():
    cards = {name: [card(likelihood=(value, 0.02))] for name, value in (("a", 1.9), ("b", 2.0))}
    found = compare_cards(cards, ("likelihood",), is_of_reference=True)
    (one,) = found.differences
    assert one.stderr == pytest.approx(0.02 * math.sqrt(2), rel=EXACT)
    assert (one.is_paired, one.verdict) == (False, "first better")
    assert of(found, "likelihood", "a").sampling_sd == 0, "nothing is drawn"
    assert "errors of the models are taken as independent" in found.notes[0]
    assert "errors of the models are taken as independent" in to_markdown(board_of(found, cards, ["likelihood"]))


def test_a_reference_that_all_runs_share_is_not_averaged_away():
    cards = {"a": [card(likelihood=(1.9, 0.02)), card(likelihood=(1.9, 0.02))], "b": [card(likelihood=(2, 0.02))]}
    assert of(compare_cards(cards, ("likelihood",), is_of_reference=True), "likelihood", "a").stderr == 0.02


def test_a_contestant_without_a_metric_has_no_mean_in_it_and_a_note_says_so():
    cards = {"a": [card(modes=(8, 0.5), share=(0.9, 0.01)), card(modes=(6, 0.7))], "b": [card(modes=(2, 0.3))]}
    found = compare_cards(cards, ("modes", "share"), is_of_reference=False)
    assert [(one.metric, one.model) for one in found.scores] == [("modes", "a"), ("modes", "b")]
    assert "share: no mean for a, of whose 2 runs 1 have no such score" in found.notes


def test_an_error_of_zero_gives_no_verdict():
    cards = {"a": [card(modes=(8, 0.0))], "b": [card(modes=(7, 0.0))]}
    board = board_of(compare_cards(cards, ("modes",), is_of_reference=False), cards, ["modes"])
    assert [row.place for row in board.rows] == [(1, 2), (1, 2)]
    assert "a and b: no verdict: a standard error of 0" in to_markdown(board)


def test_a_table_of_scores_alone_is_compared_again_by_the_check(tmp_path):
    board = board_of(compare_cards(CARDS, ("modes", "share"), is_of_reference=False), CARDS, ["modes", "share"])
    (tmp_path / "kept" / "records").mkdir(parents=True)
    (tmp_path / "kept" / "comparison.json").write_text(board.comparison.to_json())
    for job, record in board.records.items():
        (tmp_path / "kept" / "records" / f"{job}.json").write_text(record.model_dump_json())
    write_leaderboard(tmp_path / "kept", tmp_path / "kept")
    assert check_leaderboard(tmp_path / "kept") == []
    first = board.comparison.scores[0].model_copy(update={"stderr": 0.1})
    edited = board.comparison.model_copy(update={"scores": [first, *board.comparison.scores[1:]]})
    (tmp_path / "kept" / "comparison.json").write_text(edited.to_json())
    assert check_leaderboard(tmp_path / "kept") == ["comparison.json: other scores follow from the records"]


def test_a_warning_says_whose_it_is_where_it_is_not_of_all():
    def warned(value, *warnings):
        found = card(likelihood=(value, 0.02))
        return found.model_copy(update={"scores": [found.scores[0].model_copy(update={"warnings": list(warnings)})]})

    cards = {"a": [warned(1.9, "all", "a bound")], "b": [warned(2.0, "all")], "c": [warned(2.1, "all", "a bound")]}
    told = cautions(board_of(compare_cards(cards, ("likelihood",), is_of_reference=True), cards, ["likelihood"]))
    assert "likelihood: all" in told
    assert "likelihood of a and c: a bound" in told
