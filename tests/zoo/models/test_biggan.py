"""BigGAN: chunks of z, one class embedding, orthogonality, truncation and its statistics, mixed classes."""

from copy import deepcopy

import pytest
import torch
from bare import BareRun, deal
from scipy import stats
from torch import nn

from genbench.errors import BadInput
from zoo import MODELS
from zoo.averaging import beta
from zoo.contracts import Batch, DataSpec
from zoo.layers import ConditionalNorm, top_singular_values
from zoo.layers.weights import is_reparametrised, matrix_of, own_weight, weight_layers
from zoo.losses import LOSSES
from zoo.model import choose_preset

CLASSES = 3
SPEC = DataSpec("noise", (1, 16, 16), class_shares=(0.5, 0.3, 0.2))
SMALL = {"latent": 12, "shared": 5, "widths": (8, 9, 10), "critic_widths": (8, 6), "critic_downs": 2, "attention": 8}
CHUNK = 4


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def make(**settings):
    torch.manual_seed(20260601)
    return MODELS.get("biggan").make(SPEC, SMALL | settings)


def train(model, steps=4):
    draw = deal(torch.rand(64, 1, 16, 16) * 2 - 1, torch.arange(64) % CLASSES)
    run = BareRun(model)
    for run.step in range(steps):
        model.train_step(draw, run)
    model.average.load_state_dict(model.generator.state_dict())
    model.calibrate(seeded())
    model.zero_grad()
    return model


@pytest.fixture(scope="module")
def pattern():
    return train(make(orthogonal=0.25))


@pytest.fixture
def model(pattern):
    """A model after a few updates."""
    return deepcopy(pattern)


def state(net):
    return {name: tensor.clone() for name, tensor in net.state_dict().items()}


# ------------------------------------------------------------------------------------------- where z and y enter


def test_each_chunk_of_z_enters_at_its_block_and_not_before():
    model = make()
    net, seen = model.generator.eval(), []
    for part in (net.net.stem, *net.net.blocks):
        part.register_forward_hook(lambda _m, _i, out: seen.append(out))
    z = model.prior(1, seeded()).requires_grad_()
    net(z, torch.tensor([1]))
    for depth, features in enumerate(seen):
        (slope,) = torch.autograd.grad(features.square().sum(), z, retain_graph=True)
        reaches = slope.view(3, CHUNK).abs().amax(1) > 0
        assert reaches.tolist() == [chunk <= depth for chunk in range(3)]


def test_the_class_reaches_every_block_but_not_the_first_layer():
    net, seen = make().generator.eval(), []
    for part in (net.net.stem, *net.net.blocks):
        part.register_forward_pre_hook(lambda _m, inputs: seen.append(inputs))
    embedding = torch.randn(1, 5, requires_grad=True)
    net.synthesise(torch.randn(1, 12), embedding)
    assert len(seen[0]) == 1
    assert seen[0][0].shape == (1, CHUNK)
    assert all(torch.equal(condition[:, :5], embedding) for _, condition in seen[1:])


def test_one_embedding_is_all_that_knows_the_classes():
    net = make().generator
    assert [tuple(part.weight.shape) for part in net.modules() if isinstance(part, nn.Embedding)] == [(CLASSES, 5)]
    tables = [part.gain for part in net.modules() if isinstance(part, ConditionalNorm)]
    assert len(tables) == 4
    assert all(table.weight.shape[1] == 5 + CHUNK for table in tables)


def test_latents_that_do_not_divide_are_refused():
    with pytest.raises(BadInput, match=r"expected a multiple of 3.*got 10"):
        make(latent=10)


# ------------------------------------------------------------------------------------------- weights


def test_every_weight_starts_orthogonal():
    model = make()
    for net in (model.generator, model.critic):
        for name, layer in weight_layers(net):
            matrix = matrix_of(layer, own_weight(layer).detach())
            if len(matrix) > matrix.shape[1]:
                matrix = matrix.T
            assert torch.allclose(matrix @ matrix.T, torch.eye(len(matrix)), atol=1e-5), name


