"""Bounds on the singular values of a layer's weight, reshaped to [out, rest].

Singular vectors are constants of the gradient: sigma = u' W v changes with W as u v' (Miyato et al. 2018,
arXiv:1802.05957). For a convolution the largest singular value of this matrix is not its operator norm, which may be
up to sqrt(kernel area) times larger: a net of such layers is not 1-Lipschitz for that.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.nn.utils.parametrize import register_parametrization

from genbench.errors import BadInput
from zoo.layers.choice import chosen
from zoo.layers.weights import (
    TRANSPOSED,
    WEIGHTED,
    effective_weight,
    free_layers,
    from_matrix,
    is_reparametrised,
    matrix_of,
    to_matrix,
    weight_layers,
)

WARM_UP = 15  # steps of power iteration before the first use, as torch takes them


class SpectralClamp(nn.Module):
    """W - max(0, sigma - bound) u v': the largest singular value of W, and no other, is brought down to ``bound``.

    u (out) and v (rest) are the top singular vectors by power iteration, stored, one set of steps per forward pass in
    training mode. Brock et al. 2019, arXiv:1809.11096, section 4.1, whose formula has u and v the other way round. If
    the second singular value exceeds ``bound``, the weight's norm is that.
    """

    def __init__(self, weight: Tensor, bound: float, iterations: int, is_transposed: bool) -> None:
        super().__init__()
        self.u: Tensor
        self.v: Tensor
        self.bound, self.iterations, self.is_transposed = bound, iterations, is_transposed
        matrix = to_matrix(weight.detach(), is_transposed)
        self.register_buffer("u", F.normalize(torch.randn_like(matrix[:, 0]), dim=0))
        self.register_buffer("v", F.normalize(torch.randn_like(matrix[0]), dim=0))
        self.step(matrix, WARM_UP)

    @torch.no_grad()
    def step(self, matrix: Tensor, iterations: int) -> None:
        """Take steps of power iteration; a zero matrix leaves the vectors, or they would stay zero for ever."""
        for _ in range(iterations):
            self.u.copy_(_unit(matrix @ self.v, self.u))
            self.v.copy_(_unit(matrix.T @ self.u, self.v))

    def forward(self, weight: Tensor) -> Tensor:
        """Return the clamped weight."""
        matrix = to_matrix(weight, self.is_transposed)
        if self.training:
            self.step(matrix, self.iterations)
        left, right = self.u.clone(), self.v.clone()  # a later forward pass changes the stored ones before the backward
        return from_matrix(_cap(matrix, left[:, None], right[:, None], self.bound), weight, self.is_transposed)


class SpectralClampAll(nn.Module):
    """W with every singular value above ``bound`` brought down to it, by exact decomposition at each forward pass."""

    def __init__(self, bound: float, is_transposed: bool) -> None:
        super().__init__()
        self.bound, self.is_transposed = bound, is_transposed

    def forward(self, weight: Tensor) -> Tensor:
        """Return the clamped weight."""
        matrix = to_matrix(weight, self.is_transposed)
        left, _, right = torch.linalg.svd(matrix.detach(), full_matrices=False)
        return from_matrix(_cap(matrix, left, right.T, self.bound), weight, self.is_transposed)


def _unit(vector: Tensor, otherwise: Tensor) -> Tensor:
    return torch.where(vector.any(), F.normalize(vector, dim=0), otherwise)


def _cap(matrix: Tensor, left: Tensor, right: Tensor, bound: float) -> Tensor:
    """Lower the singular values that belong to the columns of left [out, k] and right [rest, k] to ``bound``."""
    sigma = (left * (matrix @ right)).sum(0)
    return matrix - left * F.relu(sigma - bound) @ right.T


def spectral(module: nn.Module, mode: str = "norm", bound: float = 1.0, iterations: int = 1) -> nn.Module:
    """Bound the singular values of the weight of a linear, embedding or (transposed) convolution layer, in place.

    Args:
        module: the layer. In training mode each forward pass takes steps of power iteration ("norm", "clamp"); in
            evaluation mode none.
        mode: "norm" (W / sigma), "clamp" (``SpectralClamp``), "clamp_all" (``SpectralClampAll``) or "none".
        bound: largest singular value allowed; 1 with "norm".
        iterations: steps of power iteration per forward pass.

    Returns:
        The same module.

    Raises:
        BadInput: for another sort of layer, a zero weight under "norm", or a bound without meaning.
        UnknownName: for another mode.
    """
    chosen("spectral mode", mode, dict.fromkeys(("norm", "clamp", "clamp_all", "none")))
    if mode == "none":
        return module
    _check(module, mode, bound)
    is_transposed = isinstance(module, TRANSPOSED)
    if mode == "norm":
        return spectral_norm(module, n_power_iterations=iterations)
    if mode == "clamp":
        cap: nn.Module = SpectralClamp(module.weight, bound, iterations, is_transposed)
    else:
        cap = SpectralClampAll(bound, is_transposed)
    register_parametrization(module, "weight", cap)
    return module


def _check(module: nn.Module, mode: str, bound: float) -> None:
    if not isinstance(module, WEIGHTED):
        kind = type(module).__name__
        raise BadInput(f"spectral: no weight matrix; expected a linear, embedding or convolution layer, got {kind}.")
    if bound <= 0 or (mode == "norm" and bound != 1):
        rule = "1 for mode 'norm'" if mode == "norm" else "above 0"
        raise BadInput(f"spectral: bad bound; expected {rule}, got {bound}. Use mode 'clamp' for another bound.")
    if mode == "norm" and not module.weight.any():
        raise BadInput("spectral: the weight has no norm to divide by; expected one that is not 0, got zeros.")


def spectral_all(net: nn.Module, mode: str = "norm", bound: float = 1.0) -> nn.Module:
    """Apply ``spectral`` to every linear, embedding and convolution layer of ``net``, in place, and return ``net``.

    Layers that are parametrised already keep what they have; ``ConditionalNorm`` follows its own ``spectral``.
    """
    for layer in free_layers(net):
        if not is_reparametrised(layer):
            spectral(layer, mode, bound)
    return net


@torch.no_grad()
def top_singular_values(net: nn.Module) -> dict[str, float]:
    """Return the largest singular value of each layer's effective weight, [out, rest], by exact decomposition.

    Keys are the names of the layers in ``net``. Nothing in ``net`` changes: no step of power iteration is taken.
    """
    return {
        name: float(torch.linalg.svdvals(matrix_of(layer, effective_weight(layer)))[0])
        for name, layer in weight_layers(net)
    }
