"""The autoencoder: the subspace of principal components, a narrow code, and what stands in for a prior."""

import numpy as np
import pytest
import torch
from bare import BareRun, deal
from scipy.linalg import subspace_angles

from genbench.errors import BadInput
from zoo import MODELS
from zoo.contracts import Batch, DataSpec
from zoo.model import choose_preset

DIGITS = DataSpec("digits32", (1, 32, 32))
WIDE = DataSpec("wide", (3, 5, 4))


def make(spec=DIGITS, **settings):
    torch.manual_seed(0)
    return MODELS.get("autoencoder").make(spec, {"channels": 4} | settings)


def images(n, spec=DIGITS, seed=1):
    return torch.rand(n, *spec.shape, generator=torch.Generator().manual_seed(seed))


def train(model, x, steps, batch=64):
    torch.manual_seed(1)
    run, draw = BareRun(model, batch), deal(x * 2 - 1)
    return [float(sum(model.train_step(draw, run).values()).detach()) for _ in range(steps)]


def test_a_linear_code_spans_the_principal_components(rng):
    """Of a Gaussian in ten dimensions, whose third variance is four times the fourth."""
    spec = DataSpec("gaussian", (1, 2, 5))
    axes = np.linalg.qr(rng.normal(size=(10, 10)))[0]
    deviations = np.array([1, 0.9, 0.8, 0.4, 0.3, 0.3, 0.2, 0.2, 0.1, 0.1])
    x = 0.5 + (rng.normal(size=(4000, 10)) * deviations) @ axes.T
    model = make(spec, network="linear", is_squashed=False, latent=3, lr=1e-2)
    train(model, torch.from_numpy(x).float().view(-1, *spec.shape), 500)
    found = model.decoder[0].weight.detach().numpy()
    components = np.linalg.svd(x - x.mean(0), full_matrices=False)[2][:3].T
    assert np.rad2deg(subspace_angles(found, components)).max() < 5
    untrained = make(spec, network="linear", is_squashed=False, latent=3).decoder[0].weight.detach().numpy()
    assert np.rad2deg(subspace_angles(untrained, components)).max() > 20


@pytest.mark.parametrize("latent", [1, 7])
@pytest.mark.parametrize("network", ["linear", "mlp", "conv"])
def test_the_code_is_all_that_passes(network, latent):
    model = make(network=network, latent=latent, widths=(16,))
    x = images(3)
    codes = model.encode(x)
    assert codes.shape == (3, latent)
    assert torch.equal(codes, model.encode(x))
    jacobian = torch.func.jacrev(lambda flat: model.decoder(model.encoder(flat.view(1, 1, 32, 32))).flatten())
    assert int(torch.linalg.matrix_rank(jacobian(x[0].flatten()))) == latent


def test_images_need_not_be_square_nor_grey():
    for network in ("linear", "mlp"):
        model = make(WIDE, network=network)
        assert model.reconstruct(images(2, WIDE)).shape == (2, *WIDE.shape)
    model = make(DataSpec("photographs", (3, 16, 16)))
    assert model.reconstruct(torch.rand(2, 3, 16, 16)).shape == (2, 3, 16, 16)


@pytest.mark.parametrize(("shape", "network"), [((1, 28, 28), "conv"), ((1, 16, 32), "conv"), ((1, 4, 4), "conv")])
def test_sides_that_cannot_be_halved_are_refused(shape, network):
    with pytest.raises(BadInput, match=r"square images of 8, 16, 32 \.\.\. pixels.*network=mlp"):
        make(DataSpec("other", shape), network=network)


@pytest.mark.parametrize("shape", [(2,), (1, 16, 16, 16)])
def test_other_data_are_refused(shape):
    with pytest.raises(BadInput, match="expected images, got"):
        make(DataSpec("other", shape, levels=None), network="mlp")


def test_the_loss_is_of_pixels_in_0_to_1():
    """Of the images that come out, by plain sums; both are 0 or least where image and reconstruction are equal."""
    x = images(5)
    expected = {
        "mse": lambda y: np.square(y - x.numpy()).mean(),
        "bce": lambda y: -(x.numpy() * np.log(y) + (1 - x.numpy()) * np.log1p(-y)).mean(),
    }
    for loss, value in expected.items():
        model = make(loss=loss)
        found = float(model.losses(Batch(x * 2 - 1), BareRun(model))[loss].detach())
        assert found == pytest.approx(value(model.reconstruct(x).double().numpy()), rel=1e-5)


