"""What holds of every model of pixels in raster order: order, sums, drawing, completing, classes."""

import math
from itertools import product

import pytest
import torch
from bare import BareRun, deal
from scipy.stats import chi2
from torch import nn

from genbench.errors import BadInput
from tests.reference import raster as reference
from zoo import MODELS
from zoo.autoregressive.drawing import draw, pick
from zoo.contracts import DataSpec
from zoo.layers.cache import Cache
from zoo.levels import levels_of
from zoo.model import choose_preset, read_config

KINDS = {"pixelcnn": {}, "gated-pixelcnn": {}, "pixelrnn": {}, "pixelrnn+row": {"kind": "row"}}
SHARES = (0.5, 0.2, 0.3)
SHAPES = [(1, 5, 7), (3, 4, 3)]


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


@pytest.fixture(params=KINDS)
def make(request):
    """A function that builds an untrained model in double precision, its logits far from equal."""

    def build(shape, levels, **settings):
        spec = DataSpec("noise", shape, levels=levels, class_shares=SHARES)
        config = {"width": 12, "layers": 2, "hidden": 9} | KINDS[request.param] | settings
        model = MODELS.get(request.param.partition("+")[0]).make(spec, config).double()
        for weight in model.parameters():
            weight.data *= 1.5
        return model

    return build


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def told(model, n):
    """Return what the network is told of n images, and their classes."""
    labels = torch.arange(n) % len(SHARES) if model.is_conditional else None
    return model.condition(labels), labels


def all_images(shape, levels):
    """Return every image, in [0, 1]."""
    places = math.prod(shape)
    return torch.tensor(list(product(range(levels), repeat=places))).view(-1, *shape) / (levels - 1)


def order(shape):
    """Return the place of each level in the order of drawing: rows, pixels, colours."""
    colours, height, width = shape
    return torch.arange(math.prod(shape)).view(height, width, colours).permute(2, 0, 1)


# ------------------------------------------------------------------------------------------- likelihood


@pytest.mark.parametrize("shape", SHAPES)
def test_no_level_sees_itself_or_what_comes_later(make, shape):
    model, n = make(shape, 17, width=24, hidden=24).eval(), 16
    k = torch.randint(17, (n, *shape)).double().requires_grad_()
    logits, turn = model.network(k, told(model, n)[0]), order(shape)
    for place in product(*map(range, shape)):
        chosen = logits[(slice(None), slice(None), *place)]
        (gradient,) = torch.autograd.grad((chosen * torch.randn_like(chosen)).sum(), k, retain_graph=True)
        seen = gradient.abs().amax(0) > 0
        assert not bool((seen & (turn >= turn[place])).any()), place
        nearest = turn == turn[place] - 1
        assert bool(seen[nearest].all()) or place[2] == 0  # the first of a row may not see the last of the one above


@pytest.mark.parametrize(("shape", "levels"), [((1, 2, 2), 2), ((1, 1, 3), 4), ((3, 1, 2), 2)])
def test_the_probabilities_of_all_images_sum_to_one(make, shape, levels):
    model = make(shape, levels)
    nats = model.log_prob(all_images(shape, levels))
    assert float(nats.std()) > 0.05
    assert float(nats.exp().sum()) == pytest.approx(1, abs=1e-9)


def test_without_a_class_the_classes_are_summed_with_their_shares():
    spec = DataSpec("noise", (1, 2, 2), levels=2, class_shares=SHARES)
    model, x = MODELS.get("gated-pixelcnn").make(spec, {"width": 4, "layers": 1}), all_images((1, 2, 2), 2)
    by_class = [model.log_prob(x, label) for label in range(3)]
    assert not torch.allclose(by_class[0], by_class[1], atol=1e-3)
    mixed = sum(share * nats.exp() for share, nats in zip(SHARES, by_class, strict=True))
    assert torch.allclose(model.log_prob(x).exp(), mixed, rtol=1e-5)
    assert float(mixed.sum()) == pytest.approx(1, abs=1e-5)


