"""``genbench.Evaluator``: the same scores as ``genbench.score``, from updates of any size, order and rank."""

import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import genbench
from genbench.analyses.reference import write_reference
from genbench.contracts import Scorecard
from genbench.errors import BadInput, MismatchedFeatures, NotEnoughImages, UnknownName
from genbench.features.store import Store, default_cache
from genbench.report.table import score_table
from genbench.request import Request

ALL = ("fd", "kd", "is", "precision", "recall", "density", "coverage", "nn")


@pytest.fixture(autouse=True)
def _fresh_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def real(rng):
    return rng.integers(0, 200, (120, 6, 6, 3), np.uint8)


@pytest.fixture
def fake(rng):
    return rng.integers(0, 256, (90, 6, 6, 3), np.uint8)


def values(card):
    return {score.metric: score.value for score in card.scores}


def updated(evaluator, images, step=32):
    for start in range(0, len(images), step):
        evaluator.update(images[start : start + step])
    return evaluator


def test_equals_score_on_the_same_images(real, fake, tiny_extractor):
    evaluator = updated(genbench.Evaluator(real, metrics=",".join(ALL), extractor=tiny_extractor), fake)
    ours = evaluator.compute()
    theirs = genbench.score(fake=fake, real=real, metrics=ALL, extractor=tiny_extractor, floor=False)
    assert values(ours) == pytest.approx(values(theirs), rel=1e-9)
    for one, other in zip(ours.scores, theirs.scores, strict=True):
        assert (one.label, one.warnings, one.n_real, one.n_fake) == (
            other.label,
            other.warnings,
            other.n_real,
            other.n_fake,
        )
        assert one.stderr == pytest.approx(other.stderr, rel=0.5), "blocks are drawn in another order"
    assert evaluator.compute().scores == ours.scores


@pytest.mark.parametrize("count", [50, 400], ids=["n<5d", "n>5d"])
def test_fd_alone_keeps_moments_and_agrees_in_value_and_error(real, rng, tiny_extractor, count):
    fake = rng.integers(0, 256, (count, 6, 6, 3), np.uint8)
    evaluator = updated(genbench.Evaluator(real, metrics=("fd",), extractor=tiny_extractor), fake, 17)
    ours, theirs = evaluator.compute()["fd"], genbench.score(
        fake=fake, real=real, metrics=["fd"], extractor=tiny_extractor
    )["fd"]  # fmt: skip
    assert ours.value == pytest.approx(theirs.value, rel=1e-9)
    assert ours.stderr == pytest.approx(theirs.stderr, rel=0.25)
    assert (ours.n_real, ours.n_fake) == (120, count)
    assert evaluator._rows == {}
    assert len(evaluator._moments.rows) == min(count, 5 * 12)


def test_order_and_batches_do_not_matter(real, fake, rng, tiny_extractor):
    cards = [
        updated(genbench.Evaluator(real, metrics=ALL, extractor=tiny_extractor), images, step).compute()
        for images, step in ((fake, 90), (rng.permutation(fake), 7))
    ]
    for one, other in zip(*(card.scores for card in cards), strict=True):
        assert (one.value, one.stderr) == pytest.approx((other.value, other.stderr), rel=1e-9)


def test_tensors_and_arrays_of_every_layout_are_the_same_images(real, fake, tiny_extractor):
    first = torch.from_numpy(fake).permute(0, 3, 1, 2)
    as_given = [
        (fake, None),
        (first, None),
        (first.float() / 255, (0, 1)),
        (first.double() / 127.5 - 1, (-1, 1)),
        (first.float().div(127.5).sub(1).requires_grad_(), None),
        (fake.astype(np.float32) / 255, None),
    ]
    found = []
    for images, output_range in as_given:
        evaluator = genbench.Evaluator(real, metrics=("fd", "kd"), extractor=tiny_extractor, output_range=output_range)
        evaluator.update(images)
        found.append(values(evaluator.compute()))
    assert all(one == found[0] for one in found)


