"""The distance on EfficientNet-Lite0's layers against a plain rewrite with hooks, under both runtimes."""

import numpy as np
import pytest
import torch

from genbench.features.efficientnet import load_net
from genbench.features.runtime import Setup, choose_place
from genbench.images.resize import resize_clean
from genbench.pairs import open_measure

pytestmark = pytest.mark.slow
BLOCKS = {0: 16, 1: 24, 2: 40, 4: 112, 6: 320}  # the last of each stride -> channels
BETWEEN_RUNTIMES = 1e-4


@pytest.fixture
def images(rng):
    coarse = rng.integers(0, 256, (2, 3, 6, 6, 3), dtype=np.uint8).repeat(8, 2).repeat(9, 3)
    return tuple((one / 255).astype(np.float32) for one in coarse)


def by_hand(one, other):
    net, kept = load_net(), []
    for block in BLOCKS:
        net.blocks[block].register_forward_hook(lambda _module, _inputs, output: kept.append(output.double().numpy()))
    for image in (one, other):
        pixels = resize_clean(image * 255, 224)
        with torch.no_grad():
            net.forward_features((torch.tensor(pixels).permute(2, 0, 1)[None] - 127) / 128)
    total = 0.0
    for first, second, channels in zip(kept[:5], kept[5:], BLOCKS.values(), strict=True):
        assert first.shape[1] == channels
        units = [stage / np.linalg.norm(stage, axis=1, keepdims=True) for stage in (first, second)]
        total += np.square(units[0] - units[1]).sum(axis=1).mean()
    return total


@pytest.mark.parametrize("runtime", ["auto", "torch"])
def test_is_what_the_definition_says(runtime, images, networks_kept):
    setup = Setup(choose_place("cpu", runtime, networks_kept))
    found = open_measure("lite0", setup)(*images)
    expected = [by_hand(one, other) for one, other in zip(*images, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=BETWEEN_RUNTIMES)


def test_no_difference_is_too_small_to_be_seen(images, networks_kept):
    """Of a small step the distance is quadratic in it, as path lengths ask for."""
    measure = open_measure("lite0", Setup(choose_place("cpu", "auto", networks_kept)))
    here = images[0] * np.float32(0.9)
    far, near = (float(measure(here, here + (images[1] - here) * np.float32(step)).sum()) for step in (1e-3, 5e-4))
    assert far / near == pytest.approx(4, rel=0.02)
