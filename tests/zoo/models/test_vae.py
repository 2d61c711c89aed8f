"""The variational autoencoder: where log p(x) is known, what its bounds say of it."""

import math

import numpy as np
import pytest
import torch
from bare import BareRun, deal
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from genbench.capabilities import HasLikelihood, check_likelihood
from genbench.errors import BadInput
from zoo import MODELS
from zoo.autoencoder.likelihoods import Bernoulli, Categorical, Gaussian
from zoo.autoencoder.posterior import DiagonalGaussian
from zoo.contracts import Batch, DataSpec
from zoo.model import choose_preset

LEVELS = DataSpec("levels", (1, 8, 8), levels=17)
ENLARGED = DataSpec("enlarged", (1, 8, 8), is_native=False)
NAMES = ["vae", "s-vae"]


def make(spec=LEVELS, name="vae", **settings):
    torch.manual_seed(0)
    return MODELS.get(name).make(spec, {"channels": 4, "latent": 3} | settings)


def images(n, spec=LEVELS, seed=1):
    shape = (n, *spec.shape)
    return torch.randint(spec.levels, shape, generator=torch.Generator().manual_seed(seed)) / (spec.levels - 1)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


class Halfway(BareRun):
    progress = 0.5


# ------------------------------------------------------------------------------------- the posterior and its divergence


def posterior(n=4, latent=5):
    torch.manual_seed(2)
    return DiagonalGaussian(torch.randn(n, latent).double(), torch.randn(n, latent).double())


def test_the_divergence_is_that_of_torch():
    q = posterior()
    expected = kl_divergence(Normal(q.mean, (q.log_variance / 2).exp()), Normal(0.0, 1.0))
    assert torch.allclose(q.kl(), expected, atol=1e-12)
    nothing = DiagonalGaussian(torch.zeros(2, 3), torch.zeros(2, 3))
    assert float(nothing.kl().abs().max()) == 0


def test_the_log_ratio_is_that_of_torch():
    q = posterior()
    z = q.draw_many(6, seeded())
    own = Independent(Normal(q.mean, (q.log_variance / 2).exp()), 1).log_prob(z)
    prior = Independent(Normal(torch.zeros_like(q.mean), 1.0), 1).log_prob(z)
    assert torch.allclose(q.log_ratio(z), prior - own, atol=1e-12)


def test_draws_carry_the_gradient_to_mean_and_variance():
    """Of E z^2 = mean^2 + variance."""
    mean = torch.full((1, 1), 1.5, requires_grad=True)
    log_variance = torch.full((1, 1), -1.5, requires_grad=True)
    q = DiagonalGaussian(mean.expand(200_000, 1), log_variance.expand(200_000, 1))
    torch.manual_seed(3)
    q.draw().square().mean().backward()
    assert float(mean.grad) == pytest.approx(3.0, abs=0.02)
    assert float(log_variance.grad) == pytest.approx(math.exp(-1.5), abs=0.01)


def test_each_image_and_each_draw_has_noise_of_its_own():
    q = DiagonalGaussian(torch.zeros(50, 2), torch.zeros(50, 2))
    assert len(q.draw().unique(dim=0)) == 50
    many = q.draw_many(7, seeded())
    assert len(many.flatten(0, 1).unique(dim=0)) == 350
    assert torch.equal(many, q.draw_many(7, seeded()))


# ---------------------------------------------------------------------------------------------- where p(x) is known

SIGMA = 0.3
FLAT = DataSpec("flat", (1, 2, 3), is_native=False)


def linear_gaussian(**settings):
    """Return a model whose p(x) is N(offset, W W^T + sigma^2 I), and that; W has orthogonal columns."""
    model = make(FLAT, network="linear", latent=2, likelihood="gaussian", sigma=SIGMA, **settings)
    layer = model.decoder[0]
    with torch.no_grad():
        layer.weight.copy_(torch.linalg.qr(layer.weight)[0] * torch.tensor([0.8, 0.5]))
    weight, offset = layer.weight.detach().double(), layer.bias.detach().double()
    exact = MultivariateNormal(offset, weight @ weight.T + SIGMA**2 * torch.eye(6, dtype=torch.float64))
    return model, exact, weight, offset


def set_to_the_true_posterior(model, weight, offset):
    """q(z | x) = N(V W^T (x - offset) / sigma^2, V), V = (I + W^T W / sigma^2)^-1; the encoder sees 2 x - 1."""
    variance = 1 / (1 + weight.square().sum(0) / SIGMA**2)
    gain = (variance[:, None] * weight.T) / SIGMA**2
    layer = model.encoder[1]
    with torch.no_grad():
        layer.weight.copy_(torch.cat([gain / 2, torch.zeros(2, 6, dtype=gain.dtype)]))
        layer.bias.copy_(torch.cat([gain @ (0.5 - offset), variance.log()]))


