"""One pair of sets under all protocols: what runs, what cannot, and that networks run once."""

import io

import numpy as np
import pytest
from rich.console import Console

from genbench.analyses.protocol_table import network_of, score_under_all
from genbench.errors import BadInput
from genbench.protocols import PROTOCOLS
from genbench.report.protocols import Outcome, protocols_table


@pytest.fixture(scope="module")
def sets():
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8) for _ in range(2)]


def printed(table):
    console = Console(width=120, file=io.StringIO())
    console.print(table)
    return console.file.getvalue()


def test_without_weights_every_number_has_a_reason(sets):
    outcomes = score_under_all(*sets)
    assert [one.protocol.name for one in outcomes] == list(PROTOCOLS)
    for one in outcomes:
        assert one.scores == {}
        assert set(one.reasons) == set(one.protocol.metrics)
        for metric, reason in one.reasons.items():
            assert reason == f"{network_of(one.protocol, metric)}: its weights are not on this machine"


def test_weights_of_a_network_that_nothing_reads_are_refused(sets):
    with pytest.raises(BadInput, match=r"no protocol reads 'resnet'; expected one of dinov2-l14, inception, vgg16"):
        score_under_all(*sets, weights={"resnet": "f.pth"})


@pytest.mark.slow
def test_with_one_network_s_weights_its_protocols_run(sets, inception_weights, tmp_path):
    how = {"weights": {"inception": inception_weights}, "options": {"cache": tmp_path, "floor": False}}
    outcomes = {one.protocol.name: one for one in score_under_all(*sets, **how)}
    assert set(outcomes["pytorch-fid"].scores) == {"fd"}
    assert set(outcomes["adm"].scores) == {"is", "fd", "sfd", "precision", "recall"}
    assert set(outcomes["prdc"].scores) == {"precision", "recall", "density", "coverage"}
    fidelity = outcomes["torch-fidelity"]
    assert set(fidelity.scores) == {"fd", "is"}
    assert fidelity.reasons["kd-subsets"].startswith("kd-subsets: too few images; expected at least 1000 on each side")
    assert fidelity.reasons["recall"].startswith("vgg16: its weights")
    assert set(outcomes["stylegan3"].scores) == {"fd", "kd-subsets", "is"}
    assert outcomes["stylegan3"].scores["fd"].value < fidelity.scores["fd"].value  # divisor n
    once = {}
    for one in outcomes.values():
        for card in one.cards:
            ran = card.provenance["features"]["fake"]["computed"]
            key = card.provenance["extractor_key"]
            once[key] = once.get(key, 0) + ran
    assert set(once.values()) == {12}


def test_the_table_shows_numbers_reasons_and_why(sets):
    import genbench

    card = genbench.score(fake=sets[0], real=sets[1], protocol="prdc", extractor="pixels")
    done = Outcome(PROTOCOLS.get("prdc"), {score.metric: score for score in card.scores}, {}, [card])
    lacking = Outcome(PROTOCOLS.get("dgm-eval"), {}, dict.fromkeys(PROTOCOLS.get("dgm-eval").metrics, "no weights"), [])
    text = printed(protocols_table([done, lacking]))
    assert f"{card['density'].value:#.6g}" in text
    assert "none [1]" in text
    assert "[1] no weights" in text
    assert text.count("[1] no weights") == 1
    for one in (done, lacking):
        assert one.protocol.differs[:60] in text
    assert "dgm-eval *" in text
    assert "* dgm-eval: " in text
    assert "prdc *" not in text
