"""The S-VAE: codes on a sphere. Its distribution is tested in tests/zoo/test_von_mises_fisher.py, its bounds with the
VAE's.
"""

import pytest
import torch
from bare import BareRun

from genbench.errors import BadInput
from zoo import MODELS
from zoo.contracts import Batch, DataSpec

LEVELS = DataSpec("levels", (1, 8, 8), levels=17)


def make(**settings):
    torch.manual_seed(0)
    return MODELS.get("s-vae").make(LEVELS, {"channels": 4, "latent": 5} | settings)


def images(n):
    return torch.randint(17, (n, 1, 8, 8), generator=torch.Generator().manual_seed(1)) / 16


def test_codes_and_draws_lie_on_the_sphere():
    model, x = make(), images(9)
    assert model.geometry == "sphere"
    for points in (model.encode(x), model.prior(9, torch.Generator().manual_seed(0)), model.posterior(x).draw()):
        assert points.shape == (9, 5)
        assert torch.allclose(points.norm(dim=1), torch.ones(9), atol=1e-6)


def test_concentrations_are_at_least_1_and_differ_between_images():
    model = make()
    with torch.no_grad():
        model.encoder.last.weight.mul_(20)
    found = model.posterior(images(20)).concentration
    assert float(found.min()) >= 1
    assert float(found.std()) > 0.01
    last = torch.tensor([-200.0, 0.0, 9.0])
    numbers = torch.cat([torch.ones(3, 5), last[:, None]], dim=1)
    assert torch.allclose(model.read(numbers).concentration, 1 + last.exp().log1p())


def test_the_mean_is_a_direction():
    """However long what the encoder puts out."""
    numbers = torch.tensor([[3.0, 4.0, 0.0, 0.0, 0.0, 1.0]])
    expected = torch.tensor([[0.6, 0.8, 0.0, 0.0, 0.0]])
    assert torch.allclose(make().read(numbers).mean, expected)
    assert torch.allclose(make().read(100 * numbers).mean, expected)


def test_the_divergence_is_that_of_the_sphere_of_one_dimension_less():
    """Against the uniform density of S^2 in R^3: k coth k - 1 + log(k / sinh k)."""
    model = make(latent=3)
    k = model.posterior(images(4)).concentration.double()
    expected = k / k.tanh() - 1 + (k / k.sinh()).log()
    assert torch.allclose(model.posterior(images(4)).kl()[:, 0].double(), expected, atol=1e-5)


def test_gradients_reach_the_direction_and_the_concentration():
    model = make()
    sum(model.losses(Batch(images(6) * 2 - 1), BareRun(model)).values()).backward()
    rows = model.encoder.last.weight.grad.abs().amax(1)
    assert float(rows.min()) > 0
    assert bool(rows.isfinite().all())


def test_the_reconstruction_alone_moves_the_concentration():
    """Through the draws: without the divergence (beta = 0) it still has a gradient."""
    model = make(beta=0.0)
    sum(model.losses(Batch(images(6) * 2 - 1), BareRun(model)).values()).backward()
    assert float(model.encoder.last.weight.grad[-1].abs().max()) > 0


@pytest.mark.parametrize("truncation", [0.5, 1.0, -1.0])
def test_there_is_nothing_to_truncate(truncation):
    with pytest.raises(BadInput, match="takes no truncation"):
        make().sample(2, torch.Generator().manual_seed(0), truncation=truncation)


def test_a_sphere_has_at_least_two_coordinates():
    assert make(latent=2).sample(2, torch.Generator().manual_seed(0)).shape == (2, 1, 8, 8)
    with pytest.raises(BadInput, match="setting 'latent' is wrong"):
        make(latent=1)