@pytest.fixture
def x():
    return torch.rand(5, *FLAT.shape, generator=torch.Generator().manual_seed(4))


def test_at_the_true_posterior_both_bounds_are_the_likelihood(x):
    model, exact, weight, offset = linear_gaussian()
    set_to_the_true_posterior(model, weight, offset)
    expected = exact.log_prob(x.flatten(1).double())
    _, weighted = model.evidence(x, 1, seeded())
    assert torch.allclose(weighted, expected, atol=1e-4)  # every importance weight is p(x) itself
    bound, _ = model.evidence(x, 1000, seeded())
    assert torch.allclose(bound, expected, atol=0.2)


def test_elsewhere_the_lower_bound_is_short_by_the_divergence_from_the_true_posterior(x):
    model, exact, weight, offset = linear_gaussian()
    q = model.posterior(x)
    variance = 1 / (1 + weight.square().sum(0) / SIGMA**2)
    true = Normal((x.flatten(1).double() - offset) @ weight / SIGMA**2 * variance, variance.sqrt())
    gap = kl_divergence(Normal(q.mean.double(), (q.log_variance.double() / 2).exp()), true).sum(1)
    bound, _ = model.evidence(x, 4000, seeded())
    assert float(gap.min()) > 1
    assert torch.allclose(bound, exact.log_prob(x.flatten(1).double()) - gap, rtol=0.04)


def test_more_importance_draws_bound_the_likelihood_more_closely(x):
    """In expectation: over 80 seeds of the noise, from one draw, whose mean is the lower bound, towards log p(x)."""
    model, exact, _, _ = linear_gaussian()
    expected = float(exact.log_prob(x.flatten(1).double()).mean())

    def mean(draws):
        return np.mean([float(model.evidence(x, draws, seeded(seed))[1].mean()) for seed in range(80)])

    bound, means = float(model.evidence(x, 2000, seeded())[0].mean()), [mean(draws) for draws in (1, 4, 16, 64)]
    assert means[0] == pytest.approx(bound, rel=0.1)
    assert bool((np.diff([*means, expected]) > 0.05).all())
    assert expected - means[-1] < 0.2 * (expected - bound)


@pytest.mark.parametrize("name", NAMES)
def test_the_grey_levels_have_probabilities_that_sum_to_1(name):
    """Over all nine images of two pixels: by importance sampling to 1, by the lower bound to less."""
    spec = DataSpec("tiny", (1, 1, 2), levels=3)
    space = torch.cartesian_prod(torch.arange(3), torch.arange(3)).view(9, 1, 1, 2) / 2
    model = make(spec, name, network="mlp", widths=(8,), latent=2, importance=5000)
    with torch.no_grad():
        model.decoder[-2].weight.mul_(6)
    assert float(model.log_prob(space).exp().sum()) == pytest.approx(1, abs=0.02)
    bounded = make(spec, name, network="mlp", widths=(8,), latent=2, importance=1)
    bounded.load_state_dict(model.state_dict())
    assert float(bounded.log_prob(space).exp().sum()) < 0.99


# ------------------------------------------------------------------------------------------------- likelihoods


def test_categorical_is_the_sum_of_the_chosen_log_probabilities():
    x = images(2, DataSpec("", (3, 2, 4), levels=5))
    outputs = torch.randn(2, 15, 2, 4)
    found, expected = Categorical(5).log_prob(outputs, x), np.zeros(2)
    logits = outputs.view(2, 5, 3, 2, 4).double().numpy()
    for n, c, h, w in np.ndindex(2, 3, 2, 4):
        pixel = logits[n, :, c, h, w]
        expected[n] += pixel[round(float(x[n, c, h, w]) * 4)] - np.log(np.exp(pixel).sum())
    assert np.allclose(found.numpy(), expected, rtol=1e-5)


def test_uniform_logits_cost_the_logarithm_of_the_levels():
    found = Categorical(17).log_prob(torch.zeros(3, 17, 8, 8), images(3))
    assert torch.allclose(found, torch.tensor(-64 * math.log(17)))


