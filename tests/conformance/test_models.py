"""Every registered model, in its smallest preset, held to what the contracts say of it and of its capabilities."""

from copy import deepcopy

import pytest
import torch

from genbench.capabilities import check_likelihood
from genbench.errors import BadInput
from zoo import MODELS, checkpoint, training
from zoo.contracts import (
    Completes,
    Critic,
    Encodes,
    HasFeatures,
    HasLatent,
    HasLikelihood,
    Inverts,
    JointSamples,
    Reconstructs,
    Samples,
    StyleSpace,
    Volumetric,
)
from zoo.data import open_data
from zoo.model import choose_preset
from zoo.runs import build, open_trained, plan, start

NAMES = sorted(MODELS)
CAPABILITIES = (
    *(Samples, HasLatent, Critic, StyleSpace, JointSamples, Volumetric),
    *(Encodes, Inverts, Reconstructs, Completes, HasFeatures, HasLikelihood),
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module", params=NAMES)
def trained(request, tmp_path_factory):
    """(model before, model after two updates, its folder)."""
    directory = tmp_path_factory.mktemp("runs") / request.param
    recipe, examples = plan(request.param, "smoke")
    start(recipe, directory)
    outcome = training.train(recipe, examples, directory, training.open_fabric("cpu"))
    return build(recipe), outcome.model, directory


def need(model, capability):
    if not isinstance(model, capability):
        pytest.skip(f"{model.info.name} does not claim {capability.__name__}")
    return model


def state(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def latents(model, n):
    """Return the latents that ``sample`` draws first, as its argument, if the model has any."""
    return {"z": model.prior(n, seeded())} if isinstance(model, HasLatent) else {}


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("name", NAMES)
def test_facts_are_there(name):
    model = MODELS.get(name)
    assert model.info.name == name
    assert {"smoke", "small", "paper"} <= set(model.presets)
    assert all(preset.is_tested for key, preset in model.presets.items() if key != "paper")
    assert "arXiv" in model.info.paper
    for text in [*model.presets, *(f"small+{variant}" for variant in model.variants)]:
        model.config_type.model_validate(dict(choose_preset(model, text).config))


def test_every_trained_weight_moves_and_belongs_to_one_optimizer(trained):
    before, after, _ = trained
    groups = [[id(w) for g in o.param_groups for w in g["params"]] for o in after.optimizers().values()]
    owned = [one for group in groups for one in group]
    wanted = {id(weight) for weight in after.parameters() if weight.requires_grad}
    assert len(owned) == len(set(owned))
    assert set(owned) == wanted
    old = dict(before.named_parameters())
    still = [name for name, w in after.named_parameters() if w.requires_grad and torch.equal(w, old[name])]
    allowed = getattr(after, "resting", lambda: set())()  # weights of stages that have not begun
    assert set(still) <= allowed


def test_all_weights_stay_finite(trained):
    assert all(bool(tensor.isfinite().all()) for tensor in trained[1].state_dict().values())


@pytest.mark.parametrize("n", [1, 7])
def test_samples_have_their_shape_and_range(trained, n):
    model = need(trained[1], Samples)
    images = model.sample(n, seeded())
    assert images.dtype == torch.float32
    assert not images.requires_grad
    assert len(images) == n
    if not model.spec.is_points:
        assert images.ndim == 4
        assert images.shape[1] in (1, 3)
        assert 0 <= float(images.min()) <= float(images.max()) <= 1


def test_samples_depend_on_the_generator_alone_and_change_nothing(trained):
    model = need(trained[1], Samples)
    before = state(model)
    torch.manual_seed(1)
    first = model.sample(5, seeded())
    torch.manual_seed(2)
    model.train()
    again = model.sample(5, seeded())
    assert torch.equal(first, again)
    assert not torch.equal(first, model.sample(5, seeded(1)))
    assert model.training
    assert equal(before, state(model))


def test_an_image_does_not_depend_on_its_neighbours(trained):
    model = need(trained[1], HasLatent)
    z = model.prior(5, seeded())
    labels = None if not model.is_conditional else [0, 1, 0, 1, 1]
    whole = model.decode(z, labels)
    alone = model.decode(z[2:3], None if labels is None else labels[2])
    assert torch.allclose(whole[2:3], alone, atol=1e-5)
    assert not torch.allclose(whole[0], whole[3], atol=1e-4)


def test_classes_told_are_those_that_are_drawn(trained):
    model = need(trained[1], Samples)
    labels = model.sampled_labels(5, seeded())
    assert (labels is None) != model.is_conditional
    if labels is not None:
        assert torch.equal(model.sample(5, seeded()), model.sample(5, seeded(), **latents(model, 5), labels=labels))
        assert len(set(model.sampled_labels(64, seeded()).tolist())) > 1


def test_latents_have_gradients(trained):
    model = need(trained[1], HasLatent)
    z = model.prior(2, seeded()).requires_grad_()
    model.decode(z, 0 if model.is_conditional else None).sum().backward()
    assert float(z.grad.abs().max()) > 0


def test_labels_are_taken_or_refused(trained):
    model = need(trained[1], Samples)
    if not model.is_conditional:
        with pytest.raises(BadInput, match="takes no labels"):
            model.sample(2, seeded(), labels=0)
        return
    classes = model.spec.classes
    images = [model.sample(1, seeded(), labels=label) for label in range(classes)]
    assert any(not torch.equal(images[0], image) for image in images[1:])
    for label in (-1, classes):
        with pytest.raises(BadInput, match="no such class"):
            model.sample(2, seeded(), labels=label)


def test_truncation_takes_variety_away(trained):
    model = need(need(trained[1], Samples), HasLatent)
    label = 0 if model.is_conditional else None
    if not getattr(model, "takes_truncation", True):  # latents of one length have nothing to truncate
        with pytest.raises(BadInput, match="takes no truncation"):
            model.sample(2, seeded(), labels=label, truncation=0.5)
        return

    def spread(t):
        if isinstance(model, Volumetric):  # projections of volumes near 1/2 everywhere flicker about that threshold
            return float(model.sample_voxels(32, seeded(), z=model.prior(32, seeded(), t)).var(0).mean())
        return float(model.sample(32, seeded(), labels=label, truncation=t).var(0).mean())

    assert spread(0.05) < spread(None)
    with pytest.raises(BadInput, match="truncation"):
        model.sample(2, seeded(), labels=label, truncation=-1.0)


def test_the_critic_judges_each_image(trained):
    model = need(trained[1], Critic)
    examples = open_data(model.presets["smoke"].data)
    x = model.to_unit(torch.from_numpy(examples.x[:3]).float() / 127.5 - 1) if not model.spec.is_points else None
    x = torch.from_numpy(examples.x[:3]) if x is None else x
    label = 0 if model.is_conditional else None
    assert model.criticise(x, label).shape == (3,)


def test_a_checkpoint_is_the_model(trained):
    _, model, directory = trained
    opened, counters = open_trained(directory)
    assert counters.step == 2
    assert equal(state(opened), state(model))
    if isinstance(model, Samples):
        assert torch.equal(opened.sample(3, seeded()), model.sample(3, seeded()))


def test_a_copy_is_the_model(trained):
    model = need(trained[1], Samples)
    assert torch.equal(deepcopy(model).sample(3, seeded()), model.sample(3, seeded()))


@pytest.mark.parametrize("name", NAMES)
def test_going_on_equals_not_having_stopped(name, tmp_path):
    for folder, stops in (("whole", (4,)), ("halves", (2, 4))):
        for steps in stops:
            recipe, examples = plan(name, "smoke", steps=steps, settings={"checkpoints": 1})
            if not (tmp_path / folder).exists():
                start(recipe, tmp_path / folder)
            training.train(recipe, examples, tmp_path / folder, training.open_fabric("cpu"))
    ends = [checkpoint.found(tmp_path / folder)[-1] for folder in ("whole", "halves")]
    for file in ("model.safetensors", "training.safetensors"):
        assert (ends[0] / file).read_bytes() == (ends[1] / file).read_bytes()


def test_pairs_belong_together(trained):
    model = need(trained[1], JointSamples)
    first, second = model.sample_pair(3, seeded())
    assert first.shape[0] == second.shape[0] == 3
    assert torch.equal(model.sample(3, seeded()), first)


def test_volumes_are_occupancies(trained):
    model = need(trained[1], Volumetric)
    voxels = model.sample_voxels(3, seeded())
    assert voxels.ndim == 5
    assert 0 <= float(voxels.min()) <= float(voxels.max()) <= 1


def test_styles_make_images(trained):
    model = need(trained[1], StyleSpace)
    w = model.mapping(model.prior(3, seeded()))
    images = model.synthesis(w[:, None].expand(-1, model.num_ws, -1))
    assert torch.allclose(images, model.decode(model.prior(3, seeded())), atol=1e-5)
    assert model.w_average.shape == w.shape[1:]


def real(model, n):
    """Return n training images of the model's data in [0, 1], and labels if it takes any."""
    examples = open_data(model.presets["smoke"].data)
    x = torch.from_numpy(examples.x[:n]).float() / (examples.levels - 1)
    return x, torch.from_numpy(examples.labels[:n]) if model.is_conditional else None


def close(first, second):
    return torch.allclose(first, second, atol=1e-4 * max(1.0, float(second.abs().max())))


@pytest.mark.parametrize(
    ("capability", "what"), [(Encodes, "encode"), (Reconstructs, "reconstruct"), (HasLikelihood, "log_prob")]
)
def test_what_is_said_of_an_image_does_not_depend_on_its_neighbours(trained, capability, what):
    model = need(trained[1], capability)
    x, labels = real(model, 4)
    before = state(model)
    torch.manual_seed(1)
    whole = getattr(model, what)(x, labels)
    may_draw = what == "log_prob" and model.kind != "exact"  # each image after the one before it
    torch.manual_seed(1 if may_draw else 2)
    model.train()
    alone = getattr(model, what)(x[:1], None if labels is None else labels[:1])
    assert model.training
    assert bool(whole.isfinite().all())
    assert len(whole) == 4
    assert close(alone[0].float(), whole[0].float())
    assert not torch.equal(whole[0], whole[1])
    assert equal(before, state(model))


def test_a_reconstruction_is_an_image(trained):
    model = need(trained[1], Reconstructs)
    x, labels = real(model, 3)
    found = model.reconstruct(x, labels)
    assert found.shape == x.shape
    assert 0 <= float(found.min()) <= float(found.max()) <= 1


def test_an_exact_code_is_the_image(trained):
    model = need(trained[1], Inverts)
    x, labels = real(model, 3)
    assert model.is_exact_inverse
    assert torch.allclose(model.decode(model.encode(x, labels), labels), x, atol=1e-4)


def test_what_is_known_is_kept_and_the_rest_drawn(trained):
    model = need(trained[1], Completes)
    x, labels = real(model, 3)
    known = torch.zeros(x.shape[2:], dtype=torch.bool)
    known[: x.shape[2] // 2] = True
    found = model.complete(x, known, seeded(), labels=labels)
    assert found.shape == x.shape
    assert torch.allclose(found[..., known], x[..., known], atol=1e-6)
    assert not torch.equal(found, x)
    assert torch.equal(found, model.complete(x, known, seeded(), labels=labels))
    assert not torch.equal(found, model.complete(x, known, seeded(1), labels=labels))


def test_features_are_of_single_images(trained):
    model = need(trained[1], HasFeatures)
    x, _ = real(model, 3)
    found = model.features(x)
    assert found.dtype == torch.float32
    assert found.ndim == 2
    assert not found.requires_grad
    assert close(model.features(x[:1])[0], found[0])


def test_a_likelihood_says_what_it_is(trained):
    model = need(trained[1], HasLikelihood)
    check_likelihood("test", model)
    assert tuple(model.image_shape) == tuple(model.spec.shape)
    assert model.levels == model.spec.levels
    assert model.spec.is_native
    x, labels = real(model, 3)
    if model.dequantisation != "uniform":
        assert float(model.log_prob(x, labels).max()) <= 1e-4  # nats of levels, whose probabilities are at most 1


def test_every_capability_is_claimed_by_some_model():
    built = [build(plan(name, "smoke")[0]) for name in NAMES]
    assert all(any(isinstance(model, capability) for model in built) for capability in CAPABILITIES)
