"""Norms: what they normalise over, what they depend on, and the conditional and adaptive ones against plain loops."""

import pytest
import torch
from torch import nn

from genbench.errors import BadInput, UnknownName
from zoo.layers import AdaIN, ConditionalNorm, PixelNorm, adain, make_norm
from zoo.layers.norms import group_count


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


def images(n=4, channels=12, h=5, w=3):
    return 3 * torch.randn(n, channels, h, w, dtype=torch.float64) + 1


@pytest.mark.parametrize("kind", ["in", "ln", "gn", "none"])
def test_an_image_does_not_depend_on_its_batch(kind):
    norm, x = make_norm(kind, 12).double(), images()
    alone = norm(x[:1])
    assert torch.allclose(norm(x)[:1], alone, atol=1e-12)
    assert torch.allclose(norm(torch.cat([x[:1], 7 * images(2)]))[:1], alone, atol=1e-12)


def test_batch_norm_depends_on_the_batch():
    norm, x = make_norm("bn", 12).double(), images()
    assert (norm(x)[:1] - norm(torch.cat([x[:1], 7 * images(2)]))[:1]).abs().max() > 0.1


@pytest.mark.parametrize(
    ("kind", "groups"), [("bn", None), ("in", 12), ("ln", 1), ("gn", 3)], ids=["bn", "in", "ln", "gn"]
)
def test_each_normalises_over_its_own_set(kind, groups):
    out = make_norm(kind, 12).double()(images())
    sets = out.transpose(0, 1).reshape(12, -1) if groups is None else out.reshape(4 * groups, -1)
    assert sets.mean(1).abs().max() < 1e-10
    assert (sets.var(1, correction=0) - 1).abs().max() < 1e-4  # the norms' eps is 1e-5
    if kind != "in":
        assert (out.flatten(2).mean(2)).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("channels", "groups"), [(1, 1), (7, 1), (10, 2), (11, 1), (36, 9), (100, 25), (130, 26), (256, 32), (257, 1)]
)
def test_groups_divide_the_channels(channels, groups):
    assert group_count(channels) == groups
    make_norm("gn", channels)(torch.randn(2, channels, 3, 2))


def test_only_instance_norm_has_no_scale_of_its_own():
    assert [bool(list(make_norm(kind, 8).parameters())) for kind in ("bn", "in", "ln", "gn", "none")] == [
        True, False, True, True, False,
    ]  # fmt: skip
    assert list(make_norm("in", 8, affine=True).parameters())
    assert not list(make_norm("bn", 8, affine=False).parameters())


def test_wrong_options_are_named():
    with pytest.raises(UnknownName, match="expected one of bn, gn, in, ln, none"):
        make_norm("batch", 8)
    with pytest.raises(BadInput, match="nd = 2"):
        make_norm("bn", 8, nd=4)


@pytest.mark.parametrize("kind", ["bn", "gn"])
@pytest.mark.parametrize("nd", [2, 3])
def test_a_conditional_norm_starts_as_the_plain_one(kind, nd):
    x = torch.randn(4, 12, *(5, 3, 2)[:nd])
    norm, plain = ConditionalNorm(12, 7, kind, nd=nd), make_norm(kind, 12, nd)
    for _ in range(2):
        assert torch.allclose(norm(x, torch.randn(4, 7)), plain(x), atol=1e-6)
    norm.eval(), plain.eval()
    assert torch.allclose(norm(x, torch.randn(4, 7)), plain(x), atol=1e-6)


def test_the_condition_scales_and_shifts_each_image():
    norm, x, condition = ConditionalNorm(12, 7).double(), images(), torch.randn(4, 7, dtype=torch.float64)
    gain, bias = (torch.randn(12, 7, dtype=torch.float64) for _ in range(2))
    norm.gain.weight.data, norm.bias.weight.data = gain, bias
    plain = nn.BatchNorm2d(12, affine=False).double()(x)
    out = norm(x, condition)
    for i in range(4):
        for c in range(12):
            expected = plain[i, c] * (1 + gain[c] @ condition[i]) + bias[c] @ condition[i]
            assert torch.allclose(out[i, c], expected, atol=1e-12)


def test_a_spectral_conditional_norm_is_finite_and_bounded():
    norm = ConditionalNorm(12, 7, spectral=True)
    assert torch.isfinite(norm(torch.randn(4, 12, 5, 3), torch.randn(4, 7))).all()
    for part in (norm.eval().gain, norm.bias):
        assert torch.linalg.svdvals(part.weight.detach())[0] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("shape", [(4, 13), (4, 13, 5, 3), (2, 13, 2, 3, 5)])
def test_pixel_norm_has_mean_square_one_at_every_position(shape):
    x = 5 * torch.randn(shape, dtype=torch.float64)
    out = PixelNorm()(x)
    assert (out.square().mean(1) - 1).abs().max() < 1e-6
    assert torch.allclose(out / out[:, :1], x / x[:, :1])


def test_adain_sets_mean_and_standard_deviation():
    x, scale, shift = images(), torch.rand(4, 12, dtype=torch.float64) + 0.5, torch.randn(4, 12, dtype=torch.float64)
    flat = adain(x, scale, shift).flatten(2)
    assert torch.allclose(flat.mean(2), shift, atol=1e-10)
    assert torch.allclose(flat.std(2, correction=0), scale, atol=1e-6)


def test_adain_ignores_scale_and_offset_of_its_input():
    x, scale, shift = images(), *torch.randn(2, 4, 12, dtype=torch.float64)
    assert torch.allclose(adain(4.2 * x - 9, scale, shift), adain(x, scale, shift), atol=1e-6)
    assert torch.allclose(adain(-x, scale, shift) - shift[:, :, None, None],
                          shift[:, :, None, None] - adain(x, scale, shift), atol=1e-6)  # fmt: skip


def test_adain_of_a_constant_channel_is_the_shift():
    scale, shift = torch.randn(2, 2, 5, dtype=torch.float64)
    out = adain(torch.full((2, 5, 4, 3), 0.7).double(), scale, shift)
    assert torch.allclose(out, shift[:, :, None, None].expand_as(out), atol=1e-10)


def test_the_style_is_an_affine_map_of_w_around_one_and_zero():
    layer, x, w = AdaIN(12, 7).double(), images(), torch.randn(4, 7, dtype=torch.float64)
    assert torch.allclose(layer(x, 0 * w), adain(x, *torch.tensor([[1.0], [0.0]]).expand(2, 48).reshape(2, 4, 12)))
    style = layer.affine(w)
    assert torch.allclose(layer(x, w), adain(x, 1 + style[:, :12], style[:, 12:]))
    assert style.std() > 0.5