def test_the_mean_image_is_the_mean_of_draws():
    outputs = 2 * torch.randn(1, 5 * 3, 2, 2)
    chances = torch.distributions.Categorical(logits=outputs.view(5, -1).T)
    drawn = chances.sample((20_000,)).float().mean(0) / 4
    assert torch.allclose(Categorical(5).mean(outputs).flatten(), drawn, atol=0.02)


def test_bernoulli_and_gaussian_are_those_of_torch():
    outputs, x = torch.randn(2, 3, 2, 2), torch.rand(2, 3, 2, 2)
    bernoulli = torch.distributions.Bernoulli(logits=outputs, validate_args=False).log_prob(x)
    assert torch.allclose(Bernoulli().log_prob(outputs, x), bernoulli.sum((1, 2, 3)), atol=1e-5)
    assert torch.allclose(
        Gaussian(0.2).log_prob(outputs, x), Normal(outputs, 0.2).log_prob(x).sum((1, 2, 3)), rtol=1e-5
    )
    assert torch.equal(Bernoulli().mean(outputs), outputs.sigmoid())


# ------------------------------------------------------------------------------------------------- training


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("likelihood", ["categorical", "bernoulli", "gaussian"])
def test_the_loss_is_minus_the_lower_bound(name, likelihood):
    """Of the same draws, one image after the other: nats summed over pixels and over codes alike."""
    model, x = make(name=name, likelihood=likelihood), images(6)
    torch.manual_seed(5)
    terms = model.losses(Batch(x * 2 - 1), BareRun(model))
    torch.manual_seed(5)
    z, q = model.posterior(x).draw(), model.posterior(x)
    bounds = [
        float(model.likelihood.log_prob(model.decoder(z[i : i + 1]).detach(), x[i : i + 1])) - float(q.kl()[i].sum())
        for i in range(6)
    ]
    assert -float(sum(terms.values()).detach()) == pytest.approx(np.mean(bounds), rel=1e-5)


def test_beta_and_warm_up_weigh_the_divergence_alone():
    def terms(run=BareRun, **settings):
        model = make(**settings)
        torch.manual_seed(5)
        found = model.losses(Batch(images(6) * 2 - 1), run(model))
        return {name: float(value.detach()) for name, value in found.items()}

    plain = terms()
    for changed, factor in (
        (terms(beta=4.0), 4),
        (terms(warm_up=0.3), 0),
        (terms(Halfway, warm_up=0.3), 1),
        (terms(Halfway, warm_up=1.0, beta=4.0), 2),
    ):
        assert changed["kl"] == pytest.approx(factor * plain["kl"], rel=1e-5)
        assert changed["reconstruction"] == plain["reconstruction"]


def test_free_bits_cost_nothing_and_give_no_gradient():
    """A number of the code pays for what it holds beyond them, in the mean over the batch."""
    model = make(free_bits=0.2)
    layer = model.encoder.last
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.copy_(torch.tensor([2.0, 0.1, 0.0, 0.0, 0.0, 0.0]))  # KL 2, 0.005 and 0 nats
    terms = model.losses(Batch(images(6) * 2 - 1), BareRun(model))
    assert float(terms["kl"].detach()) == pytest.approx(2 + 0.2 + 0.2, rel=1e-5)
    (slope,) = torch.autograd.grad(terms["kl"], layer.bias)
    assert slope[:3].tolist() == pytest.approx([2.0, 0.0, 0.0])


