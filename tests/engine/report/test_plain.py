"""Tables for papers and programs, to the letter."""

import csv
import io

import pytest

from genbench.contracts import Score, Scorecard
from genbench.errors import BadInput
from genbench.report.columns import make_columns
from genbench.report.ladder import Ladder, Rung
from genbench.report.plain import to_csv, to_latex, to_markdown

NONE = "none"  # direction


def score_of(metric, value, stderr, better="lower", **more):
    given = {
        "metric": metric, "fake": "fakes", "extractor": "net_2", "label": f"{metric.upper()}[net_2]", "value": value,
        "stderr": stderr, "ci95": None if stderr is None else (value - 2 * stderr, value + 2 * stderr),
        "better": better, "n_real": 10, "n_fake": 20,
    }  # fmt: skip
    return Score(**given | more)


def card_of(fake, *scores):
    return Scorecard(fake=fake, real="r", scores=[s.model_copy(update={"fake": fake}) for s in scores], provenance={})


@pytest.fixture
def columns():
    few = ["few images & many features"]
    floor = {"floor": 3.21, "floor_stderr": 0.2, "floor_count": 5}
    return make_columns(
        [
            card_of(
                "runs/a_1", score_of("fd", 12.3456, 0.34, warnings=few, **floor), score_of("nn", 1.5, None, "none")
            ),
            card_of("runs/b", score_of("fd", 9.87654, 0.0123, warnings=few)),
        ]
    )


MARKDOWN = r"""|  | a\_1 | b | floor |
| --- | ---: | ---: | ---: |
| FD\[net\_2\] ↓ | 12.35 ± 0.34 <sup>1</sup> | 9.877 ± 0.012 <sup>1</sup> | 3.21 ± 0.20 |
| NN\[net\_2\] | 1.5 | - | - |

Value ± standard error. 20 fake images against r (10 images). Floor: 5 of them against the rest.

1. few images & many features
"""
LATEX = r"""\begin{tabular}{lrrr}
\toprule
 & a\_1 & b & floor \\
\midrule
FD[net\_2] $\downarrow$ & $12.35 \pm 0.34^{1}$ & $9.877 \pm 0.012^{1}$ & $3.21 \pm 0.20$ \\
NN[net\_2] & $1.5$ & - & - \\
\bottomrule
\end{tabular}

{\footnotesize Value $\pm$ standard error. 20 fake images against r (10 images). Floor: 5 of them against the rest.\par}
{\footnotesize $^{1}$ few images \& many features\par}
"""


def test_markdown(columns):
    assert to_markdown(columns) == MARKDOWN


def test_floors_that_differ_are_told_one_by_one():
    cards = [card_of(name, score_of("fd", 9.0, 0.1, floor=floor)) for name, floor in (("a", 3.0), ("b", 4.0))]
    text = to_markdown(make_columns(cards))
    assert "- a, FD\\[net\\_2\\]: floor 3\n- b, FD\\[net\\_2\\]: floor 4\n" in text


def test_latex(columns):
    assert to_latex(columns) == LATEX


def test_csv_has_a_row_a_score_and_all_digits(columns):
    rows = list(csv.DictReader(io.StringIO(to_csv(columns))))
    assert [(row["fake"], row["metric"]) for row in rows] == [("runs/a_1", "fd"), ("runs/a_1", "nn"), ("runs/b", "fd")]
    assert {name: rows[0][name] for name in ("real", "value", "stderr", "low95", "floor", "warnings", "ladder")} == {
        "real": "r", "value": "12.3456", "stderr": "0.34", "low95": str(12.3456 - 0.68), "floor": "3.21",
        "warnings": "few images & many features", "ladder": "",
    }  # fmt: skip
    assert rows[1]["stderr"] == ""


def test_sets_of_one_name_keep_their_folders():
    columns = make_columns([card_of(name, score_of("fd", 1, 0.1)) for name in ("x/images", "y/images/")])
    assert to_markdown(columns).startswith("|  | x/images | y/images |")


def test_a_joined_scorecard_has_a_column_a_fake():
    first, second = score_of("fd", 1, 0.1, fake="one"), score_of("fd", 2, 0.1, fake="two")
    card = Scorecard(fake="one, two", real="r", scores=[first, second], provenance={})
    assert [column.fake for column in make_columns([card])] == ["one", "two"]


def ladder_of(metric="fd", extractor="net_2"):
    floor = score_of(metric, 3.0, 0.1, extractor=extractor)
    rungs = [
        Rung(
            corruption="jpeg",
            severity=i,
            label=f"JPEG {100 - 25 * i}",
            metric=metric,
            count=10,
            value=3.0 + 5 * i,
            stderr=0.1,
            clean=3.0,
            clean_stderr=0.1,
            harm=5.0 * i,
            harm_stderr=0.1,
            z=50.0 * i,
        )
        for i in (1, 2)
    ]
    return Ladder(real="r", extractor=extractor, count=10, modes="", cost_severity=1, sizes=[10], floor=[floor],
                  rungs=rungs, verdicts=[], seconds={}, left_out={}, provenance={})  # fmt: skip


def test_scores_stand_on_the_ladder():
    scores = [score_of("fd", 10.0, 0.3), score_of("kd", 1.0, 0.1)]
    card = card_of("a", *(score.model_copy(update={"n_fake": 10}) for score in scores))  # as many as the ladder has
    columns = make_columns([card], ladder_of())
    assert list(columns[0].places) == ["FD[net_2]"]
    assert "between JPEG 75 and JPEG 50" in to_markdown(columns)
    assert "between JPEG 75 and JPEG 50" in to_csv(columns)


@pytest.mark.parametrize("wrong", [{"metric": "is"}, {"extractor": "other"}])
def test_a_ladder_on_which_nothing_stands_is_refused(wrong):
    with pytest.raises(BadInput, match="ladder"):
        make_columns([card_of("a", score_of("fd", 10.0, 0.3))], ladder_of(**wrong))


def test_an_empty_scorecard_is_refused():
    with pytest.raises(BadInput, match="empty"):
        make_columns([card_of("a")])
