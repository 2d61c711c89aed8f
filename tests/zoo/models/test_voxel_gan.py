"""3D-GAN: the resting critic, and volumes as pictures."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from bare import BareRun, deal
from torch import nn

from genbench.errors import BadInput
from zoo import MODELS
from zoo.contracts import Batch, DataSpec
from zoo.data import open_data
from zoo.data.voxels import FADE, project
from zoo.deck import Deck, describe
from zoo.gan.voxel_gan import VoxelGAN, expected_view
from zoo.model import choose_preset, read_config

SPEC = DataSpec("cubes", (1, 16, 16, 16), levels=2)


def make(spec=SPEC, **settings):
    torch.manual_seed(0)
    return VoxelGAN.make(spec, {"channels": 4, "latent": 8} | settings)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("side", "widths"), [(16, [128, 64]), (32, [256, 128, 64]), (64, [512, 256, 128, 64])])
def test_cubes_of_any_power_of_two_are_made_and_judged(side, widths):
    with torch.device("meta"):
        model = make(DataSpec("cubes", (1, side, side, side), levels=2), channels=64, latent=200)
        volumes = model.generator(torch.empty(2, 200))
        assert model.critic(volumes).shape == (2,)
    assert volumes.shape == (2, 1, side, side, side)
    made = [part.weight.shape[1] for part in model.generator.modules() if isinstance(part, nn.ConvTranspose3d)]
    assert made == [*widths, 1]
    assert {part.kernel_size for part in model.modules() if hasattr(part, "kernel_size")} == {(4, 4, 4)}


def test_the_small_networks_have_the_size_they_are_known_by():
    model = VoxelGAN.make(SPEC)
    sizes = [sum(weight.numel() for weight in net.parameters()) for net in (model.generator, model.critic)]
    assert [round(size / 1000) for size in sizes] == [395, 137]


@pytest.mark.parametrize("shape", [(1, 16, 16), (1, 16, 16, 32), (1, 24, 24, 24), (2, 16, 16, 16), (1, 8, 8, 8)])
def test_other_data_are_refused(shape):
    with pytest.raises(BadInput, match="expected cubes"):
        make(DataSpec("other", shape))


# ------------------------------------------------------------------------------------------------- the gate


class Empty(nn.Module):
    """Draws empty volumes."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, z, labels=None):
        return -self.weight.expand(len(z), *SPEC.shape)


