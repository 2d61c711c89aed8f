"""Tables as a reader sees them."""

import io

import pytest
from rich.console import Console

from genbench.contracts import Score, Scorecard
from genbench.report.table import contrast_table, score_table

SOURCE = {
    "count": 20,
    "distinct_images": 18,
    "conversions": {"alpha dropped": 3},
    "skipped_count": 2,
    "notes": ["a note"],
}
PROVENANCE = {"sources": {"fake": SOURCE}, "shared_images": {"fake and real": 1}, "damaged_rows": []}


def make_score(metric, value, stderr, better="lower", warnings=()):
    interval = None if stderr is None else (value - 2 * stderr, value + 2 * stderr)
    return Score(
        metric=metric,
        fake="fakes",
        extractor="net",
        label=f"{metric.upper()}[net]",
        value=value,
        stderr=stderr,
        ci95=interval,
        better=better,
        n_real=10,
        n_fake=20,
        warnings=list(warnings),
    )


def card_of(name, *scores):
    return Scorecard(fake=name, real="reals", scores=list(scores), provenance=PROVENANCE)


def text_of(thing, width=80):
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None).print(thing)
    return stream.getvalue()


def test_a_scorecard_shows_error_interval_warning_and_what_was_converted():
    card = card_of("fakes", make_score("fd", 12.3456, 0.34, warnings=["few images"]), make_score("xx", 1.5, None))
    text = text_of(score_table(card))
    assert "fakes (20 images) against reals (10 images)" in text
    assert "FD[net]" in text
    assert "12.35 ± 0.34 [1]" in text
    assert "11.67 … 13.03" in text
    assert "[1] few images" in text
    assert "alpha dropped in 3; only 18 distinct images among 20; 2 unreadable left" in text
    assert "share 1 images, byte for byte" in text
    assert "1.5 ± no std. error" in text


def test_the_longest_label_fits_a_terminal_of_80_columns():
    score = make_score("kd", -0.000064, 0.000076).model_copy(update={"label": "precision[efficientnet-lite0]"})
    text = text_of(score_table(card_of("fakes", score)))
    for part in ("precision[efficientnet-lite0]", "-0.000064 ± 0.000076", "-0.000216 … 0.000088"):
        assert part in text


@pytest.mark.parametrize(
    ("better", "value", "mark"),
    [
        ("lower", 9, "✗"),
        ("lower", 1, "!"),
        ("higher", 1, "✗"),
        ("higher", 9, "!"),
        ("none", 1, "✗"),
        ("none", 9, ""),
        ("lower", 5.1, ""),
    ],
)
def test_what_stands_out_from_the_baseline_is_marked(better, value, mark):
    cards = [card_of("base", make_score("fd", 5, 0.1, better)), card_of("other", make_score("fd", value, 0.1, better))]
    line = next(line for line in text_of(contrast_table(cards)).splitlines() if line.startswith("fd"))
    assert line.rstrip().endswith(mark)
    assert ("✗" in line, "!" in line) == (mark == "✗", mark == "!")


def test_four_columns_of_the_widest_cells_fit_80_columns():
    cards = [card_of(name, make_score("precision", 0.258, 0.008, "higher")) for name in ("held-out", "b", "c", "d")]
    cards[3] = card_of("collapsed", make_score("precision", 0.058, 0.002, "higher"))
    for card in cards[1:3]:
        card.scores[0] = make_score("precision", 0.0581, 0.0021, "higher")
    line = next(line for line in text_of(contrast_table(cards)).splitlines() if line.startswith("precision"))
    assert "…" not in line
    assert line.count("✗") == 3


def test_tiny_values_are_printed_in_thousandths():
    cards = [card_of(name, make_score("kd", value, 0.0001)) for name, value in (("a", 0.0012), ("b", 0.0052))]
    text = text_of(contrast_table(cards))
    assert "kd x1000" in text
    assert "1.2 ± 0.1" in text
