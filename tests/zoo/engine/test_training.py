"""The loop, on a model so small that what must come out is known, and on real ones."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from genbench.errors import BadInput, UnknownName
from zoo import MODELS, checkpoint, training
from zoo.data import open_data
from zoo.model import choose_preset
from zoo.runs import build, open_trained, plan, read_recipe, start

HERE = Path(__file__).parent


def run(directory, name="toy", preset="small", fabric=None, **options):
    """Train in ``directory``, from where it stands."""
    if (directory / "run.json").exists():
        recipe = read_recipe(directory).model_copy(update=options)
        examples = open_data(recipe.data)
    else:
        recipe, examples = plan(name, preset, **options)
        start(recipe, directory)
    return training.train(recipe, examples, directory, fabric or training.open_fabric("cpu"))


def rows(directory):
    with (directory / "log.csv").open() as file:
        return list(csv.DictReader(file))


def bytes_of(directory):
    newest = checkpoint.found(directory)[-1]
    return (newest / "model.safetensors").read_bytes(), (newest / "training.safetensors").read_bytes()


@pytest.mark.usefixtures("toy")
class TestToy:
    def test_it_learns_the_mean(self, tmp_path):
        outcome = run(tmp_path / "a", steps=200)
        mean = open_data("digits8").x.mean() / 16 * 2 - 1
        assert float(outcome.model.guess.detach()) == pytest.approx(mean, abs=0.05)
        assert outcome.counters.images == 200 * 8

    def test_the_log_has_every_loss_once(self, tmp_path):
        run(tmp_path / "a")
        assert [int(row["step"]) for row in rows(tmp_path / "a")] == list(range(1, 21))

    def test_resumed_equals_uninterrupted_bit_by_bit(self, tmp_path):
        run(tmp_path / "whole", preset="small+noisy", steps=20)
        run(tmp_path / "halves", preset="small+noisy", steps=10)
        run(tmp_path / "halves", steps=20)
        assert bytes_of(tmp_path / "whole") == bytes_of(tmp_path / "halves")
        losses = [[row["loss"] for row in rows(tmp_path / name)] for name in ("whole", "halves")]
        assert losses[0] == losses[1]

    def test_another_seed_is_another_run(self, tmp_path):
        run(tmp_path / "a", preset="small+noisy")
        run(tmp_path / "b", preset="small+noisy", seed=1)
        assert bytes_of(tmp_path / "a") != bytes_of(tmp_path / "b")

    def test_global_random_state_is_left_alone(self, tmp_path):
        before = torch.get_rng_state()
        run(tmp_path / "a", preset="small+noisy", steps=3)
        assert torch.equal(before, torch.get_rng_state())

    def test_a_loss_that_is_no_number_stops_the_run_and_keeps_what_there_was(self, tmp_path):
        with pytest.raises(training.Diverged, match=r"loss = nan by step 13.*Lower the learning rates"):
            run(tmp_path / "a", settings={"breaks_at": 12})
        assert [path.name for path in checkpoint.found(tmp_path / "a")][-1] == "00000012"

    def test_a_time_budget_ends_the_run_and_counts_over_resumption(self, tmp_path):
        started = time.perf_counter()
        first = run(tmp_path / "a", minutes=0.02)
        assert 1.0 <= time.perf_counter() - started < 20
        assert first.counters.step > 0
        assert run(tmp_path / "a").counters.step == first.counters.step

    def test_rates_fall_linearly(self, tmp_path):
        outcome = run(tmp_path / "a", settings={"lr_decay": "linear"}, steps=10)
        state = json.loads((checkpoint.found(tmp_path / "a")[-1] / "state.json").read_text())
        assert outcome.counters.step == 10
        assert state["groups"]["guess"][0]["lr"] == pytest.approx(0.1 * (1 - 9 / 10))

    def test_only_the_newest_checkpoints_keep_what_training_needs(self, tmp_path):
        run(tmp_path / "a", settings={"checkpoints": 5})
        kept = checkpoint.found(tmp_path / "a")
        assert [int(path.name) for path in kept] == [4, 8, 12, 16, 20]
        assert [(path / "training.safetensors").exists() for path in kept] == [False, False, False, True, True]
        assert all(open_trained(tmp_path / "a", path)[1].step == int(path.name) for path in kept)

    def test_a_damaged_checkpoint_is_named(self, tmp_path):
        run(tmp_path / "a")
        file = checkpoint.found(tmp_path / "a")[-1] / "model.safetensors"
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(bytes(data))
        with pytest.raises(BadInput, match=r"damaged.*Remove this checkpoint"):
            open_trained(tmp_path / "a")

    def test_a_folder_with_files_is_not_written_into(self, tmp_path):
        run(tmp_path / "a", steps=2)
        recipe, _ = plan("toy")
        with pytest.raises(BadInput, match=r"not empty.*zoo resume"):
            start(recipe, tmp_path / "a")

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"settings": {"lrr": 1}}, "no such setting.*Did you mean 'lr'"),
            ({"settings": {"lr": "fast"}}, "setting 'lr' is wrong.*'fast'"),
            ({"settings": {"batch": "0"}}, "'batch' is wrong"),
            ({"steps": 0}, "--steps: too small"),
            ({"preset": "tiny"}, "no such preset; expected one of small"),
            ({"preset": "small+loud"}, "no such variant; expected one of noisy"),
        ],
    )
    def test_a_run_that_cannot_be_planned_says_why(self, options, message):
        with pytest.raises((BadInput, UnknownName), match=message):
            plan("toy", **options)

    @pytest.mark.slow
    def test_two_processes_equal_one(self, tmp_path):
        """Each of two takes half of every batch; gradients are averaged: the same numbers as one process."""
        one = run(tmp_path / "one", steps=20)
        script = tmp_path / "two.py"
        script.write_text(
            "import sys; from pathlib import Path; from toy import Toy; from zoo import MODELS, training\n"
            "from zoo.runs import plan, start\n"
            "MODELS.add('toy', Toy); recipe, examples = plan('toy', steps=20)\n"
            "fabric = training.open_fabric('cpu', processes=2)\n"
            "assert fabric.world_size == 2\n"
            "out = Path(sys.argv[1])\n"
            "start(recipe, out) if fabric.is_global_zero else None\n"
            "fabric.barrier(); training.train(recipe, examples, out, fabric)\n"
        )
        environment = {**os.environ, "PYTHONPATH": f"{HERE}:{Path.cwd()}", "OMP_NUM_THREADS": "1"}
        subprocess.run([sys.executable, script, tmp_path / "two"], env=environment, check=True, timeout=120)
        two, counters = open_trained(tmp_path / "two")
        assert counters.images == one.counters.images
        assert float(two.guess.detach()) == pytest.approx(float(one.model.guess.detach()), abs=1e-6)


def test_initial_weights_depend_on_the_seed_alone():
    recipe, _ = plan("gan", "smoke")
    torch.manual_seed(1)
    first = build(recipe).state_dict()
    torch.manual_seed(2)
    second = build(recipe).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on(tmp_path):
    """kill -9 while it writes; what is left can be resumed and ends where an uninterrupted run does."""
    command = [sys.executable, "-m", "genbench", "zoo", "train", "gan", "--preset", "smoke", "--steps", "60"]
    command += ["--set", "checkpoints=30", "--device", "cpu"]
    subprocess.run([*command, "--out", tmp_path / "whole"], check=True, timeout=300, capture_output=True)
    process = subprocess.Popen([*command, "--out", tmp_path / "killed"], stderr=subprocess.DEVNULL)
    while len(checkpoint.found(tmp_path / "killed")) < 3 and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    resume = [sys.executable, "-m", "genbench", "zoo", "resume", tmp_path / "killed", "--device", "cpu"]
    subprocess.run(resume, check=True, timeout=300, capture_output=True)
    assert bytes_of(tmp_path / "whole") == bytes_of(tmp_path / "killed")


def test_the_model_is_sampled_without_changing_it(tmp_path):
    outcome = run(tmp_path / "a", name="gan", preset="smoke")
    before = {name: tensor.clone() for name, tensor in outcome.model.state_dict().items()}
    outcome.model.sample(4, torch.Generator().manual_seed(0))
    assert all(torch.equal(before[name], tensor) for name, tensor in outcome.model.state_dict().items())


def test_events_are_written(tmp_path):
    recipe, examples = plan("gan", "smoke")
    start(recipe, tmp_path / "a")
    training.train(recipe, examples, tmp_path / "a", training.open_fabric("cpu"), events=True)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    seen = EventAccumulator(str(tmp_path / "a"))
    seen.Reload()
    assert {"critic", "generator"} <= set(seen.Tags()["scalars"])
    assert "samples" in seen.Tags()["images"]


def test_variants_change_any_preset():
    assert choose_preset(MODELS.get("gan"), "smoke+minimax+r1").config["loss"] == "minimax"


@pytest.mark.parametrize(
    ("model", "name", "text", "value"),
    [
        ("dcgan", "critic_norm", "none", "none"),  # a norm of that name
        ("dcgan", "clip", "none", None),
        ("dcgan", "clip", "2.5", 2.5),
        ("gan", "widths", "32", (32,)),
        ("gan", "widths", "32,64", (32, 64)),
    ],
)
def test_settings_as_text_become_what_their_field_is(model, name, text, value):
    assert plan(model, "smoke", settings={name: text})[0].config[name] == value
