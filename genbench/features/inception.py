"""FID Inception-v3: the network of the published numbers, as pytorch-fid packages it.

Szegedy et al. 2015, arXiv:1512.00567; Google's graph of 2015-12-05, converted by pytorch-fid. It differs from
torchvision's Inception: 1008 classes, average pools that leave the padding out, a maximum pool in the last block.
Tools share its weights and differ in how they resize, so the argument names the tool: ``inception:tf1``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray

from genbench.contracts import Pixels
from genbench.errors import BadInput
from genbench.features.runtime import Network, Run, Setup, is_exported, load
from genbench.features.tensors import read_tensors, refuse_misfit
from genbench.features.weights import obtain, weights_folder
from genbench.images.resize import Resized, resize_antialiased, resize_clean, resize_half_pixel, resize_tf1

NAME = "inception"
SIDE_PX = 299
SPATIAL_CHANNELS = 7


@dataclass(frozen=True)
class Protocol:
    """How a tool turns an image into the network's input.

    Attributes:
        tool: whose it is; "FID" is printed with its name.
        resize: to float32 [299, 299, 3] in [0, 255].
        centre: what is subtracted then.
        scale: what that is divided by.
        described: the resize, in words, for the key of kept features.
    """

    tool: str
    resize: Callable[[Pixels, int], Resized]
    centre: float
    scale: float
    described: str


PROTOCOLS = {
    "": Protocol("pytorch-fid", resize_half_pixel, 127.5, 127.5, "bilinear, half-pixel centres"),
    "tf1": Protocol("torch-fidelity", resize_tf1, 128, 128, "bilinear, TensorFlow 1 corners"),
    "clean": Protocol("clean-fid", resize_clean, 128, 128, f"pillow {PIL.__version__} bicubic, cut to 0..255"),
    "antialias": Protocol("torchmetrics", resize_antialiased, 128, 128, "bilinear, antialiased"),
}


class Inception:
    """FID Inception-v3; `:tf1`, `:clean`, `:antialias` resize as torch-fidelity, clean-fid, torchmetrics do.

    Layers, all float32, from one pass:

    - "pooled" [n, 2048]: the last average pool, "pool3".
    - "logits" [n, 1008]; "logits-unbiased" [n, 1008]: without the classifier's bias, what inception scores use.
    - "spatial" [n, 2023]: the first 7 channels of the block Mixed_6d, 17 x 17, in h, w, channel order. The block is a
      concatenation that begins with its 1 x 1 branch (after the ReLU), so they are the first 7 of that branch, which is
      ``mixed_6/conv`` of the TensorFlow graph: what guided-diffusion's sFID reads. (dgm-eval reads Mixed_6e, c, h, w.)

    Images are resized in float32, not rounded, then scaled: pytorch-fid's half-pixel bilinear and x / 127.5 - 1, unless
    the argument names another of ``PROTOCOLS``, which are all (x - 128) / 128.

    Args:
        setup: where the network runs, the protocol as its argument, and the user's weight file.

    Raises:
        BadInput: for an unknown protocol, or a weight file that does not fit the network.
        MissingWeights: if there are no weights, or not the published ones.
    """

    name = NAME
    widths: Mapping[str, int] = {
        "pooled": 2048,
        "logits": 1008,
        "logits-unbiased": 1008,
        "spatial": 17 * 17 * SPATIAL_CHANNELS,
    }
    batch_size = 16

    def __init__(self, setup: Setup) -> None:
        self._protocol = protocol = _choose(setup.argument)
        self.name = f"{NAME}:{setup.argument}" if setup.argument else NAME
        self._place = setup.place
        self._weights = obtain(NAME, weights_folder(setup.place.directory.parent), setup.weights, setup.watch)
        self._key = f"{NAME}-v1-{self._weights.sha256[:16]}"
        if not self._weights.is_published and not is_exported(self._key, setup.place):
            check_fits(self._weights.path)
        self._run: Run | None = None
        # "FID" is the name of one network's distance, not of the distance
        famous = {"fd": f"FID ({protocol.tool})", "sfd": f"sFID ({protocol.tool})", "mifid": f"MiFID ({protocol.tool})"}
        self.labels: Mapping[str, str] = famous if self._weights.is_published else {}
        self.facts: Mapping[str, str] = {
            "extractor": f"{NAME} v1",
            "network": f"FID Inception-v3 2015-12-05, pytorch-fid {version('pytorch-fid')}",
            "weights": self._weights.describe(),
            "resize": f"{protocol.tool}'s: {protocol.described}, float32 {SIDE_PX}x{SIDE_PX}, "
            f"(x - {protocol.centre:g}) / {protocol.scale:g}",
            "decode": f"pillow {PIL.__version__} convert RGB",
            "dtype": "float32",
            "runtime": setup.place.describe(),
        }

    def prepare(self, image: Pixels) -> NDArray[np.float32]:
        """Return the image resized and scaled, float32 [299, 299, 3] in [-1, 1]."""
        ready = self._protocol.resize(image, SIDE_PX)
        ready -= np.float32(self._protocol.centre)
        ready /= np.float32(self._protocol.scale)
        return ready

    def __call__(self, batch: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        """Return layer -> float32 [n, width] for float32 [n, 299, 299, 3]."""
        if self._run is None:
            path = self._weights.path
            network = Network(self._key, lambda: build(path), SIDE_PX, tuple(self.widths), "float32")
            self._run = load(network, self._place)
        return dict(zip(self.widths, self._run(batch), strict=True))


def _choose(argument: str) -> Protocol:
    if argument not in PROTOCOLS:
        known = ", ".join(f"{NAME}:{name}" if name else NAME for name in PROTOCOLS)
        raise BadInput(f"{NAME}: no such protocol; expected one of {known}, got {NAME + ':' + argument!r}.")
    return PROTOCOLS[argument]


def check_fits(path: Path) -> None:
    """Raise ``BadInput`` unless the file at ``path`` holds tensors of the network's names and shapes."""
    import torch

    with torch.device("meta"):
        expected = _assemble().state_dict()
    refuse_misfit(expected, read_tensors(path, NAME), path, NAME)


