"""VAE-GAN: which loss reaches which network, what it is, and who rests."""

import pytest
import torch
import torch.nn.functional as F
from bare import BareRun, deal

from genbench.capabilities import HasLatent, HasLikelihood
from genbench.errors import BadInput
from zoo.autoencoder.networks import upward
from zoo.autoencoder.posterior import DiagonalGaussian
from zoo.autoencoder.vae_gan import VAEGAN, unlikeness
from zoo.contracts import Batch, Critic, DataSpec, Encodes, HasFeatures, Reconstructs
from zoo.model import choose_preset

SPEC = DataSpec("noise", (1, 16, 16))
NETWORKS = ("encoder", "decoder", "critic")
ALL = {"decoder", "encoder", "critic"}


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


def make(**settings):
    return VAEGAN.make(
        SPEC, {"channels": 4, "critic_channels": 4, "latent": 3, "norm": "none", "depth": 2, "margin": None} | settings
    )


def images(n=6):
    return 2 * torch.rand(n, *SPEC.shape) - 1


def weights(model, network):
    return list(getattr(model, network).parameters())


def slopes(loss, model, network):
    return torch.autograd.grad(loss, weights(model, network), allow_unused=True, retain_graph=True)


def plainly(model, x, seed=5):
    """Return the three parts of the loss written out: in one graph, from the draws that ``losses`` makes."""
    torch.manual_seed(seed)
    mean, log_variance = model.encoder(x).chunk(2, dim=1)
    z = mean + (log_variance / 2).exp() * torch.randn_like(mean)
    rebuilt, drawn = model.decoder(z).tanh(), model.decoder(torch.randn(len(x), 3)).tanh()
    prior = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
    apart = model.critic.features(x) - model.critic.features(rebuilt)
    features = apart.square().sum((1, 2, 3)).mean() / 2
    real, fake = model.critic(x), torch.cat([model.critic(rebuilt), model.critic(drawn)])
    return prior, features, real, fake


def losses(model, x, seed=5):
    torch.manual_seed(seed)
    return model.losses(Batch(x), BareRun(model))


def alike(found, expected):
    return all(torch.allclose(a, b, rtol=1e-3, atol=1e-6) for a, b in zip(found, expected, strict=True))


# ------------------------------------------------------------------------------------------------- who learns what


@pytest.mark.parametrize("network", NETWORKS)
def test_a_loss_reaches_its_own_network_and_no_other(network):
    model = make()
    losses(model, images())[network].backward()
    for other in NETWORKS:
        gradients = [weight.grad for weight in weights(model, other)]
        if other == network:
            assert all(gradient is not None and bool(gradient.any()) for gradient in gradients)
        else:
            assert all(gradient is None for gradient in gradients)


def test_the_encoder_learns_from_prior_and_features_and_not_to_convince():
    model, x = make(), images()
    found = slopes(losses(model, x)["encoder"], model, "encoder")
    prior, features, _, fake = plainly(model, x)
    assert alike(found, slopes(prior + features, model, "encoder"))
    assert not alike(found, slopes(prior + features + F.softplus(-fake).mean(), model, "encoder"))


@pytest.mark.parametrize(
    ("loss", "adversarial"),
    [
        ("non-saturating", lambda logits: F.softplus(-logits).mean()),
        ("minimax", lambda logits: -F.softplus(logits).mean()),
    ],
)
def test_the_decoder_alone_weighs_features_by_gamma(loss, adversarial):
    model, x = make(gamma=0.3, loss=loss), images()
    _, features, _, fake = plainly(model, x)
    found = slopes(losses(model, x)["decoder"], model, "decoder")
    assert alike(found, slopes(0.3 * features + adversarial(fake), model, "decoder"))
    other = make(gamma=3.0, loss=loss)
    other.load_state_dict(model.state_dict())
    for network, changes in (("encoder", False), ("critic", False), ("decoder", True)):
        again = slopes(losses(other, x)[network], other, network)
        assert alike(again, slopes(losses(model, x)[network], model, network)) != changes


def test_the_critic_learns_to_tell_and_not_to_see_alike():
    model, x = make(), images()
    _, features, real, fake = plainly(model, x)
    told = F.softplus(-real).mean() + F.softplus(fake).mean()
    found = slopes(losses(model, x)["critic"], model, "critic")
    assert alike(found, slopes(told, model, "critic"))
    assert not alike(found, slopes(told + features, model, "critic"))


def test_losses_are_what_they_are_called():
    model, x = make(gamma=0.3), images()
    prior, features, real, fake = (part.detach() for part in plainly(model, x))
    found = {name: float(value.detach()) for name, value in losses(model, x).items()}
    told = float(F.softplus(-real).mean()), float(F.softplus(fake).mean())
    convinced = float(F.softplus(-fake).mean())
    expected = {
        "prior": float(prior),
        "features": float(features),
        "adversarial": convinced,
        "real": told[0],
        "fake": told[1],
        "encoder": float(prior + features),
        "decoder": 0.3 * float(features) + convinced,
        "critic": sum(told),
    }
    assert found == pytest.approx(expected, rel=1e-4)


