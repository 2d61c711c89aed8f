"""Adversarial losses: closed forms of values and gradients, and what the optimal critic makes of them."""

import math

import pytest
import torch
import torch.nn.functional as F

from genbench.errors import UnknownName
from zoo.losses import LOSSES, AdversarialLoss, get_loss


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


def slope(function, at):
    at = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(function(at), at)[0].item()


def sigmoid(s):
    return 1 / (1 + math.exp(-s))


ZERO = torch.zeros(3, dtype=torch.float64)
# loss -> (critic by real, critic by fake, generator by fake): slopes at logit s
SLOPES = {
    "minimax": (lambda s: -sigmoid(-s), sigmoid, lambda s: -sigmoid(s)),
    "non-saturating": (lambda s: -sigmoid(-s), sigmoid, lambda s: -sigmoid(-s)),
    "least-squares": (lambda s: s - 1, lambda s: s, lambda s: s - 1),
    "wasserstein": (lambda s: -1, lambda s: 1, lambda s: -1),
    "hinge": (lambda s: -1 if s < 1 else 0, lambda s: 1 if s > -1 else 0, lambda s: -1),
}


@pytest.mark.parametrize("s", [-10.0, -0.7, 0.3, 1.5, 30.0])
@pytest.mark.parametrize("name", LOSSES)
def test_slopes_have_their_closed_forms(name, s):
    loss, (by_real, by_fake, by_generator) = get_loss(name), SLOPES[name]
    assert slope(lambda x: loss.critic(x, ZERO), s) == pytest.approx(by_real(s))
    assert slope(lambda x: loss.critic(ZERO, x), s) == pytest.approx(by_fake(s))
    assert slope(loss.generator, s) == pytest.approx(by_generator(s))


def test_minimax_saturates_where_the_critic_wins_and_the_other_does_not():
    assert slope(get_loss("minimax").generator, -10.0) == pytest.approx(-4.54e-5, rel=1e-3)
    assert slope(get_loss("non-saturating").generator, -10.0) == pytest.approx(-1, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "critic", "generator"),
    [
        ("minimax", 2 * math.log(2), -math.log(2)),
        ("non-saturating", 2 * math.log(2), math.log(2)),
        ("least-squares", 0.5, 0.5),
        ("wasserstein", 0, 0),
        ("hinge", 2, 0),
    ],
)
def test_values_where_the_critic_says_nothing(name, critic, generator):
    loss = get_loss(name)
    assert float(loss.critic(ZERO, ZERO)) == pytest.approx(critic)
    assert float(loss.generator(ZERO)) == pytest.approx(generator)


@pytest.mark.parametrize("name", LOSSES)
def test_logits_of_any_shape_are_averaged(name):
    loss, (real, fake) = get_loss(name), torch.randn(2, 4, 1, 3, 5)
    assert loss.critic(real, fake).shape == loss.generator(fake).shape == ()
    assert torch.allclose(loss.critic(real, fake), loss.critic(real.repeat(3, 1, 1, 1), fake.flatten()))
    assert torch.isfinite(loss.critic(1e4 * real, 1e4 * fake))


@pytest.mark.parametrize("name", ["minimax", "non-saturating"])
def test_the_critic_is_a_cross_entropy_and_may_smooth_the_labels_of_reals(name):
    real, fake = torch.randn(2, 7, dtype=torch.float64)
    for smoothing in (0.0, 0.1):
        expected = F.binary_cross_entropy_with_logits(real, torch.full_like(real, 1 - smoothing))
        expected = expected + F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
        assert torch.allclose(get_loss(name).critic(real, fake, smoothing=smoothing), expected)


@pytest.mark.parametrize(("m", "value"), [(0, -1.3863), (1, -1.1635), (3, -0.3327), (8, -0.0002)])
def test_the_optimal_critic_reaches_the_divergence(m, value):
    """N(0, 1) against N(m, 1): at D* = p / (p + q) minus the loss is 2 JSD - ln 4, and its slope in the logit is 0."""
    x = torch.linspace(-12, 20, 20001, dtype=torch.float64)
    p, q = (torch.exp(-0.5 * (x - mean) ** 2) / math.sqrt(2 * math.pi) for mean in (0, m))
    logit = (0.5 * m**2 - m * x).requires_grad_()  # ln p - ln q

    def weighted(density, losses):
        return torch.trapezoid(density * losses, x)

    loss = weighted(p, F.softplus(-logit)) + weighted(q, F.softplus(logit))
    assert -float(loss.detach()) == pytest.approx(value, abs=6e-5)
    assert torch.autograd.grad(loss, logit)[0].abs().max() < 1e-10
    spread = torch.randn(300_000, dtype=torch.float64)
    sampled = get_loss("minimax").critic(0.5 * m**2 - m * spread, 0.5 * m**2 - m * (m + spread))
    assert -float(sampled) == pytest.approx(value, abs=0.01)


def test_a_constant_added_to_a_wasserstein_critic_changes_nothing():
    real, fake = torch.randn(2, 9, dtype=torch.float64)
    critic = get_loss("wasserstein").critic
    assert torch.allclose(critic(real + 5, fake + 5), critic(real, fake))
    assert critic(torch.tensor([3.0]), torch.tensor([-1.0])) == -4


def test_an_unknown_loss_is_answered_with_the_known_ones():
    with pytest.raises(UnknownName, match=r"hinge, least-squares, minimax, non-saturating, wasserstein.*'hinge'"):
        get_loss("hinges")
    assert all(isinstance(loss, AdversarialLoss) for loss in LOSSES.values())
