"""StyleGAN2: modulated weights, sums of colours, path lengths, lazy penalties."""

import math

import pytest
import torch
from bare import BareRun
from safetensors.torch import load_file
from torch import nn

from zoo import MODELS, checkpoint, training
from zoo.contracts import DataSpec
from zoo.layers import ModulatedConv, ToRGB, upsample_blur
from zoo.runs import plan, start

SPEC = DataSpec("noise", (3, 16, 16))
TINY = {"channels": (8, 6, 5), "latent": 7, "mapping_layers": 2}


def make(**settings):
    torch.manual_seed(20260601)
    return MODELS.get("stylegan2").make(SPEC, {**TINY, **settings})


@pytest.fixture
def model():
    return make()


def heard(net, kind):
    """A list that fills with the outputs of all parts of a kind."""
    outputs = []
    for part in net.modules():
        if type(part) is kind:
            part.register_forward_hook(lambda _m, _i, out: outputs.append(out))
    return outputs


# --------------------------------------------------------------------------------------------------- synthesis


def test_the_image_is_the_sum_of_the_colours_of_all_resolutions(model):
    colours = heard(model.average, ToRGB)
    image = model.synthesis(torch.randn(4, model.num_ws, 7))
    total = upsample_blur(upsample_blur(colours[0])) + upsample_blur(colours[1]) + colours[2]
    assert [part.shape[-1] for part in colours] == [4, 8, 16]
    assert torch.allclose(image, (total + 1) / 2, atol=1e-5)


def test_convolutions_are_demodulated_and_colours_are_not(model):
    kinds = {type(part): part.demodulate for part in model.generator.modules() if isinstance(part, ModulatedConv)}
    assert kinds == {ModulatedConv: True, ToRGB: False}


def test_each_style_goes_where_it_belongs(model):
    """Layer by layer w0; w1 w2, w3 w4 the convolutions, w1, w3, w5 the colours."""
    seen = {}
    for name, part in model.average.synthesis.named_modules():
        if isinstance(part, ModulatedConv):
            part.register_forward_pre_hook(lambda _m, given, name=name: seen.update({name: given[1]}))
    ws = torch.randn(2, model.num_ws, 7)
    model.synthesis(ws)
    expected = {f"layers.{layer}.conv": layer for layer in range(5)} | {f"colours.{k}": 2 * k + 1 for k in range(3)}
    assert seen.keys() == expected.keys()
    assert all(torch.equal(seen[name], ws[:, layer]) for name, layer in expected.items())


def test_a_longer_style_does_not_change_the_features(model):
    """Scaling the affine outputs of the convolutions leaves them as they were."""
    features = heard(model.average, ModulatedConv)
    ws = torch.randn(2, model.num_ws, 7)
    model.synthesis(ws)
    before = list(features)
    features.clear()
    for part in model.average.modules():
        if type(part) is ModulatedConv:
            for weight in (part.affine.weight, part.affine.bias):
                weight.mul_(3)
    model.synthesis(ws)
    assert len(before) == 5
    for one, other in zip(before, features, strict=True):
        assert torch.allclose(one, other, atol=1e-4)


def test_the_small_generator_has_the_size_it_is_known_by():
    small = MODELS.get("stylegan2").make(DataSpec("shapes", (3, 32, 32)))
    sizes = [sum(weight.numel() for weight in net.parameters()) for net in (small.generator, small.critic)]
    assert sizes[0] == pytest.approx(162_000, rel=0.15)
    with torch.device("meta"):
        paper = MODELS.get("stylegan2").make(
            DataSpec("faces", (3, 1024, 1024)), MODELS.get("stylegan2").presets["paper"].config
        )
    count = sum(weight.numel() for weight in paper.generator.parameters())
    assert count == pytest.approx(30.0e6, rel=0.02)  # "30M" in table 1 of the paper


# --------------------------------------------------------------------------------------------------- path length


def lengths_by_jacobian(synthesis, ws, noise):
    """||J' y|| with the whole Jacobian written down, root of the mean over layers."""

    def draw(flat):
        return synthesis(flat, synthesis.fixed_noise())

    jacobian = torch.autograd.functional.jacobian(draw, ws, vectorize=True)  # [n, c, h, w, n, layers, width]
    found = []
    for image in range(len(ws)):
        slope = torch.einsum("chw,chwld->ld", noise[image], jacobian[image, :, :, :, image])
        found.append(math.sqrt(float(slope.square().sum(1).mean())))
    return found


def test_path_lengths_are_those_of_the_jacobian(model):
    synthesis = model.generator.synthesis.double()
    ws = torch.randn(2, model.num_ws, 7, dtype=torch.float64, requires_grad=True)
    noise = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1), dtype=torch.float64) / 16
    images = synthesis(ws, synthesis.fixed_noise())
    found = model.paths.lengths(images, ws, generator=torch.Generator().manual_seed(1))
    assert found.tolist() == pytest.approx(lengths_by_jacobian(synthesis, ws, noise), rel=1e-6)


