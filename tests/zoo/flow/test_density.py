"""Whole flows: their density, its bits, and images from latents and back."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from bare import BareRun, deal
from scipy.integrate import quad
from torch.autograd.functional import jacobian

from genbench.contracts import Features
from genbench.errors import BadInput
from genbench.metrics.likelihood import bits_per_dimension
from genbench.stats.pair import Pair
from zoo import MODELS
from zoo.contracts import Batch, DataSpec
from zoo.data import open_data
from zoo.deck import Deck, describe
from zoo.flow.norms import learning
from zoo.levels import from_levels, levels_of, spread
from zoo.model import choose_preset

FLOWS = ("glow", "realnvp")
SPEC = DataSpec("noise", (2, 4, 4), levels=16)
DIGITS = DataSpec("digits8", (1, 8, 8), levels=17)
POINTS = DataSpec("points", (2,), levels=None)


def make(name, spec=SPEC, **settings):
    torch.manual_seed(0)
    smoke = dict(choose_preset(MODELS.get(name), "smoke").config)
    return MODELS.get(name).make(spec, smoke | settings)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(n, spec=SPEC, seed=1):
    """Return levels int64, evenly drawn."""
    return torch.randint(spec.levels, (n, *spec.shape), generator=seeded(seed))


def started(model, k=None, times=1):
    """Return ``model`` after its norms saw levels, ``times`` what they are."""
    k = noise(512, model.spec) if k is None else k
    with torch.no_grad(), learning(model.flow, lambda mean: mean):
        model.flow(times * spread(k, model.levels, torch.rand(k.shape, generator=seeded())).to(weight_type(model)))
    return model


def weight_type(model):
    return next(model.parameters()).dtype


def shaken(model, scale=0.1):
    torch.manual_seed(2)
    for weight in model.parameters():
        weight.data += scale * torch.randn_like(weight)
    return model


def trained(model, steps):
    torch.manual_seed(3)
    run = BareRun(model, 16)
    draw = Deck(open_data("digits8"), 0, "cpu").draw if model.spec == DIGITS else deal(model.from_unit(real(64)))
    for _ in range(steps):
        run.step += 1
        model.train_step(draw, run)
    return model


def real(n, spec=SPEC):
    return from_levels(noise(n, spec), spec.levels)


def bits(model, k, u):
    nats = model.log_prob(spread(k, model.levels, u))
    return float(-nats.mean() / k[0].numel() / math.log(2)) + math.log2(model.levels)


@pytest.fixture(params=FLOWS)
def name(request):
    return request.param


# --------------------------------------------------------------------------------------------- the density


def test_the_log_determinant_of_the_whole_is_that_of_the_jacobian(name):
    model = shaken(started(make(name).double()))
    x = torch.rand(1, *SPEC.shape, dtype=torch.float64)
    matrix = jacobian(lambda row: model.flow(row)[0].flatten(), x).reshape(32, 32)
    z, log_det = model.flow(x)
    assert float(log_det.detach()) == pytest.approx(float(torch.linalg.slogdet(matrix)[1]), abs=1e-6)
    normal = torch.distributions.Normal(0, 1).log_prob(z).sum()
    assert float(model.log_prob(x)) == pytest.approx(float((normal + log_det).detach()), abs=1e-9)


@pytest.mark.parametrize("steps", [0, 100])
def test_it_can_be_undone_both_ways(name, steps):
    model = trained(make(name, DIGITS), steps) if steps else shaken(started(make(name, DIGITS)))
    x, z = real(6, DIGITS), torch.randn(6, 64, generator=seeded())
    assert torch.allclose(model.decode(model.encode(x)), x, atol=1e-4)
    near = z / 2  # in 32 bits nothing near an end of (0, 1) has a logit with four decimal places
    assert torch.allclose(model.encode(model.decode(near).detach()), near, atol=1e-4)
    model = model.double()
    assert torch.allclose(model.decode(model.encode(x.double())), x.double(), atol=1e-10)
    assert torch.allclose(model.encode(model.decode(z.double()).detach()), z.double(), atol=1e-10)


def test_scaled_data_has_a_density_shifted_by_the_log_of_the_scale():
    """Norms that start on c x undo the factor, so that log p(c x) = log p(x) - D log c for the same weights."""
    plain, scaled = (started(make("glow").double(), times=times) for times in (1.0, 3.0))
    x = torch.rand(5, *SPEC.shape, dtype=torch.float64)
    shift = plain.log_prob(x) - scaled.log_prob(3 * x)
    assert torch.allclose(shift, torch.full((5,), 32 * math.log(3)).double(), atol=0.02)


def test_even_noise_costs_a_started_flow_what_a_normal_density_of_its_variance_does():
    """log2 L bits, and log2(2 pi e / 12) / 2 = 0.25 because a normal density is not even."""
    model = started(make("glow"), noise(4000))
    expected = 4 + 0.5 * math.log2(2 * math.pi * math.e / 12)
    assert bits(model, noise(4000, seed=5), torch.rand(4000, *SPEC.shape, generator=seeded(6))) == pytest.approx(
        expected, abs=0.005
    )


def test_even_noise_costs_a_started_flow_of_logits_what_integrals_say():
    def logit(u):
        return math.log((0.05 + 0.9 * u) / (0.95 - 0.9 * u))

    def log_slope(u):
        p = 0.05 + 0.9 * u
        return math.log2(0.9 / (p * (1 - p)))

    variance = quad(lambda u: logit(u) ** 2, 0, 1)[0]
    expected = 4 + 0.5 * math.log2(2 * math.pi * math.e * variance) - quad(log_slope, 0, 1)[0]
    model = started(make("realnvp"), noise(4000))
    found = bits(model, noise(4000, seed=5), torch.rand(4000, *SPEC.shape, generator=seeded(6)))
    assert found == pytest.approx(expected, abs=0.005)


@pytest.mark.slow
def test_trained_on_even_noise_it_comes_near_to_log2_of_the_levels_and_not_below(name):
    model = make(name, width=16)
    run = BareRun(model, 64)
    torch.manual_seed(0)
    for _ in range(150):
        model.train_step(lambda n: Batch(model.from_unit(from_levels(torch.randint(16, (n, *SPEC.shape)), 16))), run)
    found = bits(model, noise(4000, seed=5), torch.rand(4000, *SPEC.shape, generator=seeded(6)))
    assert 4 - 0.005 < found < 4.28


@pytest.fixture(scope="module")
def plane():
    """A flow of points with weights that bend, and its density on a grid: (model, points, density, area)."""
    model = shaken(make("realnvp", POINTS, couplings=4, width=16, blocks=2), 0.3)
    side = torch.linspace(-14, 14, 701)
    points = torch.cartesian_prod(side, side)
    return model, points, model.log_prob(points).double(), float(side[1] - side[0]) ** 2


def test_a_density_of_points_integrates_to_1(plane):
    _, _, log_density, area = plane
    assert float(log_density.exp().sum()) * area == pytest.approx(1, abs=0.01)


def test_points_drawn_are_of_that_density(plane):
    """Moments and the mean log density of samples are the integrals over the plane: both directions are one map."""
    model, points, log_density, area = plane
    drawn = model.sample(40_000, seeded())
    weight = log_density.exp() * area
    assert torch.allclose(drawn.double().mean(0), weight @ points.double(), atol=0.03)
    assert torch.allclose(drawn.double().square().mean(0), weight @ points.double().square(), rtol=0.05)
    assert float(model.log_prob(drawn).mean()) == pytest.approx(float(weight @ log_density), abs=0.03)


def test_the_plane_is_bent(plane):
    """Else the two tests above would be of a normal distribution alone."""
    model, *_ = plane
    drawn = model.sample(40_000, seeded()).double()
    drawn = (drawn - drawn.mean(0)) / drawn.std(0)
    assert float((drawn.pow(4).mean(0) - 3).abs().max() + drawn.pow(3).mean(0).abs().max()) > 0.2


# --------------------------------------------------------------------------------------------- bits


def test_what_training_logs_is_what_the_evaluator_finds(name):
    model = shaken(started(make(name, DIGITS)))
    k = torch.from_numpy(open_data("digits8", "test").x).long()
    torch.manual_seed(0)
    logged = model.losses(Batch(model.from_unit(from_levels(k, 17))), BareRun(model))["bits"].detach()
    pictures = np.repeat(np.round(k.numpy() * 255 / 16).astype(np.uint8).transpose(0, 2, 3, 1), 3, axis=3)
    images = Features({}, tuple(map(str, range(len(k)))))
    found = bits_per_dimension(Pair(images, images, seed=0, images={"real": lambda: iter(pictures)}, model=model))
    assert float(logged) == pytest.approx(found.value, abs=0.05)
    assert found.details["is_bound"]
    assert found.details["kind"] == "lower_bound"
    assert any("bits/dim <= this" in warning for warning in found.warnings)


def test_levels_are_spread_before_they_are_learned(name):
    """Two updates of the same picture see different numbers, all of the level's own interval."""
    model, seen = make(name), []
    model.log_density = lambda x: seen.append(x) or model.flow(x)[1]
    k = noise(4)
    for _ in range(2):
        model.losses(Batch(model.from_unit(from_levels(k, 16))), BareRun(model))
    assert not torch.equal(*seen)
    assert all(torch.equal((x * 16).floor().long(), k) for x in seen)
    assert float(((torch.stack(seen) * 16) % 1).mean()) == pytest.approx(0.5, abs=0.1)


