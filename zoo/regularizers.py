"""Penalties on critics, weights and generators. Weights (lambda, gamma) are the caller's.

``critic`` is any callable from examples of any shape [n, ...] to logits, one or more for each example; bind labels with
a lambda. Gradients are taken of the sum of all logits, which gives each example its own gradient unless the critic
mixes examples (batch norm does, and spoils the penalty; minibatch standard deviation does, as its authors accept).

Everything runs in the precision it is given; call with autocast off, for second derivatives in half precision overflow.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genbench.errors import BadInput
from zoo.layers.choice import chosen
from zoo.layers.weights import matrix_of, own_weight, weight_layers

Critic = Callable[[Tensor], Tensor]
EPS = 1e-12  # under square roots, whose slope at 0 is infinite


def gradient_penalty(
    critic: Critic,
    real: Tensor,
    fake: Tensor,
    *,
    target: float = 1.0,
    one_sided: bool = False,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Mean of (||grad f(x)|| - target)^2 over x between real and fake examples, one mixing share for each pair.

    Gulrajani et al. 2017, arXiv:1704.00028. Norm over all axes but the first; 1e-12 under its root. Gradients reach the
    critic alone.

    Args:
        critic: see above.
        real: [n, ...].
        fake: same shape.
        target: norm asked for.
        one_sided: punish norms above the target only.
        generator: the shares are drawn from; None: torch's global state.

    Raises:
        BadInput: if the shapes differ.
    """
    if real.shape != fake.shape:
        shapes = f"{list(real.shape)} and {list(fake.shape)}"
        raise BadInput(f"gradient_penalty: real and fake do not fit; expected equal shapes, got {shapes}.")
    source = real.device if generator is None else generator.device
    share = torch.rand(len(real), generator=generator, device=source, dtype=real.dtype).to(real.device)
    mixed = torch.lerp(fake.detach(), real.detach(), share.view(-1, *(1,) * (real.ndim - 1)))
    excess = torch.sqrt(_squared_gradient(critic, mixed) + EPS) - target
    return (F.relu(excess) if one_sided else excess).square().mean()


def r1(critic: Critic, real: Tensor) -> Tensor:
    """Half the squared norm of the critic's gradient at real examples, summed over pixels, mean over the batch.

    Mescheder et al. 2018, arXiv:1801.04406. The caller multiplies by gamma, and by k where it is added every k steps.

    Args:
        critic: see above.
        real: [n, ...].
    """
    return 0.5 * _squared_gradient(critic, real.detach()).mean()


def r2(critic: Critic, fake: Tensor) -> Tensor:
    """``r1`` at generated examples; gradients do not reach the generator.

    Args:
        critic: see above.
        fake: [n, ...].
    """
    return 0.5 * _squared_gradient(critic, fake.detach()).mean()


def drift(logits: Tensor) -> Tensor:
    """Mean of logits^2: keeps a Wasserstein critic near 0. ProGAN: real logits, times 0.001 (arXiv:1710.10196)."""
    return logits.square().mean()


def spectral_penalty(net: nn.Module) -> Tensor:
    """Half the sum of sigma^2 over the layers, sigma the largest singular value of the weight as [out, rest].

    Yoshida & Miyato 2017, arXiv:1705.10941. Exact: the top eigenvalue of W W' (or W' W, the smaller), so the gradient
    is sigma u v'. Of the parameters, not of weights normalised from them.

    Raises:
        BadInput: if ``net`` has no linear, embedding or convolution layer.
    """
    matrices = _matrices(net, "spectral_penalty")
    grams = (m @ m.T if m.shape[0] <= m.shape[1] else m.T @ m for m in matrices)
    return 0.5 * torch.stack([torch.linalg.eigvalsh(gram)[-1] for gram in grams]).sum()


def orthogonal_penalty(
    net: nn.Module,
    mode: str = "offdiagonal",
    skip: type[nn.Module] | tuple[type[nn.Module], ...] = nn.Embedding,
) -> Tensor:
    """Sum over the layers of ||W W' - target||_F^2, W as [out, rest], rows the filters.

    Brock et al. 2019, arXiv:1809.11096, section 3.1 (their code's gradient is half the true one taken here). Of the
    parameters, not of weights normalised from them. Layers with more rows than columns cannot reach 0.

    Args:
        net: the net, a generator as a rule.
        mode: "offdiagonal": the diagonal is left out, so that rows may have any length; "full": target I.
        skip: layers to leave out.

    Raises:
        BadInput: if no layer is left.  UnknownName: for another mode.
    """
    chosen("mode of orthogonal_penalty", mode, dict.fromkeys(("offdiagonal", "full")))

    def penalty(matrix: Tensor) -> Tensor:
        gram = matrix @ matrix.T
        target = torch.diag(gram.diagonal()) if mode == "offdiagonal" else torch.eye(len(gram)).to(gram)
        return (gram - target).square().sum()

    return torch.stack([penalty(m) for m in _matrices(net, "orthogonal_penalty", skip)]).sum()


