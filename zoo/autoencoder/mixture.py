"""A mixture of Gaussians with full covariances, fitted by expectation-maximisation (Dempster et al. 1977)."""

import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal

STEPS = 100
FLOOR = 1e-3  # of the data's mean variance, added to every variance: a component may hold a single point
TINY = 1e-12


class GaussianMixture(nn.Module):
    """A density of points [n, d]; N(0, I) until it is fitted.

    Args:
        components: of the mixture.
        width: d.

    Attributes:
        shares: of the components, float32 [k], sum 1.
        means: float32 [k, d].
        roots: lower Cholesky factors of the covariances, float32 [k, d, d].
    """

    shares: Tensor
    means: Tensor
    roots: Tensor

    def __init__(self, components: int, width: int) -> None:
        super().__init__()
        self.register_buffer("shares", torch.full((components,), 1 / components))
        self.register_buffer("means", torch.zeros(components, width))
        self.register_buffer("roots", torch.eye(width).repeat(components, 1, 1))

    @torch.no_grad()
    def fit(self, x: Tensor, generator: torch.Generator) -> None:
        """Fit to points [n, d], from means that are n's own (k-means++, Arthur and Vassilvitskii 2007); in float64."""
        x = x.detach().cpu().double()
        count, width = len(self.shares), x.shape[1]
        spread = torch.cov(x.T, correction=0).reshape(width, width)
        floor = (FLOOR * spread.diagonal().mean() + TINY) * torch.eye(width, dtype=x.dtype)
        shares = torch.full((count,), 1 / count, dtype=x.dtype)
        means, spreads = _scattered(x, count, generator), (spread + floor).expand(count, -1, -1)
        for _ in range(STEPS):
            joint = shares.log() + MultivariateNormal(means, spreads, validate_args=False).log_prob(x[:, None])
            held = joint.softmax(1)
            weight = held.sum(0) + TINY
            shares, means = weight / weight.sum(), held.T @ x / weight[:, None]
            apart = x[:, None] - means
            spreads = torch.einsum("nk,nkd,nke->kde", held, apart, apart) / weight[:, None, None] + floor
        self.shares.copy_(shares)
        self.means.copy_(means)
        self.roots.copy_(torch.linalg.cholesky(spreads))

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None, temperature: float = 1.0) -> Tensor:
        """Return n points float32 [n, d], on the CPU; their distances from the mean times ``temperature``."""
        shares, means, roots = self.shares.cpu(), self.means.cpu(), self.roots.cpu()
        chosen = torch.multinomial(shares, n, replacement=True, generator=generator)
        noise = torch.randn(n, means.shape[1], generator=generator)
        points = means[chosen] + (roots[chosen] @ noise[:, :, None]).squeeze(2)
        return torch.lerp(shares @ means, points, temperature)


def _scattered(x: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Return ``count`` rows of x, each drawn with its squared distance from the nearest drawn before as weight."""
    chosen = [torch.randint(len(x), (), generator=generator)]
    for _ in range(count - 1):
        near = torch.cdist(x, x[torch.stack(chosen)]).square().amin(1)
        chosen.append(torch.multinomial(near + TINY, 1, generator=generator)[0])
    return x[torch.stack(chosen)]