def test_likelihood_rises_on_what_is_trained(name):
    model = make(name, DIGITS)
    x = torch.from_numpy(open_data("digits8").x[:16]).long()
    u = torch.rand(x.shape, generator=seeded())
    before = bits(started(model, x.repeat(8, 1, 1, 1)), x, u)
    run = BareRun(model, 16)
    for _ in range(50):
        model.train_step(deal(model.from_unit(from_levels(x, 17))), run)
    assert bits(model, x, u) < before - 0.3
    assert bits(model, x, u) < bits(model, noise(16, DIGITS), u) - 0.5


def test_half_precision_is_declined(name):
    model, k = shaken(started(make(name))), noise(8)
    torch.manual_seed(0)
    with torch.autocast("cpu", torch.bfloat16):
        found = model.losses(Batch(model.from_unit(from_levels(k, 16))), BareRun(model))["bits"]
    torch.manual_seed(0)
    assert found.dtype == torch.float32
    assert float(found.detach()) == pytest.approx(bits(model, k, torch.rand(k.shape)), abs=1e-5)


# --------------------------------------------------------------------------------------------- images and latents


def test_an_image_stands_for_the_middles_of_its_levels(name):
    model = shaken(started(make(name)))
    k = noise(5)
    z = model.encode(from_levels(k, 16))
    assert torch.allclose(z, model.flow((k + 0.5) / 16)[0], atol=1e-5)
    assert torch.equal(model.sample(5, seeded(), z=z), from_levels(k, 16))
    assert torch.allclose(model.reconstruct(from_levels(k, 16)), from_levels(k, 16), atol=1e-5)


