"""Minibatch standard deviation: zero for equal images, groups, a plain loop."""

import pytest
import torch

from genbench.errors import BadInput
from zoo.layers import MinibatchStd


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


def features(n, channels=6):
    return torch.randn(n, channels, 3, 5, dtype=torch.float64)


@pytest.mark.parametrize("n", [1, 4, 7, 8])
def test_equal_images_give_zero_and_a_finite_gradient(n):
    x = features(1).repeat(n, 1, 1, 1).requires_grad_()
    out = MinibatchStd()(x)
    assert out.shape == (n, 7, 3, 5)
    assert torch.equal(out[:, :6], x)
    assert out[:, 6].abs().max() < 1e-15
    out.square().sum().backward()
    assert torch.isfinite(x.grad).all()


def test_a_batch_of_one_gives_zero():
    assert MinibatchStd()(features(1))[:, -1].abs().max() == 0


@pytest.mark.parametrize(("n", "size"), [(8, 4), (6, 3), (4, 4), (3, 3), (10, 2)])
@pytest.mark.parametrize("features_out", [1, 2, 3])
def test_equals_a_loop(n, size, features_out):
    x = features(n)
    out = MinibatchStd(features=features_out)(x)
    assert out.shape == (n, 6 + features_out, 3, 5)
    groups, share = n // size, 6 // features_out
    for i in range(n):
        members = x[[j for j in range(n) if j % groups == i % groups]]
        assert len(members) == size
        for f in range(features_out):
            std = (members[:, f * share : (f + 1) * share].var(0, correction=0) + 1e-8).sqrt().mean() - 1e-4
            assert torch.allclose(out[i, 6 + f], std.expand(3, 5))


def test_order_within_a_group_does_not_matter_and_other_groups_do_not_count():
    x = features(6)  # groups {0, 2, 4} and {1, 3, 5}
    planes = MinibatchStd()(x)[:, -1]
    assert torch.allclose(MinibatchStd()(x[[4, 1, 0, 3, 2, 5]])[:, -1], planes)
    changed = x.clone()
    changed[1] *= 9
    assert torch.allclose(MinibatchStd()(changed)[0, -1], planes[0])
    assert (MinibatchStd()(changed)[3, -1] - planes[3]).abs().max() > 0.1


def test_channels_must_be_shareable():
    with pytest.raises(BadInput, match="multiple of 4, got 6"):
        MinibatchStd(features=4)(features(4))
