"""The table's numbers are those of the scorecards and of ``genbench.compare``; whatever is edited is noticed."""

import csv
import io
import json
import re
import shutil
import statistics
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import genbench
from benchmarks.board import QUESTION
from benchmarks.cells import _updates
from benchmarks.home import SAMPLES, folder_of, read_record, write_record
from benchmarks.leaderboard import check_leaderboard, print_leaderboard, read_leaderboard, write_leaderboard
from genbench.errors import BadInput
from genbench.report.comparison_table import digits
from tests.benchmarks.leaderboards import COUNT, DARKNESS, FAILED, METRICS, make_bench, registered

ROOT = Path(__file__).parents[2]
EXACT = 1e-12


@pytest.fixture(autouse=True)
def _toy(tmp_path_factory):
    with registered(tmp_path_factory.getbasetemp() / "cache"):
        yield


@pytest.fixture
def home(toy_home):
    return toy_home


@pytest.fixture
def written(toy_report):
    return toy_report


@pytest.fixture
def copy(written, tmp_path):
    return shutil.copytree(written, tmp_path / "copy")


def rows_of(folder):
    return list(csv.DictReader(io.StringIO((folder / "leaderboard.csv").read_text())))


def scores(home, name, metric):
    """The scores of a contestant's runs, from its own files."""
    records = [read_record(folder_of(home, name, seed)) for seed in range(3)]
    return [one.scorecard[metric] for one in records if one is not None and one.scorecard is not None]


def printed(board, width=80):
    console = Console(width=width, file=io.StringIO(), legacy_windows=False)
    print_leaderboard(board, console)
    return console.file.getvalue()


# ------------------------------------------------------------------------------------------------ numbers


@pytest.mark.parametrize("metric", METRICS)
def test_means_and_spreads_are_those_of_the_scorecards(home, written, metric):
    rows = {row["contestant"]: row for row in rows_of(written) if row["status"] == "done"}
    assert set(rows) == set(DARKNESS)
    for name, row in rows.items():
        found = scores(home, name, metric)
        values = [score.value for score in found]
        assert float(row[metric]) == pytest.approx(statistics.fmean(values), rel=EXACT, abs=EXACT)
        if len(values) == 1:
            assert row[f"{metric}_run_sd"] == ""
            continue
        sampling = float(row[f"{metric}_sampling_sd"])
        expected = max(0.0, statistics.variance(values) - sampling**2) ** 0.5
        assert float(row[f"{metric}_run_sd"]) == pytest.approx(expected, rel=1e-6, abs=1e-9)
        whole = np.mean([score.stderr**2 for score in found])
        assert 0 < sampling**2 <= whole * (1 + EXACT), "the samples' part of an error is not above the whole"


def test_places_and_verdicts_are_those_of_compare(home, written):
    runs = {
        name: [str(folder_of(home, name, i) / SAMPLES) for i in range(len(DARKNESS[name]))] for name in sorted(DARKNESS)
    }
    found = genbench.compare(runs, real="data:digits32/test", metrics=["fd"], extractor="patches", count=COUNT)
    board = read_leaderboard(written)
    assert [(one.first, one.second, one.verdict, one.p_holm) for one in board.comparison.differences] == [
        (one.first, one.second, one.verdict, one.p_holm) for one in found.differences
    ]
    told = {row["contestant"]: (int(row["place_first"]), int(row["place_last"])) for row in rows_of(written)[:3]}
    assert told == {one.model: one.rank for one in found.scores}
    errors = {row["contestant"]: float(row["fd_stderr"]) for row in rows_of(written)[:3]}
    assert errors == {one.model: pytest.approx(one.stderr, rel=EXACT) for one in found.scores}
    assert {one.metric for one in board.comparison.differences} == {"fd"}, "verdicts are of what ranks"