def test_samples_are_the_levels_that_hold_the_numbers_drawn(name):
    model = shaken(started(make(name)))
    z = model.prior(32, seeded())
    numbers = model.flow.inverse(z).detach()
    inside = (numbers > 0) & (numbers < 1)
    assert float(inside.float().mean()) > 0.3
    drawn = levels_of(model.sample(32, seeded()), 16)
    assert torch.equal(drawn[inside], (numbers[inside] * 16).floor().long())
    assert torch.equal(drawn, (numbers * 16).floor().long().clamp(0, 15))


def test_the_temperature_is_of_all_latents(name):
    model = shaken(started(make(name, DIGITS)))
    z = model.prior(500, seeded(), 0.5)
    assert torch.allclose(z, model.prior(500, seeded()) * 0.5)
    assert z.shape == (500, 64)
    assert torch.allclose(z.std(0), torch.full((64,), 0.5), atol=0.08)
    assert torch.equal(model.sample(500, seeded(), truncation=0.5), model.sample(500, seeded(1), z=z))
    cold = model.sample(8, seeded(), truncation=1e-6)
    assert bool((cold == cold[0]).all())
    for wrong in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(BadInput, match=r"truncation out of range"):
            model.sample(2, seeded(), truncation=wrong)


def test_latents_of_what_it_is_started_on_are_of_unit_variance(name):
    model = started(make(name), noise(2000))
    z = model.encode(from_levels(noise(2000), 16))
    assert float(z.mean()) == pytest.approx(0, abs=0.02)
    assert float(z.std()) == pytest.approx(1, abs=0.03)


