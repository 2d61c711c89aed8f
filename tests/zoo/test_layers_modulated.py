"""Modulated convolution against convolutions of one image at a time, with weights written out."""

import pytest
import torch
import torch.nn.functional as F

from genbench.errors import BadInput
from zoo.layers import ModulatedConv, Noise, ToRGB, upsample_blur


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


def inputs(n=3, channels=5, width=4):
    return torch.randn(n, channels, 6, 7, dtype=torch.float64), torch.randn(n, width, dtype=torch.float64)


def modulated_weights(layer, w, demodulate):
    """[n, out, in, k, k] by the definition."""
    style = layer.affine(w)
    weights = layer.weight[None] * style[:, None, :, None, None]
    if not demodulate:
        return weights / (layer.weight.shape[1] * layer.weight.shape[2] ** 2) ** 0.5
    return weights / (weights.square().sum((2, 3, 4), keepdim=True) + 1e-8).sqrt()


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("demodulate", [True, False])
def test_equals_one_convolution_per_image(kernel, demodulate):
    layer, (x, w) = ModulatedConv(5, 7, kernel, 4, demodulate).double(), inputs()
    layer.bias.data.normal_()
    weights = modulated_weights(layer, w, demodulate)
    expected = torch.cat([F.conv2d(x[i : i + 1], weights[i], layer.bias, padding=kernel // 2) for i in range(3)])
    assert torch.allclose(layer(x, w), expected, atol=1e-10)


@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_up_is_zero_insertion_convolution_and_filter(kernel):
    """The order of convolution and filter does not matter on a plane of zeros around the image."""
    layer, (x, w) = ModulatedConv(5, 7, kernel, 4, up=True).double(), inputs()
    weights, wide = modulated_weights(layer, w, True), upsample_blur(F.pad(x, (3, 3, 3, 3)))
    expected = torch.cat([F.conv2d(wide[i : i + 1], weights[i], padding=kernel // 2) for i in range(3)])
    assert torch.allclose(layer(x, w), expected[:, :, 6:-6, 6:-6], atol=1e-10)
    assert layer(x, w).shape == (3, 7, 12, 14)


def probed_filters(layer, w):
    """[n, out, in, k, k]: what the layer does to single bright pixels."""
    channels, k = layer.weight.shape[1:3]
    filters = []
    for i in range(channels):
        x = torch.zeros(len(w), channels, 2 * k + 1, 2 * k + 1, dtype=torch.float64)
        x[:, i, k, k] = 1
        start = k - k // 2
        filters.append(layer(x, w)[:, :, start : start + k, start : start + k])
    return torch.stack(filters, 2)


def test_demodulated_filters_have_norm_one_for_every_image():
    layer, (_, w) = ModulatedConv(5, 7, 3, 4).double(), inputs()
    norms = probed_filters(layer, w).square().sum((2, 3, 4))
    assert norms.shape == (3, 7)
    assert (norms - 1).abs().max() < 1e-6


def test_an_image_does_not_depend_on_the_styles_of_others():
    layer, (x, w) = ModulatedConv(5, 7, 3, 4).double(), inputs()
    assert torch.allclose(layer(x, w)[:1], layer(x[:1], w[:1]), atol=1e-12)
    assert torch.allclose(layer(x, torch.cat([w[:1], 9 * w[1:]]))[:1], layer(x[:1], w[:1]), atol=1e-12)


@pytest.mark.parametrize("up", [False, True])
def test_a_longer_style_changes_nothing(up):
    layer, (x, w) = ModulatedConv(5, 7, 3, 4, up=up).double(), inputs()
    before = layer(x, w)
    layer.affine.weight.data *= 6
    layer.affine.bias.data *= 6
    assert torch.allclose(layer(x, w), before, atol=1e-7)


def test_rgb_is_not_demodulated():
    layer, (x, w) = ToRGB(5, 3, 4).double(), inputs()
    before = layer(x, w)
    layer.affine.weight.data *= 6
    layer.affine.bias.data *= 6
    assert torch.allclose(layer(x, w), 6 * before)


def test_the_style_starts_at_one():
    layer, (x, w) = ModulatedConv(5, 7, 3, 4).double(), inputs()
    assert torch.equal(layer.affine(0 * w), torch.ones(3, 5, dtype=torch.float64))
    assert layer(x, 2 * w).sub(layer(x, w)).abs().max() > 0.1


def test_an_even_kernel_is_refused():
    with pytest.raises(BadInput, match="expected odd, got 4"):
        ModulatedConv(5, 7, 4, 4)


@pytest.mark.parametrize("channels", [1, 5])
def test_noise_starts_silent_and_is_scaled_by_its_strength(channels):
    noise, x = Noise(channels), torch.randn(3, 5, 6, 7)
    assert torch.equal(noise(x), x)
    noise.strength.data = torch.arange(1.0, channels + 1).view(1, -1, 1, 1)
    given = torch.randn(3, 1, 6, 7)
    assert torch.allclose(noise(x, given) - x, given * noise.strength.expand(1, 5, 1, 1), atol=1e-6)


def test_noise_is_drawn_per_image_and_position_from_the_generator():
    noise, x = Noise(), torch.zeros(3, 5, 6, 7)
    noise.strength.data.fill_(1)
    state = torch.get_rng_state()
    first, again, other = (noise(x, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(first, first[:, :1].expand_as(first))
    assert first[:, 0].unique().numel() == 3 * 6 * 7
    torch.manual_seed(1)
    assert torch.equal(noise(x), first)