def test_the_range_is_guessed_once_noted_and_kept(real, tiny_extractor):
    evaluator = genbench.Evaluator(real, extractor=tiny_extractor)
    evaluator.update(torch.rand(8, 3, 6, 6))
    with pytest.raises(BadInput, match=r"expected floats in \[0, 1\], got -"):
        evaluator.update(torch.rand(8, 3, 6, 6) * 2 - 1)
    assert any("taken as [0, 1]" in note for note in evaluator.compute().provenance["sources"]["fake"]["notes"])
    evaluator.reset()
    with pytest.raises(BadInput, match="out of range"):
        evaluator.update(torch.rand(8, 3, 6, 6) * 2 - 1)
    stated = genbench.Evaluator(real, extractor=tiny_extractor, output_range=(-1, 1))
    stated.update(torch.rand(8, 3, 6, 6))
    assert stated.compute().provenance["sources"]["fake"]["notes"] == []


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros(3, 6, 6),
        torch.zeros(2, 5, 6, 6),
        np.zeros((2, 6, 6, 3), np.int64),
        np.zeros((2, 6, 6, 3), np.uint16),
        np.full((2, 6, 6, 3), np.nan),
        torch.full((2, 3, 6, 6), 200.0),
        "samples/",
        None,
    ],
    ids=lambda images: str(getattr(images, "dtype", images)) + str(getattr(images, "shape", "")),
)
def test_what_is_no_batch_of_images_is_refused_and_nothing_is_counted(real, images, tiny_extractor):
    evaluator = genbench.Evaluator(real, extractor=tiny_extractor)
    with pytest.raises(BadInput, match="update"):
        evaluator.update(images)
    with pytest.raises(NotEnoughImages, match=r"fd: too few images; .*got 0\. Call update"):
        evaluator.compute()


def test_an_empty_batch_adds_nothing(real, fake, tiny_extractor):
    evaluator = genbench.Evaluator(real, extractor=tiny_extractor)
    evaluator.update(torch.empty(0, 3, 6, 6))
    evaluator.update(fake)
    assert evaluator.compute()["fd"].n_fake == 90


