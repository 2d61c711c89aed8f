"""WGAN with clipped weights: the bound, the estimate, the schedule."""

import pytest
import torch
from bare import BareRun, deal
from torch import nn

from genbench.errors import BadInput
from zoo import MODELS
from zoo.contracts import Batch, DataSpec
from zoo.gan.wgan import WGAN
from zoo.model import choose_preset, read_config

SPEC = DataSpec("noise", (1, 16, 16))
NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm)


def make(**settings):
    torch.manual_seed(0)
    return WGAN.make(SPEC, {"channels": 4, "latent": 8} | settings)


def noise(n=8):
    return torch.rand(n, 1, 16, 16) * 2 - 1


def estimate(logs):
    return float(logs["wasserstein_estimate"].detach())


def largest(net):
    return max(float(weight.detach().abs().max()) for weight in net.parameters())


def test_after_every_update_no_weight_of_the_critic_is_above_the_bound():
    model = make(weight_clip=0.01, lr_critic=1.0)
    run, bound = BareRun(model), float(torch.tensor(0.01))
    outside = largest(model.generator)
    assert largest(model.critic) > bound
    for _ in range(3):
        model.train_critic(Batch(noise()), run)
        assert largest(model.critic) == bound
    assert largest(model.generator) == outside > bound


class Line(WGAN):
    """Two point masses, at 0.5 (real) and 0.1 (generated), and a critic f(x) = w mean(x)."""

    def make_generator(self):
        return Constant(0.1)

    def make_critic(self):
        return Mean()


class Constant(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, z, labels=None):
        return self.value.expand(len(z), 1, 16, 16)


class Mean(nn.Module):
    def __init__(self):
        super().__init__()
        self.slope, self.bias = nn.Parameter(torch.tensor(-0.001)), nn.Parameter(torch.tensor(0.003))

    def forward(self, x, labels=None):
        return self.slope * x.mean((1, 2, 3)) + self.bias


def test_between_two_points_the_estimate_is_distance_times_bound():
    model = Line.make(SPEC, {"weight_clip": 0.02})
    run, real = BareRun(model), torch.full((8, 1, 16, 16), 0.5)
    estimates = [estimate(model.train_critic(Batch(real), run)) for _ in range(300)]
    assert estimates[0] == pytest.approx(-0.001 * 0.4, abs=1e-7)
    assert estimates[-1] == pytest.approx(0.02 * 0.4, rel=1e-4)
    assert float(model.critic.bias.detach()) == pytest.approx(0.003)  # a constant added to f changes nothing


def test_no_weight_of_the_critic_is_without_effect():
    model = make()
    model.critic_loss(noise(), None, noise(), None).backward()
    assert all(float(weight.grad.abs().max()) > 1e-9 for weight in model.critic.parameters())


def test_the_estimate_is_that_of_the_batch_before_the_update():
    model, real = make(), noise()
    run = BareRun(model)
    torch.manual_seed(1)
    with torch.no_grad():
        fake, _ = model.generate(run)
        expected = float(model.critic(real).mean() - model.critic(fake).mean())
    torch.manual_seed(1)
    assert estimate(model.train_critic(Batch(real), run)) == pytest.approx(expected, abs=1e-7)


def test_a_trained_critic_finds_noise_at_a_positive_distance():
    model = make(lr_critic=1e-3)
    run, draw = BareRun(model), deal(torch.full((1, 1, 16, 16), 0.7))
    estimates = [estimate(model.train_critic(draw(8), run)) for _ in range(60)]
    assert estimates[-1] > 0
    assert estimates[-1] > 2 * abs(estimates[0])


def test_the_generator_comes_nearer():
    model = Line.make(SPEC, {"weight_clip": 0.02, "lr_generator": 1e-2})
    run, draw = BareRun(model), deal(torch.full((1, 1, 16, 16), 0.5))
    for _ in range(30):
        model.train_step(draw, run)
    assert abs(float(model.generator.value.detach()) - 0.5) < 0.2


@pytest.mark.parametrize(
    ("settings", "step", "expected"),
    [
        ({}, 0, 5),
        ({}, 500, 5),
        ({"critic_steps": 2}, 7, 2),
        ({"warm_up": 3, "warm_up_steps": 9}, 0, 9),
        ({"warm_up": 3, "warm_up_steps": 9}, 2, 9),
        ({"warm_up": 3, "warm_up_steps": 9}, 3, 5),
        ({"warm_up": 3, "warm_up_steps": 9}, 500, 9),
    ],
)
def test_the_critic_is_updated_more_often_and_most_at_the_start(settings, step, expected):
    model, asked = make(**settings), []
    draw = deal(noise())
    model.train_step(lambda n: (asked.append(n), draw(n))[1], BareRun(model, 4, step))
    assert asked == [4] * expected


def test_there_is_no_norm_to_clip():
    assert not any(isinstance(part, NORMS) for part in make().critic.modules())
    with pytest.raises(BadInput, match="critic_norm"):
        make(critic_norm="bn")


def test_another_loss_is_refused():
    with pytest.raises(BadInput, match="'loss' is wrong"):
        make(loss="hinge")


def test_steps_are_those_of_rmsprop():
    assert {type(one) for one in make().optimizers().values()} == {torch.optim.RMSprop}


def test_the_paper_preset_has_the_published_constants():
    config = read_config(WGAN, choose_preset(MODELS.get("wgan"), "paper").config)
    assert (config.lr_generator, config.lr_critic, config.weight_clip, config.critic_steps) == (5e-5, 5e-5, 0.01, 5)
