"""The von Mises-Fisher distribution: moments, divergence, normaliser, sampler and its gradient."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import cumulative_simpson, quad
from scipy.optimize import brentq
from scipy.special import ive
from scipy.stats import kstest, vonmises_fisher
from torch.nn.functional import normalize

from zoo.autoencoder.vmf import (
    VonMisesFisher,
    _accepted,
    around,
    log_area,
    log_normaliser,
    mean_length,
    slope_by_concentration,
    uniform_on_sphere,
)

KNOWN = [(3, 1.0, 0.31304), (8, 20.0, 0.83646), (16, 100.0, 0.92746)]  # m, k, E[mean . z]
GRID = [(2, 0.5), (2, 30.0), (3, 1.0), (5, 3.0), (8, 20.0), (16, 100.0), (40, 5.0), (5, 2000.0)]


def number(value):
    return torch.tensor([float(value)], dtype=torch.float64)


def distribution(m, k, n=1, seed=0):
    mean = normalize(torch.randn(n, m, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)), dim=1)
    return VonMisesFisher(mean, torch.full((n,), float(k), dtype=torch.float64))


def drawn(which, n, seed=1):
    return which.draw_many(n, torch.Generator().manual_seed(seed))[:, 0]


def by_angle(m, k):
    """Return the density of the angle between z and the mean: its slice has the area |S^{m-2}| sin(angle)^(m-2)."""
    log_scale = float(log_normaliser(number(k), m)) + (math.log(2) if m == 2 else log_area(m - 1))
    return lambda angle: np.exp(log_scale + k * np.cos(angle)) * np.sin(angle) ** (m - 2)


def share_above(angle, m, k):
    """Return the share of angles below ``angle``, of projections above its cosine."""
    return quad(by_angle(m, k), 0, min(angle, 60 / math.sqrt(k)), epsabs=1e-14, limit=200)[0]


@pytest.mark.parametrize(("m", "k"), [*GRID, (3, 1e4), (7, 1e-3)])
def test_the_density_integrates_to_1(m, k):
    assert share_above(math.pi, m, k) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(("m", "k"), GRID)
def test_the_density_is_that_of_scipy(m, k):
    which = distribution(m, k)
    z = drawn(which, 20)
    reference = vonmises_fisher(which.mean[0].numpy(), k).logpdf(z.numpy())
    assert np.allclose(which.log_prob(z[:, None])[:, 0].numpy(), reference, rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize(("m", "k", "expected"), KNOWN)
def test_the_mean_length_is_known(m, k, expected):
    assert float(mean_length(number(k), m)) == pytest.approx(expected, abs=1e-5)
    assert float(mean_length(number(k), m)) == pytest.approx(ive(m / 2, k) / ive(m / 2 - 1, k), rel=1e-12)


def test_in_three_dimensions_all_is_elementary():
    k = torch.tensor([0.01, 0.3, 1.0, 7.0, 90.0], dtype=torch.float64)
    assert torch.allclose(mean_length(k, 3), 1 / k.tanh() - 1 / k, rtol=1e-10)
    assert torch.allclose(log_normaliser(k, 3), (k / (4 * math.pi * k.sinh())).log(), rtol=1e-12)


@pytest.mark.parametrize(("m", "k", "_"), KNOWN)
def test_samples_have_the_moments(m, k, _):
    count, which = 20_000, distribution(m, k)
    z = drawn(which, count)
    w = z @ which.mean[0]
    length = float(mean_length(number(k), m))
    variance = 1 - length**2 - (m - 1) * length / k
    assert float(w.mean()) == pytest.approx(length, abs=4 * math.sqrt(variance / count))
    fourth = float((w - w.mean()).pow(4).mean())
    assert float(w.var()) == pytest.approx(variance, abs=4 * math.sqrt((fourth - variance**2) / count))
    sideways = z - w[:, None] * which.mean[0]
    assert torch.allclose(sideways.mean(0), torch.zeros(m, dtype=z.dtype), atol=5 / math.sqrt(count))
    spread = length / k * (torch.eye(m, dtype=z.dtype) - which.mean[0].outer(which.mean[0]))
    assert torch.allclose(sideways.T @ sideways / count, spread, atol=0.02)


@pytest.mark.parametrize(("m", "k"), [(2, 0.5), (3, 1.0), (5, 3.0), (8, 20.0), (40, 5.0)])
def test_projections_have_the_distribution(m, k):
    w = _accepted(number(k), m, (3000, 1), torch.Generator().manual_seed(2)).flatten()
    angles = np.linspace(0, math.pi, 20_001)
    shares = np.concatenate([[0], cumulative_simpson(by_angle(m, k)(angles), x=angles)])
    assert kstest(w.acos().numpy(), lambda angle: np.interp(angle, angles, shares)).pvalue > 1e-3


@pytest.mark.parametrize("k", [1e4, 1e6, 1e9])
def test_the_sampler_is_stable_at_large_concentrations(k):
    """There k (1 - w) is a gamma variable of shape (m - 1) / 2."""
    m, count = 7, 4000
    w = _accepted(number(k), m, (count, 1), torch.Generator().manual_seed(3)).flatten()
    assert float((k * (1 - w)).mean()) == pytest.approx((m - 1) / 2, abs=4 * math.sqrt((m - 1) / 2 / count) + 10 / k)


@pytest.mark.parametrize(("m", "k"), GRID)
def test_points_lie_on_the_sphere(m, k):
    which = distribution(m, k, n=50)
    mean = which.mean.float()
    z = VonMisesFisher(mean, which.concentration.float()).draw()
    assert z.dtype == torch.float32
    assert torch.allclose(z.norm(dim=1), torch.ones(50), atol=1e-6)


def test_a_mean_at_the_pole_is_like_any_other():
    for m in (2, 3, 10):
        for pole in (torch.eye(m), -torch.eye(m)):
            mean = pole.clone().requires_grad_()
            k = torch.full((m,), 50.0, requires_grad=True)
            z = VonMisesFisher(mean, k).draw()
            z.square().sum(1).mean().backward()
            assert bool(z.isfinite().all())
            assert bool(mean.grad.isfinite().all())
            assert bool(k.grad.isfinite().all())
            assert float((z.detach() * pole).sum(1).min()) > 0


def test_a_turned_mean_turns_the_points():
    turn = torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))[0]
    which = distribution(6, 4.0, n=9)
    noise = torch.randn(9, 6, dtype=torch.float64)
    w = torch.rand(9, dtype=torch.float64) * 2 - 1
    z = around(which.mean, w, noise)
    assert torch.allclose(around(which.mean @ turn.T, w, noise @ turn.T), z @ turn.T, atol=1e-12)
    assert torch.allclose((z * which.mean).sum(1), w, atol=1e-12)
    turned = VonMisesFisher(which.mean @ turn.T, which.concentration)
    assert torch.allclose(turned.log_prob(z @ turn.T), which.log_prob(z), atol=1e-12)
    assert torch.equal(turned.kl(), which.kl())


@pytest.mark.parametrize(("m", "k"), GRID)
def test_the_divergence_is_the_mean_log_ratio(m, k):
    which = distribution(m, k)
    ratios = -which.log_ratio(drawn(which, 20_000)[:, None])
    assert float(which.kl()) == pytest.approx(float(ratios.mean()), abs=4 * float(ratios.std()) / math.sqrt(20_000))


@pytest.mark.parametrize("m", [2, 3, 10, 50, 400])
def test_the_divergence_rises_from_0(m):
    k = torch.tensor([0, 1e-6, 1e-2, 0.5, 1, 5, 50, 699.9, 700.1, 1e5], dtype=torch.float64, requires_grad=True)
    kl = VonMisesFisher(torch.eye(m, dtype=torch.float64)[:1].expand(10, m), k).kl()[:, 0]
    assert float(kl[:2].detach().abs().max()) < 1e-9
    assert bool((kl[2:] > 0).all())
    assert bool((kl.diff()[1:] > 0).all())
    (slope,) = torch.autograd.grad(kl.sum(), k)
    assert bool((slope[2:] > 0).all())
    step = 1e-4 * k.detach()[2:]
    far, near = (
        VonMisesFisher(torch.eye(m, dtype=torch.float64)[:1].expand(8, m), k.detach()[2:] + side * step).kl()[:, 0]
        for side in (1, -1)
    )
    assert torch.allclose(slope[2:], (far - near) / (2 * step), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(("m", "k"), [*GRID, (3, 1e4)])
def test_the_slope_of_a_projection_is_at_a_constant_share(m, k):
    """Against the difference of two inverted distribution functions, at low, middle and high shares."""
    found = _accepted(number(k), m, (200, 1), torch.Generator().manual_seed(4)).flatten().sort().values
    w, step = found[[5, 60, 120, 195]], 1e-3 * k

    def at(concentration, share):
        """Return the projection that ``share`` of them exceed."""
        inverse = brentq(lambda angle: share_above(angle, m, concentration) - share, 0, math.pi, xtol=1e-15)
        return math.cos(inverse)

    shares = [share_above(float(angle), m, k) for angle in w.acos()]
    expected = [(at(k + step, share) - at(k - step, share)) / (2 * step) for share in shares]
    assert np.allclose(slope_by_concentration(w, number(k), m).numpy(), expected, rtol=2e-3)


@pytest.mark.parametrize(("m", "k"), [(3, 3.0), (5, 1.0), (5, 10.0), (20, 10.0)])
def test_the_gradient_of_the_mean_is_the_variance(m, k):
    """dE[mean . z] / dk = Var(mean . z): to differentiate the accepted proposal alone gives .70 to .96 of it here."""
    count, concentration = 20_000, torch.tensor([k], requires_grad=True)
    mean = distribution(m, k).mean.float()
    z = VonMisesFisher(mean, concentration).draw_many(count, torch.Generator().manual_seed(5))
    (z @ mean[0]).mean().backward()
    length = float(mean_length(number(k), m))
    assert float(concentration.grad) == pytest.approx(1 - length**2 - (m - 1) * length / k, rel=0.015)


def test_rows_drawn_together_have_their_own_concentrations():
    """Mean cosine A(k) of each row, whatever the others."""
    which = distribution(5, 3.0, n=4)
    which = VonMisesFisher(which.mean, torch.tensor([1.0, 3.0, 300.0, 1e5], dtype=torch.float64))
    cosines = (which.draw_many(20_000, torch.Generator().manual_seed(0)) * which.mean).sum(-1)
    errors = cosines.std(0) / math.sqrt(20_000)
    assert bool(((cosines.mean(0) - mean_length(which.concentration, 5)).abs() < 4 * errors).all())


def test_rows_drawn_have_noise_of_their_own():
    one = distribution(4, 2.0)
    many = VonMisesFisher(one.mean.expand(1000, 4), one.concentration.expand(1000))
    assert len(many.draw().unique(dim=0)) == 1000
    assert len(many.draw_many(2, torch.Generator().manual_seed(0)).flatten(0, 1).unique(dim=0)) == 2000


def test_a_concentration_that_is_no_number_ends_the_sampler():
    which = VonMisesFisher(torch.eye(3), torch.tensor([1.0, math.nan, 2.0]))
    assert which.draw().isnan().any(1).tolist() == [False, True, False]


def test_the_prior_is_uniform():
    z = uniform_on_sphere(20_000, 5, torch.Generator().manual_seed(0))
    assert torch.allclose(z.norm(dim=1), torch.ones(20_000), atol=1e-6)
    assert torch.allclose(z.mean(0), torch.zeros(5), atol=0.015)
    assert torch.allclose(z.T @ z / 20_000, torch.eye(5) / 5, atol=0.01)
    assert log_area(2) == pytest.approx(math.log(2 * math.pi))
    assert log_area(3) == pytest.approx(math.log(4 * math.pi))