def test_the_loss_is_the_likelihood_in_bits_a_dimension(make):
    model = make((3, 4, 3), 5, dropout=0.0)
    x, labels = torch.randint(5, (6, 3, 4, 3)) / 4, torch.arange(6) % 3
    nats = model.log_prob(x, labels if model.is_conditional else None)
    batch = deal(x[:1].double() * 2 - 1, labels[:1])(1)
    terms = model.losses(batch, BareRun(model))
    assert list(terms) == ["bits"]
    assert float(terms["bits"].detach()) == pytest.approx(float(-nats[0]) / (36 * math.log(2)), rel=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_noise_of_equal_levels_is_learned_to_cost_log2_of_them(make, shape):
    """No model can do better than log2 4 = 2 bits a dimension on new noise, and none may stay far above."""
    model = make(shape, 4, lr=1e-2).float().train()
    run = BareRun(model, 16)
    for _ in range(40):
        model.train_step(deal(torch.randint(4, (16, *shape)) * (2 / 3) - 1, torch.arange(16) % 3), run)
    x = torch.randint(4, (64, *shape)) / 3
    bits = -model.log_prob(x, told(model, 64)[1]) / math.prod(shape) / math.log(2)
    assert 1.99 < float(bits.mean()) < 2.3


# ------------------------------------------------------------------------------------------- drawing


@pytest.mark.parametrize("temperature", [1.0, 0.5])
@pytest.mark.parametrize("shape", SHAPES)
def test_place_by_place_draws_what_the_whole_network_would(make, shape, temperature):
    model, n = make(shape, 17).eval(), 5
    condition, _ = told(model, n)
    k, uniform = torch.randint(17, (n, *shape)), torch.rand(n, *shape).double()
    known = torch.rand(n, *shape[1:]) < 0.3
    known[:, 1, 1], known[:, 0, 1] = True, False  # a place that all know, and one that nobody knows
    wanted, _ = reference.draw(model.network, k, known, uniform, condition, temperature)
    found = draw(model.network, k, known, uniform, condition, temperature=temperature)
    assert torch.equal(found, wanted)
    assert torch.equal(found[known[:, None].expand_as(k)], k[known[:, None].expand_as(k)])
    assert not torch.equal(found, k)


@pytest.mark.parametrize("shape", SHAPES)
def test_logits_of_a_place_are_those_of_the_whole_network(make, shape):
    """In single precision: what the cache gives differs by rounding alone."""
    model, n = make(shape, 17).float().eval(), 5
    network, (condition, _) = model.network, told(model, n)
    k = torch.randint(17, (n, *shape))
    cache, seen = Cache(*shape[1:]), []
    with torch.no_grad():
        whole = network(k, condition)
        for row, column in product(range(shape[1]), range(shape[2])):
            here = cache.at(row, column)
            network.note(network.embed(k[:, :, row : row + 1, column : column + 1]), here)
            seen.append(network.logits_at(here, condition))
    found = torch.stack(seen, -1).unflatten(-1, shape[1:])
    assert float((found - whole).abs().max()) < 1e-5
    assert float(whole.std()) > 0.1


def test_levels_are_picked_as_often_as_they_are_likely():
    logits = torch.tensor([[0.0, 1.0, -1.0, 0.5]])
    numbers = (torch.arange(10_000).double() + 0.5) / 10_000
    found = pick(logits.expand(10_000, -1), numbers).bincount(minlength=4) / 10_000
    assert torch.allclose(found.double(), logits[0].double().softmax(0), atol=2e-4)
    edges = torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64)
    assert pick(torch.tensor([[-1e9, 0.0], [0.0, -1e9]]), edges).tolist() == [1, 0]


def test_samples_have_the_probabilities_that_log_prob_gives(make):
    model, n = make((1, 2, 2), 2), 4000
    nats = model.log_prob(all_images((1, 2, 2), 2))
    drawn = levels_of(model.sample(n, seeded()), 2).flatten(1) @ torch.tensor([8, 4, 2, 1])
    expected = nats.exp() * n
    statistic = float(((drawn.bincount(minlength=16) - expected).square() / expected).sum())
    assert chi2.sf(statistic, 15) > 1e-4


def test_temperature_goes_from_the_likeliest_level_to_the_model(make):
    model = make((1, 4, 4), 5)
    labels = 1 if model.is_conditional else None
    cold = [model.sample(20, seeded(), labels=labels, truncation=t).var(0).mean() for t in (1e-7, 0.5, 1.0)]
    assert float(cold[0]) < 1e-6
    assert cold[0] < cold[1] < cold[2]
    assert torch.equal(model.sample(4, seeded(), truncation=1.0), model.sample(4, seeded()))


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_a_temperature_must_be_above_zero(make, temperature):
    with pytest.raises(BadInput, match="truncation too small"):
        make((1, 2, 2), 2).sample(2, seeded(), truncation=temperature)


def test_there_are_no_latents(make):
    with pytest.raises(BadInput, match="has no latents"):
        make((1, 2, 2), 2).sample(2, seeded(), z=torch.zeros(2, 3))


# ------------------------------------------------------------------------------------------- completing


def test_each_image_may_have_a_mask_of_its_own(make):
    model, x = make((3, 4, 3), 5), torch.rand(4, 3, 4, 3)
    known = torch.rand(4, 4, 3) < 0.5
    found = model.complete(x, known, seeded())
    kept = known[:, None].expand_as(x)
    assert torch.equal(found[kept], x[kept])  # to the last bit, even between levels
    drawn = found[~kept] * 4
    assert torch.allclose(drawn, drawn.round(), atol=1e-5)


def test_what_is_unknown_does_not_matter(make):
    model, x = make((1, 4, 3), 5), torch.rand(4, 1, 4, 3)
    known = torch.zeros(4, 3, dtype=torch.bool)
    known[1:3] = True
    other = torch.where(known, x, torch.nan)
    assert torch.equal(model.complete(x, known, seeded()), model.complete(other, known, seeded()))


