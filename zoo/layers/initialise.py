"""Starts of a whole net, in place, from torch's global random state as the layers' own starts are.

Layers are found by their class, not by their name; weights under spectral normalisation are reached behind it. Blocks
whose start is part of what they are keep it: equalised and modulated layers, noise, conditional norms, gamma of
attention.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from zoo.layers.spectral import WARM_UP
from zoo.layers.weights import TRANSPOSED, free_layers, from_matrix, is_reparametrised, matrix_of, own_weight

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@torch.no_grad()
def normal_(net: nn.Module, std: float = 0.02) -> nn.Module:
    """Weights N(0, std), gains of batch norms N(1, std), biases 0: DCGAN (arXiv:1511.06434). Returns ``net``."""
    for norm in (module for module in net.modules() if isinstance(module, BATCH_NORMS) and module.affine):
        nn.init.normal_(norm.weight, 1.0, std)
        nn.init.zeros_(norm.bias)
    return _start(net, lambda layer, weight: nn.init.normal_(weight, 0.0, std))


@torch.no_grad()
def orthogonal_(net: nn.Module) -> nn.Module:
    """Weights with orthonormal rows (or columns, where rows are more) as [out, rest], biases 0. Returns ``net``.

    BigGAN's start; Saxe et al. 2014, arXiv:1312.6120.
    """

    def fill(layer: nn.Module, weight: Tensor) -> None:
        matrix = nn.init.orthogonal_(torch.empty_like(matrix_of(layer, weight)))
        weight.copy_(from_matrix(matrix, weight, isinstance(layer, TRANSPOSED)))

    return _start(net, fill)


@torch.no_grad()
def xavier_(net: nn.Module, gain: float = 1.0) -> nn.Module:
    """Weights uniform with standard deviation gain * sqrt(2 / (fan_in + fan_out)), biases 0. Returns ``net``.

    Glorot & Bengio 2010; SNGAN's and SAGAN's start.
    """
    return _start(net, lambda layer, weight: nn.init.xavier_uniform_(weight, gain))


def _start(net: nn.Module, fill: Callable[[nn.Module, Tensor], object]) -> nn.Module:
    for layer in free_layers(net):
        fill(layer, own_weight(layer))
        if getattr(layer, "bias", None) is not None:
            nn.init.zeros_(layer.bias)
        if is_reparametrised(layer):
            _forget_old_weight(layer)
    return net


def _forget_old_weight(layer: nn.Module) -> None:
    """Turn stored singular vectors to the new weight: each reading in training mode takes a step of power iteration."""
    chain = layer.parametrizations.weight
    was_training = chain.training
    chain.train()
    for _ in range(WARM_UP):
        _ = layer.weight
    chain.train(was_training)
