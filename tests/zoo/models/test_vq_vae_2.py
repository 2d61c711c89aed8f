"""VQ-VAE-2: images through codes of two levels, stages of training, and priors over the codes that go together."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from bare import BareRun, deal

from genbench.capabilities import HasLatent, HasLikelihood
from genbench.errors import BadInput
from zoo import training
from zoo.autoencoder.vq_vae_2 import VQVAE2
from zoo.contracts import DataSpec, Encodes
from zoo.runs import build, plan, start

SMALL = {
    "channels": 8,
    "blocks": 1,
    "codebook_size": 8,
    "code_width": 4,
    "withheld": 0.0,
    "prior_width": 6,
    "prior_layers": 2,
    "prior_hidden": 8,
}
SPEC = DataSpec("noise", (1, 16, 24), class_shares=(0.5, 0.5))
LEVELS = ("top", "bottom")


class Run(BareRun):
    def __init__(self, model, progress, batch=8):
        super().__init__(model, batch)
        self.progress = progress


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def make(spec=SPEC, **settings):
    return VQVAE2.make(spec, SMALL | settings)


def images(n, spec=SPEC):
    return F.interpolate(torch.rand(n, spec.shape[0], 4, 4), size=spec.shape[1:])


def taught(updates=3, spec=SPEC, **settings):
    """Return a model whose autoencoder has made some updates, and what it saw."""
    model, x = make(spec, **settings), images(32, spec)
    run = Run(model, 0.0)
    for _ in range(updates):
        model.train_step(deal(2 * x - 1), run)
    return model, x


def changed(before, model):
    return {name for name, tensor in model.state_dict().items() if not torch.equal(before[name], tensor)}


def state(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


# ------------------------------------------------------------------------------------------------- codes


def test_codes_are_of_an_eighth_and_of_a_quarter_of_the_side():
    model, x = taught()
    codes = model.codes(x)
    assert {name: code.shape[1:] for name, code in codes.items()} == {"top": (2, 3), "bottom": (4, 6)}
    for code in codes.values():
        assert code.dtype == torch.int64
        assert 0 <= int(code.min()) <= int(code.max()) < model.codebook_size == 8
        assert len(code.unique()) > 1


def test_a_reconstruction_is_of_the_codes_alone():
    model, x = taught()
    assert torch.equal(model.reconstruct(x), model.decode(model.codes(x)))
    codes = model.codes(x)
    for name in LEVELS:
        others = codes | {name: (codes[name] + 1) % 8}
        assert not torch.allclose(model.decode(others), model.decode(codes))


def test_asking_for_codes_in_training_mode_moves_no_codebook():
    model, x = taught()
    before = state(model.train())
    model.codes(x)
    model.reconstruct(x)
    model.features(x)
    model.sample(2, seeded())
    assert changed(before, model) == set()


def test_features_are_the_vectors_of_the_top_codes():
    model, x = taught()
    top = model.codes(x)["top"]
    assert torch.equal(model.features(x), model.autoencoder.top.codebook[top].movedim(-1, 1).flatten(1))


def test_the_bottom_is_told_the_top():
    """Bottom codes leave to the top what it has: other vectors there make other bottom codes of the same image."""
    model, x = taught()
    before = model.codes(x)["bottom"]
    model.autoencoder.top.codebook.mul_(-20)
    assert not torch.equal(model.codes(x)["bottom"], before)


@pytest.mark.parametrize("shape", [(1, 12, 16), (2,), (1, 8, 8, 8)])
def test_images_that_cannot_be_halved_three_times_are_refused(shape):
    with pytest.raises(BadInput, match="multiples of 8"):
        make(DataSpec("odd", shape))


def test_codes_are_no_space_and_their_probabilities_no_likelihood():
    model = make()
    for capability in (HasLatent, HasLikelihood, Encodes):
        assert not isinstance(model, capability)
    with pytest.raises(BadInput, match="no latents"):
        model.sample(2, seeded(), z=torch.zeros(2, 4))


# ------------------------------------------------------------------------------------------------- stages


def test_the_autoencoder_is_trained_first_and_alone():
    model, x = taught()
    before = state(model)
    model.train_step(deal(2 * x - 1), Run(model, 0.49))
    names = changed(before, model)
    assert {name.split(".")[0] for name in names} == {"autoencoder"}
    assert {f"autoencoder.{name}.codebook" for name in LEVELS} <= names
    assert model.resting() == {name for name, _ in model.named_parameters() if name.startswith("priors")}


def test_then_the_priors_with_the_autoencoder_at_rest():
    model, x = taught()
    before = state(model)
    model.train_step(deal(2 * x - 1), Run(model, 0.5))
    names = changed(before, model)
    assert {name.split(".")[0] for name in names} == {"priors", "has_priors"}
    assert {name for name, _ in model.named_parameters() if name.startswith("priors")} <= names
    assert model.resting() == set()


def test_processes_whose_clocks_differ_are_in_one_stage():
    model, x = taught()

    class Elsewhere(Run):
        def mean(self, x):
            return x + 0.1 if x.ndim == 0 else x  # others are further

    model.train_step(deal(2 * x - 1), Elsewhere(model, 0.49))
    assert bool(model.has_priors)


def test_a_run_goes_through_both_stages(tmp_path):
    recipe, examples = plan("vq-vae-2", "smoke", steps=4, settings={"autoencoder_share": 0.5})
    start(recipe, tmp_path / "run")
    after = training.train(recipe, examples, tmp_path / "run", training.open_fabric("cpu")).model
    before = dict(build(recipe).named_parameters())
    assert all(not torch.equal(before[name], weight) for name, weight in after.named_parameters())


def test_the_loss_is_the_squared_error_and_the_commitment_of_both_levels():
    model, x = taught(commitment=0.7)
    whole = 2 * x - 1
    with torch.no_grad():
        found, levels = model.autoencoder(whole)
    logs = model.train_step(lambda n: type("All", (), {"x": whole}), Run(model, 0.0))
    assert float(logs["reconstruction"].detach()) == pytest.approx(float((found - whole).square().mean()), rel=1e-4)
    expected = 0.7 * float(levels.top.commitment + levels.bottom.commitment)
    assert float(logs["commitment"].detach()) == pytest.approx(expected, rel=1e-4)


def test_an_image_whose_bottom_is_withheld_is_drawn_from_its_top():
    net = make().autoencoder
    x = 2 * images(40) - 1
    _, levels = net(x)
    top, bottom = levels.top.vectors, levels.bottom.vectors
    whole, alone = net.decode(top, bottom), net.decode(top, torch.zeros_like(bottom))
    assert torch.allclose(net(x)[0], whole, atol=1e-5)
    found = net(x, withheld=0.5)[0]
    is_whole, is_alone = ((found - one).flatten(1).abs().amax(1) < 1e-5 for one in (whole, alone))
    assert bool((is_whole ^ is_alone).all())
    assert 8 < int(is_alone.sum()) < 32


@pytest.mark.slow
def test_a_short_training_learns_codes_and_what_goes_with_what():
    """The priors come to expect the codes of the images; of the bottom, given their own top more than another's."""
    settings = {"channels": 16, "codebook_size": 16, "withheld": 0.25, "prior_width": 24, "dropout": 0.0, "lr": 3e-3}
    model, x = taught(200, **settings, lr_prior=5e-3)
    assert float((model.reconstruct(x) - x).square().mean()) < 0.25 * float((x - x.mean(0)).square().mean())
    run = Run(model, 0.9, 16)
    for _ in range(200):
        model.train_step(deal(2 * x - 1), run)
    codes = model.codes(x)
    nats = model.code_log_prob(codes)
    shuffled = model.code_log_prob(codes | {"top": codes["top"].roll(1, 0)})
    for name in LEVELS:
        shares = codes[name].flatten().bincount(minlength=16) / codes[name].numel()
        unigram = shares[codes[name]].log().sum((1, 2)).mean()
        assert float(nats[name].mean()) > float(unigram) + 0.5 * math.log(2) * codes[name][0].numel()
    assert float(nats["bottom"].mean()) > float(shuffled["bottom"].mean()) + 1


