"""The layers that own a weight matrix, and that matrix: one row per output."""

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
WEIGHTED = (nn.Linear, nn.Embedding, nn.Conv1d, nn.Conv2d, nn.Conv3d, *TRANSPOSED)


def weight_layers(net: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield (name, layer) of each linear, embedding and (transposed) convolution of ``net``, once.

    Equalised and modulated layers scale their weights as they run and are not among them.
    """
    yield from ((name, layer) for name, layer in net.named_modules() if isinstance(layer, WEIGHTED))


def free_layers(net: nn.Module) -> Iterator[nn.Module]:
    """Yield the ``weight_layers`` that do not lie in a block with ``governs_own_weights``.

    Such a block starts at values that mean something (zero) and says itself whether it is normalised.
    """
    governed = {
        inner for block in net.modules() if getattr(block, "governs_own_weights", False) for inner in block.modules()
    }
    yield from (layer for _, layer in weight_layers(net) if layer not in governed)


def is_reparametrised(layer: nn.Module) -> bool:
    """Whether the weight of ``layer`` is computed from another parameter, as under spectral normalisation."""
    return is_parametrized(layer, "weight")


def own_weight(layer: nn.Module) -> nn.Parameter:
    """Return the parameter that the optimiser changes, also where the weight is computed from it."""
    return layer.parametrizations.weight.original if is_reparametrised(layer) else layer.weight


def effective_weight(layer: nn.Module) -> Tensor:
    """Return the weight that ``layer`` computes with; unlike reading it, this takes no step of power iteration."""
    if not is_reparametrised(layer):
        return layer.weight
    chain = layer.parametrizations.weight
    was_training = chain.training
    chain.eval()
    weight = layer.weight
    chain.train(was_training)
    return weight


def to_matrix(weight: Tensor, is_transposed: bool) -> Tensor:
    """Reshape a weight to [out, rest]; transposed convolutions keep their inputs first."""
    return (weight.transpose(0, 1) if is_transposed else weight).flatten(1)


def from_matrix(matrix: Tensor, like: Tensor, is_transposed: bool) -> Tensor:
    """Reshape [out, rest] to the shape of the weight ``like``: the inverse of ``to_matrix``."""
    if not is_transposed:
        return matrix.reshape(like.shape)
    return matrix.reshape(like.transpose(0, 1).shape).transpose(0, 1)


def matrix_of(layer: nn.Module, weight: Tensor) -> Tensor:
    """Return ``weight``, which belongs to ``layer``, as a matrix [out, rest]."""
    return to_matrix(weight, isinstance(layer, TRANSPOSED))
