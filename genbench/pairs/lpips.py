"""LPIPS: learned perceptual distance, by the package ``lpips`` of its authors.

Zhang et al. 2018, arXiv:1801.03924, version 0.1. The package holds the linear weights; the ImageNet weights of the
backbone are torchvision's.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.errors import BadInput
from genbench.features.runtime import Network, Run, Setup, load, under_torch
from genbench.features.tensors import Tensors, put_in, read_tensors
from genbench.features.weights import check_digest, obtain, weights_folder

NAME = "lpips"
OFFLINE = "--perceptual lite0"
Images = NDArray[np.float32]


@dataclass(frozen=True)
class Backbone:
    """A network that LPIPS was calibrated on.

    Attributes:
        weights: its name in the table of weights.
        fewest_px: shorter side of the smallest image that it takes.
        linear_sha256: of the package's file of linear weights.
    """

    weights: str
    fewest_px: int
    linear_sha256: str


BACKBONES = {
    "alex": Backbone("alexnet", 31, "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0"),
    "vgg": Backbone("vgg16", 16, "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868"),
    "squeeze": Backbone("squeezenet1_1", 17, "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76"),
}


class LearnedDistance:
    """LPIPS of two images at their own size, range [0, inf), 0 for equal ones; version 0.1.

    Args:
        setup: "alex", "vgg" or "squeeze" as its argument; where the network runs, under torch on every device.

    Raises:
        BadInput: for another argument.
        MissingWeights: if the backbone's weights are not on this machine, or a file is not the published one.
    """

    batch_size = 16
    is_perceptual = True

    def __init__(self, setup: Setup) -> None:
        argument = setup.argument
        self.name = f"{NAME}:{argument}"
        if argument not in BACKBONES:
            raise BadInput(f"measure {NAME!r}: unknown backbone; expected {NAME}:{_choice()}, got {self.name!r}.")
        backbone = BACKBONES[argument]
        self._place = under_torch(self.name, setup.place)
        self._linear = _linear_weights(argument)
        check_digest(self._linear, backbone.linear_sha256, self.name, "Reinstall the package lpips.")
        folder = weights_folder(setup.place.directory.parent)
        self._weights = obtain(backbone.weights, folder, None, setup.watch, instead=OFFLINE)
        self._run: Run | None = None
        self.fewest_px = backbone.fewest_px
        self.labels = {"lpips": f"LPIPS[{argument}]", "lpips-diversity": f"LPIPS diversity[{argument}]"}
        self.facts: Mapping[str, str] = {
            "extractor": f"{self.name} v1",
            "network": f"lpips {version('lpips')} {argument}, version 0.1, 2 x - 1",
            "weights": self._weights.sha256,
            "linear weights": backbone.linear_sha256,
            "resize": "none",
            "dtype": "float32",
            "runtime": self._place.describe(),
        }

    def __call__(self, first: Images, second: Images) -> Images:
        """Return float32 [n] of images float32 [n, h, w, 3] in [0, 1]."""
        if self._run is None:
            network = Network(self.name, lambda: build(self.name, self._weights.path), 0, ("distance",), "float32")
            self._run = load(network, self._place)
        return self._run(np.concatenate([first, second]))[0]


def build(name: str, path: Path) -> Any:
    """Return the network of ``name`` with the backbone's weights at ``path``.

    It is an ``nn.Module`` from float32 [2 n, h, w, 3] in [0, 1], the first images of all pairs before the second ones,
    to ([n],).

    Raises:
        BadInput: if the file does not fit.
    """
    import torch
    from lpips import LPIPS

    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torchvision's, of the way in which the package asks for a network
        net = LPIPS(net=name.partition(":")[2], pnet_rand=True, verbose=False)
    put_in(net, _adapt(read_tensors(path, name), net), path, name)

    class Distance(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net.eval().requires_grad_(False)

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor]:
            first, second = images.permute(0, 3, 1, 2).chunk(2)
            return (self.net(first, second, normalize=True).flatten(),)

    return Distance().eval()


def _adapt(tensors: Tensors, net: Any) -> Tensors:
    """Return the state of ``net`` with torchvision's "features.3.weight" where it has "net.slice2.3.weight"."""
    found = {}
    for name, tensor in net.state_dict().items():
        is_backbone = name.startswith("net.")
        found[name] = tensors.get("features." + name.split(".", 2)[2]) if is_backbone else tensor
    return {name: tensor for name, tensor in found.items() if tensor is not None}


def _linear_weights(backbone: str) -> Path:
    spec = find_spec("lpips")
    if spec is None or spec.origin is None:
        raise BadInput(
            f"{NAME}:{backbone}: the package lpips is not installed; expected lpips 0.1.4, got none. "
            f"`pip install lpips`, or {OFFLINE}."
        )
    return Path(spec.origin).parent / "weights" / "v0.1" / f"{backbone}.pth"


def _choice() -> str:
    return f" or {NAME}:".join(BACKBONES)
