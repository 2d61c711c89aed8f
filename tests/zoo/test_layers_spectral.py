"""Bounds on singular values, against exact decompositions, with matrices whose spectrum is chosen."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from genbench.errors import BadInput, UnknownName
from zoo.layers import ConditionalNorm, SelfAttention, spectral, spectral_all, top_singular_values
from zoo.layers.weights import TRANSPOSED, from_matrix, matrix_of

SPECTRUM = torch.tensor([3.32, 2.4, 1.0, 0.5, 0.1], dtype=torch.float64)
LAYERS = {
    "linear": lambda: nn.Linear(7, 5),
    "tall linear": lambda: nn.Linear(5, 7),
    "convolution": lambda: nn.Conv2d(3, 5, 3),
    "transposed": lambda: nn.ConvTranspose2d(3, 5, 4),
    "voxels": lambda: nn.Conv3d(3, 5, 2),
    "embedding": lambda: nn.Embedding(11, 5),
}


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


def with_spectrum(name):
    """Return (layer in double, U, V): its matrix is U diag(SPECTRUM) V', at random U and V."""
    layer = LAYERS[name]().double()
    matrix = matrix_of(layer, layer.weight.data)
    left, _, right = torch.linalg.svd(torch.randn_like(matrix), full_matrices=False)
    put(layer, left, SPECTRUM, right.T)
    return layer, left, right.T


def put(layer, left, spectrum, right):
    layer.weight.data = from_matrix(left * spectrum @ right.T, layer.weight, isinstance(layer, TRANSPOSED)).clone()
    found = torch.linalg.svdvals(matrix_of(layer, layer.weight.data))
    assert torch.allclose(found, spectrum)


def trained(layer, steps=30):
    """Read the weight as forward passes in training mode do."""
    for _ in range(steps):
        _ = layer.weight
    return layer.eval()


def matrix(layer):
    return matrix_of(layer, layer.weight).detach()


@pytest.mark.parametrize("name", LAYERS)
def test_norm_divides_by_the_largest_singular_value(name):
    layer, left, right = with_spectrum(name)
    assert spectral(layer) is layer
    trained(layer)
    assert torch.allclose(matrix(layer), left * SPECTRUM / SPECTRUM[0] @ right.T, rtol=1e-3, atol=1e-6)
    assert torch.linalg.svdvals(matrix(layer))[0] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("bound", [1.5, 2.9, 4.0])
def test_clamp_lowers_the_first_singular_value_and_no_other(name, bound):
    layer, left, right = with_spectrum(name)
    trained(spectral(layer, "clamp", bound))
    expected = SPECTRUM.clone()
    expected[0] = min(expected[0], bound)
    assert torch.allclose(matrix(layer), left * expected @ right.T, atol=1e-6)
    assert torch.allclose(torch.linalg.svdvals(matrix(layer))[0], expected.max())


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("bound", [0.3, 1.5, 4.0])
def test_clamp_all_lowers_every_singular_value(name, bound):
    layer, left, right = with_spectrum(name)
    spectral(layer, "clamp_all", bound)
    assert torch.allclose(matrix(layer), left * SPECTRUM.clamp(max=bound) @ right.T, atol=1e-10)


def test_the_gradient_of_clamp_leaves_out_the_clamped_direction():
    """With u, v constant: d<W', A>/dW = A - <A, u v'> u v' where sigma is above the bound, and A where it is below."""
    for mode, capped in (("clamp", 1), ("clamp_all", 2)):
        layer, left, right = with_spectrum("linear")
        trained(spectral(layer, mode, 1.5))
        direction = torch.randn(5, 7, dtype=torch.float64)
        (layer.weight * direction).sum().backward()
        expected = direction.clone()
        for k in range(capped):
            outer = torch.outer(left[:, k], right[:, k])
            expected -= (direction * outer).sum() * outer
        assert torch.allclose(layer.parametrizations.weight.original.grad, expected, atol=1e-5)


def test_clamp_all_has_a_gradient_where_singular_values_are_equal():
    layer = nn.Linear(6, 6)
    nn.init.orthogonal_(layer.weight)
    layer.weight.data *= 2
    spectral(layer, "clamp_all")
    layer(torch.randn(3, 6)).sum().backward()
    assert torch.isfinite(layer.parametrizations.weight.original.grad).all()


