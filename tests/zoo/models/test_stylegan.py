"""StyleGAN: adaptive instance norm in every layer."""

import pytest
import torch
from torch import nn

from zoo import MODELS
from zoo.contracts import DataSpec
from zoo.layers import AdaIN, EqConv, upsample_blur

SPEC = DataSpec("noise", (3, 16, 16))


@pytest.fixture
def model():
    torch.manual_seed(20260601)
    return MODELS.get("stylegan").make(SPEC, {"channels": (8, 6, 5), "latent": 7, "mapping_layers": 2})


def styled(model, n=4):
    """(ws, outputs of each style in order, image) for random ws, another one for each layer."""
    synthesis, ws, outputs = model.generator.synthesis, torch.randn(n, model.num_ws, 7), []
    for style in synthesis.styles:
        style.register_forward_hook(lambda _m, _i, out: outputs.append(out))
    return ws, outputs, synthesis(ws, synthesis.fixed_noise())


def test_each_layer_has_the_mean_and_deviation_that_its_own_style_asks_for(model):
    nn.init.normal_(model.generator.synthesis.constant)
    ws, outputs, _ = styled(model)
    assert len(outputs) == model.num_ws == 6
    for layer, out in enumerate(outputs):
        scale, shift = model.generator.synthesis.styles[layer].affine(ws[:, layer]).chunk(2, dim=1)
        assert torch.allclose(out.mean((2, 3)), shift, atol=1e-4)
        assert torch.allclose(out.std((2, 3), correction=0), (1 + scale).abs(), atol=1e-3)


def test_the_constant_starts_at_one_and_its_layer_as_its_style(model):
    """A channel without variance becomes the shift of its style."""
    assert torch.equal(model.generator.synthesis.constant, torch.ones(1, 8, 4, 4))
    ws, outputs, _ = styled(model)
    shift = model.generator.synthesis.styles[0].affine(ws[:, 0]).chunk(2, dim=1)[1]
    assert torch.allclose(outputs[0], shift[:, :, None, None].expand_as(outputs[0]), atol=1e-6)


def test_the_start_draws_noise_after_the_convolution_and_before_the_rectifier(model):
    """Written out layer by layer, with instance norm of its own."""
    synthesis = model.generator.synthesis
    for noise in synthesis.noises:
        nn.init.normal_(noise.strength)
    ws, _, image = styled(model)
    x = synthesis.constant.expand(4, -1, -1, -1)
    for layer, noise in enumerate(synthesis.fixed_noise()):
        if layer:
            conv = synthesis.convs[layer - 1]
            x = upsample_blur(x) if layer in (2, 4) else x
            x = nn.functional.conv2d(x, conv.weight * conv.scale, conv.bias, padding=1)
        x = x + synthesis.noises[layer].strength * noise
        x = torch.where(x > 0, x, 0.2 * x)
        scale, shift = synthesis.styles[layer].affine(ws[:, layer]).chunk(2, dim=1)
        normal = nn.functional.instance_norm(x, eps=1e-8)
        x = normal * (1 + scale)[:, :, None, None] + shift[:, :, None, None]
    colours = synthesis.colours
    expected = nn.functional.conv2d(x, colours.weight * colours.scale, colours.bias)
    assert torch.allclose(image, expected, atol=1e-4)


def test_noise_has_a_strength_for_each_channel(model):
    assert [noise.strength.shape[1] for noise in model.generator.synthesis.noises] == [8, 8, 6, 6, 5, 5]


def test_the_layers_are_those_of_the_paper():
    """26.2 million parameters at 1024 x 1024, of the generator that grows; without its 8 unused colour layers."""
    paper = MODELS.get("stylegan").presets["paper"]
    with torch.device("meta"):
        generator = MODELS.get("stylegan").make(DataSpec("faces", (3, 1024, 1024)), paper.config).generator
    assert sum(isinstance(part, AdaIN) for part in generator.modules()) == 18
    assert sum(isinstance(part, EqConv) for part in generator.modules()) == 18
    assert sum(weight.numel() for weight in generator.parameters()) == pytest.approx(26.2e6, abs=5e4)
