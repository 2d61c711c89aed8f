"""Perceptual distance on the layers of EfficientNet-Lite0, whose ImageNet weights work offline.

LPIPS without its calibration (Zhang et al. 2018, arXiv:1801.03924, their "uncalibrated" networks) on another network:
a number of its own, not to be compared with LPIPS.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray

from genbench.features.efficientnet import WEIGHTS_SHA256, EfficientNetLite0, load_net
from genbench.features.runtime import Network, Run, Setup, load
from genbench.images.resize import resize_clean

NAME = "lite0"
SIDE_PX = 224
STAGES = 5  # the last blocks of strides 2, 4, 8, 16 and 32: 16, 24, 40, 112 and 320 channels
TINY = 1e-10
Images = NDArray[np.float32]


class Lite0Distance:
    """Squared distance of unit-length channels, averaged over places, summed over five stages; range [0, 20].

    Both images are resized to 224 x 224 by Pillow's bicubic filter on floats, so that any size will do and no
    difference is too small to be seen; the extractor ``efficientnet-lite0`` rounds to 8 bits there. The channels of
    each place are brought to unit length; no stage or channel has a weight. 0 for equal images.

    Args:
        setup: where the network runs; it takes no argument and no other weights.

    Raises:
        MissingWeights: if the package's weight file is not the published one.
    """

    name = NAME
    batch_size = 8
    is_perceptual = True

    def __init__(self, setup: Setup) -> None:
        self._extractor = EfficientNetLite0(setup)
        self._place = setup.place
        self._run: Run | None = None
        self.facts: Mapping[str, str] = {
            **self._extractor.facts,
            "extractor": f"{NAME} v1",
            "resize": f"pillow {PIL.__version__} bicubic float32 {SIDE_PX}x{SIDE_PX}",
            "stages": f"{STAGES}, unit-length channels, mean over places, sum",
        }

    def __call__(self, first: Images, second: Images) -> Images:
        """Return float32 [n] of images float32 [n, h, w, 3] in [0, 1]."""
        if self._run is None:
            network = Network(f"{NAME}-floats-v1-{WEIGHTS_SHA256[:16]}", _build, SIDE_PX, ("places",), "float32")
            self._run = load(network, self._place)
        images = np.concatenate([first, second]) * np.float32(255)
        places = self._run(np.stack([resize_clean(image, SIDE_PX) for image in images]))[0]
        difference = places[: len(first)] - places[len(first) :]
        return np.asarray(np.square(difference).sum(axis=1, dtype=np.float64), np.float32)


def _build() -> Any:
    """Return an ``nn.Module`` from [n, 224, 224, 3] in [0, 255] to ([n, d],); the measure is rows' squared distance."""
    import torch

    class Places(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = load_net()

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor]:
            scaled = (images.permute(0, 3, 1, 2) - 127) / 128
            stages = self.net.forward_intermediates(scaled, indices=STAGES, intermediates_only=True)
            return (torch.cat([_unit(stage) for stage in stages], dim=1),)

    def _unit(stage: torch.Tensor) -> torch.Tensor:
        length = stage.square().sum(dim=1, keepdim=True).sqrt() + TINY
        places: float = (stage.shape[2] * stage.shape[3]) ** 0.5
        return (stage / length / places).flatten(1)

    return Places().eval()
