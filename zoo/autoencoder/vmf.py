"""The von Mises-Fisher distribution on the unit sphere in R^m: density C_m(k) exp(k mean . z), k its concentration.

As in Davidson et al. 2018 (arXiv:1804.00891), with two differences. A sample is w mean + sqrt(1 - w^2) v, v a uniform
direction orthogonal to the mean, got by projection: no reflection that is 0 / 0 where the mean is the pole. And the
derivative of w by k is that of its distribution function, dw/dk = -(dF/dk) / (dF/dw) (Figurnov et al. 2018,
arXiv:1805.08498): to differentiate the accepted proposal, as is usual, is up to 30 % too small a gradient.

All that depends on k is computed in float64 on the CPU, where SciPy's Bessel functions are.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.polynomial.legendre import leggauss
from scipy.special import gammaln, hyp0f1, ive
from torch import Tensor
from torch.autograd.function import once_differentiable

LARGE = 700.0  # from here on exp(k) overflows
NODES, WEIGHTS = (torch.from_numpy(part) for part in leggauss(64))
EDGE = 1e-12
ROUNDS = 200  # of proposals, of which some two in three are taken, or more


@dataclass(frozen=True)
class VonMisesFisher:
    """One distribution a row, beside the uniform distribution on the sphere as prior.

    Attributes:
        mean: unit vectors [n, m], m >= 2.
        concentration: [n], above 0.
    """

    mean: Tensor
    concentration: Tensor

    def draw(self) -> Tensor:
        """Return one point for each row, [n, m]."""
        return self._drawn((len(self.mean),), None)

    def draw_many(self, draws: int, generator: torch.Generator | None = None) -> Tensor:
        """Return points [draws, n, m]; None: from torch's global random state."""
        return self._drawn((draws, len(self.mean)), generator)

    def log_prob(self, z: Tensor) -> Tensor:
        """Return the log density by the sphere's area, float64 [..., n], of points [..., n, m]."""
        k = self.concentration.double()
        return log_normaliser(k, self.mean.shape[1]) + k * (self.mean.double() * z.double()).sum(-1)

    def log_ratio(self, z: Tensor) -> Tensor:
        """Return the log density of the prior less that of the distribution, float64 [..., n]."""
        return -log_area(self.mean.shape[1]) - self.log_prob(z)

    def kl(self) -> Tensor:
        """Return the divergence from the prior, k E[mean . z] + log C_m(k) + log area, [n, 1]: one group."""
        k, m = self.concentration.double(), self.mean.shape[1]
        nats = k * mean_length(k, m) + log_normaliser(k, m) + log_area(m)
        return nats.to(self.concentration)[:, None]

    def _drawn(self, shape: tuple[int, ...], generator: torch.Generator | None) -> Tensor:
        k, m = self.concentration.double().cpu(), self.mean.shape[1]
        noise = torch.randn(*shape, m, generator=generator)  # before the proposals, whose number depends on k
        w = _Differentiable.apply(_accepted(k.detach(), m, shape, generator), k, m)
        return around(self.mean, w.to(self.mean.device), noise.to(self.mean))


def uniform_on_sphere(n: int, m: int, generator: torch.Generator | None) -> Tensor:
    """Return n uniform points of the unit sphere in R^m, float32 [n, m]."""
    return F.normalize(torch.randn(n, m, generator=generator, dtype=torch.float64), dim=1).float()


def around(mean: Tensor, w: Tensor, noise: Tensor) -> Tensor:
    """Return the unit vectors [..., m] with ``mean . z = w`` in the direction of what of ``noise`` is orthogonal to it.

    Args:
        mean: unit vectors [n, m].
        w: in [-1, 1], float64, [..., n].
        noise: [..., n, m].
    """
    sideways = F.normalize(noise - (noise * mean).sum(-1, keepdim=True) * mean, dim=-1)
    length = ((1 - w) * (1 + w)).clamp(min=EDGE**2).sqrt()
    return F.normalize(w.to(mean)[..., None] * mean + length.to(mean)[..., None] * sideways, dim=-1)


def log_area(m: int) -> float:
    """Return the logarithm of the area of the unit sphere in R^m, 2 pi^(m/2) / Gamma(m/2)."""
    return math.log(2) + 0.5 * m * math.log(math.pi) - math.lgamma(0.5 * m)


def log_normaliser(k: Tensor, m: int) -> Tensor:
    """Return log C_m(k) = (m/2 - 1) log k - (m/2) log 2 pi - log I_{m/2-1}(k), float64 like k; its slope is -A."""
    return _LogNormaliser.apply(k, m)


def mean_length(k: Tensor, m: int) -> Tensor:
    """Return A = E[mean . z] = I_{m/2}(k) / I_{m/2-1}(k) in [0, 1), float64 like k; its slope is Var(mean . z)."""
    return _MeanLength.apply(k, m)


class _LogNormaliser(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, k: Tensor, m: int) -> Tensor:
        ctx.save_for_backward(k)
        ctx.m = m
        return -0.5 * m * math.log(2 * math.pi) - _of(_log_bessel, k, m)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        (k,) = ctx.saved_tensors
        return -slope * k * _of(_length_over_k, k, ctx.m), None


