"""WGAN-GP: the penalty, the networks it may be asked of, and what a critic under it comes to measure."""

import pytest
import torch
from bare import BareRun, deal
from torch import nn

from genbench.errors import BadInput
from zoo import MODELS
from zoo.contracts import DataSpec
from zoo.data import open_data
from zoo.deck import Deck, describe
from zoo.gan.wgan_gp import WGANGP
from zoo.model import choose_preset, read_config

IMAGES, POINTS = DataSpec("noise", (3, 32, 32)), DataSpec("points", (2,), levels=None)
NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm)
NETWORKS = ("conv", "resnet", "mlp")


def make(spec=IMAGES, **settings):
    torch.manual_seed(0)
    return WGANGP.make(spec, {"channels": 4, "latent": 8, "widths": (16, 16)} | settings)


def noise(n=6, spec=IMAGES):
    return torch.rand(n, *spec.shape) * 2 - 1


class Plane(nn.Module):
    """f(x) = w . x, whose gradient is w everywhere."""

    def __init__(self, shape):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(shape) / 10)

    def forward(self, x, labels=None):
        return (x * self.weight).flatten(1).sum(1)


@pytest.mark.parametrize("weight", [10.0, 0.1])
def test_the_penalty_of_a_plane_is_known_wherever_it_is_taken(weight):
    model = make(gradient_penalty=weight)
    model.critic = Plane(IMAGES.shape)
    slope = model.critic.weight.detach().norm()
    for scale in (1, 100):
        terms = model.critic_penalties(noise() * scale, noise() * scale, None, BareRun(model))
        assert list(terms) == ["gradient penalty"]
        assert float(terms["gradient penalty"].detach()) == pytest.approx(weight * float(slope - 1) ** 2, rel=1e-5)
    (gradient,) = torch.autograd.grad(terms["gradient penalty"], model.critic.weight)
    assert torch.allclose(gradient, weight * 2 * (slope - 1) * model.critic.weight.detach() / slope, rtol=1e-4)


def test_the_penalty_has_the_gradient_that_differences_give():
    model = make(POINTS, networks="mlp").double()
    real, fake, run = torch.randn(5, 2).double(), torch.randn(5, 2).double(), BareRun(model)

    def penalty():
        torch.manual_seed(7)
        return model.critic_penalties(real, fake, None, run)["gradient penalty"]

    weight = model.critic.net[1].weight
    (gradient,) = torch.autograd.grad(penalty(), weight)
    assert float(gradient.abs().max()) > 1e-3
    for place in ((0, 0), (3, 1), (7, 0)):
        found = []
        for change in (1e-6, -2e-6, 1e-6):
            weight.data[place] += change
            found.append(float(penalty().detach()))
        assert float(gradient[place]) == pytest.approx((found[0] - found[1]) / 2e-6, abs=1e-5)


@pytest.mark.parametrize("networks", NETWORKS)
def test_a_critic_judges_each_image_alone_in_training_too(networks):
    critic, x = make(networks=networks).critic.train(), noise()
    assert not any(isinstance(part, NORMS) for part in critic.modules())
    assert torch.allclose(critic(x)[2:3], critic(x[2:3]), atol=1e-5)
    assert critic(x).shape == (6,)


@pytest.mark.parametrize("networks", NETWORKS)
def test_no_weight_of_the_critic_is_without_effect(networks):
    model = make(networks=networks)
    model.critic_loss(noise(), None, noise(), None).backward()
    assert all(float(weight.grad.abs().max()) > 1e-9 for weight in model.critic.parameters())


def test_batch_norm_in_the_critic_is_refused():
    with pytest.raises(BadInput, match="'critic_norm' is wrong"):
        make(critic_norm="bn")


def test_layer_norm_is_taken():
    critic, x = make(critic_norm="ln").critic.train(), noise()
    assert torch.allclose(critic(x)[2:3], critic(x[2:3]), atol=1e-5)


@pytest.mark.parametrize("side", [16, 32, 64])
def test_residual_networks_fit_their_images(side):
    model = make(DataSpec("photographs", (3, side, side)), networks="resnet")
    images = model.generator(torch.randn(2, 8))
    assert images.shape == (2, 3, side, side)
    assert model.critic(images).shape == (2,)
    halvings = [block.down for block in model.critic.blocks]
    assert halvings == [True] * (side.bit_length() - 4) + [False, False]