def test_rows_are_sorted_by_the_ranking_metric_and_the_failed_come_last(written):
    rows = rows_of(written)
    assert [row["contestant"] for row in rows] == ["near", "lone", "far:small+x", "far:small+x", "gone"]
    assert [row["status"] for row in rows] == ["done"] * 3 + ["crashed", "diverged"]
    assert [row["error"] for row in rows[3:]] == [error for _, error in FAILED.values()]
    assert [float(row["fd"]) for row in rows[:3]] == sorted(float(row["fd"]) for row in rows[:3])


def test_a_mean_says_over_how_many_seeds_it_is(written):
    rows = {row["contestant"]: row for row in rows_of(written)[:3]}
    assert (rows["far:small+x"]["runs"], rows["far:small+x"]["asked"]) == ("2", "3")
    text = (written / "README.md").read_text()
    assert re.search(r"far:small\+x \|.*\| 2 of 3 \|", text)
    assert re.search(r"near \|.*\| 3 \|", text)


def test_what_else_is_told_of_a_contestant(written):
    near = rows_of(written)[0]
    assert near["parameters"] == "1234000"
    assert float(near["training_minutes"]) == pytest.approx(121 / 60)
    assert float(near["samples_per_second"]) == 501
    assert near["memorization"] == "COPIED 1 of 3"
    assert rows_of(written)[1]["memorization"] == "none found"


def test_the_words_of_a_memorization_verdict_begin_as_the_table_expects():
    from benchmarks.board import COPIED
    from genbench.report import memorization

    source = Path(memorization.__file__).read_text()
    assert source.count(f'f"{COPIED}: ') == 2


def test_one_seed_is_said(written, home, tmp_path):
    text = (written / "README.md").read_text()
    assert "One seed of lone: this table cannot say what training again would change" in text
    assert "arXiv:2606.20536" in text
    everybody = make_bench(tmp_path / "toy", {"near": (0.02,), "lone": (0.3,)}, {})
    assert "One seed of each contestant" in printed(write_leaderboard(everybody, tmp_path / "out"))
    assert "of these very networks" not in text
    assert "of these very networks" in (tmp_path / "out" / "README.md").read_text()


def test_how_many_updates_equal_minutes_gave_is_told():
    assert _updates([]) == ("-", None)
    assert _updates([900, 900]) == ("900", 900)
    assert _updates([1400, 900, 1000]) == ("900 to 1,400", 1100)


def test_failed_and_unfinished_runs_are_shown(written, home, tmp_path):
    text = (written / "README.md").read_text()
    assert re.search(r"\| far:small\+x, seed 2 \|.*\| crashed: killed by signal 9 \\\| out of memory\? \|", text)
    assert re.search(r"\| gone, seed 0 \|.*\| diverged: nan \|", text)
    copy = shutil.copytree(home, tmp_path / "toy")
    (copy / "near-2" / "record.json").unlink()
    board = write_leaderboard(copy, tmp_path / "out")
    assert [row.seeds for row in board.rows if row.contestant == "near"] == ["2 of 3"]
    assert "Not finished when this table was made: near-2." in (tmp_path / "out" / "README.md").read_text()


def test_without_any_number_there_is_a_table_of_reasons(tmp_path):
    home = make_bench(tmp_path / "toy", {}, FAILED)
    board = write_leaderboard(home, tmp_path / "out")
    assert check_leaderboard(tmp_path / "out") == []
    assert "crashed: killed by signal 9" in printed(board)
    assert "No run has numbers." in (tmp_path / "out" / "README.md").read_text()


def test_a_lone_contestant_has_the_error_that_it_has_among_others(home, written, tmp_path):
    alone = write_leaderboard(make_bench(tmp_path / "toy", {"near": DARKNESS["near"]}, {}), tmp_path / "out")
    together = read_leaderboard(written)
    for metric in METRICS:
        one, other = alone.rows[0].scores[metric], together.rows[0].scores[metric]
        assert (one.value, one.stderr, one.run_sd) == (other.value, other.stderr, other.run_sd)
    assert alone.rows[0].place == (1, 1)
    assert alone.comparison.differences == []
    assert check_leaderboard(tmp_path / "out") == []


