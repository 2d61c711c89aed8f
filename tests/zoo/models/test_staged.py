"""Networks in stages: their plan, the place of attention, the projection, what they refuse."""

import pytest
import torch
import torch.nn.functional as F

from genbench.errors import BadInput
from zoo import MODELS
from zoo.contracts import DataSpec
from zoo.gan.staged import StagedConfig, StagedCritic, StagedGenerator
from zoo.layers import SelfAttention
from zoo.layers.weights import effective_weight
from zoo.model import choose_preset

COLOUR = DataSpec("noise", (3, 32, 32), class_shares=(0.4, 0.3, 0.2, 0.1))
SMALL = {"latent": 8, "widths": (7, 6, 5, 4), "critic_widths": (5, 6, 7)}
ARCHITECTURES = ("strided", "resnet")


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


def outputs(parts, run):
    """Return the shape after each of the parts."""
    seen = []
    hooks = [part.register_forward_hook(lambda _m, _i, out: seen.append(tuple(out.shape[1:3]))) for part in parts]
    run()
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("side", [16, 64])
def test_features_double_in_the_generator_and_halve_in_the_critic(architecture, side):
    widths = (9, 8, 7, 6, 5)[: side.bit_length() - 2]
    config = StagedConfig(architecture=architecture, widths=widths, critic_widths=(3, 4, 5), critic_downs=2)
    spec = DataSpec("noise", (3, side, side))
    generator, critic = StagedGenerator(11, config, spec), StagedCritic(config, spec)
    made = outputs([*generator.blocks, generator.last], lambda: generator(torch.randn(2, 11)))
    assert made == [*((width, 8 << i) for i, width in enumerate(widths[1:])), (3, side)]
    judged = outputs(list(critic.stages)[::2], lambda: critic(torch.randn(2, 3, side, side)))
    assert judged == [(3, side // 2), (4, side // 4), (5, side // 4)]


@pytest.mark.parametrize("name", ["sngan", "sagan", "biggan"])
def test_the_papers_networks_fit_their_data(name):
    """A sixty-fourth (a sixteenth) as wide, so that a test can hold them."""
    model, share = MODELS.get(name), 16 if name == "sngan" else 64
    config = dict(choose_preset(model, "paper").config)
    config |= {key: tuple(max(1, width // share) for width in config[key]) for key in ("widths", "critic_widths")}
    side = 32 if name == "sngan" else 128
    built = model.make(DataSpec("photographs", (3, side, side), class_shares=(0.5, 0.5)), config)
    images = built.sample(2, torch.Generator().manual_seed(0))
    assert images.shape == (2, 3, side, side)
    assert built.criticise(images, [0, 1] if built.is_conditional else None).shape == (2,)


def test_the_strided_critic_is_that_of_table_3():
    """conv3, conv4 stride 2, three times; conv3; linear. Leaky slopes of 0.1, no norm."""
    spec, config = COLOUR, StagedConfig(widths=(7, 6, 5, 4), critic_widths=(4, 5, 6, 7))
    critic = StagedCritic(config, spec).double()
    convs = [part for part in critic.modules() if isinstance(part, torch.nn.Conv2d)]
    assert [(c.kernel_size[0], c.stride[0], c.out_channels) for c in convs] == [
        (3, 1, 4), (4, 2, 4), (3, 1, 5), (4, 2, 5), (3, 1, 6), (4, 2, 6), (3, 1, 7),
    ]  # fmt: skip
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    h = x
    for conv in convs:
        h = F.leaky_relu(F.conv2d(h, conv.weight, conv.bias, conv.stride, conv.padding), 0.1)
    assert h.shape == (2, 7, 4, 4)
    assert torch.allclose(critic(x), h.sum((2, 3)) @ critic.linear.weight[0])


def test_the_residual_critic_sums_what_its_last_block_leaves_above_0():
    critic = StagedCritic(StagedConfig(architecture="resnet", **SMALL), COLOUR)
    x = torch.randn(2, 3, 32, 32)
    h = critic.stages(x)
    assert torch.allclose(critic(x), h.clamp(min=0).sum((2, 3)) @ critic.linear.weight[0], atol=1e-6)
    assert h.min() < -1e-3


@pytest.mark.parametrize("name", ["sagan", "biggan"])
def test_the_class_enters_the_critic_by_projection(name):
    """s(x, y) - s(x, y') = <e_y - e_y', h(x)>; the rest of s is linear in h."""
    model = MODELS.get(name).make(COLOUR, SMALL).double().eval()
    critic, x = model.critic, torch.randn(5, 3, 32, 32, dtype=torch.float64)
    first, second = torch.tensor([0, 1, 2, 3, 0]), torch.tensor([3, 3, 1, 0, 2])
    vectors, h = effective_weight(critic.vectors), critic.features(x)
    gap = critic(x, first) - critic(x, second)
    assert torch.allclose(gap, ((vectors[first] - vectors[second]) * h).sum(1))
    assert gap.abs().min() > 1e-6
    rest = critic(x, first) - (vectors[first] * h).sum(1)
    assert torch.allclose(rest, h @ effective_weight(critic.linear)[0])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("side", [8, 16])
def test_attention_follows_the_block_that_ends_at_its_side(architecture, side):
    config = StagedConfig(architecture=architecture, attention=side, **SMALL)
    generator, critic = StagedGenerator(8, config, COLOUR), StagedCritic(config, COLOUR)
    for net, inputs in ((generator, torch.randn(2, 8)), (critic, torch.randn(2, 3, 32, 32))):
        found = [part for part in net.modules() if isinstance(part, SelfAttention)]
        assert len(found) == 1
        assert outputs(found, lambda net=net, inputs=inputs: net(inputs))[0][1] == side


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("gamma", [0.0, 1.0])
def test_the_critic_sees_from_corner_to_corner_by_attention_alone(architecture, gamma):
    critic = StagedCritic(StagedConfig(architecture=architecture, attention=16, **SMALL), COLOUR)
    attention = critic.stages[1]
    attention.gamma.data.fill_(gamma)
    x = torch.randn(1, 3, 32, 32, requires_grad=True)
    attention(critic.stages[0](x))[0, :, 0, 0].sum().backward()
    assert (x.grad[0, :, -8:, -8:].abs().max() > 0) == bool(gamma)
    assert x.grad[0, :, 0, 0].abs().max() > 0


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("gamma", [0.0, 1.0])
def test_a_pixel_depends_on_far_features_by_attention_alone(architecture, gamma):
    generator = StagedGenerator(8, StagedConfig(architecture=architecture, attention=16, **SMALL), COLOUR).eval()
    attention = generator.attend[1]
    attention.gamma.data.fill_(gamma)
    features = torch.randn(1, 5, 16, 16, requires_grad=True)
    images = generator.last(generator.attend[2](generator.blocks[2](attention(features))))
    images[0, :, 0, 0].sum().backward()
    assert (features.grad[0, :, -4:, -4:].abs().max() > 0) == bool(gamma)
    assert features.grad[0, :, 0, 0].abs().max() > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"widths": (8, 8, 8)}, "wrong number of widths; expected 4, for 4 x 4 to 32 x 32, got 3"),
        ({"critic_downs": 0}, "critic_downs out of range; expected 1 to 3, got 0"),
        ({"critic_downs": 4}, "critic_downs out of range; expected 1 to 3, got 4"),
        ({"attention": 32}, r"expected one of \[8, 16\] or None, got 32"),
        ({"attention": 16, "critic_downs": 0}, "critic_downs out of range"),
        ({"attention": 4}, r"expected one of \[8, 16\] or None, got 4"),
    ],
)
def test_networks_that_cannot_be_built_are_refused(settings, message):
    with pytest.raises(BadInput, match=message):
        MODELS.get("sngan").make(COLOUR, SMALL | settings)


@pytest.mark.parametrize("shape", [(3, 24, 24), (3, 32, 16), (2,), (3, 8, 8)])
def test_other_data_is_refused(shape):
    with pytest.raises(BadInput, match="cannot learn such data"):
        MODELS.get("sngan").make(DataSpec("odd", shape), SMALL)


@pytest.mark.parametrize("name", ["sagan", "biggan"])
def test_classes_are_needed(name):
    with pytest.raises(BadInput, match="needs classes"):
        MODELS.get(name).make(DataSpec("plain", (3, 32, 32)), SMALL)
