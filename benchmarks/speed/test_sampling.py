"""Sixty-four images drawn pixel by pixel: what a new pixel changes alone, beside the whole network for every pixel.

Untrained networks of the small presets' sizes; speed does not depend on the weights. Both get the same random numbers,
and give the same images but where rounding decides. Cost: ten minutes on two cores. Expected: >= 10x at 8 x 8,
>= 30x at 16 x 16.
"""

from itertools import product

import pytest
import torch

from zoo import MODELS
from zoo.autoregressive.drawing import draw, pick
from zoo.contracts import DataSpec

IMAGES, LEVELS = 64, 17
MODEL_NAMES = ("pixelcnn", "gated-pixelcnn", "pixelrnn", "pixelrnn+row")


def build(name, side):
    """Return an untrained network, what it is told, and the random numbers to draw from."""
    torch.manual_seed(0)
    spec = DataSpec("noise", (1, side, side), levels=LEVELS, class_shares=(0.1,) * 10)
    config = {"kind": "row"} if name.endswith("+row") else {}
    model = MODELS.get(name.partition("+")[0]).make(spec, config).eval()
    labels = torch.arange(IMAGES) % 10 if model.is_conditional else None
    return model.network, model.condition(labels), torch.rand(IMAGES, 1, side, side, dtype=torch.float64)


@torch.no_grad()
def draw_by_whole_network(network, uniform, condition):
    """Return levels [n, 1, h, w]: every pixel from a pass of the whole network over the image so far."""
    k = torch.zeros(uniform.shape, dtype=torch.int64)
    for row, column in product(range(uniform.shape[2]), range(uniform.shape[3])):
        logits = network(k, condition)[:, :, 0, row, column]
        k[:, 0, row, column] = pick(logits, uniform[:, 0, row, column])
    return k


@pytest.mark.parametrize(("side", "target", "rounds"), [(8, 10, 3), (16, 30, 1)])
@pytest.mark.parametrize("name", MODEL_NAMES)
def test_drawing(race, name, side, target, rounds):
    network, condition, uniform = build(name, side)
    nothing = torch.zeros(uniform.shape, dtype=torch.int64)
    mine, theirs = race(
        lambda: draw(network, nothing, nothing[:, 0] > 0, uniform, condition),
        lambda: draw_by_whole_network(network, uniform, condition),
        against="the whole network for every pixel",
        target=target,
        rounds=rounds,
    )
    assert int((mine == theirs).flatten(1).all(1).sum()) >= IMAGES - 1
