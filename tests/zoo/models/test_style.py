"""What both StyleGANs promise of styles, noise and truncation."""

import math

import pytest
import torch
import torch.nn.functional as F
from bare import BareRun, deal
from torch import nn

from genbench.errors import BadInput
from zoo import MODELS
from zoo.contracts import DataSpec, StyleSpace
from zoo.gan.style import BlurredDown, CriticBlock, StyleCritic, mix
from zoo.layers import EqConv, EqLinear, Noise, downsample_blur

SPEC = DataSpec("noise", (3, 32, 32))
TINY = {"channels": (8, 6, 5, 4), "latent": 7, "mapping_layers": 3}
NAMES = ("stylegan", "stylegan2")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def make(name, spec=SPEC, **settings):
    """A model as it may be after training: noise is heard, the average of w is not 0."""
    torch.manual_seed(20260601)
    model = MODELS.get(name).make(spec, {**TINY, **settings})
    for net in (model.generator, model.average):
        for part in net.modules():
            if isinstance(part, Noise):
                nn.init.constant_(part.strength, 0.3)
        net.w_average.copy_(torch.linspace(-1, 1, len(net.w_average)))
    return model


@pytest.fixture(params=NAMES)
def model(request):
    return make(request.param)


def silence(model):
    for part in model.average.modules():
        if isinstance(part, Noise):
            nn.init.zeros_(part.strength)


def latents(model, n=5, seed=3):
    return model.prior(n, seeded(seed))


def agree(first, second):
    """Equal but for rounding, which depends on the batch and on how styles lie in memory."""
    return torch.allclose(first, second.expand_as(first), atol=1e-4)


def differ(first, second):
    """The smallest over the images of their largest difference."""
    return float((first - second).detach().abs().flatten(1).amax(1).min()) > 1e-3


# --------------------------------------------------------------------------------------------------- truncation


def test_psi_of_one_is_no_truncation(model):
    plain = model.sample(4, seeded())
    assert torch.equal(model.sample(4, seeded(), truncation=1.0), plain)
    assert torch.equal(model.sample(4, seeded(), truncation=None), plain)
    assert not torch.equal(model.sample(4, seeded(), truncation=0.9), plain)


def test_psi_of_zero_is_one_image_with_its_noise(model):
    w = model.truncate(model.mapping(latents(model)), 0.0)
    images = model.synthesis(model.average.spread(w))
    assert torch.equal(w, model.w_average.expand(5, -1))
    assert agree(images, images[:1])
    with_noise = model.sample(5, seeded(), truncation=0.0)
    assert differ(with_noise[1:], with_noise[:1].expand(4, -1, -1, -1))
    silence(model)
    bare = model.sample(5, seeded(), truncation=0.0)
    assert agree(bare, bare[:1])


def test_psi_shortens_the_way_from_the_average(model):
    w = model.mapping(latents(model))
    for psi in (0.3, 0.7, 1.5):
        assert torch.allclose(model.truncate(w, psi), model.w_average + psi * (w - model.w_average), atol=1e-6)


@pytest.mark.parametrize("psi", [-0.1, math.inf, math.nan])
def test_other_psi_are_refused(model, psi):
    with pytest.raises(BadInput, match="truncation out of range; expected 0 or more"):
        model.sample(2, seeded(), truncation=psi)


def test_the_prior_is_not_truncated(model):
    with pytest.raises(BadInput, match="truncation acts on w"):
        model.prior(2, seeded(), truncation=0.7)


# --------------------------------------------------------------------------------------------------- styles


def test_a_mixed_image_is_of_one_latent_at_either_end(model):
    z1, z2 = latents(model), latents(model, seed=4)
    assert agree(model.style_mixing(z1, z2, model.num_ws), model.decode(z1))
    assert agree(model.style_mixing(z1, z2, 0), model.decode(z2))
    assert differ(model.decode(z1), model.decode(z2))


def test_each_layer_takes_its_style_from_its_side_of_the_cut(model):
    z1, z2 = latents(model), latents(model, seed=4)
    w1, w2 = model.mapping(z1), model.mapping(z2)
    for cut in range(model.num_ws + 1):
        ws = torch.stack([w1] * cut + [w2] * (model.num_ws - cut), 1)
        assert agree(model.style_mixing(z1, z2, cut), model.synthesis(ws))


def test_a_cut_that_is_no_layer_is_refused(model):
    z = latents(model, 1)
    for cut in (-1, model.num_ws + 1):
        with pytest.raises(BadInput, match=r"no such layer; expected cut in 0\.\.8"):
            model.style_mixing(z, z, cut)


def test_mixing_cuts_each_image_for_itself_and_leaves_its_inputs():
    first, second = torch.zeros(3, 4, 2), torch.ones(3, 4, 2)
    mixed = mix(first[:, :1].expand(-1, 4, -1), second[:, :1].expand(-1, 4, -1), torch.tensor([0, 1, 4]))
    assert mixed.sum((1, 2)).tolist() == [8.0, 6.0, 0.0]
    assert mixed[1, :, 0].tolist() == [0.0, 1.0, 1.0, 1.0]
    assert float(first.sum()) == 0
    assert float(second.sum()) == 24