class Filled(nn.Module):
    """Takes for real what is more than half full."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, x, labels=None):
        return x.mean((1, 2, 3, 4)) * self.weight


def known(real_full, n=10):
    """A batch of real volumes of which ``real_full`` are taken for real; all that are generated are recognised."""
    x = -torch.ones(n, *SPEC.shape)
    x[:real_full] = 1
    return Batch(x)


def gated(**settings):
    model = make(**settings)
    model.generator, model.critic = Empty(), Filled()
    return model, BareRun(model, 10)


def test_the_critic_rests_after_a_batch_it_knew_too_well():
    model, run = gated()
    history = []
    for right in (9, 5, 9, 9, 1, 1):
        before = float(model.critic.weight.detach())
        logs = model.train_critic(known(right), run)
        history.append((round(float(logs["accuracy"]), 2), float(model.critic.weight.detach()) != before))
    assert history == [(0.95, True), (0.75, False), (0.95, True), (0.95, False), (0.55, False), (0.55, True)]


def test_at_exactly_the_threshold_it_goes_on():
    model, run = gated()
    accuracies = []
    for _ in range(2):
        before = float(model.critic.weight.detach())
        accuracies.append(float(model.train_critic(known(6), run)["accuracy"]))
        assert float(model.critic.weight.detach()) != before
    assert accuracies == pytest.approx([0.8, 0.8])


def test_a_resting_critic_forgets_nothing_either():
    model, run = gated()
    model.train_critic(known(10), run)
    old = {name: tensor.clone() for name, tensor in run.optimizers["critic"].state[model.critic.weight].items()}
    model.train_critic(known(10), run)
    new = run.optimizers["critic"].state[model.critic.weight]
    assert all(torch.equal(old[name], new[name]) for name in old)


def test_it_need_not_rest():
    model, run = gated(rests_above=1.0)
    for _ in range(3):
        before = float(model.critic.weight.detach())
        model.train_critic(known(10), run)
        assert float(model.critic.weight.detach()) != before


def test_the_generator_never_rests():
    model, run = gated()
    for _ in range(3):
        before = float(model.generator.weight.detach())
        model.train_step(deal(known(10).x), run)
        assert float(model.generator.weight.detach()) != before


def test_the_accuracy_is_kept_with_the_weights():
    model, run = gated()
    model.train_critic(known(10), run)
    assert float(model.state_dict()["accuracy"]) == 1


@pytest.mark.slow
def test_processes_rest_together(tmp_path):
    """Two processes whose batches differ must agree, or one would wait for the other for ever."""
    script = tmp_path / "one.py"
    script.write_text(
        "import sys, torch; from zoo.gan.voxel_gan import accuracy\n"
        "rank, place = int(sys.argv[1]), sys.argv[2]\n"
        "torch.distributed.init_process_group('gloo', init_method=f'file://{place}', rank=rank, world_size=2)\n"
        "logits = torch.ones(4) if rank else -torch.ones(4)\n"
        "print(float(accuracy(logits, -torch.ones(4))))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
    commands = [[sys.executable, script, str(rank), tmp_path / "meet"] for rank in range(2)]
    pair = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for command in commands]
    assert [float(one.communicate(timeout=120)[0]) for one in pair] == [0.75, 0.75]


# ------------------------------------------------------------------------------------------------- pictures


def test_a_cube_is_seen_from_three_sides():
    """Depth 2 to 5, height 0 to 3, width 8 to 15: near the front, at the top, on the right."""
    grid = torch.zeros(1, *SPEC.shape)
    grid[0, 0, 2:6, 0:4, 8:16] = 1
    front, left, above = expected_view(grid)[0, 0].split(16, dim=1)
    places = (front[0:4, 8:16], left[0:4, 2:6], above[16 - 6 : 16 - 2, 8:16])
    for place, depth in zip(places, (2, 8, 0), strict=True):
        assert torch.allclose(place, torch.tensor(1 - FADE / 255 * depth / 16))
    assert [int((part > 0).sum()) for part in (front, left, above)] == [4 * 8, 4 * 4, 4 * 8]


def test_the_expected_view_of_a_certain_grid_is_its_projection():
    grid = (torch.rand(5, *SPEC.shape, generator=seeded()) < 0.1).float()
    assert np.abs(expected_view(grid).numpy() * 255 - project(grid.numpy())).max() <= 0.5001


def test_the_expected_view_is_the_mean_of_projections():
    chance = torch.rand(1, *SPEC.shape, generator=seeded()) * 0.3
    grids = (torch.rand(4000, *SPEC.shape, generator=seeded(1)) < chance).numpy()
    mean = project(grids).mean(0) / 255
    assert np.abs(expected_view(chance)[0].numpy() - mean).max() < 5 * 0.3 / 4000**0.5


def test_the_expected_view_has_a_gradient_where_a_voxel_can_be_seen():
    grid = torch.zeros(1, *SPEC.shape)
    grid[0, 0, 4] = 1
    grid.requires_grad_()
    expected_view(grid)[..., :16].sum().backward()
    seen = grid.grad[0, 0].amax((1, 2)) > 0
    assert seen.tolist() == [True] * 5 + [False] * 11


def test_images_are_projections_of_the_volumes():
    model = make()
    model.calibrate(seeded())
    volumes = model.sample_voxels(3, seeded(1))
    images = model.sample(3, seeded(1))
    assert volumes.shape == (3, 1, 16, 16, 16)
    assert 0 <= float(volumes.min()) < 0.5 <= float(volumes.max()) <= 1
    assert images.shape == (3, 1, 16, 48)
    assert np.array_equal((images.numpy() * 255).round().astype(np.uint8), project(volumes.numpy()))
    z = model.prior(3, seeded(1))
    assert torch.equal(model.sample_voxels(3, seeded(), z=z), volumes)
    assert torch.allclose(model.decode(z), expected_view(volumes), atol=1e-6)


def test_labels_are_refused():
    with pytest.raises(BadInput, match="takes no labels"):
        make().sample(2, seeded(), labels=1)


def test_occupancies_go_in_as_minus_one_and_one_and_come_out_as_zero_and_one():
    x = Deck(open_data("voxels16", "test"), 0, "cpu").draw(20).x
    assert x.unique().tolist() == [-1, 1]
    model = make()
    assert model.to_unit(x).unique().tolist() == [0, 1]
    assert describe(open_data("voxels16", "test")).shape == SPEC.shape


def test_tanh_is_the_papers_sigmoid():
    model, s = make(), torch.linspace(-4, 4, 33)
    assert torch.allclose(model.to_unit(s.tanh()), torch.sigmoid(2 * s), atol=1e-6)


def test_latents_are_uniform_and_centred():
    z = make().prior(1000, seeded())
    assert -1 <= float(z.min()) < -0.99
    assert 0.99 < float(z.max()) <= 1


def test_variants_judge_each_volume_alone():
    for variant in ("r1", "gradnorm"):
        model = make(**choose_preset(VoxelGAN, f"smoke+{variant}").config)
        assert not any(isinstance(part, nn.BatchNorm3d) for part in model.critic.modules())
        logs = model.train_critic(Batch(torch.rand(4, *SPEC.shape)), BareRun(model, 4))
        assert all(bool(value.isfinite()) for value in logs.values())


def test_the_paper_preset_has_the_published_constants():
    preset = MODELS.get("3d-gan").presets["paper"]
    config = read_config(VoxelGAN, preset.config)
    assert (config.lr_generator, config.lr_critic, config.beta1, config.rests_above) == (2.5e-3, 1e-5, 0.5, 0.8)
    assert (preset.batch, config.latent, config.prior) == (100, 200, "uniform")
