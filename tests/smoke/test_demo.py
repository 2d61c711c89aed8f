"""The demonstration says what it is meant to say: each fault is seen by the metrics that should see it."""

import json

import pytest

from genbench.analyses.demo import SET_SIZE, copied, make_sets, run_demo
from genbench.contracts import Scorecard, Silence


def test_sets_are_disjoint_but_for_the_copier():
    sets = make_sets()
    assert {len(images) for images in sets.values()} == {SET_SIZE}
    assert list(sets) == ["reference", "held-out", "blurred", "collapsed", "copier"]


@pytest.mark.slow
def test_each_fault_is_seen(tmp_path, networks_kept):
    cards = {card.fake: card for card in run_demo(tmp_path, 0, None, Silence())}
    floor, blurred, collapsed, copier = (cards[name] for name in ("held-out", "blurred", "collapsed", "copier"))

    def gap(card, metric):
        one, other = card[metric], floor[metric]
        return (one.value - other.value) / (one.stderr**2 + other.stderr**2) ** 0.5

    assert abs(floor["kd"].value) < 3 * floor["kd"].stderr
    assert gap(blurred, "fd") > 10
    assert gap(blurred, "precision") < -5
    assert gap(collapsed, "recall") < -5
    assert gap(collapsed, "coverage") < -5
    assert abs(gap(collapsed, "precision")) < 4
    assert copier["fd"].value < floor["fd"].value
    assert gap(copier, "nn") < -10
    assert [text.split(":")[0] for text in copied(list(cards.values()))] == ["copier"]
    written = Scorecard.model_validate_json((tmp_path / "scorecard.json").read_text())
    assert len(written.scores) == 4 * 7
    assert {score.fake for score in written.scores} == set(cards)
    assert (tmp_path / "neighbours.png").stat().st_size > 10_000
    json.loads((tmp_path / "scorecard.json").read_text())
