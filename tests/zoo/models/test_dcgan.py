"""DCGAN: the guidelines of the paper, one by one."""

from copy import deepcopy

import pytest
import torch
from bare import BareRun
from torch import nn

from genbench.errors import BadInput
from zoo import MODELS
from zoo.contracts import Batch, DataSpec
from zoo.model import choose_preset

DIGITS = DataSpec("digits32", (1, 32, 32))
NORMS = (nn.BatchNorm2d, nn.GroupNorm, nn.InstanceNorm2d)


def make(spec=DIGITS, **settings):
    torch.manual_seed(0)
    return MODELS.get("dcgan").make(spec, settings)


def noise(n=8, seed=1):
    return torch.rand(n, 1, 32, 32, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def shapes(net, parts, x):
    """Return (channels, side) after each of the parts."""
    seen = []
    hooks = [part.register_forward_hook(lambda _m, _i, out: seen.append(tuple(out.shape[1:3]))) for part in parts]
    net(x)
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize(
    ("side", "channels", "widths"),
    [
        (32, 16, [64, 32, 16]),
        (64, 128, [1024, 512, 256, 128]),  # the paper's
        (128, 64, [1024, 512, 256, 128, 64]),
        (256, 64, [1024, 1024, 512, 256, 128, 64]),
    ],
)
def test_channels_double_as_resolution_halves(side, channels, widths):
    with torch.device("meta"):
        model = make(DataSpec("photographs", (3, side, side)), channels=channels, latent=100)
        generator, critic = model.generator, model.critic
        made = shapes(generator, [generator.stem, *generator.blocks, generator.last], torch.empty(2, 100))
        judged = shapes(critic, [critic.first, *critic.blocks], torch.empty(2, 3, side, side))
    sides = [4 << i for i in range(len(widths))]
    assert made == [*zip(widths, sides, strict=True), (3, side)]
    assert judged == list(zip(widths, sides, strict=True))[::-1]


def test_the_small_networks_have_the_size_they_are_known_by():
    model = make()
    sizes = [sum(weight.numel() for weight in net.parameters()) for net in (model.generator, model.critic)]
    assert [round(size / 1000) for size in sizes] == [107, 42]


def test_there_is_no_pooling_no_dropout_and_no_fully_connected_layer():
    banned = ("Linear", "Pool", "Dropout", "Upsample")
    kinds = {type(part).__name__ for part in make().modules()}
    assert not [kind for kind in kinds if any(word in kind for word in banned)]


def test_batch_norm_is_everywhere_but_at_the_ends():
    model = make()
    generator, critic = model.generator, model.critic
    assert [isinstance(part, nn.BatchNorm2d) for part in generator.stem] == [False, True, False]
    for block in [*generator.blocks, *critic.blocks]:
        assert isinstance(block.norm, nn.BatchNorm2d)
        assert block.norm.eps == 1e-5
    for end in (generator.last, critic.first, critic.last):
        assert not any(isinstance(part, NORMS) for part in end.modules())
        assert all(layer.bias is not None for layer in end.modules() if isinstance(layer, nn.Conv2d))


def test_rectifiers_are_plain_in_the_generator_and_leaky_in_the_critic():
    model = make()
    assert not any(isinstance(part, nn.LeakyReLU) for part in model.generator.modules())
    leaky = [part.negative_slope for part in model.critic.modules() if isinstance(part, nn.LeakyReLU)]
    assert leaky == [0.2] * 3
    assert not any(type(part) is nn.ReLU for part in model.critic.modules())


def test_weights_start_small_and_gains_at_one():
    model = make(channels=32)
    for part in model.requires_grad_(False).modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d) and part.weight.numel() > 1000:
            assert float(part.weight.std()) == pytest.approx(0.02, rel=0.1)
        if isinstance(part, nn.BatchNorm2d):
            assert float(part.weight.mean()) == pytest.approx(1, abs=0.02)
            assert 0.01 < float(part.weight.std()) < 0.04


@pytest.mark.parametrize("up", ["transposed", "nearest", "bilinear"])
def test_upsampling_is_chosen(up):
    model = make(up=up)
    transposed = [part for part in model.generator.modules() if isinstance(part, nn.ConvTranspose2d)]
    assert len(transposed) == (4 if up == "transposed" else 1)
    assert model.generator(torch.randn(2, 64)).shape == (2, 1, 32, 32)


def test_an_image_is_drawn_alone_in_eval_mode_only():
    model = make()
    model.calibrate(torch.Generator().manual_seed(0))
    z = model.prior(6, torch.Generator().manual_seed(0))
    assert torch.allclose(model.decode(z)[2:3], model.decode(z[2:3]), atol=1e-6)
    trained = model.generator.train()
    assert not torch.allclose(trained(z)[2:3], trained(z[1:4])[1:2], atol=1e-3)


def test_calibrated_statistics_are_those_of_the_prior():
    """In eval mode the average draws what it draws with the statistics of a large batch."""
    model = make()
    with torch.no_grad():
        model.average.stem[0].weight.mul_(50)
    z = model.prior(512, torch.Generator().manual_seed(1))
    with torch.no_grad():
        truth = deepcopy(model.average).train()(z)
        before = float((model.average(z) - truth).abs().mean())
        model.calibrate(torch.Generator().manual_seed(0))
        after = float((model.average(z) - truth).abs().mean())
    assert after < 0.1 * before


def test_real_and_generated_images_are_judged_as_separate_batches():
    model, real = make(), noise()
    before, run = deepcopy(model), BareRun(model)
    torch.manual_seed(5)
    logged = float(model.train_critic(Batch(real), run)["critic"].detach())
    torch.manual_seed(5)
    with torch.no_grad():
        fake, _ = before.generate(run)
        apart = before.loss.critic(before.critic(real), before.critic(fake))
        mixed = before.loss.critic(*before.critic(torch.cat([real, fake])).chunk(2))
    assert logged == pytest.approx(float(apart), abs=1e-6)
    assert abs(logged - float(mixed)) > 1e-4


@pytest.mark.parametrize("variant", ["r1", "gradnorm"])
def test_penalties_of_single_images_come_without_batch_norm(variant):
    config = choose_preset(MODELS.get("dcgan"), f"smoke+{variant}").config
    model = make(**config)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in model.critic.modules())
    assert any(isinstance(part, nn.BatchNorm2d) for part in model.generator.modules())
    with pytest.raises(BadInput, match=r"without batch norm.*critic_norm=none"):
        make(**config | {"critic_norm": "bn"})


@pytest.mark.parametrize("norm", ["gn", "ln", "in", "none"])
def test_other_norms_judge_each_image_alone(norm):
    critic, x = make(critic_norm=norm).critic.train(), noise()
    assert torch.allclose(critic(x)[3:4], critic(x[3:4]), atol=1e-6)


def test_batch_norm_does_not():
    critic, x = make().critic.train(), noise()
    assert not torch.allclose(critic(x)[3:4], critic(x[2:4])[1:2], atol=1e-4)