def build(path: Path, *, in_float64: bool = False) -> Any:
    """Return the network as an ``nn.Module`` from [n, 299, 299, 3] to the four layers, batch norms folded.

    Args:
        path: the weight file.
        in_float64: for tests; else float32.
    """
    import torch

    class FourLayers(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            net: Any = _assemble()
            net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
            _fold_batch_norms(net.double().eval())
            stages = {name: module for name, module in net.named_children() if not name.startswith(("dropout", "fc"))}
            names = list(stages)
            cut = names.index("Mixed_6d") + 1
            self.below = torch.nn.Sequential(*[stages[name] for name in names[:cut]])
            self.above = torch.nn.Sequential(*[stages[name] for name in names[cut:]])
            self.fc: Any = net.fc

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
            middle = self.below(images.permute(0, 3, 1, 2))
            spatial = middle[:, :SPATIAL_CHANNELS].permute(0, 2, 3, 1).flatten(1)
            pooled = self.above(middle).flatten(1)
            unbiased = torch.nn.functional.linear(pooled, self.fc.weight)
            return pooled, unbiased + self.fc.bias, unbiased, spatial

    network = FourLayers().eval().requires_grad_(False)
    return network if in_float64 else network.float()


def _assemble() -> Any:
    """Return the network with no weights in it, of pytorch-fid's own blocks; nothing is downloaded."""
    from pytorch_fid import inception as blocks

    net = blocks._inception_v3(num_classes=1008, aux_logits=False, weights=None)
    net.Mixed_5b = blocks.FIDInceptionA(192, pool_features=32)
    net.Mixed_5c = blocks.FIDInceptionA(256, pool_features=64)
    net.Mixed_5d = blocks.FIDInceptionA(288, pool_features=64)
    net.Mixed_6b = blocks.FIDInceptionC(768, channels_7x7=128)
    net.Mixed_6c = blocks.FIDInceptionC(768, channels_7x7=160)
    net.Mixed_6d = blocks.FIDInceptionC(768, channels_7x7=160)
    net.Mixed_6e = blocks.FIDInceptionC(768, channels_7x7=192)
    net.Mixed_7b = blocks.FIDInceptionE_1(1280)
    net.Mixed_7c = blocks.FIDInceptionE_2(2048)
    return net


def _fold_batch_norms(net: Any) -> None:
    """Put every batch norm of a float64 network into its convolution: the same function, half the memory traffic."""
    import torch
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    for block in net.modules():
        if isinstance(getattr(block, "bn", None), torch.nn.BatchNorm2d):
            block.conv, block.bn = fuse_conv_bn_eval(block.conv, block.bn), torch.nn.Identity()
