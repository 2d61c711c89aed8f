"""Records are read back as written; the commands leave them, and the table tells what they hold."""

import sys

import pytest
from typer.testing import CliRunner

from benchmarks.command import run_app
from benchmarks.uses.__main__ import app
from benchmarks.uses.records import Anomalies, Kind, Labels, Made, read_records, write_record
from benchmarks.uses.table import anomaly_lines, to_markdown
from genbench.errors import BadInput
from zoo.checkpoint import Counters, write
from zoo.runs import build, plan, start


def run_in(folder, name, data, **settings):
    recipe, _ = plan(name, "smoke", data=data, settings=settings)
    start(recipe, folder)
    write(folder, build(recipe), {}, Counters(step=3))
    return folder


def record(**areas):
    made = Made(
        model="pixelcnn", preset="small", data="digits8", trained_seed=0, steps=9, seed=0, command="c", environment={}
    )
    kinds = [
        Kind(
            name=name,
            note="",
            count=4,
            quartiles=[1.0, None, None],
            areas=dict(zip(("likelihood", "ratio", "typicality"), found, strict=True)),
            stderrs=dict.fromkeys(("likelihood", "ratio", "typicality"), 0.01),
        )
        for name, found in areas.items()
    ]
    return Anomalies(made=made, likelihood="exact", count=8, bits=None, training_bits=1.0, kinds=kinds)


def test_a_record_is_read_as_it_was_written(tmp_path):
    write_record(record(blank=(0.1, 0.9, 0.5)), tmp_path, "x")
    assert read_records(tmp_path) == [record(blank=(0.1, 0.9, 0.5))]
    (tmp_path / "x.anomalies.json").write_text("{}")
    with pytest.raises(BadInput, match=r"x\.anomalies\.json': cannot be read"):
        read_records(tmp_path)
    with pytest.raises(BadInput, match="no records there"):
        read_records(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("areas", "line"),
    [
        (
            (0.1, 0.9, 0.5),
            "- blank: likelihood fails, these images are likelier than held-out ones; ratio sets it right.",
        ),
        ((0.1, 0.9, 0.8), "ratio and typicality set it right."),
        (
            (0.47, 0.4, 0.51),
            "blank: likelihood fails, these images are likelier than held-out ones; no score mends it.",
        ),
        ((0.49, 0.9, 0.9), "- likelihood fails on none of these."),  # within two errors of a half
    ],
)
def test_failures_are_told_with_what_mends_them(areas, line):
    assert line in anomaly_lines(record(blank=areas, noise=(1.0, 1.0, 1.0)))


def test_what_another_score_costs_is_told():
    text = anomaly_lines(record(blank=(0.1, 0.9, 0.9), noise=(0.9, 0.6, 0.89)))
    assert "- ratio has its price: noise 0.600 for 0.900." in text
    assert "typicality has its price" not in text


@pytest.mark.slow
def test_the_commands_leave_records_and_a_table(tmp_path):
    with_nines, without = (
        run_in(tmp_path / name, "vae", data) for name, data in (("a", "few:300:digits8"), ("b", "digits8:no-9"))
    )
    out = str(tmp_path / "uses")
    for words in (["anomalies", str(without)], ["labels", str(with_nines), "--shots", "2"]):
        done = CliRunner().invoke(app, [*words, "--out", out], catch_exceptions=False)
        assert done.exit_code == 0, done.output
    anomalies, labels = sorted(read_records(tmp_path / "uses"), key=lambda one: isinstance(one, Labels))
    assert (type(anomalies), type(labels)) == (Anomalies, Labels)
    assert (anomalies.made.data, anomalies.made.steps, anomalies.likelihood) == ("digits8:no-9", 3, "iw_estimate")
    assert [kind.name for kind in anomalies.kinds][:2] == ["left out", "inverted"]
    assert anomalies.count + anomalies.kinds[0].count == labels.held_out == 360
    assert {one.inputs for one in labels.probes} == {"features", "untrained", "pixels", "pca"}
    features, untrained = (
        [one.shares for one in labels.probes if one.inputs == name] for name in ("features", "untrained")
    )
    assert features == untrained  # this model is as it was initialised
    trained, fresh = labels.tuned
    assert trained.shares == fresh.shares
    done = CliRunner().invoke(app, ["table", out, "-o", str(tmp_path / "report")], catch_exceptions=False)
    assert done.exit_code == 0
    text = (tmp_path / "report" / "README.md").read_text()
    assert text == to_markdown(read_records(tmp_path / "uses"))
    assert "### vae:smoke on digits8:no-9, seed 0, 3 updates" in text
    assert "| features | 4 | 0." in text
    assert "| left out | 36 |" in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["labels", "nowhere", "--shots", "5,x"], "--shots: not whole numbers; expected such as 0,1, got '5,x'"),
        (["anomalies", "nowhere"], "no trained model there"),
        (["table", "nowhere"], "no records there"),
    ],
)
def test_a_slip_of_the_pen_is_one_line(words, told, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks.uses", *words])
    with pytest.raises(SystemExit) as stopped:
        run_app(app)
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("model", "data", "told"),
    [
        ("autoencoder", "digits8", "anomalies: Autoencoder has no likelihood; expected a model with log_prob"),
        ("vae", "digits32", "anomalies: model 'vae': has no likelihood of grey levels; .*got 'bernoulli'"),
    ],
)
def test_a_model_without_likelihood_is_refused_in_one_line(model, data, told, tmp_path):
    settings = {"likelihood": "bernoulli"} if model == "vae" else {}
    run = run_in(tmp_path / "run", model, data, **settings)
    with pytest.raises(BadInput, match=f"^{told}[^\n]*$"):
        CliRunner().invoke(app, ["anomalies", str(run)], catch_exceptions=False)
