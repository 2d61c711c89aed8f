"""Path length against explicit Jacobians of linear generators, and numerical gradients."""

import math

import pytest
import torch
from torch import nn

from zoo.regularizers import PathLength


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


def normal(*shape):
    return torch.randn(shape, dtype=torch.float64)


def numerical(function, parameter, h=1e-5):
    """Gradient of a scalar by central differences in every entry of a parameter."""
    gradient = torch.zeros_like(parameter.data)
    for index in range(parameter.numel()):
        values = []
        for step in (h, -h):
            parameter.data.view(-1)[index] += step
            values.append(float(function().detach()))
            parameter.data.view(-1)[index] -= step
        gradient.view(-1)[index] = (values[0] - values[1]) / (2 * h)
    return gradient


def images_of(w, matrix):
    """A linear generator of [n, 2, 3, 5] images; all layers of w add up."""
    w = w if w.ndim == 2 else w.sum(1)
    return (w @ matrix.T).view(len(w), 2, 3, 5)


@pytest.mark.parametrize("layers", [None, 1, 4])
def test_path_lengths_of_a_linear_generator_are_those_of_its_jacobian(layers):
    matrix, n = normal(30, 6), 5
    w = normal(*((n, 6) if layers is None else (n, layers, 6))).requires_grad_()
    generator = torch.Generator().manual_seed(2)
    lengths = PathLength().lengths(images_of(w, matrix), w, generator=generator)
    noise = torch.randn(n, 30, generator=torch.Generator().manual_seed(2), dtype=torch.float64) / math.sqrt(3 * 5)
    assert torch.allclose(lengths, (noise @ matrix).norm(dim=1))  # equal for each layer, so their mean is too


def test_the_mean_squared_length_is_the_squared_norm_of_the_jacobian():
    matrix, w = normal(30, 6), normal(4000, 6).requires_grad_()
    lengths = PathLength().lengths(images_of(w, matrix), w).detach()
    expected = float(matrix.square().sum()) / (3 * 5)
    squares = lengths.square()
    assert float(squares.mean()) == pytest.approx(expected, abs=5 * float(squares.std()) / math.sqrt(4000))


def test_layers_that_do_nothing_dilute_the_length():
    matrix, w = normal(30, 6), normal(5, 4, 6).requires_grad_()
    one, four = (
        PathLength().lengths(images_of(part, matrix), w, generator=torch.Generator().manual_seed(2))
        for part in (w[:, 0], w)
    )
    assert torch.allclose(four, 2 * one)


def test_the_penalty_and_its_running_mean():
    path, matrix = PathLength(decay=0.1, weight=2.0).double(), normal(30, 6)
    a = 0.0
    for step in range(3):
        w = normal(5, 6).requires_grad_()
        lengths = path.lengths(images_of(w, matrix), w, generator=torch.Generator().manual_seed(step)).detach()
        penalty = path(images_of(w, matrix), w, generator=torch.Generator().manual_seed(step))
        a = 0.9 * a + 0.1 * float(lengths.mean())
        assert float(path.mean) == pytest.approx(a)
        assert float(penalty) == pytest.approx(float(2 * (lengths - a).square().mean()))
    assert "mean" in path.state_dict()
    assert PathLength().decay == 0.01


def test_the_gradient_by_the_generators_weights_is_the_numerical_one():
    net, w = nn.Sequential(nn.Linear(4, 5), nn.Softplus(), nn.Linear(5, 18)).double(), normal(3, 4).requires_grad_()

    def penalty():
        return PathLength(decay=0.0).double()(net(w).view(3, 2, 3, 3), w, generator=torch.Generator().manual_seed(0))

    penalty().backward()
    expected = numerical(penalty, net[0].weight)
    assert expected.abs().max() > 1e-4
    assert torch.allclose(net[0].weight.grad, expected, rtol=1e-4, atol=1e-8)


def test_the_running_mean_is_a_constant_of_the_gradient():
    scale, w = torch.tensor(1.5, dtype=torch.float64, requires_grad=True), normal(5, 6).requires_grad_()
    path, matrix = PathLength(decay=0.5).double(), normal(30, 6)
    base = path.lengths(images_of(w, matrix), w, generator=torch.Generator().manual_seed(0)).detach()
    path(scale * images_of(w, matrix), w, generator=torch.Generator().manual_seed(0)).backward()
    a = 0.5 * 1.5 * base.mean()
    assert torch.allclose(scale.grad, 2 * 2 * ((1.5 * base - a) * base).mean())
