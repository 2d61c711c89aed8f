"""The fully connected GAN: what its two players must reach where the answer is known."""

import numpy as np
import pytest
import torch
from bare import BareRun, deal
from scipy.integrate import quad
from scipy.stats import norm
from torch import nn

from genbench.errors import BadInput
from zoo import MODELS
from zoo.averaging import beta, update
from zoo.contracts import DataSpec
from zoo.data import open_data
from zoo.data.modes import mode_report
from zoo.deck import Deck, describe
from zoo.losses import get_loss

IMAGES = DataSpec("noise", (1, 32, 32))
POINTS = DataSpec("points", (2,), levels=None)
SMALL = {"widths": (16,)}


def make(spec=IMAGES, **settings):
    torch.manual_seed(0)
    return MODELS.get("gan").make(spec, SMALL | settings)


class Shifted(nn.Module):
    """A generator of known distribution: latents N(0, I) as points N(shift, I)."""

    def __init__(self, shift):
        super().__init__()
        self.shift = torch.tensor(shift)

    def forward(self, z, labels=None):
        return z + self.shift


@pytest.mark.parametrize(("loss", "expected"), [("minimax", -4.5398e-5), ("non-saturating", -0.9999546)])
def test_where_the_critic_is_sure_only_one_loss_has_a_gradient(loss, expected):
    logit = torch.tensor([-10.0], requires_grad=True, dtype=torch.float64)
    make(loss=loss).loss.generator(logit).backward()
    assert float(logit.grad) == pytest.approx(expected, rel=1e-4)


def test_a_critic_that_says_nothing_costs_twice_ln_2():
    silent = torch.zeros(4)
    assert float(make().loss.critic(silent, silent)) == pytest.approx(2 * np.log(2))


@pytest.mark.parametrize("loss", ["minimax", "non-saturating"])
def test_the_generator_climbs_towards_real(loss):
    model = make(loss=loss, lr_generator=1e-3)
    run, z = BareRun(model, 32), torch.randn(256, 64)

    def judged():
        return float(model.critic(model.generator(z)).detach().mean())

    before = judged()
    for _ in range(10):
        model.train_generator(run)
    assert judged() > before


@pytest.mark.parametrize(("gap", "expected"), [(0, -1.3863), (1, -1.1635), (3, -0.3327), (8, -0.0002)])
def test_the_best_value_is_the_jensen_shannon_divergence(gap, expected):
    """max V = 2 JSD(p, q) - ln 4 for N(0, 1) against N(gap, 1), by the loss at D* and by integration."""
    middles = (np.arange(200_000) + 0.5) / 200_000
    real, fake = norm.ppf(middles), norm.ppf(middles) + gap
    log_odds = [torch.from_numpy(gap * gap / 2 - gap * x) for x in (real, fake)]
    value = -float(make().loss.critic(*log_odds))

    def divergence(x):
        p, q = norm.pdf(x), norm.pdf(x - gap)
        middle = (p + q) / 2
        return sum(a * np.log(a / middle) for a in (p, q) if a > 0) / 2

    twice_jsd = 2 * quad(divergence, -12, gap + 12, points=[0, gap / 2, gap], limit=200)[0]
    assert value == pytest.approx(twice_jsd - np.log(4), abs=1e-5)
    assert value == pytest.approx(expected, abs=5e-5)


def test_a_trained_critic_knows_the_odds():
    """Trained alone on two fixed Gaussians it must find D* = p / (p + q)."""
    torch.manual_seed(1)
    model = MODELS.get("gan").make(POINTS, {"latent": 2, "widths": (32, 32), "lr_critic": 3e-3})
    model.generator = Shifted([1.5, 0.0])
    run, draw = BareRun(model, 256), deal(torch.randn(20_000, 2))
    axis = torch.linspace(-1.5, 3, 19)
    grid = torch.cartesian_prod(axis, torch.linspace(-1.5, 1.5, 13))
    odds = torch.sigmoid(1.5**2 / 2 - 1.5 * grid[:, 0])

    def gap():
        with torch.no_grad():
            return float((torch.sigmoid(model.critic(grid)) - odds).abs().mean())

    assert gap() > 0.1
    for _ in range(500):
        model.train_critic(draw(256), run)
    assert gap() < 0.05


def test_a_critic_ends_in_a_logit():
    squashed = (nn.Sigmoid, nn.Tanh, nn.Softmax)
    assert not any(isinstance(part, squashed) for part in make().critic.modules())


def test_generated_and_real_images_have_one_range():
    model, examples = make(), open_data("digits32")
    real = Deck(examples, 0, "cpu").draw(200).x
    fake = model.generator(torch.randn(50, 64) * 100).detach()
    assert (float(real.min()), float(real.max())) == (-1, 1)
    assert -1 <= float(fake.min()) < -0.9
    assert 0.9 < float(fake.max()) <= 1
    z = model.prior(3, None)
    assert torch.allclose(model.decode(z), (model.average(z) + 1) / 2)


def test_points_have_no_bounds():
    model = make(POINTS)
    with torch.no_grad():
        model.average.net[-1].weight.mul_(100)
    points = model.sample(200, torch.Generator().manual_seed(0))
    assert points.shape == (200, 2)
    assert float(points.abs().max()) > 1.5


@pytest.mark.parametrize("shape", [(1, 128, 128), (1, 16, 16, 16)])
def test_other_data_are_refused(shape):
    with pytest.raises(BadInput, match="expected points or images up to 64 x 64"):
        make(DataSpec("other", shape))


@pytest.mark.slow
def test_a_short_run_finds_the_ring():
    """A thirtieth of the preset's steps: the average draws within 3 sigma of most modes, at the start of none."""
    preset = MODELS.get("gan").presets["ring"]
    examples = open_data(preset.data)
    torch.manual_seed(0)
    model = MODELS.get("gan").make(describe(examples), preset.config)
    deck, run, truth = Deck(examples, 0, "cpu"), BareRun(model, preset.batch), examples.truth

    def probe():
        points = model.sample(1000, torch.Generator().manual_seed(0)).numpy()
        return mode_report(points, truth["centres"], float(truth["sigma"]))

    before = probe()
    for step in range(1, 401):
        model.train_step(deck.draw, run)
        update(model.generator, model.average, beta(preset.batch, model.half_life(step * preset.batch)))
    after = probe()
    assert before.covered <= 1
    assert before.share_high_quality < 0.005
    assert after.covered >= 5
    assert after.share_high_quality > 0.03


def test_losses_come_by_name():
    assert make(loss="hinge").loss is get_loss("hinge")
