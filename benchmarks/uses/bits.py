"""What an image costs, in bits a pixel value: under a model, and as a PNG."""

import math
from io import BytesIO
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from genbench.capabilities import check_likelihood
from genbench.errors import BadInput
from genbench.seeds import derive, generator

CHUNK = 64  # images at a time
BELOW_ONE = 1 - 2.0**-24  # the largest float32 there
Levels = NDArray[np.uint8]
Floats = NDArray[np.float64]


def model_bits(model: Any, x: Levels, seed: int = 0) -> Floats:
    """Return -log2 p / D of each image, float64 [n]: infinite where p = 0.

    As the metric ``likelihood`` has it: a density is of levels that uniform noise spreads, and its unit is 1 / L.

    Args:
        model: ``genbench.capabilities.HasLikelihood``.
        x: grey levels [n, c, h, w] of 0..model.levels-1.
        seed: of the noise of densities, and of bounds that draw.

    Raises:
        BadInput: if the model has no likelihood, takes images of another shape, or gives NaN.
    """
    check_likelihood("anomalies", model)
    if x.shape[1:] != tuple(model.image_shape):
        raise BadInput(
            f"anomalies: images of another shape; expected {list(model.image_shape)} as the model takes, got "
            f"{list(x.shape[1:])}. Give the data it was trained on."
        )
    dimensions = math.prod(model.image_shape)
    is_density = model.dequantisation == "uniform"
    size = CHUNK if model.kind == "exact" or is_density else 1  # bounds may draw, for each image alone
    nats = np.concatenate([_nats(model, x[start : start + size], start, seed) for start in range(0, len(x), size)])
    if np.isnan(nats).any():
        raise BadInput(f"anomalies: log_prob gives NaN for {int(np.isnan(nats).sum())} of {len(x)} images. Mend it.")
    bits: Floats = math.log2(model.levels) * is_density - nats / (dimensions * math.log(2))
    return bits


def png_bits(pictures: Levels) -> Floats:
    """Return the size of the PNG of each picture uint8 [n, 1 or 3, h, w] in bits over its number of values.

    The whole file is counted, as Pillow makes it smallest; what every PNG begins and ends with changes no rank.
    """
    sizes = [_png_bytes(picture.transpose(1, 2, 0)) for picture in pictures]
    bits: Floats = np.array(sizes, np.float64) * 8 / pictures[0].size
    return bits


def _nats(model: Any, k: Levels, start: int, seed: int) -> Floats:
    """Return log p of some images, whose rows begin at ``start``, float64 [n]."""
    names = [f"{row:06d}" for row in range(start, start + len(k))]
    if model.dequantisation == "uniform":
        u = np.stack([generator(seed, "dequantise", 0, name).random(k.shape[1:]) for name in names])
        images = np.minimum((k + u) / model.levels, BELOW_ONE)
    else:
        images = k / (model.levels - 1)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "log-prob", 0, names[0]))
        nats: Floats = model.log_prob(torch.from_numpy(images.astype(np.float32))).detach().cpu().double().numpy()
    return nats


def _png_bytes(picture: Levels) -> int:
    file = BytesIO()
    Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture).save(file, "PNG", optimize=True)
    return file.tell()