def test_both_networks_have_largest_singular_values_of_1(model):
    """The generator's embedding excepted."""
    for net in (model.generator, model.critic):
        for name, sigma in top_singular_values(net).items():
            assert sigma == pytest.approx(1, abs=0.05) or name == "embedding"
    assert not is_reparametrised(model.generator.embedding)
    assert is_reparametrised(model.critic.vectors)


def penalty(model):
    return model.generator_penalties(BareRun(model))["orthogonal"]


def test_orthogonal_regularisation_leaves_the_diagonal_and_the_embedding_out(model):
    expected = 0.0
    for layer in model.generator.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            rows = own_weight(layer).detach().flatten(1).double()
            gram = rows @ rows.T
            expected += 0.25 * float((gram - torch.diag(gram.diagonal())).square().sum())
    assert expected > 1
    assert float(penalty(model).detach()) == pytest.approx(expected, rel=1e-4)
    before = penalty(model)
    model.generator.embedding.weight.data.add_(1)
    assert torch.equal(penalty(model), before)
    penalty(model).backward()
    assert model.generator.embedding.weight.grad is None


def test_orthogonal_regularisation_has_the_gradient_4_beta_gram_w(model):
    penalty(model).backward()
    weight = own_weight(model.generator.net.blocks[0].conv1)
    matrix = weight.detach().flatten(1)
    gram = matrix @ matrix.T
    expected = 4 * 0.25 * (gram - torch.diag(gram.diagonal())) @ matrix
    assert expected.abs().max() > 1e-4
    assert torch.allclose(weight.grad.flatten(1), expected, atol=1e-6)


def test_rows_of_other_lengths_cost_nothing():
    model = make()
    before = float(penalty(model).detach())
    own_weight(model.generator.net.blocks[0].conv1).data.mul_(3.0)  # its rows are orthogonal: 9 of 72 numbers
    assert float(penalty(model).detach()) == pytest.approx(before, abs=1e-6)


# ------------------------------------------------------------------------------------------- training


def test_two_updates_of_the_critic_on_fresh_examples_for_one_of_the_generator():
    model, dealt, stepped = make(), [], []

    def draw(n):
        dealt.append(n)
        return Batch(torch.rand(n, 1, 16, 16) * 2 - 1, torch.zeros(n, dtype=torch.int64))

    run = BareRun(model)
    descend = run.descend
    run.descend = lambda name, loss: (stepped.append(name), descend(name, loss))
    logs = model.train_step(draw, run)
    assert dealt == [8, 8]
    assert stepped == ["critic", "critic", "generator"]
    assert set(logs) == {"critic", "generator", "orthogonal"}
    assert model.loss is LOSSES["hinge"]


def test_the_papers_rates_and_average():
    config = choose_preset(MODELS.get("biggan"), "paper").config
    kept = ("lr_generator", "lr_critic", "average_half_life")
    model = make(**{key: config[key] for key in kept})
    for name, rate in (("generator", 5e-5), ("critic", 2e-4)):
        (group,) = model.optimizers()[name].param_groups
        assert group["lr"] == rate
        assert group["betas"] == (0.0, 0.999)
    assert beta(2048, model.half_life(10**12)) == pytest.approx(0.9999, abs=1e-7)


# ------------------------------------------------------------------------------------------- truncation


@pytest.mark.parametrize("edge", [0.04, 0.5, 1.0, 2.0])
def test_truncated_latents_are_a_truncated_normal(edge):
    z = make().prior(2000, seeded(), edge).numpy().ravel()
    assert abs(z).max() <= edge
    assert (abs(z) == edge).mean() < 1e-3  # not clamped
    assert stats.kstest(z, stats.truncnorm(-edge, edge).cdf).pvalue > 1e-3
    assert stats.kstest(z, stats.norm.cdf).pvalue < 1e-6


