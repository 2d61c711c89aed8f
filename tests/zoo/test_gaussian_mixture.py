"""Mixtures of Gaussians: against scikit-learn's, and a mixture that is known."""

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture as Reference
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from zoo.autoencoder.mixture import GaussianMixture

MEANS = np.array([[0.0, 0.0], [3.5, 0.0], [0.0, 5.0]])
ROOTS = np.array([[[1.0, 0.0], [0.5, 0.3]], [[0.5, 0.0], [0.0, 1.5]], [[1.0, 0.0], [-0.8, 0.6]]])
SHARES = np.array([0.75, 0.15, 0.1])


@pytest.fixture
def points(rng):
    which = rng.choice(3, size=3000, p=SHARES)
    return torch.from_numpy(MEANS[which] + np.einsum("nij,nj->ni", ROOTS[which], rng.normal(size=(3000, 2)))).float()


def fitted(points, components, seed=0):
    mixture = GaussianMixture(components, points.shape[1])
    mixture.fit(points, torch.Generator().manual_seed(seed))
    return mixture


def mean_log_density(mixture, points):
    inner = MultivariateNormal(mixture.means.double(), scale_tril=mixture.roots.double())
    return float(MixtureSameFamily(Categorical(mixture.shares.double()), inner).log_prob(points.double()).mean())


def test_a_known_mixture_is_found(points):
    mixture = fitted(points, 3)
    order = np.argsort(-mixture.shares.numpy())
    assert np.allclose(mixture.shares.numpy()[order], SHARES, atol=0.03)
    assert np.allclose(mixture.means.numpy()[order], MEANS, atol=0.15)
    found = (mixture.roots @ mixture.roots.mT).numpy()[order]
    assert np.allclose(found, ROOTS @ ROOTS.transpose(0, 2, 1), atol=0.4)


def test_the_likelihood_is_that_of_scikit_learn(points):
    reference = Reference(3, n_init=5, random_state=0).fit(points.numpy())
    assert mean_log_density(fitted(points, 3), points) == pytest.approx(reference.score(points.numpy()), abs=0.01)


def test_one_component_is_the_moments(points):
    mixture = fitted(points, 1)
    assert torch.allclose(mixture.means[0], points.mean(0), atol=1e-4)
    expected = points.T.cov(correction=0)
    assert torch.allclose(mixture.roots[0] @ mixture.roots[0].mT, expected, rtol=3e-3, atol=1e-2)


def test_points_drawn_are_of_the_mixture_fitted(points):
    mixture = fitted(points, 3)
    drawn = mixture.sample(3000, torch.Generator().manual_seed(1))
    assert mean_log_density(mixture, drawn) == pytest.approx(mean_log_density(mixture, points), abs=0.08)
    near = torch.cdist(drawn, torch.from_numpy(MEANS).float()).argmin(1)
    assert np.allclose(np.bincount(near, minlength=3) / 3000, SHARES, atol=0.04)


def test_temperature_scales_distances_from_the_mean(points):
    mixture = fitted(points, 3)
    warm, cold = (mixture.sample(100, torch.Generator().manual_seed(1), t) for t in (1.0, 0.25))
    centre = mixture.shares @ mixture.means
    assert torch.allclose(cold - centre, 0.25 * (warm - centre), atol=1e-5)


@pytest.mark.parametrize("rows", [1, 3, 20])
def test_few_or_equal_points_are_no_trouble(rows):
    for x in (torch.randn(rows, 6), torch.ones(rows, 6)):
        mixture = fitted(x, 10)
        assert all(bool(part.isfinite().all()) for part in mixture.buffers())
        assert float(mixture.shares.sum()) == pytest.approx(1, abs=1e-5)