class _MeanLength(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, k: Tensor, m: int) -> Tensor:
        over = _of(_length_over_k, k, m)
        ctx.save_for_backward(k, over)
        ctx.m = m
        return k * over

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        k, over = ctx.saved_tensors
        return slope * (1 - (k * over).square() - (ctx.m - 1) * over), None


class _Differentiable(torch.autograd.Function):
    """w as it is, and its slope by k: the integral over t beyond w, seen from A, of |t - A| f(t) / f(w).

    By t = cos(angle), so that nothing is singular; f falls by exp(-40) or more within the reach of the integral.
    """

    @staticmethod
    def forward(ctx: Any, w: Tensor, k: Tensor, m: int) -> Tensor:
        ctx.save_for_backward(w, k)
        ctx.m = m
        return w.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[None, Tensor, None]:
        w, k = ctx.saved_tensors
        by_k = slope * slope_by_concentration(w, k, ctx.m)
        return None, by_k.sum_to_size(k.shape), None


def slope_by_concentration(w: Tensor, k: Tensor, m: int) -> Tensor:
    """Return dw/dk at a constant value of the distribution function of w; all float64, w [..., n], k [n]."""
    length = k * _of(_length_over_k, k, m)
    reach = (40 + 10 * math.sqrt(m)) / k
    end = torch.where(w < length, (w - reach).clamp(min=-1), (w + reach).clamp(max=1))
    start, span = w.acos(), end.acos() - w.acos()
    angle = start[..., None] + span[..., None] * (NODES + 1) / 2
    t = angle.cos()
    log_f = k[..., None] * (t - w[..., None]) + (m - 2) * angle.sin().log() - (m - 3) * start.sin().log()[..., None]
    return ((t - length[..., None]).abs() * log_f.exp()) @ WEIGHTS * span.abs() / 2


def _accepted(k: Tensor, m: int, shape: tuple[int, ...], generator: torch.Generator | None) -> Tensor:
    """Return w = mean . z by rejection (Ulrich 1984, Wood 1994), float64; proposals of ``shape``, rows their own k.

    b = (sqrt(4 k^2 + (m - 1)^2) - 2 k) / (m - 1), written so that nothing cancels where k is large.
    """
    root = (4 * k.square() + (m - 1) ** 2).sqrt()
    b = (m - 1) / (root + 2 * k)
    a = (m - 1 + 2 * k + root) / 4
    d = 4 * a * b / (1 + b) - (m - 1) * math.log(m - 1)
    w = torch.zeros(torch.broadcast_shapes(shape, k.shape), dtype=k.dtype)
    is_open = torch.ones_like(w, dtype=torch.bool)
    for _ in range(ROUNDS):
        e, u = _symmetric_beta(shape, m, generator), torch.rand(shape, generator=generator, dtype=k.dtype)
        rest = 1 - (1 - b) * e
        t = 2 * a * b / rest
        is_taken = ~((m - 1) * t.log() - t + d < u.log())  # so that k = NaN ends the loop, and is seen in the loss
        w = torch.where(is_open & is_taken, (1 - (1 + b) * e) / rest, w)
        is_open &= ~is_taken
        if not is_open.any():
            break
    assert not is_open.any(), "more than half of the proposals are taken"
    return w.clamp(-1 + EDGE, 1 - EDGE)


def _symmetric_beta(shape: tuple[int, ...], m: int, generator: torch.Generator | None) -> Tensor:
    """Return numbers of Beta((m - 1) / 2, (m - 1) / 2): (1 + x) / 2, x a coordinate of a uniform point in R^m."""
    normal = torch.randn(*shape, m, generator=generator, dtype=torch.float64)
    return ((1 + normal[..., 0] / normal.norm(dim=-1)) / 2).clamp(EDGE, 1 - EDGE)


def _of(function: Any, k: Tensor, m: int) -> Tensor:
    return torch.from_numpy(function(k.detach().cpu().numpy(), m)).to(k)


def _log_bessel(k: Any, m: int) -> Any:
    """Return log I_v(k) - v log k, v = m/2 - 1, by 0F1 (no 0 at small k, whatever m), or scaled (no overflow)."""
    v, small, large = 0.5 * m - 1, np.minimum(k, LARGE), np.maximum(k, LARGE)
    by_series = np.log(hyp0f1(v + 1, small**2 / 4)) - v * math.log(2) - gammaln(v + 1)
    return np.where(k < LARGE, by_series, np.log(ive(v, large)) + large - v * np.log(large))


def _length_over_k(k: Any, m: int) -> Any:
    """Return A(k) / k, which is 1 / m at k = 0."""
    v, small, large = 0.5 * m - 1, np.minimum(k, LARGE), np.maximum(k, LARGE)
    by_series = hyp0f1(v + 2, small**2 / 4) / hyp0f1(v + 1, small**2 / 4) / m
    return np.where(k < LARGE, by_series, ive(v + 1, large) / ive(v, large) / large)