def test_in_training_nine_of_ten_images_are_mixed_anywhere(model):
    n = 6000
    ws = model.draw_styles(n).detach()
    cuts = (ws == ws[:, :1]).all(2).sum(1)  # layers that share the first one's style
    share = float((cuts < model.num_ws).float().mean())
    assert share == pytest.approx(0.9, abs=5 * math.sqrt(0.9 * 0.1 / n))
    counts = torch.bincount(cuts, minlength=model.num_ws + 1)[1 : model.num_ws]
    expected = n * 0.9 / (model.num_ws - 1)
    assert (counts - expected).abs().max() < 5 * math.sqrt(expected)


@pytest.mark.parametrize("name", NAMES)
def test_without_mixing_all_layers_have_one_style(name):
    ws = make(name, mixing=0.0).draw_styles(6)
    assert torch.equal(ws, ws[:, :1].expand_as(ws))


@pytest.mark.parametrize("mixing", [0.0, 1.0])
@pytest.mark.parametrize("name", NAMES)
def test_the_average_of_w_follows_the_first_latents_alone(name, mixing):
    model = make(name, mixing=mixing)
    old = model.generator.w_average.clone()
    torch.manual_seed(5)
    w = model.generator.mapping(model.prior(16, None))
    torch.manual_seed(5)
    model.draw_styles(16)
    assert torch.allclose(model.generator.w_average, 0.995 * old + 0.005 * w.detach().mean(0), atol=1e-6)
    assert not model.generator.w_average.requires_grad


def test_the_average_of_w_rests_when_nothing_is_trained(model):
    before = model.w_average.clone()
    z = latents(model).requires_grad_()
    model.train()
    for call in (model.decode, model.mapping):
        call(z)
    model.sample(3, seeded())
    model.generator(z)
    assert torch.equal(model.w_average, before)
    assert torch.equal(model.generator.w_average, before)


def test_an_image_depends_on_its_latent_through_w_alone(model):
    one, other = (model.decode(latents(model, seed=seed)) for seed in (1, 2))
    assert differ(one, other)
    nn.init.zeros_(model.average.mapping[-2].weight)
    nn.init.constant_(model.average.mapping[-2].bias, 30.0)
    one, other = (model.decode(latents(model, seed=seed)) for seed in (1, 2))
    assert torch.equal(one, other)


def test_every_style_reaches_the_image(model):
    """For each layer by its own column: the image changes with it, and with no other image's."""
    ws = model.average.spread(model.mapping(latents(model, 3))).detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(model.synthesis(ws)[1].square().sum(), ws)
    assert (slope[1].abs().amax(1) > 0).all()
    assert float(slope[[0, 2]].abs().max()) == 0


def test_the_length_of_a_latent_changes_nothing(model):
    z = latents(model)
    assert agree(model.decode(z), model.decode(5 * z))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("side", "styles"), [(16, 6), (32, 8), (64, 10)])
def test_any_power_of_two_will_do(name, side, styles):
    model = make(name, DataSpec("noise", (1, side, side)), channels=(8, 6, 5, 4, 3))
    assert isinstance(model, StyleSpace)
    assert model.num_ws == styles
    assert model.sample(2, seeded()).shape == (2, 1, side, side)
    assert model.criticise(torch.rand(4, 1, side, side)).shape == (4,)


# --------------------------------------------------------------------------------------------------- noise


def test_decoding_has_one_noise(model):
    z = latents(model)
    torch.manual_seed(1)
    first = model.decode(z)
    torch.manual_seed(2)
    assert torch.equal(first, model.decode(z))
    same = model.decode(z[:1].expand(4, -1))
    assert agree(same, same[:1])


def test_every_sample_has_its_own_noise_from_the_generator(model):
    z = latents(model, 1).expand(4, -1)
    torch.manual_seed(1)
    images = model.sample(4, seeded(7), z=z)
    torch.manual_seed(2)
    assert torch.equal(images, model.sample(4, seeded(7), z=z))
    assert differ(images[1:], images[:1].expand(3, -1, -1, -1))
    assert differ(images, model.sample(4, seeded(8), z=z))


def test_an_image_has_the_same_noise_among_few_or_many(model):
    z = latents(model, 6)
    assert agree(model.sample(6, seeded(7), z=z)[:2], model.sample(2, seeded(7), z=z[:2]))


def test_noise_of_strength_zero_is_none(model):
    silence(model)
    z = latents(model)
    assert agree(model.sample(5, seeded(1), z=z), model.sample(5, seeded(2), z=z))
    assert agree(model.sample(5, seeded(1), z=z), model.decode(z).clamp(0, 1))


def test_all_layers_have_noise_and_none_at_the_start(model):
    assert len(model.generator.synthesis.sides) == sum(isinstance(part, Noise) for part in model.generator.modules())
    fresh = MODELS.get(model.info.name).make(SPEC, TINY)
    assert all(not part.strength.any() for part in fresh.modules() if isinstance(part, Noise))
    synthesis, ws = model.average.synthesis, model.average.spread(model.mapping(latents(model)))
    quiet = [torch.zeros(1, 1, side, side) for side in synthesis.sides]
    for layer, side in enumerate(synthesis.sides):
        loud = [*quiet[:layer], torch.randn(1, 1, side, side), *quiet[layer + 1 :]]
        assert differ(synthesis(ws, loud), synthesis(ws, quiet))