# ------------------------------------------------------------------------------------------------ the same everywhere


def test_csv_markdown_page_and_terminal_hold_the_same_digits(written):
    texts = {name: (written / name).read_text() for name in ("README.md", "index.html")}
    terminal = printed(read_leaderboard(written))
    for row in rows_of(written)[:3]:
        for metric in METRICS:
            value, error = float(row[metric]), float(row[f"{metric}_stderr"])
            shown = digits(value, error), digits(error, error)
            assert f"| {shown[0]} ± {shown[1]} (sd " in texts["README.md"]
            assert f"{shown[0]} <small>± {shown[1]}</small>" in texts["index.html"]
            assert shown[0] in terminal


def test_parquet_holds_the_rows_of_the_csv(written):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow", reason="leaderboard.parquet needs pyarrow")
    found, expected = pandas.read_parquet(written / "leaderboard.parquet"), rows_of(written)
    assert list(found) == list(expected[0])
    np.testing.assert_array_equal(found["fd"][:3], [float(row["fd"]) for row in expected[:3]])


@pytest.mark.parametrize("width", [80, 160])
def test_the_table_is_as_wide_as_the_terminal(written, width):
    lines = printed(read_leaderboard(written), width=width).splitlines()
    assert width - 20 < max(map(len, lines)) <= width
    assert any("near" in line and "1" in line for line in lines)
    text = " ".join(" ".join(lines).split())
    for words in (
        "Verdicts are only of the metric that ranks, FD",
        "crashed: killed by signal 9",
        "Floor: FD of",
        "2 of 3",
    ):
        assert words in text


def test_only_who_may_be_first_and_copied_nothing_is_bold(written):
    def bold(folder):
        return re.findall(r"^\| \*\*(.*?)\*\* \|", (folder / "README.md").read_text(), re.MULTILINE)

    board = read_leaderboard(written)
    assert [row.contestant for row in board.rows if row.place[0] == 1] == ["near"]
    assert bold(written) == [], "a run of it copied"
    honest = {
        job: record.model_copy(update={"copies": "No copying found: ..."}) for job, record in board.records.items()
    }
    assert [row.contestant for row in replace(board, records=honest).rows if row.is_best] == ["near"]


# ------------------------------------------------------------------------------------------------ the check


def test_what_was_written_follows(written, home, tmp_path):
    assert check_leaderboard(written) == []
    write_leaderboard(home, tmp_path / "again")
    again, first = ((folder / "leaderboard.csv").read_bytes() for folder in (tmp_path / "again", written))
    assert again == first


def edit(path, change):
    """Change a JSON file in place."""
    facts, before = (json.loads(path.read_text()) for _ in range(2))
    change(facts)
    assert facts != before
    path.write_text(json.dumps(facts, indent=2) + "\n")


def bump(facts, *keys):
    for key in keys[:-1]:
        facts = facts[key]
    facts[keys[-1]] *= 1.001


def first_number(text):
    """The text with the last digit of its first mean changed."""
    found = re.search(r"(\d) ± ", text)
    return text[: found.start()] + str((int(found[1]) + 1) % 10) + text[found.start() + 1 :]