class GradNormalised(nn.Module):
    """f(x) / (||grad f(x)|| + |f(x)|), a critic of absolute value below 1.

    Wu et al. 2021, arXiv:2109.02235: with piecewise linear activations its own gradient norm is at most 1. Unchanged
    when f is multiplied by a positive number (but for the 1e-12 under the root of the norm). Works under ``no_grad``
    too; where gradients are wanted, they pass through the norm, which costs a second derivative.

    Args:
        critic: [n, ...] -> logits [n] or [n, 1]; it may take more arguments after x.
    """

    def __init__(self, critic: nn.Module) -> None:
        super().__init__()
        self.critic = critic

    def forward(self, x: Tensor, *conditions: Tensor | None) -> Tensor:
        """Return the normalised logits of x, in the shape of the critic's."""
        is_wanted = torch.is_grad_enabled()
        with torch.enable_grad():
            inputs = x if is_wanted and x.requires_grad else x.detach().requires_grad_()
            logits = self.critic(inputs, *conditions)
            (slope,) = torch.autograd.grad(logits.sum(), inputs, create_graph=is_wanted, retain_graph=is_wanted)
            norm = torch.sqrt(slope.flatten(1).square().sum(1) + EPS).view(-1, *(1,) * (logits.ndim - 1))
            normalised = logits / (norm + logits.abs())
        return normalised if is_wanted else normalised.detach()


class PathLength(nn.Module):
    """weight * mean of (length - a)^2; a is the running mean of the lengths, a constant of the gradient.

    length = ||J' y|| with J the Jacobian of the images by w and y ~ N(0, 1) / sqrt(h w), over n images. For w of
    several layers: the root of the mean over layers of the squared norms. Karras et al. 2020, arXiv:1912.04958, section
    3.2; weight and averaging over layers as in the released code, where the newest batch's 1% in a has a gradient too.

    Args:
        decay: share of the newest mean length in a, which starts at 0.
        weight: 2 as released; the paper: ln 2 / (r^2 (ln r - ln 2)) at resolution r.
    """

    def __init__(self, decay: float = 0.01, weight: float = 2.0) -> None:
        super().__init__()
        self.mean: Tensor
        self.decay, self.weight = decay, weight
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, images: Tensor, w: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Return the penalty and move a.

        Args:
            images: [n, c, h, w], computed from ``w``.
            w: [n, width] or [n, layers, width], requires a gradient.
            generator: y is drawn from; None: torch's global state.
        """
        lengths = self.lengths(images, w, generator=generator)
        mean = torch.lerp(self.mean, lengths.detach().mean().to(self.mean), self.decay)
        self.mean.copy_(mean)
        return self.weight * (lengths - mean).square().mean()

    def lengths(self, images: Tensor, w: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Return ||J' y|| for each image, [n]; arguments as of ``forward``."""
        source = images.device if generator is None else generator.device
        noise = torch.randn(images.shape, generator=generator, device=source, dtype=images.dtype).to(images.device)
        noise = noise / math.sqrt(images.shape[2] * images.shape[3])
        (slope,) = torch.autograd.grad((images * noise).sum(), w, create_graph=True)
        return torch.sqrt(slope.square().sum(-1).reshape(len(slope), -1).mean(1) + EPS)


def _squared_gradient(critic: Critic, x: Tensor) -> Tensor:
    """Return ||grad f(x)||^2, [n], differentiable by the critic's parameters; x is detached."""
    x = x.requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return slope.flatten(1).square().sum(1)


def _matrices(net: nn.Module, who: str, skip: type[nn.Module] | tuple[type[nn.Module], ...] = ()) -> list[Tensor]:
    layers = [layer for _, layer in weight_layers(net) if not isinstance(layer, skip)]
    if not layers:
        raise BadInput(f"{who}: nothing to penalise; expected a net with linear or convolution layers, got none.")
    return [matrix_of(layer, own_weight(layer)) for layer in layers]