def test_the_statistics_are_those_of_truncated_latents(model):
    net = model.standing(0.3)
    first = net.net.blocks[0].norm1.norm
    features = net.net.stem(model.prior(20_000, seeded(1), 0.3)[:, :CHUNK]).unflatten(1, (-1, 4, 4))
    error = features.std((0, 2, 3)) * 6 / (16 * 64) ** 0.5  # six standard errors of a mean over 16 batches of 64
    assert ((first.running_mean - features.mean((0, 2, 3))).abs() < error).all()
    assert torch.allclose(first.running_var, features.var((0, 2, 3)), rtol=0.08)
    plain = model.average.net.blocks[0].norm1.norm
    assert (plain.running_var > 1.1 * first.running_var).all()


def test_statistics_apart_the_model_that_draws_is_the_average(model):
    average, other = state(model.average), state(model.standing(0.3))
    different = {name for name in average if not torch.equal(average[name], other[name])}
    assert different
    assert all("running" in name or "tracked" in name for name in different)


def test_truncated_samples_use_them_and_leave_the_model_as_it_is(model):
    before = state(model)
    z = model.prior(4, seeded(), 0.3)
    images = model.sample(4, seeded(), z=z, labels=[0, 1, 2, 0], truncation=0.3)
    with torch.no_grad():
        expected = (model.standing(0.3)(z, torch.tensor([0, 1, 2, 0])) + 1) / 2
    assert torch.equal(images, expected)
    assert not torch.allclose(images, model.sample(4, seeded(), z=z, labels=[0, 1, 2, 0]), atol=1e-3)
    after = state(model)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_statistics_are_kept_until_the_weights_or_the_truncation_change(model):
    first = model.standing(0.5)
    assert model.standing(0.5) is first
    other = model.standing(1.0)
    assert other is not first
    again = model.standing(0.5)
    assert all(torch.equal(tensor, state(first)[name]) for name, tensor in state(again).items())
    model.sample(2, seeded())
    assert model.standing(0.5) is again
    own_weight(model.average.net.stem).data.add_(0.1)
    assert model.standing(0.5) is not again


def test_truncation_takes_variety_away_from_the_start():
    """Batch norm with statistics of its own would restore the spread of a first chunk that nothing was added to."""
    model = make()
    model.calibrate(seeded())
    spread = [float(model.sample(64, seeded(), labels=0, truncation=edge).var(0).mean()) for edge in (None, 0.5, 0.05)]
    assert spread[1] < 0.7 * spread[0]
    assert spread[2] < 0.1 * spread[0]


def test_no_truncation_is_the_average_itself(model):
    plain = model.sample(4, seeded())
    assert torch.equal(plain, model.sample(4, seeded(), truncation=float("inf")))
    with pytest.raises(BadInput, match="truncation too small"):
        model.sample(4, seeded(), truncation=0.0)


# ------------------------------------------------------------------------------------------- classes


def test_embeddings_decode_to_their_classes_and_mix(model):
    z, ends = model.prior(3, seeded()), [model.embed([label] * 3) for label in (0, 2)]
    assert ends[0].shape == (3, 5)
    images = [model.decode_embedding(z, torch.lerp(*ends, share)) for share in (0.0, 0.5, 1.0)]
    assert torch.equal(images[0], model.decode(z, 0))
    assert torch.equal(images[2], model.decode(z, 2))
    assert not torch.allclose(images[1], images[0], atol=1e-4)
    assert not torch.allclose(images[1], (images[0] + images[2]) / 2, atol=1e-5)
    with pytest.raises(BadInput, match="no such class"):
        model.embed([CLASSES])


def test_mixtures_have_gradients():
    model = make()
    embedding = torch.randn(2, 5, requires_grad=True)
    model.decode_embedding(model.prior(2, seeded()), embedding)[0].sum().backward()
    assert embedding.grad[0].abs().max() > 0
    assert embedding.grad[1].abs().max() == 0
