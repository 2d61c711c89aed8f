"""A comparison as a reader sees it."""

import io

from rich.console import Console

from genbench.comparison import Comparison, ModelScore, PairedDifference
from genbench.report.comparison_table import comparison_tables


def score(model, value, rank, **more):
    fields = {
        "metric": "fd",
        "label": "FD[efficientnet-lite0]",
        "model": model,
        "value": value,
        "stderr": 0.5,
        "interval": (value - 1, value + 1),
        "better": "lower",
        "rank": rank,
        "runs": [value],
        "run_sd": None,
        "sampling_sd": 0.4,
        "n_real": 1000,
        "n_fake": 1000,
        "warnings": ["biased"],
    }
    return ModelScore(**fields | more)


def pair(first, second, **more):
    fields = {
        "metric": "fd",
        "label": "FD[efficientnet-lite0]",
        "first": first,
        "second": second,
        "value": -5.5,
        "stderr": 0.61,
        "interval": (-6.7, -4.3),
        "p": 1e-9,
        "p_holm": 3e-9,
        "verdict": "first better",
        "images_needed": None,
        "words": f"{first} better",
        "is_paired": True,
    }
    return PairedDifference(**fields | more)


def text_of(*, scores, differences, width=80, provenance=None):
    found = Comparison(
        real="photos",
        models=["light", "heavy"],
        alpha=0.05,
        scores=scores,
        differences=differences,
        notes=["one run a model"],
        provenance=provenance or {},
    )
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None).print(comparison_tables(found))
    return stream.getvalue()


def test_models_with_places_and_floor_and_pairs_with_verdicts():
    text = text_of(
        scores=[
            score("light", 35.48, (1, 1), floor=60.2, floor_stderr=0.7, floor_count=500),
            score("heavy", 41.38, (2, 2), floor=60.2, floor_stderr=0.7, floor_count=500),
        ],
        differences=[pair("light", "heavy")],
    )
    for part in (
        "2 models, 1000 images a run, against photos (1000 images)",
        "FD[efficientnet-lite0] ↓",
        "35.48 ± 0.50",
        "floor, n = 500",
        "60.20 ± 0.70",
        "light - heavy",
        "-5.50",
        "-6.70 … -4.30",
        "< 0.0001",
        "light better",
        "all 1 tests together",
        "fd: biased",
        "one run a model",
    ):
        assert part in " ".join(text.split())
    assert "∞" not in text


def test_what_is_not_resolved_says_what_would():
    unresolved = {"verdict": "not resolved", "p": 0.2, "p_holm": 0.4}
    text = text_of(
        scores=[score("light", 35, (1, 2)), score("heavy", 35.1, (1, 2))],
        differences=[
            pair("light", "heavy", **unresolved, images_needed=56_789, words="not resolved; about 57,000"),
            pair("heavy", "light", **unresolved, words="not resolved; no number"),
        ],
    )
    assert "1 to 2" in text
    assert "57,000" in text
    assert "∞: no number of images" in text
    assert "0.4" in text


def test_runs_show_both_spreads():
    text = text_of(
        scores=[score("light", 35, (1, 2), runs=[34, 36], run_sd=1.25), score("heavy", 35.1, (1, 2))],
        differences=[pair("light", "heavy")],
    )
    assert "2: 1.25, 0.40" in text
    assert "one run" in text


def test_no_error_no_verdict():
    nothing = dict.fromkeys(("stderr", "interval", "p", "p_holm"))
    text = text_of(
        scores=[score("light", 35, None, stderr=None, better="none")],
        differences=[pair("a", "b", **nothing, verdict="none", words="no verdict: x")],
    )
    assert "no std. error" in text
    assert "no verdict" in text


def test_a_verdict_names_its_model_whole():
    text = text_of(
        scores=[score("zoo:old;1", 35, (1, 1)), score("zoo:new;1", 41, (2, 2))],
        differences=[pair("zoo:old;1", "zoo:new;1")],
    )
    assert "zoo:old;1 better" in text


def test_what_was_done_to_images_is_told_beside_the_model_and_the_run():
    plain = {"conversions": {}, "count": 9, "distinct_images": 9, "skipped_count": 0, "notes": []}
    sources = {"real": plain | {"conversions": {"16-bit clipped": 3}}}
    models = {"light": [plain | {"skipped_count": 2}], "heavy": [plain, plain | {"notes": ["floats: taken as [0, 1]"]}]}
    text = text_of(
        scores=[score("light", 35, (1, 1)), score("heavy", 41, (2, 2))],
        differences=[pair("light", "heavy")],
        provenance={"sources": sources, "models": models},
    )
    assert "light: 2 unreadable left out" in text
    assert "heavy, run 2: floats: taken as [0, 1]" in text
    assert "real: 16-bit clipped in 3" in text
    assert "run 1" not in text


def test_long_names_leave_room_for_every_column():
    names = "zoo:/work/learned/cgan-small/run", "zoo:/work/learned/dcgan-small/run"
    unresolved = {"verdict": "not resolved", "p": 0.2, "p_holm": 0.4, "interval": (-0.00231, 0.00561)}
    text = text_of(
        scores=[score(name, 35, (1, 2)) for name in names],
        differences=[pair(*names, **unresolved, stderr=0.0021), pair(*names, **unresolved, images_needed=56_789)],
    )
    for cell in ("needed", " ∞", " 57,000", "-0.0023 … 0.0056", "not resolved"):
        assert cell in text
    assert max(map(len, text.splitlines())) <= 80
