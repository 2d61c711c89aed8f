"""SAGAN: attention that is used, two bounded networks, classes by conditional batch norm."""

import pytest
import torch
from bare import BareRun, deal

from zoo import MODELS
from zoo.contracts import DataSpec
from zoo.gan.staged import StagedConfig, StagedGenerator
from zoo.layers import ConditionalNorm, SelfAttention, top_singular_values
from zoo.layers.weights import is_reparametrised, weight_layers
from zoo.losses import LOSSES
from zoo.model import choose_preset

CLASSES = 3
SPEC = DataSpec("noise", (1, 32, 32), class_shares=(0.5, 0.3, 0.2))
SMALL = {"latent": 8, "widths": (8, 9, 10, 6), "critic_widths": (8, 6, 7)}
ARCHITECTURES = ("strided", "resnet")


def make(**settings):
    torch.manual_seed(20260601)
    return MODELS.get("sagan").make(SPEC, SMALL | settings)


def train(model, steps=4):
    draw = deal(torch.rand(64, 1, 32, 32) * 2 - 1, torch.arange(64) % CLASSES)
    run = BareRun(model)
    for run.step in range(steps):
        model.train_step(draw, run)
    return model


def attention_of(net):
    (found,) = [part for part in net.modules() if isinstance(part, SelfAttention)]
    return found


def tables_of(net):
    return [part for norm in net.modules() if isinstance(norm, ConditionalNorm) for part in (norm.gain, norm.bias)]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_attention_starts_unused_and_is_taken_up_by_both_networks(architecture):
    model = make(architecture=architecture)
    for net in (model.generator, model.critic):
        assert float(attention_of(net).gamma.detach()) == 0
    train(model)
    for net in (model.generator, model.critic):
        assert float(attention_of(net).gamma.detach().abs()) > 1e-5


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_both_networks_have_largest_singular_values_of_1(architecture):
    """The generator's tables of classes excepted, which start at 0."""
    model = train(make(architecture=architecture))
    tables = set(tables_of(model.generator))
    for net in (model.generator, model.critic):
        found = top_singular_values(net)
        bound = [name for name, layer in weight_layers(net) if layer not in tables]
        assert all(found[name] == pytest.approx(1, abs=0.05) for name in bound)
    assert is_reparametrised(model.critic.vectors)
    assert not any(is_reparametrised(table) for table in tables)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_tables_of_zeros_are_plain_batch_norm(architecture):
    config = StagedConfig(architecture=architecture, **SMALL)
    torch.manual_seed(20260601)
    conditional = StagedGenerator(8, config, SPEC, condition_width=CLASSES)
    plain = StagedGenerator(8, config, SPEC)
    left = plain.load_state_dict(
        {name: weight for name, weight in conditional.state_dict().items() if ".norm" not in name}, strict=False
    )
    assert all(".norm" in name for name in left.missing_keys)
    z = torch.randn(6, 8)
    conditions = [torch.randn(6, CLASSES)] * 3
    assert torch.allclose(conditional(z, conditions), plain(z), atol=1e-6)
    assert torch.allclose(conditional.eval()(z, conditions), plain.eval()(z), atol=1e-6)  # their statistics agree too


@pytest.mark.parametrize("block", [0, 1, 2])
def test_a_table_scales_the_features_of_its_class_alone(block):
    model = make()
    generator = model.generator.eval()
    z, labels = model.prior(3, torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2])
    before = generator(z, labels)
    assert torch.equal(before, generator(z, labels.flip(0)))  # at the start the class makes no difference
    generator.net.blocks[block].norm.gain.weight.data[:, 1] = 0.7
    changed = (generator(z, labels) - before).abs().amax((1, 2, 3))
    assert changed[1] > 1e-4
    assert changed[0] == changed[2] == 0


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_class_is_learned_by_the_generator(architecture):
    model = train(make(architecture=architecture))
    z = model.prior(1, torch.Generator().manual_seed(0))
    images = [model.generator.eval()(z, torch.tensor([label])) for label in range(CLASSES)]
    assert not torch.equal(images[0], images[1])
    assert not torch.equal(images[1], images[2])


def test_the_critic_learns_faster_than_the_generator():
    """Four times, in the paper."""
    paper = choose_preset(MODELS.get("sagan"), "paper").config
    assert (paper["lr_generator"], paper["lr_critic"]) == (1e-4, 4e-4)
    groups = {name: optimizer.param_groups for name, optimizer in make().optimizers().items()}
    assert min(group["lr"] for group in groups["critic"]) > max(group["lr"] for group in groups["generator"])
    assert all(group["betas"] == (0.0, 0.9) for found in groups.values() for group in found)


def test_hinge_loss_on_logits_of_the_right_class():
    model = make()
    assert model.loss is LOSSES["hinge"]
    x = torch.rand(3, 1, 32, 32)
    assert not torch.equal(model.criticise(x, [0, 1, 2]), model.criticise(x, [1, 2, 0]))
