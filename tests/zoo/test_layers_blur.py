"""Filtered resampling: gain, padding, a plain loop, and down as the adjoint of up."""

import pytest
import torch

from zoo.layers import Blur, downsample_blur, upsample_blur

KERNEL = torch.outer(torch.tensor([1.0, 3, 3, 1]), torch.tensor([1.0, 3, 3, 1])).double() / 64


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


def image(*shape):
    return torch.randn(shape, dtype=torch.float64)


def at(x, i, j):
    """x[..., i, j], 0 outside."""
    inside = 0 <= i < x.shape[-2] and 0 <= j < x.shape[-1]
    return x[..., i, j] if inside else torch.zeros_like(x[..., 0, 0])


def filtered(x, i, j, kernel, before):
    """Sum over the kernel around pixel (i, j), ``before`` taps of it above and to the left."""
    side = len(kernel)
    terms = (kernel[a, b] * at(x, i + a - before, j + b - before) for a in range(side) for b in range(side))
    return sum(terms, torch.zeros_like(x[..., 0, 0]))


@pytest.mark.parametrize("taps", [(1, 3, 3, 1), (1, 2, 1), (1, 1)])
def test_blur_keeps_the_size_and_equals_a_loop(taps):
    x, kernel = image(2, 3, 5, 4), torch.outer(*torch.tensor([taps, taps]).double())
    out = Blur(taps).double()(x)
    assert out.shape == x.shape
    for i in range(5):
        for j in range(4):
            assert torch.allclose(out[..., i, j], filtered(x, i, j, kernel / kernel.sum(), len(taps) // 2))


def test_constants_stay_away_from_the_border():
    ones = torch.ones(1, 3, 8, 6)
    assert torch.allclose(Blur()(ones)[..., 2:-1, 2:-1], torch.ones(1, 3, 5, 3))
    assert torch.allclose(upsample_blur(ones)[..., 1:-1, 1:-1], torch.ones(1, 3, 14, 10))
    assert torch.allclose(downsample_blur(ones)[..., 1:-1, 1:-1], torch.ones(1, 3, 2, 1))
    assert Blur()(ones)[..., 0, 0].max() < 1  # zeros are what lies outside


def test_upsampling_inserts_zeros_and_filters_with_gain_four():
    x = image(2, 3, 3, 4)
    spread = x.new_zeros(2, 3, 6, 8)
    spread[..., ::2, ::2] = x
    out = upsample_blur(x)
    assert out.shape == spread.shape
    for i in range(6):
        for j in range(8):
            assert torch.allclose(out[..., i, j], filtered(spread, i, j, 4 * KERNEL, 2))


@pytest.mark.parametrize("side", [6, 7])
def test_downsampling_filters_and_drops_every_other_pixel(side):
    x = image(2, 3, side, 4)
    out = downsample_blur(x)
    assert out.shape == (2, 3, 3, 2)
    for i in range(3):
        for j in range(2):
            assert torch.allclose(out[..., i, j], filtered(x, 2 * i, 2 * j, KERNEL, 1))


def test_down_is_the_adjoint_of_up():
    x, y = image(2, 3, 5, 3), image(2, 3, 10, 6)
    assert (upsample_blur(x) * y).sum() == pytest.approx(4 * float((x * downsample_blur(y)).sum()))