def test_the_residual_critic_takes_the_mean_over_positions():
    """Of a constant image through the 1 x 1 shortcuts alone a mean does not depend on the side, as a sum would."""
    model = make(networks="resnet")
    flat = torch.full((1, 3, 32, 32), 0.3)
    for block in model.critic.blocks:
        for conv in (block.conv1, block.conv2):
            nn.init.zeros_(conv.weight)
    for layer in (model.critic.blocks[0].skip, model.critic.blocks[1].skip, model.critic.last):
        nn.init.ones_(layer.weight)
    expected = torch.tensor([0.3 * 3 * 4 * 4])  # 3 colours, then 4 channels twice
    assert torch.allclose(model.critic(flat), expected)
    assert torch.allclose(model.critic(flat[:, :, :16, :16]), expected)


def test_residual_weights_start_with_twice_glorots_variance_in_the_blocks():
    model = make(networks="resnet", channels=32).requires_grad_(False)
    for net in (model.generator, model.critic):
        for block in list(net.blocks)[1:]:
            for conv in (block.conv1, block.conv2):
                assert float(conv.weight.std()) == pytest.approx((4 / (9 * 64)) ** 0.5, rel=0.05)
            if isinstance(block.skip, nn.Conv2d):
                assert float(block.skip.weight.std()) == pytest.approx((2 / 64) ** 0.5, rel=0.1)


def test_the_paper_preset_has_the_published_constants():
    config = read_config(WGANGP, choose_preset(MODELS.get("wgan-gp"), "paper").config)
    assert (config.beta1, config.beta2, config.critic_steps, config.gradient_penalty) == (0.0, 0.9, 5, 10.0)
    assert (config.lr_critic, config.lr_decay, config.latent, config.channels) == (2e-4, "linear", 128, 128)


def test_both_optimizers_have_adams_betas():
    assert {one.param_groups[0]["betas"] for one in make().optimizers().values()} == {(0.0, 0.9)}


def test_only_fully_connected_networks_take_points():
    assert make(POINTS, networks="mlp").sample(3, torch.Generator().manual_seed(0)).shape == (3, 2)
    with pytest.raises(BadInput, match=r"model 'wgan-gp'.*square images"):
        make(POINTS)


class Moved(nn.Module):
    """A generator of known distribution: N((3, 0), I)."""

    def forward(self, z, labels=None):
        return z + torch.tensor([3.0, 0.0])


@pytest.mark.slow
def test_a_critic_trained_alone_measures_the_distance_with_slope_one():
    """N(0, I) and N((3, 0), I) lie 3 apart; a slope s costs 10 (s - 1)^2, so the best is 1 + 3/20, a little above 1."""
    model = make(POINTS, networks="mlp", latent=2, widths=(64, 64), lr_critic=2e-3)
    model.generator = Moved()
    run, draw = BareRun(model, 256), deal(torch.randn(20_000, 2))

    def slopes():
        real, fake = draw(500).x, model.generator(torch.randn(500, 2))
        between = torch.lerp(fake, real, torch.rand(500, 1)).requires_grad_()
        (slope,) = torch.autograd.grad(model.critic(between).sum(), between)
        return float(slope.norm(dim=1).mean())

    assert slopes() < 0.5
    estimates = [float(model.train_critic(draw(256), run)["wasserstein_estimate"].detach()) for _ in range(500)]
    assert 0.8 < slopes() < 1.2
    assert sum(estimates[-50:]) / 50 == pytest.approx(3 * (1 + 3 / 20), rel=0.05)
    assert abs(estimates[0]) < 0.5


@pytest.mark.slow
def test_a_short_run_finds_the_ring():
    preset = MODELS.get("wgan-gp").presets["ring"]
    examples = open_data(preset.data)
    torch.manual_seed(0)
    model = WGANGP.make(describe(examples), preset.config)
    deck, run, truth = Deck(examples, 0, "cpu"), BareRun(model, preset.batch), examples.truth
    centres, z = torch.from_numpy(truth["centres"]).float(), torch.randn(1000, model.config.latent)

    def distance():
        """Median distance to the nearest centre: 2 at the middle of the ring, 0.77 everywhere on it."""
        with torch.no_grad():
            return float(torch.cdist(model.generator(z), centres).min(1).values.median())

    assert distance() > 1.5
    for _ in range(200):
        model.train_step(deck.draw, run)
    assert distance() < 0.6