def test_training_has_fresh_noise(model):
    ws = model.generator.spread(model.generator.mapping(latents(model)))
    torch.manual_seed(1)
    first = model.generator.synthesis(ws)
    assert differ(first, model.generator.synthesis(ws))
    torch.manual_seed(1)
    assert torch.equal(first, model.generator.synthesis(ws))


# --------------------------------------------------------------------------------------------------- training


def test_an_update_of_the_generator_reaches_all_of_it(model):
    fresh = MODELS.get(model.info.name).make(SPEC, TINY)
    fresh.train_generator(BareRun(fresh, batch=4, step=1))
    gradients = {name: weight.grad for name, weight in fresh.generator.named_parameters()}
    assert all(gradient is not None and bool(gradient.isfinite().all()) for gradient in gradients.values())
    still = [name for name, gradient in gradients.items() if float(gradient.abs().max()) == 0]
    assert still == []
    assert gradients["synthesis.constant"].shape == (1, 8, 4, 4)
    assert all(weight.grad is None for weight in fresh.critic.parameters())


def test_the_mapping_learns_a_hundredth_as_fast_by_its_scale_alone(model):
    layers = [part for part in model.generator.mapping if isinstance(part, EqLinear)]
    assert len(layers) == 3
    for layer in layers:
        assert layer.scale == pytest.approx(0.01 * math.sqrt(2 / 7))
        assert float(layer.weight.detach().std()) == pytest.approx(100, rel=0.5)
    for optimizer in model.optimizers().values():
        assert len({group["lr"] for group in optimizer.param_groups}) == 1


def test_w_starts_as_wide_as_z(model):
    w = make(model.info.name, latent=64).generator.mapping(torch.randn(500, 64))
    assert 0.5 < float(w.detach().square().mean().sqrt()) < 2


def test_r1_comes_every_few_updates(model):
    draw = deal(torch.rand(8, 3, 32, 32) * 2 - 1)
    run, every = BareRun(model, batch=4), model.config.r1_every
    assert every == {"stylegan": 8, "stylegan2": 16}[model.info.name]
    for run.step, expected in ((0, True), (1, False), (every - 1, False), (every, True)):
        assert ("r1" in model.train_critic(draw(4), run)) == expected


# --------------------------------------------------------------------------------------------------- critic


def test_blurred_halving_is_the_convolution_at_full_resolution_then_the_filter():
    torch.manual_seed(1)
    down, x = BlurredDown(3, 5).double(), torch.randn(2, 3, 12, 16, dtype=torch.float64)
    nn.init.normal_(down.bias)
    full = F.conv2d(x, down.weight * down.scale, down.bias, padding=1)
    out = down(x)
    assert out.shape == (2, 5, 6, 8)
    assert torch.allclose(out[:, :, 1:-1, 1:-1], downsample_blur(full)[:, :, 1:-1, 1:-1])


def test_a_residual_block_adds_its_halved_input():
    torch.manual_seed(1)
    block, x = CriticBlock(3, 5, residual=True), torch.randn(2, 3, 8, 8)
    both = block(x)
    main, skip = block.main(x), F.conv2d(downsample_blur(x), block.skip.weight * block.skip.scale)
    assert torch.allclose(both, (main + skip) / math.sqrt(2), atol=1e-6)
    assert block.skip.scale == pytest.approx(1 / math.sqrt(3))
    assert CriticBlock(3, 5, residual=False).skip is None


@pytest.mark.parametrize("residual", [False, True])
def test_the_critic_sees_how_much_a_batch_varies(residual):
    torch.manual_seed(1)
    critic, x = StyleCritic((8, 6, 5), 3, residual=residual), torch.rand(4, 3, 16, 16)
    assert not torch.allclose(critic(x)[:1], critic(x[:1]), atol=1e-5)
    assert torch.allclose(critic(x[:1].expand(4, -1, -1, -1))[:1], critic(x[:1]), atol=1e-5)


def test_which_critic_is_residual():
    for name, residual in (("stylegan", False), ("stylegan2", True)):
        blocks = make(name).critic.blocks
        assert [block.skip is not None for block in blocks] == [residual] * 3


def test_colours_have_gain_one_all_else_sqrt_two():
    for name in NAMES:
        model = make(name)
        linear = {model.critic.last[-1], getattr(model.generator.synthesis, "colours", None)}
        linear |= {block.skip for block in model.critic.blocks}
        for part in [*model.generator.synthesis.modules(), *model.critic.modules()]:
            if isinstance(part, EqConv):
                gain = part.scale * math.sqrt(part.weight[0].numel())
                assert gain == pytest.approx(1.0 if part in linear else math.sqrt(2))


def test_too_few_channels_are_refused():
    with pytest.raises(BadInput, match="too few channels for 64 x 64 pixels"):
        make("stylegan2", DataSpec("large", (3, 64, 64)))