def test_reset_forgets_the_images_and_keeps_the_reference(real, fake, tiny_extractor):
    for metrics in (("fd",), ("fd", "kd")):
        evaluator = updated(genbench.Evaluator(real, metrics=metrics, extractor=tiny_extractor), fake)
        before = values(evaluator.compute())
        updated(evaluator, fake // 2)
        assert values(evaluator.compute()) != before
        evaluator.reset()
        assert values(updated(evaluator, fake).compute()) == before


def test_updates_stay_out_of_the_store_and_the_reference_is_looked_at_once(real, fake, tiny_extractor):
    first = genbench.Evaluator(real, extractor=tiny_extractor)
    updated(first, fake).compute()
    second = updated(genbench.Evaluator(real, extractor=tiny_extractor), fake).compute()
    with Store(default_cache()) as store:
        assert [(one.images, one.bytes) for one in store.info().extractors] == [(120, 120 * 12 * 4)], "pooled alone"
        assert store.info().scores == 0
    assert second.provenance["features"] == {
        "real": {"computed": 0, "recalled": 120},
        "fake": {"computed": 90, "recalled": 0},
    }


def test_a_reference_that_no_metric_reads_is_not_run(real, fake, tiny_extractor):
    card = updated(genbench.Evaluator(real, metrics="is", extractor=tiny_extractor), fake).compute()
    assert card.provenance["features"]["real"] == {"computed": 0, "recalled": 0}
    assert (card["is"].n_real, card["is"].n_fake) == (120, 90)


def test_the_scorecard_is_whole_and_can_be_printed(real, fake, tiny_extractor):
    from rich.console import Console

    evaluator = genbench.Evaluator(real, extractor=tiny_extractor, name="epoch 3", seed=5)
    evaluator.update(fake[..., :1])
    card = evaluator.compute()
    assert Scorecard.model_validate_json(card.to_json()) == card
    assert (card.fake, card["fd"].fake) == ("epoch 3", "epoch 3")
    assert card.provenance["request"]["seed"] == 5
    assert card.provenance["sources"]["fake"]["conversions"] == {"greyscale repeated": 90}
    assert card.provenance["sources"]["fake"]["sizes"] == {"6x6": 90}
    console = Console(width=200)
    with console.capture() as shown:
        console.print(score_table(card))
    assert "epoch 3 (90 images)" in shown.get()
    assert "greyscale repeated in 90" in shown.get()


def test_a_statistics_file_can_be_the_reference(tmp_path, real, fake, tiny_extractor):
    path = tmp_path / "ref.npz"
    write_reference(real, path, request=Request(metrics=("fd",), extractor=tiny_extractor))
    evaluator = updated(genbench.Evaluator(path, metrics=("fd",), extractor=tiny_extractor), fake)
    expected = genbench.score(fake=fake, real=path, metrics=["fd"], extractor=tiny_extractor)["fd"]
    assert evaluator.compute()["fd"].value == pytest.approx(expected.value, rel=1e-9)
    with pytest.raises(BadInput, match="statistics, which carry no images"):
        genbench.Evaluator(path, metrics=("kd",), extractor=tiny_extractor)
    with pytest.raises(MismatchedFeatures):
        genbench.Evaluator(path, metrics=("fd",), extractor="pixels")


def test_wrong_arguments_are_refused_at_once(real):
    with pytest.raises(UnknownName, match="Did you mean 'fd'"):
        genbench.Evaluator(real, metrics=("fdd",), extractor="pixels")
    with pytest.raises(BadInput, match="unknown argument 'extractr'"):
        genbench.Evaluator(real, extractr="pixels")


# ----------------------------------------------------------------------------------------- the caller is left alone


class DrawsAtRandom:
    """An extractor that is built and run as carelessly as any: random weights, a matrix product."""

    name, batch_size = "draws", 8
    widths = {"pooled": 4}  # noqa: RUF012

    def __init__(self, setup):
        self.facts = {"extractor": "draws"}
        torch.manual_seed(1)
        np.random.seed(1)  # noqa: NPY002
        self.weight = torch.randn(108, 4)

    def prepare(self, image):
        return image

    def __call__(self, batch):
        random.random(), torch.rand(1), np.random.rand()  # noqa: NPY002
        rows = torch.from_numpy(batch.reshape(len(batch), -1) / 255).float()
        return {"pooled": (rows @ self.weight).float().detach().numpy()}


@pytest.fixture
def draws():
    from genbench.features import EXTRACTORS

    EXTRACTORS.add("draws", DrawsAtRandom)
    yield "draws"
    del EXTRACTORS._targets["draws"]


def test_random_states_grad_mode_and_networks_are_left_as_they_were(real, fake, draws):
    def state():
        return random.getstate(), [str(x) for x in np.random.get_state()], torch.get_rng_state().tolist()  # noqa: NPY002

    network = torch.nn.Sequential(torch.nn.Conv2d(3, 3, 1), torch.nn.Dropout()).train()
    before = state()
    evaluator = genbench.Evaluator(real, extractor=draws, output_range=(-1, 1))
    assert state() == before
    images = network(torch.zeros(8, 3, 6, 6)).tanh()
    before = state()
    evaluator.update(images)
    evaluator.update(fake)
    evaluator.compute()
    assert state() == before
    assert torch.is_grad_enabled()
    assert network.training
    images.sum().backward()


def test_autocast_does_not_reach_the_extractor(real, fake, draws):
    plain = updated(genbench.Evaluator(real, extractor=draws), fake).compute()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = updated(genbench.Evaluator(real, extractor=draws), fake).compute()
    assert values(inside) == values(plain)


# ----------------------------------------------------------------------------------------------------------- ranks

WORKER = """
import json, sys
import numpy as np, torch
sys.path.insert(0, sys.argv[1])
from conftest import TinyExtractor
from genbench.features import EXTRACTORS
import genbench
EXTRACTORS.add("tiny", TinyExtractor)
place, rank, world = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.distributed.init_process_group("gloo", init_method=f"file://{place}/meet", rank=rank, world_size=world)
sets = np.load(f"{place}/sets.npz")
cards = {}
for title, share in (("even", rank), ("uneven", 1)):
    for metrics in sys.argv[5:]:
        evaluator = genbench.Evaluator(sets["real"], metrics=metrics.split(","), extractor="tiny")
        mine = sets["fake"][share::world] if share == rank else sets["fake"][:0]
        if title == "uneven" and rank == 1:
            mine = sets["fake"]
        for start in range(0, len(mine), 50):
            evaluator.update(mine[start : start + 50])
        cards[f"{title} {metrics}"] = json.loads(evaluator.compute().to_json())
json.dump(cards, open(f"{place}/{rank}.json", "w"))
torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
@pytest.mark.parametrize("count", [40, 301], ids=["n<5d", "n>5d"])
def test_two_ranks_equal_one_process(tmp_path, real, rng, tiny_extractor, count):
    fake = rng.integers(0, 256, (count, 6, 6, 3), np.uint8)
    np.savez(tmp_path / "sets.npz", real=real, fake=fake)
    asked = ["fd", "fd,is", ",".join(ALL)]
    words = [sys.executable, "-W", "error::UserWarning", "-c", WORKER, str(Path(__file__).parents[1]), str(tmp_path)]
    processes = [subprocess.Popen([*words, str(rank), "2", *asked], stderr=subprocess.PIPE) for rank in range(2)]
    errors = [process.communicate(timeout=120)[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    by_rank = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    for title, card in by_rank[0].items():
        assert card["scores"] == by_rank[1][title]["scores"], "both ranks say the same"
        metrics = title.split()[1].split(",")
        alone = updated(genbench.Evaluator(real, metrics=metrics, extractor=tiny_extractor), fake).compute()
        for ours, expected in zip(card["scores"], alone.scores, strict=True):
            assert ours["value"] == pytest.approx(expected.value, rel=1e-9), title
            assert ours["stderr"] == pytest.approx(expected.stderr, rel=1e-9), title
            assert ours["n_fake"] == count
        assert card["provenance"]["ranks"] == 2
        assert card["provenance"]["sources"]["fake"]["sizes"] == {"6x6": count}


# --------------------------------------------------------------------------------------------------- a training loop


@pytest.mark.slow
def test_the_loop_of_the_readme_logs_a_falling_fd(capsys):
    """On a generator that learns the digits' mean and covariance by gradient descent."""
    from sklearn.datasets import load_digits

    torch.manual_seed(0)
    digits = torch.from_numpy(load_digits().images / 16).float().flatten(1)
    generator = torch.nn.Sequential(torch.nn.Linear(16, 64), torch.nn.Sigmoid(), torch.nn.Unflatten(1, (1, 8, 8)))
    optimiser = torch.optim.Adam(generator.parameters(), lr=0.03)

    def train_on(batch):
        images = generator(torch.randn(len(batch), 16)).flatten(1)
        loss = (images.mean(0) - batch.mean(0)).square().sum() + (images.T.cov() - batch.T.cov()).square().sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    code = readme.partition("<!-- loop -->\n```python\n")[2].partition("```")[0]
    exec(code, {"torch": torch, "batches": digits.split(128), "train_on": train_on, "generator": generator})
    logged = [[float(number) for number in line.split()] for line in capsys.readouterr().out.splitlines()]
    assert [epoch for epoch, _, _ in logged] == [0, 1, 2]
    assert logged[0][1] > logged[1][1] > logged[2][1]
    assert all(0 < error < value for _, value, error in logged)