@pytest.mark.parametrize("mode", ["norm", "clamp"])
def test_vectors_move_in_training_mode_only(mode):
    layer = spectral(nn.Linear(7, 5), mode)
    before = deepcopy(dict(layer.named_buffers()))
    layer.eval()(torch.randn(2, 7))
    assert all(torch.equal(before[name], value) for name, value in layer.named_buffers())
    layer.train()(torch.randn(2, 7))
    assert any(not torch.equal(before[name], value) for name, value in layer.named_buffers())


@pytest.mark.parametrize("mode", ["norm", "clamp", "clamp_all"])
def test_two_forward_passes_before_one_backward(mode):
    layer = spectral(nn.Conv2d(3, 5, 3), mode, 1.0)
    (layer(torch.randn(2, 3, 5, 4)).sum() - layer(torch.randn(2, 3, 5, 4)).square().sum()).backward()
    assert layer.parametrizations.weight.original.grad.abs().max() > 0


def test_clamp_survives_a_weight_that_is_zero_for_a_while():
    layer = nn.Linear(7, 5)
    nn.init.zeros_(layer.weight)
    spectral(layer, "clamp", 0.5)
    layer.parametrizations.weight.original.data = torch.randn(5, 7)
    trained(layer, 300)
    exact = torch.linalg.svdvals(layer.parametrizations.weight.original)
    assert torch.linalg.svdvals(matrix(layer))[0] == pytest.approx(float(exact[1].detach()), rel=1e-2)


def net():
    return nn.Sequential(nn.Conv2d(3, 5, 3), nn.LeakyReLU(0.2), nn.ConvTranspose2d(5, 4, 4), nn.Linear(7, 1))


def test_scaling_the_weights_leaves_a_normalised_net_unchanged():
    small = spectral_all(net().double()).eval()
    large = deepcopy(small)
    for name, value in large.named_parameters():
        if name.endswith("original"):
            value.data *= 10
    x = torch.randn(2, 3, 9, 6, dtype=torch.float64)
    assert torch.allclose(small(x), large(x))


def test_spectral_all_reaches_every_layer_once():
    block = nn.ModuleDict({"net": net(), "labels": nn.Embedding(9, 4), "attention": SelfAttention(16)})
    block["norm"] = ConditionalNorm(5, 3)
    assert spectral_all(spectral_all(block)) is block
    layers = [layer for layer in block.modules() if hasattr(layer, "parametrizations")]
    assert len(layers) == 8
    assert all(len(layer.parametrizations.weight) == 1 for layer in layers)
    assert not hasattr(block["norm"].gain, "parametrizations")


def test_top_singular_values_are_exact_and_change_nothing():
    block = spectral_all(net().double(), "clamp", 0.3).train()
    before = deepcopy(block.state_dict())
    found = top_singular_values(block)
    assert all(torch.equal(before[name], value) for name, value in block.state_dict().items())
    assert all(module.training for module in block.modules())
    assert found == {
        name: pytest.approx(float(torch.linalg.svdvals(matrix(block.eval()[int(name)]))[0])) for name in "023"
    }
    assert top_singular_values(nn.Linear(7, 1, dtype=torch.float64)).keys() == {""}


def test_wrong_use_is_named():
    with pytest.raises(UnknownName, match="expected one of clamp, clamp_all, none, norm"):
        spectral(nn.Linear(3, 2), "normal")
    with pytest.raises(BadInput, match="got ReLU"):
        spectral(nn.ReLU())
    with pytest.raises(BadInput, match="expected 1 for mode 'norm', got 2"):
        spectral(nn.Linear(3, 2), bound=2)
    with pytest.raises(BadInput, match="above 0"):
        spectral(nn.Linear(3, 2), "clamp", 0)
    zero = nn.Linear(3, 2)
    nn.init.zeros_(zero.weight)
    with pytest.raises(BadInput, match="got zeros"):
        spectral(zero)
    assert not hasattr(spectral(nn.Linear(3, 2), "none"), "parametrizations")
