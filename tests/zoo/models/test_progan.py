"""ProGAN: the schedule, the fades, and what survives a new level."""

import math

import numpy as np
import pytest
import torch
from bare import BareRun, deal
from safetensors.torch import load_file
from torch import nn

from genbench.errors import BadInput
from zoo import MODELS, checkpoint, training
from zoo.contracts import DataSpec
from zoo.layers import EqConv, EqLinear, PixelNorm
from zoo.model import choose_preset
from zoo.runs import open_trained, plan, start

SPEC = DataSpec("noise", (3, 32, 32))
TINY = {"channels": (8, 6, 5, 4), "latent": 7, "stable_images": 100, "fade_images": 50, "batch_factors": (4, 2)}


@pytest.fixture
def model():
    torch.manual_seed(20260601)
    return MODELS.get("progan").make(SPEC, TINY)


def grow(model, level, alpha):
    for net in (model.generator, model.critic, model.average):
        net.grow(level, alpha)


def latents(model, n=5):
    return model.prior(n, torch.Generator().manual_seed(3))


def enlarge(x, times=2):
    """Repeat every pixel."""
    return x.repeat_interleave(times, 2).repeat_interleave(times, 3)


def means(x):
    """Mean of every 2 x 2 pixels, as numpy does it."""
    n, c, h, w = x.shape
    return torch.from_numpy(x.numpy().reshape(n, c, h // 2, 2, w // 2, 2).mean((3, 5), dtype=np.float64)).float()


# --------------------------------------------------------------------------------------------------- schedule


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (0, (0, 1.0)),
        (99, (0, 1.0)),
        (100, (1, 0.0)),
        (125, (1, 0.5)),
        (149, (1, 0.98)),
        (150, (1, 1.0)),
        (249, (1, 1.0)),
        (260, (2, 0.2)),
        (449, (3, 0.98)),
        (450, (3, 1.0)),
        (10**9, (3, 1.0)),
    ],
)
def test_each_level_is_shown_then_the_next_faded_in(model, images, expected):
    assert model.schedule(images) == expected


def test_the_schedule_never_jumps_and_never_falls(model):
    grown = [level + alpha for level, alpha in map(model.schedule, range(600))]
    steps = np.diff(grown)
    assert steps.min() >= 0
    assert steps.max() <= 1 / TINY["fade_images"] + 1e-12


def test_batches_are_larger_where_images_are_small(model):
    sizes = [model.batch_size(images, 16) for images in (0, 99, 100, 249, 250, 450, 10**9)]
    assert sizes == [64, 64, 32, 32, 16, 16, 16]


