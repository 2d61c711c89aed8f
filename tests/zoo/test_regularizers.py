"""Penalties against closed forms, finite differences and exact decompositions, on images, points and voxels."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from genbench.errors import BadInput, UnknownName
from zoo.layers import SelfAttention, orthogonal_, spectral_all
from zoo.regularizers import (
    GradNormalised,
    drift,
    gradient_penalty,
    orthogonal_penalty,
    r1,
    r2,
    spectral_penalty,
)

SHAPES = [(5, 2), (5, 3, 4, 6), (5, 1, 2, 3, 4)]


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


def normal(*shape):
    return torch.randn(shape, dtype=torch.float64)


def critic(width=12, smooth=True):
    """A net on [n, 3, 2, 2] whose second derivatives exist."""
    act = nn.Softplus() if smooth else nn.ReLU()
    return nn.Sequential(nn.Flatten(), nn.Linear(width, 9), act, nn.Linear(9, 1), nn.Flatten(0)).double()


# ---------------------------------------------------------------------------------------------- gradient penalty


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("length", "target", "one_sided"), [(3, 1, False), (0.4, 1, False), (0.4, 1, True), (3, 2, True)]
)
def test_the_penalty_of_a_linear_critic(shape, length, target, one_sided):
    w = normal(*shape[1:])
    w = length * w / w.norm()
    found = gradient_penalty(
        lambda x: (x * w).flatten(1).sum(1), normal(*shape), normal(*shape), target=target, one_sided=one_sided
    )
    expected = 0 if one_sided and length < target else (length - target) ** 2
    assert float(found) == pytest.approx(expected, abs=1e-9)


def shares(seed, n):
    return torch.rand(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_penalty_equals_finite_differences_one_example_at_a_time():
    net, real, fake = critic(), normal(5, 3, 2, 2), normal(5, 3, 2, 2)
    found = gradient_penalty(net, real, fake, generator=torch.Generator().manual_seed(3))
    total = 0
    for i, share in enumerate(shares(3, 5)):
        x = share * real[i] + (1 - share) * fake[i]
        steps = 1e-3 * torch.eye(12, dtype=torch.float64).view(12, 3, 2, 2)
        slope = (net(x + steps) - net(x - steps)) / 2e-3
        total += (slope.norm() - 1) ** 2
    assert float(found.detach()) == pytest.approx(float(total.detach()) / 5, rel=1e-5)


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


PENALTIES = {
    "gradient_penalty": lambda net, x: gradient_penalty(net, x, x.flip(0), generator=torch.Generator().manual_seed(0)),
    "r1": r1,
    "r2": r2,
    "gradient normalisation": lambda net, x: GradNormalised(net)(x).square().mean(),
}


@pytest.mark.parametrize("name", PENALTIES)
def test_the_gradient_by_the_critics_weights_is_the_numerical_one(name):
    net, x = critic(), normal(4, 3, 2, 2)
    PENALTIES[name](net, x).backward()
    first = net[1].weight
    expected = numerical(lambda: PENALTIES[name](net, x), first)
    assert expected.abs().max() > 1e-4
    assert torch.allclose(first.grad, expected, rtol=1e-4, atol=1e-8)


def terms(net, real, fake):
    """The penalty of each example, by the means over more and more of them."""
    means = [
        float(gradient_penalty(net, real[:k], fake[:k], generator=torch.Generator().manual_seed(1)).detach())
        for k in range(1, len(real) + 1)
    ]
    return [k * mean - (k - 1) * before for k, (mean, before) in enumerate(zip(means, [0, *means], strict=False), 1)]


def test_examples_are_independent_and_each_has_its_own_share():
    net, real, fake = critic(), normal(4, 3, 2, 2), normal(4, 3, 2, 2)
    expected = [
        float((torch.func.grad(lambda x: net(x[None])[0])(s * real[i] + (1 - s) * fake[i]).norm().detach() - 1) ** 2)
        for i, s in enumerate(shares(1, 4))
    ]
    assert terms(net, real, fake) == pytest.approx(expected)
    mixing = nn.Sequential(nn.BatchNorm2d(3, dtype=torch.float64), critic())
    assert terms(mixing, real, fake) != pytest.approx(
        [terms(mixing, real[[i]], fake[[i]])[0] for i in range(4)], rel=1e-3
    )


def test_only_the_critic_receives_gradients():
    net, real = critic(), normal(4, 3, 2, 2).requires_grad_()
    generator = nn.Linear(1, 12).double()
    fake = generator(normal(4, 1)).view(4, 3, 2, 2)
    (gradient_penalty(net, real, fake) + r1(net, real) + r2(net, fake)).backward()
    assert real.grad is None
    assert generator.weight.grad is None
    assert net[1].weight.grad.abs().max() > 0


def test_a_flat_critic_has_a_finite_gradient():
    net = critic()
    for parameter in net.parameters():
        nn.init.zeros_(parameter)
    x = normal(4, 3, 2, 2)
    (gradient_penalty(net, x, x.flip(0)) + GradNormalised(net)(x).sum()).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in net.parameters())


def test_shapes_must_agree():
    with pytest.raises(BadInput, match=r"expected equal shapes, got \[4, 2\] and \[3, 2\]"):
        gradient_penalty(critic(2), normal(4, 2), normal(3, 2))


def test_an_attentive_critic_has_second_derivatives():
    attention = SelfAttention(8)
    attention.gamma.data.fill_(0.5)
    net = nn.Sequential(attention, nn.Flatten(), nn.Linear(96, 1))
    r1(net, torch.randn(3, 8, 4, 3)).backward()
    assert attention.query.parametrizations.weight.original.grad.abs().max() > 0


# ---------------------------------------------------------------------------------------------- R1, R2, drift


@pytest.mark.parametrize("penalty", [r1, r2])
@pytest.mark.parametrize("shape", SHAPES)
def test_r1_of_half_the_squared_norm_is_half_the_mean_squared_norm(penalty, shape):
    x = normal(*shape)
    found = penalty(lambda y: 0.5 * y.flatten(1).square().sum(1), x)
    assert found.item() == pytest.approx(0.5 * float(x.square().sum() / len(x)), rel=1e-12)


def test_the_gradient_of_r1_of_a_linear_critic_is_its_weight():
    net = nn.Linear(7, 1, dtype=torch.float64)
    r1(net, normal(4, 7)).backward()
    assert torch.allclose(net.weight.grad, net.weight)


def test_several_logits_for_each_example_count_as_their_sum():
    x, w = normal(4, 7), normal(7, 3)
    assert float(r1(lambda y: y @ w, x)) == pytest.approx(0.5 * float(w.sum(1).square().sum()))


def test_a_penalty_every_k_steps_times_k_has_the_same_mean_gradient():
    net, data, k = critic(), normal(8, 3, 2, 2), 4
    lazy, always = deepcopy(net), deepcopy(net)
    for step in range(8):
        r1(always, data).div(8).backward()
        if step % k == 0:
            (k * r1(lazy, data)).div(8).backward()
    assert torch.allclose(lazy[1].weight.grad, always[1].weight.grad)


def test_drift_is_the_mean_square():
    assert float(drift(torch.tensor([3.0, -1.0]))) == 5


# ---------------------------------------------------------------------------------------------- weights


@pytest.mark.parametrize("layer", [nn.Linear(7, 5), nn.Linear(5, 7), nn.Conv2d(2, 5, 3), nn.ConvTranspose2d(5, 3, 2)])
def test_the_spectral_penalty_and_its_gradient_sigma_u_v(layer):
    layer = layer.double()
    weight = layer.weight.detach()
    rows = weight.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else weight
    left, sigma, right = torch.linalg.svd(rows.flatten(1), full_matrices=False)
    penalty = spectral_penalty(layer)
    assert float(penalty.detach()) == pytest.approx(0.5 * float(sigma[0] ** 2))
    penalty.backward()
    expected = (sigma[0] * torch.outer(left[:, 0], right[0])).view(rows.shape)
    found = layer.weight.grad.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else layer.weight.grad
    assert torch.allclose(found, expected, atol=1e-10)


def test_the_spectral_penalty_adds_up_layers():
    net = critic()
    sigmas = [float(torch.linalg.svdvals(net[i].weight.detach())[0]) for i in (1, 3)]
    assert float(spectral_penalty(net).detach()) == pytest.approx(0.5 * sum(s**2 for s in sigmas))


def layer_of(matrix):
    layer = nn.Linear(matrix.shape[1], matrix.shape[0], dtype=torch.float64)
    layer.weight.data = matrix.clone()
    return layer


def orthonormal(rows, columns):
    return orthogonal_(nn.Linear(columns, rows, dtype=torch.float64)).weight.data


def test_orthogonal_rows_of_any_length_are_free_off_the_diagonal_only():
    rows = orthonormal(5, 9)
    scaled = rows * torch.tensor([0.5, 1, 2, 3, 4]).double()[:, None]
    lengths = torch.tensor([0.25, 1, 4, 9, 16]).double()

    def penalty(matrix, mode="offdiagonal"):
        return float(orthogonal_penalty(layer_of(matrix), mode).detach())

    assert penalty(rows) == pytest.approx(0, abs=1e-20)
    assert penalty(rows, "full") == pytest.approx(0, abs=1e-20)
    assert penalty(scaled) == pytest.approx(0, abs=1e-20)
    assert penalty(scaled, "full") == pytest.approx(float(((lengths - 1) ** 2).sum()))
    assert penalty(scaled.T.contiguous()) > 0.1


@pytest.mark.parametrize("mode", ["offdiagonal", "full"])
def test_the_orthogonal_penalty_equals_a_loop_and_its_gradient_is_four_times_gram_times_w(mode):
    layer = nn.Conv2d(3, 5, (2, 3), dtype=torch.float64)
    rows = layer.weight.detach().flatten(1)
    penalty, gram, total = orthogonal_penalty(layer, mode), rows @ rows.T, 0.0
    for i in range(5):
        for j in range(5):
            if i != j or mode == "full":
                gram[i, j] -= float(i == j)
                total += float(gram[i, j]) ** 2
            else:
                gram[i, j] = 0
    assert float(penalty.detach()) == pytest.approx(total)
    penalty.backward()
    assert torch.allclose(layer.weight.grad.flatten(1), 4 * gram @ rows)


def test_embeddings_are_left_out():
    net = nn.ModuleList([layer_of(orthonormal(3, 5)), nn.Embedding(7, 4, dtype=torch.float64)])
    assert float(orthogonal_penalty(net).detach()) == pytest.approx(0, abs=1e-20)
    assert float(orthogonal_penalty(net, skip=nn.Linear).detach()) > 0.1
    with pytest.raises(BadInput, match="nothing to penalise"):
        orthogonal_penalty(net, skip=(nn.Embedding, nn.Linear))
    with pytest.raises(BadInput, match="spectral_penalty: nothing"):
        spectral_penalty(nn.ReLU())
    with pytest.raises(UnknownName, match="full, offdiagonal"):
        orthogonal_penalty(net, "half")


def test_penalties_on_weights_reach_the_parameters_behind_spectral_normalisation():
    net = spectral_all(critic())
    state = deepcopy(net.state_dict())
    (orthogonal_penalty(net) + spectral_penalty(net)).backward()
    assert all(torch.equal(state[name], value) for name, value in net.state_dict().items())
    assert net[1].parametrizations.weight.original.grad.abs().max() > 0


# ---------------------------------------------------------------------------------------------- gradient normalisation


def test_a_normalised_critic_equals_its_formula():
    net, x = critic(), normal(6, 3, 2, 2)
    found = GradNormalised(net)(x)
    for i in range(6):
        slope = torch.func.grad(lambda y: net(y[None])[0])(x[i])
        f = net(x[i : i + 1])[0]
        assert torch.allclose(found[i], f / (slope.norm() + f.abs()))


def test_a_normalised_critic_is_bounded_and_its_own_gradient_is_at_most_one():
    for _ in range(20):
        net = GradNormalised(critic(2, smooth=False))
        x = 3 * normal(500, 2).requires_grad_()
        out = net(x)
        (slope,) = torch.autograd.grad(out.sum(), x)
        assert out.abs().max() <= 1
        assert slope.norm(dim=1).max() <= 1 + 1e-6
        assert torch.allclose(slope.norm(dim=1), (1 - out.abs()) ** 2, atol=1e-5)  # where f is linear


def test_scaling_the_critic_leaves_the_normalised_one_unchanged():
    net, x = critic(), normal(6, 3, 2, 2)
    before = GradNormalised(net)(x)
    net[3].weight.data *= 50
    net[3].bias.data *= 50
    assert torch.allclose(GradNormalised(net)(x), before, atol=1e-9)


def test_it_works_without_gradients_and_for_the_generator():
    net, x = GradNormalised(critic()), normal(6, 3, 2, 2)
    wanted = net(x)
    with torch.no_grad():
        bare = net(x)
    assert torch.equal(bare, wanted.detach())
    assert wanted.requires_grad
    assert not bare.requires_grad
    assert not x.requires_grad
    generator = nn.Linear(1, 12).double()
    net.requires_grad_(False)
    net(generator(normal(6, 1)).view(6, 3, 2, 2)).sum().backward()
    assert generator.weight.grad.abs().max() > 0
    assert all(parameter.grad is None for parameter in net.parameters())


@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_logits_keep_their_shape_and_conditions_are_passed_on(shape):
    def labelled(x, labels):
        return ((x + 1) * labels[:, None]).sum(1).view(shape)

    x, labels = normal(5, 2), normal(5)
    out = GradNormalised(labelled)(x, labels)
    expected = (x + 1).sum(1) * labels / (2**0.5 * labels.abs() + ((x + 1).sum(1) * labels).abs())
    assert out.shape == shape
    assert torch.allclose(out, expected.view(shape))