def test_the_bounds_have_neither_beta_nor_free_bits():
    models = make(), make(beta=4.0, free_bits=1.0, warm_up=1.0)
    for one, other in zip(*(model.evidence(images(3), 5, seeded()) for model in models), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", NAMES)
def test_a_short_training_gains_bits(name):
    """On 16 images: from about those of equal levels, log2 17 = 4.09, to far fewer."""
    model, x = make(name=name, channels=16, lr=3e-3, importance=20), images(16)
    bits = 64 * math.log(2)
    assert float(-model.log_prob(x).mean()) / bits == pytest.approx(math.log2(17), abs=0.1)
    run, draw = BareRun(model, 16), deal(x * 2 - 1)
    for _ in range(150):
        model.train_step(draw, run)
    assert float(-model.log_prob(x).mean()) / bits < 3.5
    assert float(-model.log_prob(images(16, seed=2)).mean()) / bits > 4.2


# ------------------------------------------------------------------------------------------------- capabilities


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("likelihood", ["categorical", "bernoulli", "gaussian"])
def test_a_likelihood_is_claimed_for_grey_levels_alone(name, likelihood):
    model, x = make(name=name, likelihood=likelihood), images(2)
    assert isinstance(model, HasLikelihood) == (likelihood == "categorical")
    if likelihood == "categorical":
        check_likelihood("test", model)
        assert (model.kind, model.dequantisation, model.levels) == ("iw_estimate", "none", 17)
        assert make(name=name, importance=1).kind == "lower_bound"
        return
    told = f"model '{name}': has no likelihood of grey levels; expected likelihood=categorical, got '{likelihood}'"
    with pytest.raises(BadInput, match=f"^test: {told}"):
        check_likelihood("test", model)
    with pytest.raises(BadInput, match=f"^{told}"):
        model.log_prob(x)


@pytest.mark.parametrize("name", NAMES)
def test_levels_that_were_not_measured_are_refused(name):
    with pytest.raises(BadInput, match="its likelihood would mean nothing"):
        make(ENLARGED, name)
    assert not isinstance(make(ENLARGED, name, likelihood="bernoulli"), HasLikelihood)


@pytest.mark.parametrize("importance", [1, 3])
def test_the_bound_told_is_the_one_of_its_kind(importance):
    model, x = make(importance=importance), images(4)
    expected = model.evidence(x, 64, seeded())[0] if importance == 1 else model.evidence(x, 3, seeded())[1]
    torch.manual_seed(0)
    assert torch.equal(model.log_prob(x), expected)
    assert not torch.equal(model.log_prob(x), expected)


@pytest.mark.parametrize("name", NAMES)
def test_errors_over_images_cover_the_noise_of_the_bounds(name):
    """Of 16 copies of one image: the mean varies between seeds by as much as its error over the copies says."""
    model, x = make(name=name), images(1).expand(16, -1, -1, -1)
    with torch.no_grad():
        model.decoder.stem[0].weight.mul_(6)
    found = torch.stack([torch.stack(model.evidence(x, 5, seeded(seed))) for seed in range(30)])  # [30, 2, 16]
    for bound in found.unbind(1):
        expected = float(bound.std(1).mean()) / 4
        assert expected > 1e-3
        assert float(bound.mean(1).std()) == pytest.approx(expected, rel=0.5)  # 1 +- 0.13; one noise for all: 4


@torch.no_grad()
def test_all_draws_of_an_image_are_decoded_as_they_are_one_by_one():
    model, x = make(), images(3)
    torch.manual_seed(0)
    found, again = model.evidence(x, 4), seeded()
    for i, one in enumerate(x.split(1)):
        q = model.posterior(one)
        z = q.draw_many(4, again)
        nats = torch.stack([model.likelihood.log_prob(model.decoder(code), one).double() for code in z])
        assert float(found[0][i]) == pytest.approx(float(nats.mean() - q.kl().sum()), rel=1e-6)
        weights = (nats + q.log_ratio(z)).exp()
        assert float(found[1][i]) == pytest.approx(float(weights.mean().log()), rel=1e-6)


def test_codes_are_the_means_and_samples_decoded_draws():
    model, x = make(), images(3)
    assert torch.equal(model.encode(x), model.posterior(x).mean)
    assert torch.equal(model.features(x), model.encode(x))
    assert torch.equal(model.reconstruct(x), model.decode(model.encode(x)).detach())
    z = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model.prior(5, torch.Generator().manual_seed(0)), z)
    assert torch.equal(model.prior(5, torch.Generator().manual_seed(0), 0.5), 0.5 * z)
    assert torch.equal(model.sample(5, torch.Generator().manual_seed(0)), model.decode(z).detach())


def test_numbers_of_the_code_that_say_nothing_are_not_active():
    model, x = make(latent=4), images(30)
    with torch.no_grad():
        model.encoder.last.weight[:2].zero_()
        model.encoder.last.weight[2:4].mul_(30)
    assert model.active_units(x) == 2


def test_extreme_variances_stay_finite():
    model = make()
    numbers = torch.tensor([[0.0, 0, 0, 1e4, -1e4, 0]])
    assert bool(model.read(numbers).kl().isfinite().all())
    assert bool(model.read(numbers).draw().isfinite().all())


def test_the_small_networks_have_the_size_they_are_known_by():
    preset = choose_preset(MODELS.get("vae"), "digits32")
    model = MODELS.get("vae").make(DataSpec("digits32", (1, 32, 32), is_native=False), preset.config)
    assert round(sum(weight.numel() for weight in model.parameters()) / 1000) == 429


@pytest.mark.parametrize("setting", [{"beta": -1}, {"importance": 0}, {"sigma": 0}, {"warm_up": 2}, {"latent": 0}])
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(BadInput, match=f"setting '{next(iter(setting))}' is wrong"):
        make(**setting)