# ------------------------------------------------------------------------------------------------- priors

TINY = DataSpec("tiny", (1, 8, 8))


def tiny():
    """Return a model of 1 + 4 codes of 2, all 32 ways that they can be, and the probability of each."""
    model = make(TINY, codebook_size=2)
    with torch.no_grad():
        for name, weight in model.priors.named_parameters():
            if weight.ndim > 1:
                weight.mul_(4.0 if "last" in name else 2.0)
    ways = torch.tensor(list(itertools.product(range(2), repeat=5)))
    codes = {"top": ways[:, :1].view(32, 1, 1), "bottom": ways[:, 1:].view(32, 2, 2)}
    nats = model.code_log_prob(codes)
    return model, ways, nats["top"] + nats["bottom"]


def test_probabilities_of_all_codes_sum_to_1():
    _, _, nats = tiny()
    assert nats.dtype == torch.float64
    assert float(nats.exp().sum()) == pytest.approx(1, abs=1e-5)
    assert float(nats.exp().max()) > 2 / 32


def test_codes_are_drawn_as_often_as_they_are_probable():
    """The bottom too, given the top that was drawn with it."""
    model, ways, nats = tiny()
    uniform = [torch.rand(20_000, 1, side, side, generator=seeded(), dtype=torch.float64) for side in (1, 2)]
    drawn = model.priors.eval().draw(*uniform, temperature=1.0)
    rows = torch.cat([drawn["top"].flatten(1), drawn["bottom"].flatten(1)], dim=1)
    found = (rows * torch.tensor([16, 8, 4, 2, 1])).sum(1).bincount(minlength=32)
    expected = 20_000 * nats.exp()
    assert torch.equal((ways * torch.tensor([16, 8, 4, 2, 1])).sum(1), torch.arange(32))
    assert float(((found - expected).square() / expected).sum()) < 62.5  # chi squared, 31 degrees: .9993