def test_the_path_term_is_the_penalty_of_half_a_batch_every_few_updates(model):
    run, drawn = BareRun(model, batch=6), heard(model, type(model.generator.synthesis))
    for run.step, expected in ((0, True), (1, False), (7, False), (8, True), (9, False)):
        model.paths.mean.zero_()
        drawn.clear()
        torch.manual_seed(run.step)
        terms = model.lazy_generator_penalties(run)
        assert list(terms) == (["path length"] if expected else [])
        if expected:
            assert [len(images) for images in drawn] == [3]
            once = make(path_every=1)
            once.generator.load_state_dict(model.generator.state_dict())
            torch.manual_seed(run.step)
            every = once.lazy_generator_penalties(run)["path length"]
            assert float(terms["path length"].detach()) == pytest.approx(8 * float(every.detach()), rel=1e-4)


def test_over_k_updates_the_lazy_gradient_is_that_of_every_update(model):
    """Sum over 8 updates with the same draws: 8 times the gradient of one, whichever way."""

    def total(path_every):
        net = make(path_every=path_every, path_decay=0.0)
        run = BareRun(net, batch=4)
        for run.step in range(8):
            torch.manual_seed(1)
            for term in net.lazy_generator_penalties(run).values():
                term.backward()
        return {name: w.grad for name, w in net.generator.named_parameters() if w.grad is not None}

    lazy, always = total(8), total(1)
    assert lazy.keys() == always.keys()
    assert "synthesis.constant" in lazy
    for name in lazy:
        scale = float(always[name].abs().max())
        assert torch.allclose(lazy[name], always[name], atol=1e-3 * scale), name


def test_the_path_term_trains_mapping_and_synthesis_and_not_the_critic(model):
    model.lazy_generator_penalties(BareRun(model, batch=4))["path length"].backward()
    moved = {name.split(".")[0] for name, weight in model.named_parameters() if weight.grad is not None}
    assert moved == {"generator"}
    assert float(model.generator.mapping[1].weight.grad.abs().max()) > 0


def test_descending_the_path_term_brings_lengths_to_their_mean():
    model = make(path_decay=0.0)  # a stays where it is put
    model.paths.mean.fill_(0.2)
    run = BareRun(model, batch=8)

    def gap():
        ws = model.draw_styles(64)
        lengths = model.paths.lengths(model.generator.synthesis(ws), ws).detach()
        return float((lengths - 0.2).abs().mean())

    before = gap()
    for _ in range(40):
        run.descend("generator", model.lazy_generator_penalties(run)["path length"])
    assert gap() < 0.5 * before


def test_the_mean_length_is_kept_with_the_model(model):
    assert float(model.state_dict()["paths.mean"]) == 0
    model.lazy_generator_penalties(BareRun(model, batch=4))
    kept = model.state_dict()
    assert float(kept["paths.mean"]) > 0
    other = make()
    other.load_state_dict(kept)
    assert torch.equal(other.paths.mean, model.paths.mean)


def test_the_paper_preset_has_the_released_constants():
    config = MODELS.get("stylegan2").presets["paper"].config
    model = make(**{name: config[name] for name in ("path_every", "path_decay")})
    assert (model.paths.weight, model.paths.decay, model.config.path_every) == (2.0, 0.01, 4)


# --------------------------------------------------------------------------------------------------- lazy


def test_adam_is_corrected_for_the_steps_of_the_penalties():
    made = make().optimizers()
    for name, share in (("critic", 16 / 17), ("generator", 8 / 9)):
        (group,) = made[name].param_groups
        assert group["lr"] == pytest.approx(2e-3 * share)
        assert group["betas"] == pytest.approx((0.0, 0.99**share))
    (plain,) = make(path_length=0.0).optimizers()["generator"].param_groups
    assert (plain["lr"], plain["betas"]) == (2e-3, (0.0, 0.99))


def test_penalties_take_steps_of_their_own(tmp_path):
    """16 updates: one step more for R1 every 16, two more for the path length every 8."""
    recipe, examples = plan("stylegan2", "smoke", steps=16, settings={"checkpoints": 1})
    start(recipe, tmp_path / "run")
    training.train(recipe, examples, tmp_path / "run", training.open_fabric("cpu"))
    memory = load_file(checkpoint.found(tmp_path / "run")[-1] / "training.safetensors")
    steps = {net: {float(v) for k, v in memory.items() if k == f"{net}/0/step"} for net in ("critic", "generator")}
    assert steps == {"critic": {17.0}, "generator": {18.0}}


def test_without_path_length_there_is_none():
    model = make(path_length=0.0)
    assert model.lazy_generator_penalties(BareRun(model)) == {}


def test_the_constant_starts_random_and_is_shared(model):
    assert float(model.generator.synthesis.constant.detach().std()) == pytest.approx(1, abs=0.3)
    first = model.generator.synthesis.layers[0]
    given = []
    first.register_forward_pre_hook(lambda _m, args: given.append(args[0]))
    nn.init.zeros_(first.noise.strength)
    model.generator(torch.randn(3, 7))
    assert torch.equal(given[0][0], given[0][2])
