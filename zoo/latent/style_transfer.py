"""The style of one image on the content of another, by AdaIN (Huang & Belongie 2017, arXiv:1703.06868).

    content -> encoder -> AdaIN to the statistics of encoder(style) -> decoder -> image

The encoder is frozen. The decoder is trained so that its image, encoded again, is what it was given (content) and has
the style's mean and standard deviation in every channel of every stage (style). The paper's encoder is VGG; here it may
be any stack of stages, the first layers of a trained critic say, and by default one that learned to reconstruct the
images.
"""

from copy import deepcopy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genbench.errors import BadInput
from genbench.seeds import derive
from zoo.layers import adain

EPS = 1e-8  # as in ``adain``
WIDTHS = (16, 32, 64)
LEARNING_RATE = 2e-3


class StyleTransfer(nn.Module):
    """Encoder, AdaIN, decoder.

    Args:
        encoder: its children are stages; the last one's features are what AdaIN acts on.
        decoder: features of the last stage -> images in [-1, 1].
    """

    def __init__(self, encoder: nn.Sequential, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder.eval().requires_grad_(False)
        self.decoder = decoder

    def transfer(self, content: Tensor, style: Tensor, alpha: float = 1.0) -> Tensor:
        """Return ``content`` in the style of ``style``, float32 [n, c, h, w] in [0, 1].

        Args:
            content: [n, c, h, w] in [0, 1].
            style: [n, c, h', w'] in [0, 1].
            alpha: share of the style; 0 gives ``content`` as the decoder reconstructs it.
        """
        if not 0 <= alpha <= 1:
            raise BadInput(f"style transfer: alpha out of range; expected 0 to 1, got {alpha}. Correct it.")
        target = self._target(self.encode(content)[-1], self.encode(style)[-1], alpha)
        return ((self.decoder(target) + 1) / 2).clamp(0, 1)

    def losses(self, content: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        """Return (content, style), mean squares of what ``transfer`` with alpha 1 misses; clipping left out."""
        wanted = self.encode(style)
        target = self._target(self.encode(content)[-1], wanted[-1], 1.0)
        found = self._stages(self.decoder(target))
        gaps = [
            F.mse_loss(ours, theirs)
            for one, other in zip(found, wanted, strict=True)
            for ours, theirs in zip(statistics(one), statistics(other), strict=True)
        ]
        return F.mse_loss(found[-1], target), torch.stack(gaps).sum()

    def encode(self, x: Tensor) -> list[Tensor]:
        """Return the features of every stage for images in [0, 1]."""
        return self._stages(x * 2 - 1)

    def _stages(self, x: Tensor) -> list[Tensor]:
        features = []
        for stage in self.encoder:
            x = stage(x)
            features.append(x)
        return features

    def _target(self, content: Tensor, style: Tensor, alpha: float) -> Tensor:
        mean, deviation = statistics(style)
        return torch.lerp(content, adain(content, deviation, mean, EPS), alpha)


def statistics(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each channel of each image, [n, c]; divisor (number of positions)."""
    flat = features.flatten(2)
    return flat.mean(2), torch.sqrt(flat.var(2, correction=0) + EPS)


def fit_style_transfer(
    images: Tensor,
    encoder: nn.Sequential | None = None,
    *,
    seed: int,
    steps: int = 400,
    batch: int = 16,
    style_weight: float = 10.0,
) -> StyleTransfer:
    """Return a style transfer trained on ``images``: half of the steps reconstruct, half have content and style losses.

    Args:
        images: float32 [n, c, h, w] in [0, 1].
        encoder: see ``StyleTransfer``; a copy is used as it is. None: a new one learns to reconstruct, then is frozen.
        seed: of weights and batches.
        steps: updates.
        batch: images an update.
        style_weight: of the style loss against the content loss.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "style transfer"))
        learns = encoder is None
        net = _make_encoder(images.shape[1]) if encoder is None else deepcopy(encoder)
        decoder = _mirror(net, images[:1])
        _reconstruct(images, net.train(learns).requires_grad_(learns), decoder, steps // 2, batch)
        model = StyleTransfer(net, decoder)
        optimizer = torch.optim.Adam(decoder.parameters(), LEARNING_RATE)
        for _ in range(steps - steps // 2):
            content_loss, style_loss = model.losses(_pick(images, batch), _pick(images, batch))
            _descend(optimizer, content_loss + style_weight * style_loss)
    return model


def _reconstruct(images: Tensor, encoder: nn.Sequential, decoder: nn.Module, steps: int, batch: int) -> None:
    weights = [weight for net in (encoder, decoder) for weight in net.parameters() if weight.requires_grad]
    optimizer = torch.optim.Adam(weights, LEARNING_RATE)
    for _ in range(steps):
        x = _pick(images, batch) * 2 - 1
        _descend(optimizer, F.mse_loss(decoder(encoder(x)), x))


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _pick(images: Tensor, count: int) -> Tensor:
    return images[torch.randint(len(images), (count,))]


def _make_encoder(colours: int) -> nn.Sequential:
    """Return three stages, the second and third at half the resolution of the one before."""
    first, *rest = WIDTHS
    stages, width = [nn.Sequential(_conv(colours, first), nn.ReLU())], first
    for wider in rest:
        stages.append(nn.Sequential(nn.AvgPool2d(2), _conv(width, wider), nn.ReLU()))
        width = wider
    return nn.Sequential(*stages)


@torch.no_grad()
def _mirror(encoder: nn.Sequential, example: Tensor) -> nn.Sequential:
    """Return a decoder that undoes the sizes of ``encoder`` stage by stage."""
    shapes = [example.shape]
    for stage in encoder:
        example = stage(example)
        shapes.append(example.shape)
    layers: list[nn.Module] = []
    for inner, outer in zip(shapes[:0:-1], shapes[-2::-1], strict=True):
        if outer[-1] != inner[-1]:
            layers.append(nn.Upsample(scale_factor=outer[-1] / inner[-1]))
        layers += [_conv(inner[1], outer[1]), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _conv(width_in: int, width_out: int) -> nn.Module:
    return nn.Conv2d(width_in, width_out, 3, padding=1, padding_mode="reflect")
