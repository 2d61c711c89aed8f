"""Where a score stands on a ladder, in words; the tables in 100 columns."""

import io

import pytest
from rich.console import Console

from genbench.contracts import Score
from genbench.errors import BadInput
from genbench.report.ladder import Ladder, Rung, Verdict, ladder_tables, place

LABELS = {"jpeg": ["JPEG 90", "JPEG 75"], "blur": ["blur 0.5 px", "blur 1 px"]}
HARMS = {"jpeg": [-0.2, 4.0], "blur": [2.0, 8.0]}


def score(value, metric="fd", stderr=0.2, count=100, extractor="pixels"):
    better = {"fd": "lower", "recall": "higher", "c2st": "none"}[metric]
    return Score(
        metric=metric, fake="f", extractor=extractor, label=metric, value=value, stderr=stderr, ci95=None,
        better=better, n_real=count, n_fake=count,
    )  # fmt: skip


def make(floors):
    rungs, verdicts = [], []
    for metric, floor in floors.items():
        sign = -1 if metric == "recall" else 1
        for name, labels in LABELS.items():
            for severity, (label, harm) in enumerate(zip(labels, HARMS[name], strict=True), 1):
                rungs.append(
                    Rung(
                        corruption=name,
                        severity=severity,
                        label=label,
                        metric=metric,
                        count=100,
                        value=floor + sign * harm,
                        stderr=0.2,
                        clean=floor,
                        clean_stderr=0.2,
                        harm=harm,
                        harm_stderr=0.25,
                        z=harm / 0.25,
                    )
                )
            verdicts.append(
                Verdict(
                    corruption=name,
                    metric=metric,
                    noticed=1 + (name == "jpeg"),
                    better=[],
                    is_monotone=True,
                    fewest=25 if name == "blur" else None,
                )
            )
    return Ladder(
        real="photos", extractor="pixels", count=100, modes="10 classes", cost_severity=3, sizes=[25, 50, 100],
        floor=[score(value, metric) for metric, value in floors.items()], rungs=rungs, verdicts=verdicts,
        seconds=dict.fromkeys(floors, 0.5), left_out={"label-mix": "needs labels"}, provenance={},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (-3, "better than clean pictures"),
        (-0.3, "like clean pictures"),
        (0.4, "like clean pictures"),
        (1.5, "between clean pictures and blur 0.5 px"),
        (3, "between blur 0.5 px and JPEG 75"),
        (4, "between blur 0.5 px and JPEG 75"),
        (5, "between JPEG 75 and blur 1 px"),
        (11, "worse than blur 1 px, the worst rung"),
    ],
)
def test_a_score_stands_between_its_neighbours(harm, words):
    ladder = make({"fd": 5.0, "recall": 0.9})
    assert place(score(5 + harm), ladder) == words
    assert place(score(0.9 - harm, "recall"), ladder) == words


def test_what_the_noise_hides_is_said():
    assert place(score(5 + 3, stderr=2), make({"fd": 5.0})) == (
        "between blur 0.5 px and JPEG 75, within the noise of clean pictures"
    )


def test_other_counts_are_said_and_other_extractors_and_metrics_refused():
    ladder = make({"fd": 5.0, "c2st": 0.5})
    assert place(score(10, count=110), ladder) == (
        "between JPEG 75 and blur 1 px (roughly: ladder of 100 pictures a side, score of 110 and 110)"
    )
    with pytest.raises(BadInput, match=r"about 100 pictures a side .* got 900 and 900\. Make a ladder of 1800"):
        place(score(10, count=900), ladder)
    with pytest.raises(BadInput, match="another extractor; expected 'inception'"):
        place(score(10, extractor="inception"), ladder)
    with pytest.raises(BadInput, match="no rungs of 'recall'; expected one of fd, c2st"):
        place(score(10, "recall"), ladder)
    with pytest.raises(BadInput, match="c2st has no direction"):
        place(score(0.6, "c2st"), ladder)


def test_the_tables_say_what_is_noticed():
    ladder = make({"fd": 5.0, "recall": 0.9, "c2st": 0.5})
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(ladder_tables(ladder))
    text = console.export_text()
    assert "photos: 100 reference, 100 clean pictures, pixels" in text
    assert "blur   0.5 … 1 px    1 +32     1 +32    1 +32" in text
    assert "jpeg   90 … 75       2 +16" in text
    assert "label-mix: needs labels" in text
    assert "25, 50, 100" in text
    assert "recall↑" in text
