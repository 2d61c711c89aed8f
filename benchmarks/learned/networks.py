"""Measures of networks and of what they logged while they were trained."""

import math

import numpy as np
import torch

from benchmarks.learned.findings import Finding
from benchmarks.learned.subject import Subject
from benchmarks.learned.trials import folder_of
from genbench.seeds import derive
from zoo.checkpoint import found
from zoo.contracts import StyleSpace
from zoo.deck import as_tensor
from zoo.journal import read_log
from zoo.layers import SelfAttention, top_singular_values
from zoo.regularizers import PathLength
from zoo.runs import open_trained, read_recipe

ESTIMATE = "wasserstein_estimate"
FEWEST_ROWS = 20
WINDOW = 20  # a curve is smoothed over 1/20 of its rows
INTERPOLATES = 256
PATHS = 128
PATHLESS = "pathless"


def wasserstein_fall(subject: Subject) -> Finding:
    """How far the critic's estimate of the distance fell from its peak by the end, as a share of the peak."""
    rows = read_log(subject.directory) if subject.directory is not None else []
    estimates = np.array([row[ESTIMATE] for row in rows if ESTIMATE in row])
    if len(estimates) < FEWEST_ROWS:
        return Finding(math.nan, f"{len(estimates)} rows in the log, too few for a curve")
    window = max(1, len(estimates) // WINDOW)
    curve = np.convolve(estimates, np.ones(window) / window, mode="valid")
    peak = float(curve.max())
    if peak <= 0:
        return Finding(math.nan, "the estimate never rose above 0")
    return Finding(1 - float(curve[-1]) / peak, f"from {peak:.4g} to {curve[-1]:.4g}")


def slope_error(subject: Subject) -> Finding:
    """How far the critic's mean gradient norm, at random points between held-out and generated, is from 1."""
    count = min(INTERPOLATES, len(subject.test.x))
    real = as_tensor(subject.test.x[:count], subject.test.levels)
    fake = subject.draw(subject.model.sample, count)
    scale = 1.0 if subject.test.levels is None else 2.0  # the critic's own pixels are in [-1, 1], twice as far apart
    real = real if subject.test.levels is None else (real + 1) / 2
    draws = torch.Generator().manual_seed(derive(subject.seed, "interpolates"))
    share = torch.rand(count, *[1] * (real.ndim - 1), generator=draws)
    between = torch.lerp(real, fake, share).requires_grad_()
    (gradient,) = torch.autograd.grad(subject.model.criticise(between).sum(), between)
    norm = float(gradient.flatten(1).norm(dim=1).mean()) / scale
    return Finding(abs(norm - 1), f"mean norm {norm:.3f}")


def singular_value_error(subject: Subject) -> Finding:
    """How far the largest singular value of any weight of the critic is from 1."""
    values = top_singular_values(subject.model.critic)
    return Finding(max(abs(value - 1) for value in values.values()), _span(values))


def singular_value(subject: Subject) -> Finding:
    """The largest singular value of any weight of the critic, over the bound it is set."""
    values = top_singular_values(subject.model.critic)
    return Finding(max(values.values()) / subject.model.config.bound, _span(values))


def attention_used(subject: Subject) -> Finding:
    """The largest weight that self-attention has in either network; 0 at the start."""
    networks = (subject.model.generator, subject.model.critic)
    parts = [part for net in networks for part in net.modules() if isinstance(part, SelfAttention)]
    gammas = [float(part.gamma.detach()) for part in parts]
    return Finding(max(map(abs, gammas), default=math.nan), f"gamma {[round(gamma, 4) for gamma in gammas]}")


def path_spread_ratio(subject: Subject) -> Finding:
    """Standard deviation over mean of the path lengths, over that of the run without their regularisation."""
    recipe = read_recipe(subject.directory) if subject.directory is not None else None
    if recipe is None:
        return Finding(math.nan, "no run to compare with")
    home = subject.directory.parents[1]
    other = folder_of(home, recipe.model, f"{recipe.preset}+{PATHLESS}", recipe.seed) / subject.directory.name
    if not found(other):
        return Finding(math.nan, f"nothing to compare with: train {recipe.model}:{recipe.preset}+{PATHLESS} before")
    ours, theirs = path_spread(subject.model, subject.seed), path_spread(open_trained(other)[0], subject.seed)
    return Finding(ours / theirs, f"{ours:.3f} with, {theirs:.3f} without")


def path_spread(model: StyleSpace, seed: int) -> float:
    """Return the standard deviation over the mean of ||J' y||, J the Jacobian of images by w, over the prior."""
    draws = torch.Generator().manual_seed(derive(seed, "paths"))
    w = model.mapping(model.prior(PATHS, draws)).detach()
    ws = w[:, None].repeat(1, model.num_ws, 1).requires_grad_()
    lengths = PathLength().lengths(model.synthesis(ws), ws, generator=draws).detach()
    return float(lengths.std() / lengths.mean())


def _span(values: dict[str, float]) -> str:
    return f"{min(values.values()):.4f} to {max(values.values()):.4f} over {len(values)} layers"