def test_all_gradients_are_at_the_same_point():
    """An update by plain descent goes down the gradients of the three losses before it."""
    model, x = make(), images()
    expected = {name: slopes(losses(model, x)[name], model, name) for name in NETWORKS}
    before = {name: [weight.detach().clone() for weight in weights(model, name)] for name in NETWORKS}
    run = BareRun(model)
    run.optimizers = {name: torch.optim.SGD(weights(model, name), lr=1.0) for name in NETWORKS}
    torch.manual_seed(5)
    model.train_step(lambda n: Batch(x), run)
    for name in NETWORKS:
        assert alike([a - b for a, b in zip(before[name], weights(model, name), strict=True)], expected[name])


def test_like_features_cost_nothing():
    x = torch.randn(3, 2, 4, 4)
    assert float(unlikeness(x, x)) == 0
    assert float(unlikeness(x + 2, x)) == pytest.approx(2 * 32)  # half of 32 squares of 2, mean over images


def test_the_divergence_is_from_the_posterior_that_codes_are_drawn_of():
    model, x = make(), images()
    numbers = model.encoder(x).detach()
    q = DiagonalGaussian(*numbers.chunk(2, dim=1))
    assert float(losses(model, x)["prior"].detach()) == pytest.approx(float(q.kl().sum(1).mean()), rel=1e-5)
    assert torch.allclose(model.encode((x + 1) / 2), numbers[:, :3], atol=1e-5)


# ------------------------------------------------------------------------------------------------- who rests


@pytest.mark.parametrize(
    ("real", "fake", "moving"),
    [
        (0.68, 0.68, ALL),
        (0.30, 1.00, ALL),
        (0.20, 0.68, {"encoder", "decoder"}),  # it wins: .68 - .4 is above
        (0.68, 0.20, {"encoder", "decoder"}),
        (1.20, 0.68, {"encoder", "critic"}),  # it loses
        (0.68, 1.20, {"encoder", "critic"}),
        (0.20, 1.20, ALL),  # both
    ],
)
def test_who_is_too_far_ahead_rests(real, fake, moving):
    costs = torch.tensor(real), torch.tensor(fake)
    assert set(make(margin=0.4).moving(*costs)) == moving
    assert set(make(margin=None).moving(*costs)) == ALL
    assert make(margin=0.4).moving(*costs)[-1] != "decoder"  # the critic's weights matter to it: it goes first


@pytest.mark.parametrize(("told", "moving"), [(0.0, {"encoder", "decoder"}), (9.0, {"encoder", "critic"})])
def test_a_network_that_rests_does_not_move(told, moving):
    """The mean over processes decides, lest some move and some rest."""
    model, x = make(margin=0.4), images()
    before = {name: [weight.detach().clone() for weight in weights(model, name)] for name in NETWORKS}

    class Elsewhere(BareRun):
        def mean(self, x):
            return torch.full_like(x, told)

    model.train_step(lambda n: Batch(x), Elsewhere(model))
    moved = {
        name
        for name in NETWORKS
        if any(not torch.equal(a, b) for a, b in zip(before[name], weights(model, name), strict=True))
    }
    assert moved == moving


# ------------------------------------------------------------------------------------------------- capabilities


def test_it_claims_no_likelihood():
    model = make()
    assert not isinstance(model, HasLikelihood)
    assert not hasattr(model, "log_prob")
    for capability in (HasLatent, Encodes, Reconstructs, HasFeatures, Critic):
        assert isinstance(model, capability)
    assert model.geometry == "gaussian"


def test_the_critic_does_not_mix_images():
    model, x = make(), (images() + 1) / 2
    assert torch.allclose(model.criticise(x)[2:3], model.criticise(x[2:3]), atol=1e-6)
    assert torch.allclose(model.criticise(x), model.critic(2 * x - 1))


def test_features_deeper_than_the_critic_are_refused():
    assert make(depth=2).critic(images()).shape == (6,)
    with pytest.raises(BadInput, match="depth too large"):
        make(depth=3)


def test_the_paper_has_the_minimax_loss_and_rmsprop():
    config = VAEGAN.config_type.model_validate(dict(choose_preset(VAEGAN, "paper").config))
    assert (config.loss, config.optimizer, config.lr) == ("minimax", "rmsprop", 3e-4)


def test_the_decoder_learns_to_convince_a_critic_at_rest():
    model, x = make(channels=8, critic_channels=8, gamma=0.0, lr=5e-3), images(32)
    run = BareRun(model, 16)

    def convinced():
        z = model.prior(64, torch.Generator().manual_seed(0))
        return float(model.criticise(model.decode(z)).detach().mean())

    before = convinced()
    model.moving = lambda real, fake: ("decoder",)
    for _ in range(30):
        model.train_step(deal(x), run)
    assert convinced() > before + 0.1


def test_a_decoder_that_resizes_makes_no_checkerboard():
    """A constant map stays constant inside where pixels are resized; a transposed convolution lays a grid over it."""
    torch.manual_seed(0)

    def parity(up):
        layer = upward([4, 4], 1, mode=up)[-1]
        inside = layer(torch.ones(1, 4, 8, 8))[0, 0, 4:-4, 4:-4]
        return (inside[::2, ::2] - inside[1::2, 1::2]).abs().max()

    assert parity("transposed") > 1e-3
    assert max(parity("nearest"), parity("bilinear")) < 1e-6