def test_samples_are_the_images_of_drawn_codes():
    model, _ = taught()
    uniform = seeded()
    shapes = (5, 1, 2, 3), (5, 1, 4, 6)
    drawn = model.priors.eval().draw(
        *(torch.rand(shape, generator=uniform, dtype=torch.float64) for shape in shapes), temperature=1.0
    )
    assert torch.equal(model.sample(5, seeded()), model.decode(drawn))


def test_every_bottom_code_is_expected_given_all_top_codes_of_its_image():
    model = make()
    codes = {"top": torch.randint(8, (3, 4, 5)), "bottom": torch.randint(8, (3, 8, 10))}
    together = model.priors.eval().log_prob(**codes)
    for row in range(3):
        alone = model.priors.log_prob(**{name: code[row : row + 1] for name, code in codes.items()})
        assert torch.allclose(alone["bottom"][0], together["bottom"][row], atol=1e-5)
    last = codes["top"].clone()
    last[0, -1, -1] = (last[0, -1, -1] + 1) % 8
    after = model.priors.log_prob(last, codes["bottom"])
    differs = (after["bottom"] - together["bottom"]).abs() > 1e-7
    assert bool(differs[0, -2:, -2:].all())
    assert not bool(differs[0, :3].any())  # two convolutions of 3 and what comes later
    assert not bool(differs[1:].any())
    assert bool((after["top"] == together["top"])[0, 0].all())


def test_what_a_top_code_tells_lands_where_it_is():
    """In the map beside the bottom codes: about its own 2 x 2 places, as far as two convolutions of 3 reach."""
    model, top = make(), torch.zeros(1, 1, 2, 3, dtype=torch.int64)
    other = top.clone()
    other[..., 0, 2] = 5
    differs = (model.priors.told(top) - model.priors.told(other)).abs().amax(1)[0] > 0
    assert bool(differs[:2, 4:].all())
    assert not bool(differs[:, :1].any())


def test_a_temperature_near_0_leaves_the_most_likely_codes():
    model, _ = taught()
    cold = model.sample(4, seeded(), truncation=1e-4)
    assert torch.equal(cold, model.sample(4, seeded(1), truncation=1e-4))
    assert torch.equal(cold[0], cold[1])
    assert torch.equal(model.sample(4, seeded(), truncation=1.0), model.sample(4, seeded()))
    for t in (0.0, -1.0):
        with pytest.raises(BadInput, match="truncation"):
            model.sample(2, seeded(), truncation=t)