def test_the_paper_preset_ends_with_the_twelve_million_images_of_its_source():
    paper = choose_preset(MODELS.get("progan"), "paper")
    with torch.device("meta"):
        model = MODELS.get("progan").make(DataSpec("faces", (3, 1024, 1024)), paper.config)
    phase = paper.config["stable_images"] + paper.config["fade_images"]
    images, left, batches = 0, paper.steps, {}
    for level in range(9):
        batches[4 << level] = batch = model.batch_size(images, paper.batch)
        ends = paper.config["stable_images"] + level * phase
        steps = left if level == 8 else -(-(ends - images) // batch)
        images, left = images + steps * batch, left - steps
    assert images == pytest.approx(12e6, rel=1e-3)
    assert batches == {4: 128, 8: 128, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8, 512: 4, 1024: 4}


# --------------------------------------------------------------------------------------------------- fades


@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_level_that_just_begins_draws_what_the_one_below_draws(model, level):
    z = latents(model)
    grow(model, level - 1, 1.0)
    below, small = model.generator(z), model.decode(z)
    grow(model, level, 0.0)
    assert torch.equal(model.generator(z), enlarge(below))
    assert torch.equal(model.decode(z), small)
    grow(model, level, 0.01)
    assert not torch.equal(model.decode(z), small)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_critic_that_just_grew_judges_as_before(model, level):
    x = torch.rand(5, 3, 2 << level, 2 << level)
    grow(model, level - 1, 1.0)
    before = model.critic(x)
    grow(model, level, 0.0)
    assert torch.allclose(model.critic(enlarge(x)), before, atol=1e-6)
    grow(model, level, 0.5)
    assert not torch.allclose(model.critic(enlarge(x)), before, atol=1e-4)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_at_the_end_of_its_fade_nothing_is_left_of_the_level_below(model, level):
    """Colours of the level below that are no number, and gradients, would show."""
    grow(model, level, 1.0 - 1e-6)
    z, x = latents(model), torch.rand(4, 3, 4 << level, 4 << level)
    nearly = model.generator(z), model.critic(x)
    grow(model, level, 1.0)
    for net in (model.generator, model.critic):
        nn.init.constant_(next(net.colours[level - 1].parameters()), math.nan)
    ends = model.generator(z), model.critic(x)
    for one, other in zip(nearly, ends, strict=True):
        assert torch.allclose(one, other, atol=1e-5)
    sum(end.sum() for end in ends).backward()
    for net in (model.generator, model.critic):
        assert all(weight.grad is None for weight in net.colours[level - 1].parameters())


def test_between_them_both_levels_have_their_share(model):
    z = latents(model)
    drawn = []
    for level, alpha in ((1, 1.0), (2, 1.0), (2, 0.3)):
        grow(model, level, alpha)
        drawn.append(model.generator(z))
    assert torch.allclose(drawn[2], 0.7 * enlarge(drawn[0]) + 0.3 * drawn[1], atol=1e-6)


def test_the_critic_fades_features_of_both_resolutions(model):
    grow(model, 2, 0.3)
    net, x = model.critic, torch.rand(4, 3, 16, 16)
    new, old = net.blocks[2](net.colours[2](x)), net.colours[1](means(x))
    assert torch.allclose(net(x), net.blocks[0](net.blocks[1](0.7 * old + 0.3 * new)).squeeze(1), atol=1e-6)


@pytest.mark.parametrize(("level", "alpha"), [(0, 1.0), (1, 0.0), (2, 0.25), (3, 0.6), (3, 1.0)])
def test_real_images_are_shrunk_and_faded_too(model, level, alpha):
    grow(model, level, alpha)
    x = torch.rand(4, 3, 32, 32)
    expected = x
    for _ in range(3 - level):
        expected = means(expected)
    if alpha < 1:
        expected = (1 - alpha) * enlarge(means(expected)) + alpha * expected
    assert torch.allclose(model.prepare(x), expected, atol=1e-6)


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_samples_have_the_full_size_and_the_level_s_resolution(model, level):
    grow(model, level, 1.0)
    images = model.sample(3, torch.Generator().manual_seed(0))
    pixels = 8 >> level
    assert images.shape == (3, 3, 32, 32)
    assert torch.equal(images, enlarge(images[:, :, ::pixels, ::pixels], pixels))
    if pixels > 1:
        finer = images[:, :, :: pixels // 2, :: pixels // 2]
        assert torch.equal(finer, enlarge(finer[:, :, ::2, ::2]))


@pytest.mark.parametrize("level", [0, 1, 3])
def test_a_drawn_image_is_judged_as_in_training(model, level):
    grow(model, level, 1.0)
    z = latents(model, 4)
    assert torch.allclose(model.criticise(model.decode(z)), model.critic(model.average(z)), atol=1e-5)


# --------------------------------------------------------------------------------------------------- training


def test_weights_that_rest_are_those_of_the_levels_to_come(model):
    grow(model, 1, 0.5)
    (model.critic(model.generator(latents(model, 4)))).sum().backward()
    moved = {name for name, weight in model.named_parameters() if weight.grad is not None}
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    resting = model.resting()
    assert moved == trained - resting
    assert {name.split(".")[0] for name in resting} == {"generator", "critic", "average"}
    grow(model, 3, 1.0)
    assert model.resting() == set()


@pytest.mark.parametrize(("images", "level"), [(0, 0), (120, 1), (280, 2), (500, 3)])
def test_an_update_trains_the_level_that_is_due(model, images, level):
    run = BareRun(model, batch=4)
    run.images = images
    shown = []
    model.critic.register_forward_pre_hook(lambda _net, given: shown.append(given[0].shape[-1]))
    logs = model.train_step(deal(torch.rand(8, 3, 32, 32) * 2 - 1), run)
    assert set(shown) == {4 << level}
    assert {"gradient penalty", "drift"} <= set(logs)
    assert all(math.isfinite(float(value.detach())) for value in logs.values())
    assert [int(net.level) for net in (model.generator, model.critic, model.average)] == [level] * 3


def test_the_real_images_of_an_update_are_faded(model):
    """While a level begins, every 2 x 2 pixels that the critic is shown of the reals are nearly equal."""
    run = BareRun(model, batch=4)
    run.images = 101
    shown = []
    model.critic.register_forward_pre_hook(lambda _net, given: shown.append(given[0].detach()))
    model.train_step(deal(torch.rand(8, 3, 32, 32) * 2 - 1), run)
    roughness = [float((x - enlarge(means(x))).abs().mean()) for x in shown]
    assert max(roughness) < 0.02
    assert max(roughness) > 0


def carry_out(directory, steps, **settings):
    recipe, examples = plan("progan", "smoke", steps=steps, settings={"checkpoints": 1, **settings})
    if not directory.exists():
        start(recipe, directory)
    return training.train(recipe, examples, directory, training.open_fabric("cpu")).model


PHASES = {"stable_images": 8, "fade_images": 16}
STEPS = 5  # after 0 images level 0, after 8 level 1 begins, 16: half of it, 24: all of it, 32: level 2 begins


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """(folder, model) of a run that was not stopped."""
    directory = tmp_path_factory.mktemp("progan") / "whole"
    return directory, carry_out(directory, STEPS, **PHASES)


@pytest.mark.parametrize("stop", [1, 2, 4])
def test_going_on_across_a_new_level_equals_not_having_stopped(stop, whole, tmp_path):
    for steps in (stop, STEPS):
        carry_out(tmp_path / "halves", steps, **PHASES)
    ends = [checkpoint.found(folder)[-1] for folder in (whole[0], tmp_path / "halves")]
    for file in ("model.safetensors", "training.safetensors"):
        assert (ends[0] / file).read_bytes() == (ends[1] / file).read_bytes()


def test_a_checkpoint_knows_its_level(whole):
    directory, model = whole
    opened, counters = open_trained(directory)
    assert counters.images == 8 * STEPS
    assert [int(opened.average.level), float(opened.average.alpha)] == [2, 0.0]
    assert torch.equal(*(net.sample(2, torch.Generator().manual_seed(0)) for net in (model, opened)))


def test_moments_are_forgotten_at_a_new_level(model):
    run, steps = BareRun(model, batch=2), []
    for run.images in (0, 90, 99, 100, 120, 160, 250):
        model.train_step(deal(torch.rand(8, 3, 32, 32) * 2 - 1), run)
        steps.append([max(float(kept["step"]) for kept in net.state.values()) for net in run.optimizers.values()])
    assert steps == [[count, count] for count in (1, 2, 3, 1, 2, 3, 1)]


def test_the_loop_forgets_moments_when_it_is_told(whole):
    memory = load_file(checkpoint.found(whole[0])[-1] / "training.safetensors")
    assert {float(value) for name, value in memory.items() if name.endswith("/step")} == {1.0}


def test_the_average_takes_new_levels_along(whole):
    model = whole[1]
    with torch.no_grad():
        gaps = {
            name: float((average - trained).abs().max())
            for (name, average), trained in zip(
                model.average.named_parameters(), model.generator.parameters(), strict=True
            )
        }
    assert int(model.average.level) == 2
    new = [gap for name, gap in gaps.items() if name.startswith("blocks.1.")]
    assert new
    assert all(0 < gap < 0.01 for gap in new)


# --------------------------------------------------------------------------------------------------- layers


def test_every_layer_has_an_equalised_learning_rate(model):
    """The deviation of outputs of unit inputs is sqrt(2) before a rectifier, 1 where none follows."""
    linear = {model.critic.blocks[0][-1], *model.generator.colours}
    layers = [part for net in (model.generator, model.critic) for part in net.modules()]
    layers = [part for part in layers if isinstance(part, EqConv | EqLinear)]
    assert not [part for part in model.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    assert len(layers) == 2 * (8 + 4) + 1
    for layer in layers:
        gain = layer.scale * math.sqrt(layer.weight[0].numel())
        expected = 1.0 if layer in linear else math.sqrt(2)
        if layer is model.generator.blocks[0][1]:
            expected /= 4
        assert gain == pytest.approx(expected)
        assert float(layer.weight.detach().std()) == pytest.approx(1, abs=5 / math.sqrt(2 * layer.weight.numel()))


def test_adam_has_one_rate_and_the_paper_s_moments(model):
    for optimizer in model.optimizers().values():
        (group,) = optimizer.param_groups
        assert (group["lr"], group["betas"], group["eps"]) == (1e-3, (0.0, 0.99), 1e-8)
    assert (model.config.loss, model.config.gradient_penalty, model.config.drift) == ("wasserstein", 10.0, 0.001)


def test_features_are_normalised_at_every_pixel(model):
    grow(model, 3, 1.0)
    squares = []
    for part in model.generator.modules():
        if isinstance(part, PixelNorm):
            part.register_forward_hook(lambda _m, _i, out: squares.append(out.square().mean(1)))
    model.generator(latents(model))
    assert len(squares) == 1 + 2 * 4
    assert all(torch.allclose(square, torch.ones_like(square), atol=1e-3) for square in squares)


def test_the_length_of_a_latent_changes_nothing(model):
    z = latents(model)
    assert torch.allclose(model.decode(z), model.decode(5 * z), atol=1e-5)


# --------------------------------------------------------------------------------------------------- refusals


def test_wrong_settings_are_refused(model):
    make = MODELS.get("progan").make
    with pytest.raises(BadInput, match=r"too few channels for 64 x 64 pixels; expected 5 numbers, got 4"):
        make(DataSpec("large", (3, 64, 64)), TINY)
    with pytest.raises(BadInput, match="expected square images"):
        make(DataSpec("odd", (3, 24, 24)), TINY)
    with pytest.raises(BadInput, match="takes no truncation"):
        model.sample(2, torch.Generator(), truncation=0.7)
    with pytest.raises(BadInput, match="'stable_images' is wrong"):
        make(SPEC, {"stable_images": 0})