def test_pixels_before_are_seen_and_pixels_after_are_not(make):
    model, x = make((1, 4, 3), 5), torch.randint(5, (1000, 1, 4, 3)) / 4
    labels = 1 if model.is_conditional else None
    known = torch.ones(4, 3, dtype=torch.bool)
    known[1, 1] = False
    found = model.complete(x, known, seeded(), labels=labels)
    after, before = x.clone(), x.clone()
    after[:, :, 2:] = 1 - after[:, :, 2:]
    before[:, :, 0] = 1 - before[:, :, 0]
    assert torch.equal(model.complete(after, known, seeded(), labels=labels)[:, 0, 1, 1], found[:, 0, 1, 1])
    assert not torch.equal(model.complete(before, known, seeded(), labels=labels)[:, 0, 1, 1], found[:, 0, 1, 1])


def test_a_half_is_completed_with_its_conditional_probabilities(make):
    """Of two rows of two binary pixels the first is known: the second has p(both) / p(first)."""
    model, n = make((1, 2, 2), 2), 4000
    known = torch.tensor([[True, True], [False, False]])
    x = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]]).expand(n, 1, 2, 2)
    images = all_images((1, 2, 2), 2)
    nats = model.log_prob(images)[8:12]  # those that begin 1, 0
    expected = nats.softmax(0) * n
    drawn = levels_of(model.complete(x, known, seeded()), 2)[:, 0, 1] @ torch.tensor([2, 1])
    statistic = float(((drawn.bincount(minlength=4) - expected).square() / expected).sum())
    assert chi2.sf(statistic, 3) > 1e-4


@pytest.mark.parametrize(
    "known", [torch.ones(4, 3), torch.ones(3, 4, dtype=torch.bool), torch.ones(5, 4, 3, dtype=torch.bool)]
)
def test_a_mask_of_another_kind_is_refused(make, known):
    with pytest.raises(BadInput, match="not a mask of these images"):
        make((1, 4, 3), 5).complete(torch.rand(2, 1, 4, 3), known, seeded())


# ------------------------------------------------------------------------------------------- the rest


def test_features_are_means_over_places(make):
    model, x = make((1, 4, 3), 5).eval(), torch.rand(6, 1, 4, 3)
    with torch.no_grad():
        embedded = model.network.embed(levels_of(x, 5))
        classes = range(3) if model.is_conditional else [None]
        conditions = [None if y is None else model.condition(torch.full((6,), y)) for y in classes]
        wanted = torch.stack([model.network.features(embedded, c).mean((2, 3)) for c in conditions]).mean(0)
    assert torch.allclose(model.features(x), wanted.float())
    assert model.features(x).shape == (6, 12)


def test_dropout_is_off_where_images_are_drawn_and_judged(make):
    model, x = make((1, 4, 3), 5, dropout=0.9).train(), torch.rand(6, 1, 4, 3)
    assert torch.equal(model.log_prob(x), model.log_prob(x))
    assert torch.equal(model.features(x), model.features(x))
    assert model.training
    with torch.no_grad():
        logits = [model.network(levels_of(x, 5), told(model, 6)[0]) for _ in range(2)]
    assert not torch.equal(*logits)


def test_nothing_in_the_networks_mixes_images_or_places(make):
    norms = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.modules.pooling._AvgPoolNd)
    assert not any(isinstance(part, norms) for part in make((1, 4, 3), 5).modules())


def test_images_of_another_shape_are_refused(make):
    with pytest.raises(BadInput, match="images of another shape"):
        make((1, 4, 3), 5).log_prob(torch.rand(2, 1, 3, 4))


@pytest.mark.parametrize("name", ["pixelcnn", "gated-pixelcnn", "pixelrnn"])
def test_only_measured_levels_are_taken(name):
    for spec in (DataSpec("enlarged", (1, 8, 8), is_native=False), DataSpec("points", (2,), levels=None)):
        with pytest.raises(BadInput, match="its likelihood would mean nothing"):
            MODELS.get(name).make(spec)


def test_the_gated_one_needs_classes():
    with pytest.raises(BadInput, match="needs classes"):
        MODELS.get("gated-pixelcnn").make(DataSpec("noise", (1, 4, 4), levels=4))


@pytest.mark.parametrize(
    ("name", "layers", "width"), [("pixelcnn", 15, 256), ("gated-pixelcnn", 15, 128), ("pixelrnn", 12, 256)]
)
def test_paper_presets_have_the_published_constants(name, layers, width):
    model = MODELS.get(name)
    preset = choose_preset(model, "paper")
    config = read_config(model, preset.config)
    assert (config.layers, config.width, config.kernel, config.optimizer) == (layers, width, 7, "rmsprop")
    assert (config.dropout, preset.batch, preset.data) == (0.0, 16, "torchvision:CIFAR10")
