"""Self-attention: identity at the start, a plain loop, permutations, reach."""

import pytest
import torch
import torch.nn.functional as F

from zoo.layers import SelfAttention, top_singular_values


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


def block(channels=17, gamma=0.8, **options):
    attention = SelfAttention(channels, **options).double().eval()
    attention.gamma.data.fill_(gamma)
    return attention


def features(channels=17, h=5, w=4):
    return 2 * torch.randn(3, channels, h, w, dtype=torch.float64)


def test_it_starts_as_the_identity_and_can_learn():
    attention, x = SelfAttention(17), torch.randn(3, 17, 6, 4)
    assert torch.equal(attention(x), x)
    attention(x).square().sum().backward()
    assert isinstance(attention.gamma, torch.nn.Parameter)
    assert attention.gamma.grad.abs() > 0


@pytest.mark.parametrize("pool", [True, False])
def test_rows_sum_to_one(pool):
    weights = block(pool=pool).attention(features(h=6))
    assert weights.shape == (3, 24, 6 if pool else 24)
    assert torch.allclose(weights.sum(2), torch.ones(3, 24, dtype=torch.float64))
    assert (weights.sum(1) - 1).abs().max() > 0.1


@pytest.mark.parametrize("pool", [True, False])
@pytest.mark.parametrize("channels", [3, 17])
def test_equals_a_loop_over_positions(channels, pool):
    attention, x = block(channels, pool=pool), features(channels)
    query, key, value = attention.query(x), attention.key(x), attention.value(x)
    assert (query.shape[1], key.shape[1], value.shape[1]) == ((1, 1, 1) if channels == 3 else (2, 2, 8))
    if pool:
        key, value = (F.max_pool2d(part, 2, ceil_mode=True) for part in (key, value))
    out = attention(x)
    for n in range(3):
        keys, values = (list(part[n].flatten(1).T) for part in (key, value))
        for i in range(5):
            for j in range(4):
                shares = torch.stack([query[n, :, i, j] @ k for k in keys]).exp()
                mixed = sum(share * v for share, v in zip(shares / shares.sum(), values, strict=True))
                expected = x[n, :, i, j] + 0.8 * (attention.output.weight[:, :, 0, 0] @ mixed)
                assert torch.allclose(out[n, :, i, j], expected)


def test_positions_may_be_permuted():
    attention, x = block(pool=False), features()
    order = torch.randperm(20)

    def shuffled(y):
        return y.flatten(2)[:, :, order].view(3, 17, 5, 4)

    assert torch.allclose(attention(shuffled(x)), shuffled(attention(x)))


@pytest.mark.parametrize(("gamma", "reaches"), [(1.0, True), (0.0, False)])
def test_one_corner_sees_the_other(gamma, reaches):
    attention, x = block(gamma=gamma), features(h=8, w=6).requires_grad_()
    attention(x)[0, :, 0, 0].sum().backward()
    assert (x.grad[0, :, -1, -1].abs().max() > 0) == reaches
    assert x.grad[1:].abs().max() == 0


def test_spectral_is_an_option():
    sigmas = {is_on: list(top_singular_values(SelfAttention(32, is_on)).values()) for is_on in (True, False)}
    assert sigmas[True] == pytest.approx([1] * 4, abs=0.1)
    assert sigmas[False] != pytest.approx([1] * 4, abs=0.1)