def test_a_cross_entropy_is_of_probabilities():
    with pytest.raises(BadInput, match="is_squashed"):
        make(loss="bce", is_squashed=False)


@pytest.mark.parametrize("variant", ["small", "small+linear", "small+mlp"])
def test_sixteen_images_are_learnt_by_heart(variant):
    model_type = MODELS.get("autoencoder")
    config = dict(choose_preset(model_type, variant).config) | {"channels": 16}
    model, x = make(DataSpec("digits8", (1, 8, 8)), **config, lr=3e-3), images(16, DataSpec("", (1, 8, 8))).round()
    losses = train(model, x, 60, batch=16)
    assert losses[-1] < 0.7 * losses[0]
    far = (model.reconstruct(x) - x).square().mean()
    assert far < 0.9 * (model.reconstruct(x) - x.flip(0)).square().mean()


def test_the_codes_of_the_last_images_are_kept():
    model = make(latent=2)
    fed = [torch.full((300, 2), float(place)) for place in range(5)]
    for codes in fed:
        model._remember(codes)
    assert int(model.seen) == 1500
    assert torch.equal(model.codes, torch.cat(fed)[-1024:])


def test_before_1024_codes_only_those_seen_are_fitted():
    model = make(latent=2)
    codes = torch.randn(50, 2) + 7
    model._remember(codes)
    model.calibrate(torch.Generator().manual_seed(0))
    assert torch.allclose(model.mixture.shares @ model.mixture.means, codes.mean(0), atol=1e-3)


def test_samples_are_decoded_draws_of_the_fitted_mixture():
    model = make(latent=2, sample_fit="gaussian")
    correlated = torch.randn(1024, 2) @ torch.tensor([[2.0, 1.0], [0.0, 0.5]]) + torch.tensor([3.0, -1.0])
    model._remember(correlated)
    untouched = model.prior(4000, torch.Generator().manual_seed(1))
    assert torch.allclose(untouched.mean(0), torch.zeros(2), atol=0.1)
    model.calibrate(torch.Generator().manual_seed(0))
    drawn = model.prior(4000, torch.Generator().manual_seed(1))
    assert torch.allclose(drawn.mean(0), correlated.mean(0), atol=0.15)
    assert torch.allclose(drawn.T.cov(), correlated.T.cov(), atol=0.4)
    seed = torch.Generator().manual_seed(1)
    assert torch.equal(model.sample(4000, seed), model.decode(drawn).detach().clamp(0, 1))


def test_calibration_depends_on_its_seed_and_the_codes_alone():
    def fitted(seed, disturbance):
        model = make(latent=3)
        model._remember(torch.randn(200, 3, generator=torch.Generator().manual_seed(5)))
        torch.manual_seed(disturbance)
        model.calibrate(torch.Generator().manual_seed(seed))
        model.calibrate(torch.Generator().manual_seed(seed))
        return model.mixture.means

    assert torch.equal(fitted(0, 1), fitted(0, 2))
    assert not torch.equal(fitted(0, 1), fitted(1, 1))


def test_before_any_training_there_is_nothing_to_fit():
    model = make()
    model.calibrate(torch.Generator().manual_seed(0))
    assert float(model.mixture.means.abs().max()) == 0
    assert model.sample(2, torch.Generator().manual_seed(0)).shape == (2, 1, 32, 32)


def test_at_temperature_0_every_sample_is_the_mean_code():
    model = make(latent=2)
    model._remember(torch.randn(100, 2) + 5)
    model.calibrate(torch.Generator().manual_seed(0))
    cold = model.prior(50, torch.Generator().manual_seed(0), 1e-6)
    assert torch.allclose(cold, (model.mixture.shares @ model.mixture.means).expand(50, 2), atol=1e-4)
    for wrong in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(BadInput, match="truncation"):
            model.prior(2, None, wrong)