TAMPERED = {
    "a number in README.md": ("README.md, line", lambda f: f.joinpath("README.md").write_text(
        first_number(f.joinpath("README.md").read_text()))),
    "a number in leaderboard.csv": ("leaderboard.csv, line 2", lambda f: f.joinpath("leaderboard.csv").write_text(
        f.joinpath("leaderboard.csv").read_text().replace("1234000", "1234001"))),
    "a number on the page": ("index.html, line", lambda f: f.joinpath("index.html").write_text(
        f.joinpath("index.html").read_text().replace("<small>± ", "<small>± 1", 1))),
    "a run in the comparison": ("its scorecards say", lambda f: edit(
        f / "comparison.json", lambda c: bump(c, "scores", 0, "runs", 0))),
    "a mean in the comparison": ("on average", lambda f: edit(
        f / "comparison.json", lambda c: bump(c, "scores", 0, "value"))),
    "a spread in the comparison": ("between trainings", lambda f: edit(
        f / "comparison.json", lambda c: bump(c, "scores", 0, "run_sd"))),
    "an error in the comparison": ("README.md, line", lambda f: edit(
        f / "comparison.json", lambda c: bump(c, "scores", 0, "stderr"))),
    "a place in the comparison": ("the verdicts allow", lambda f: edit(
        f / "comparison.json", lambda c: c["scores"][0].update(rank=[2, 2]))),
    "a verdict in the comparison": ("follows", lambda f: edit(
        f / "comparison.json", lambda c: c["differences"][0].update(verdict="first better"))),
    "a p-value in the comparison": ("after Holm", lambda f: edit(
        f / "comparison.json", lambda c: bump(c, "differences", 0, "p_holm"))),
    "a difference in the comparison": ("differs by", lambda f: edit(
        f / "comparison.json", lambda c: bump(c, "differences", 0, "value"))),
    "a score in a scorecard": ("its scorecards say", lambda f: edit(
        f / "records" / "near-1.json", lambda r: bump(r, "scorecard", "scores", 0, "value"))),
    "an error in a scorecard": ("README.md, line", lambda f: edit(
        f / "records" / "near-1.json", lambda r: bump(r, "scorecard", "scores", 0, "stderr"))),
    "minutes in a record": ("README.md, line", lambda f: edit(
        f / "records" / "near-1.json", lambda r: bump(r, "training_seconds"))),
    "a record that is missing": ("'far-small+x-2' is missing", lambda f: f.joinpath(
        "records", "far-small+x-2.json").unlink()),
    "a record that was added": ("'near-7' is not of this table", lambda f: shutil.copy(
        f / "records" / "near-1.json", f / "records" / "near-7.json")),
    "a failed run that became a good one": ("the records with scores are of", lambda f: edit(
        f / "records" / "gone-0.json", lambda r: r.update(status="done", scorecard=json.loads(
            f.joinpath("records", "near-1.json").read_text())["scorecard"]))),
    "a comparison that is none": ("comparison.json", lambda f: f.joinpath("comparison.json").write_text("{}")),
    "a picture": ("index.html, line", lambda f: shutil.copy(f / "lone-0.png", f / "near-0.png")),
    "no picture": ("near-0.png: missing", lambda f: f.joinpath("near-0.png").unlink()),
    "no README.md": ("README.md: missing", lambda f: f.joinpath("README.md").unlink()),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_edited_is_noticed(copy, what):
    said, tamper = TAMPERED[what]
    before = {path: path.read_bytes() for path in copy.rglob("*.*")}
    tamper(copy)
    assert before != {path: path.read_bytes() for path in copy.rglob("*.*")}
    found = check_leaderboard(copy)
    assert any(said in line for line in found), found


def test_rows_of_another_parquet_are_noticed(copy):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow", reason="leaderboard.parquet needs pyarrow")
    table = pandas.read_parquet(copy / "leaderboard.parquet")
    table.loc[0, "fd"] *= 1.001
    table.to_parquet(copy / "leaderboard.parquet", index=False)
    assert check_leaderboard(copy) == ["leaderboard.parquet: holds other rows than leaderboard.csv"]


def test_a_parquet_that_is_missing_or_damaged_is_noticed_in_words(copy):
    pytest.importorskip("pyarrow", reason="leaderboard.parquet needs pyarrow")
    path = copy / "leaderboard.parquet"
    whole = path.read_bytes()
    for place in (len(whole) - 20, 5, len(whole) // 2):  # of the footer, of pages
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        found = check_leaderboard(copy)
        assert all(line.startswith("leaderboard.parquet: ") for line in found)
        assert not any("thrift" in line.lower() or "snappy" in line.lower() for line in found)
    path.write_bytes(b"PAR1")
    assert check_leaderboard(copy) == [
        "leaderboard.parquet: damaged; expected the rows of leaderboard.csv, got a file that cannot be read "
        "(ArrowInvalid)"
    ]
    path.unlink()
    assert check_leaderboard(copy) == [
        "leaderboard.parquet: missing; where pyarrow is installed, as here, `genbench bench table DIR` writes it"
    ]


def test_a_table_that_cannot_be_written_is_refused_in_a_line(home, tmp_path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nothing")):
        with pytest.raises(BadInput, match="cannot be written; expected room and rights"):
            write_leaderboard(home, out)


def test_a_leaderboard_is_drawn_again_from_its_numbers(copy, tmp_path):
    for file in ("README.md", "index.html", "leaderboard.csv"):
        (copy / file).write_text("old")
    write_leaderboard(copy, copy)
    assert check_leaderboard(copy) == []
    write_leaderboard(copy, tmp_path / "elsewhere")
    assert check_leaderboard(tmp_path / "elsewhere") == []


def test_a_record_that_is_gone_leaves_the_table(home, tmp_path):
    bench = shutil.copytree(home, tmp_path / "toy")
    write_leaderboard(bench, tmp_path / "out")
    shutil.rmtree(bench / "lone-0")
    board = write_leaderboard(bench, tmp_path / "out")
    assert "lone-0" not in board.records
    assert not (tmp_path / "out" / "records" / "lone-0.json").exists()
    assert check_leaderboard(tmp_path / "out") == []


# ------------------------------------------------------------------------------------------------ refusals


def test_a_bench_without_an_end_is_refused(home, tmp_path):
    with pytest.raises(BadInput, match="nothing was run there"):
        write_leaderboard(tmp_path, tmp_path / "out")
    bench = shutil.copytree(home, tmp_path / "toy")
    for record in bench.glob("*/record.json"):
        record.unlink()
    with pytest.raises(BadInput, match="no job has ended"):
        write_leaderboard(bench, tmp_path / "out")


def test_samples_of_other_scores_are_refused(home, tmp_path):
    bench = shutil.copytree(home, tmp_path / "toy")
    shutil.copy(bench / "near-1" / SAMPLES, bench / "near-0" / SAMPLES)
    with pytest.raises(BadInput, match=r"'near-0': its samples give another fd than its scorecard"):
        write_leaderboard(bench, tmp_path / "out")


def test_runs_that_were_judged_in_another_way_are_refused(home, tmp_path):
    bench = shutil.copytree(home, tmp_path / "toy")
    record = read_record(bench / "lone-0")
    request = record.scorecard.provenance["request"] | {"seed": 5}
    card = record.scorecard.model_copy(update={"provenance": record.scorecard.provenance | {"request": request}})
    write_record(record.model_copy(update={"scorecard": card}), bench / "lone-0")
    with pytest.raises(BadInput, match=r"judged in another way than .*; expected seed (0, got 5|5, got 0)"):
        write_leaderboard(bench, tmp_path / "out")


# ------------------------------------------------------------------------------------------------ what is committed

COMMITTED = sorted(
    path.parent for path in ROOT.glob("reports/**/comparison.json") if (path.parent / "records").is_dir()
)


def test_there_are_committed_tables():
    assert {"digits", "shapes", "ring8", "grid25", "stacked_digits"} <= {folder.name for folder in COMMITTED}


@pytest.mark.parametrize("folder", COMMITTED, ids=str)
def test_committed_tables_follow_from_their_records(folder):
    assert check_leaderboard(ROOT / folder) == []


def test_the_comparison_holds_the_question(written):
    question = json.loads((written / "comparison.json").read_text())["provenance"][QUESTION]
    assert (question["suite"], question["minutes"], question["metrics"]) == ("toy", 2.5, list(METRICS))