# --------------------------------------------------------------------------------------------- data, processes


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (DataSpec("digits32", (1, 32, 32), is_native=False), "its likelihood would mean nothing"),
        (DataSpec("odd", (1, 8, 6), levels=4), r"expected multiples of 4, got \[1, 8, 6\]"),
        (DataSpec("voxels", (1, 8, 8, 8), levels=2), "its likelihood would mean nothing"),
    ],
)
def test_other_data_are_refused(name, spec, message):
    with pytest.raises(BadInput, match=message):
        make(name, spec)


def test_points_are_refused_by_glow():
    with pytest.raises(BadInput, match="its likelihood would mean nothing"):
        make("glow", POINTS)


@pytest.mark.parametrize("scales", [1, 3])
def test_other_numbers_of_scales_fit(name, scales):
    model = shaken(started(make(name, DIGITS, scales=scales)))
    x = real(3, DIGITS)
    assert torch.allclose(model.decode(model.encode(x)), x, atol=1e-4)
    assert model.features(x).shape[0] == 3


def test_coloured_pictures_fit(name):
    model = shaken(started(make(name, DataSpec("photographs", (3, 16, 8)), scales=2)))
    x = real(3, model.spec)
    assert torch.allclose(model.decode(model.encode(x)), x, atol=1e-4)


@pytest.mark.slow
def test_two_processes_start_alike_from_what_both_see(name, tmp_path):
    """After one update every process has the same weights and statistics, which are not those of its own examples."""
    script = tmp_path / "two.py"
    script.write_text(
        "import sys, torch; from pathlib import Path; from zoo import training\n"
        "from zoo.runs import plan, start\n"
        f"recipe, examples = plan('{name}', 'smoke', steps=1, settings={{'batch': 32}})\n"
        "fabric = training.open_fabric('cpu', processes=2)\n"
        "out = Path(sys.argv[1])\n"
        "start(recipe, out) if fabric.is_global_zero else None\n"
        "fabric.barrier(); model = training.train(recipe, examples, out, fabric).model\n"
        "torch.save(model.state_dict(), out / f'{fabric.global_rank}.pt')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, script, tmp_path / "two"], env=environment, check=True, timeout=300)
    first, second = (torch.load(tmp_path / "two" / f"{rank}.pt", weights_only=True) for rank in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)
    examples = open_data("digits8")
    decks = [Deck(examples, 0, "cpu", rank, 2) for rank in range(2)]
    shares = [levels_of((deck.draw(16).x + 1) / 2, 17) for deck in decks]
    model = make(name, describe(examples))
    model.load_state_dict(first)
    with torch.no_grad():
        parts = [part for part in model.flow.modules() if hasattr(part, "coefficients")]
        seen = []
        parts[0].register_forward_hook(lambda _m, _args, found: seen.append(found[0]))
        model.flow(spread(torch.cat(shares), 17, torch.tensor(0.5)))
    gaps = [float(part.mean((0, 2, 3)).abs().mean()) for part in (seen[0], *seen[0].chunk(2))]
    assert gaps[0] < 0.05
    assert gaps[0] < min(gaps[1:])
