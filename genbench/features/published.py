"""What extractors share that are a published network under a published way of feeding it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import PIL
from numpy.typing import NDArray

from genbench.contracts import Pixels
from genbench.features.runtime import Network, Run, Setup, load, refuse_argument
from genbench.features.tensors import Tensors, put_in, read_tensors
from genbench.features.weights import obtain, weights_folder

Colours = tuple[tuple[float, ...], tuple[float, ...]]  # mean and standard deviation of R, G, B in [0, 1]
IMAGENET: Colours = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


class PublishedNetwork(ABC):
    """Satisfies ``Extractor`` with one layer, "pooled"; a subclass says which network it is and how it is fed.

    Attributes:
        name: of the extractor; in the table of weights.
        widths: {"pooled": d}.
        network: in words, for the key of kept features.
        resized: what ``resize`` does, in words, likewise.
        side_px: height and width of the network's input.
        dtype: of resized images.
        colours: what normalises an input.
        arguments: of ``assemble``; tests state smaller networks.

    Args:
        setup: where the network runs, and the user's weight file; it takes no argument.

    Raises:
        BadInput: for an argument, or a weight file that does not fit the network.
        MissingWeights: if there are no weights, or not the published ones.
    """

    name: str
    widths: Mapping[str, int]
    network: ClassVar[str]
    resized: ClassVar[str]
    side_px: ClassVar[int] = 224
    dtype: ClassVar[Literal["uint8", "float32"]] = "uint8"
    colours: ClassVar[Colours] = IMAGENET
    arguments: ClassVar[Mapping[str, Any]] = {}
    batch_size = 8

    def __init__(self, setup: Setup) -> None:
        refuse_argument(self.name, setup)
        self._place = setup.place
        self._weights = obtain(self.name, weights_folder(setup.place.directory.parent), setup.weights, setup.watch)
        if not self._weights.is_published:
            self.build(self._weights.path)
        self._run: Run | None = None
        mean, deviation = self.colours
        self.facts: Mapping[str, str] = {
            "extractor": f"{self.name} v1",
            "network": self.network,
            "weights": self._weights.describe(),
            "resize": f"{self.resized}, {self.dtype} {self.side_px}x{self.side_px}, (x / 255 - {mean}) / {deviation}",
            "decode": f"pillow {PIL.__version__} convert RGB",
            "dtype": "float32",
            "runtime": setup.place.describe(),
        }

    @classmethod
    @abstractmethod
    def assemble(cls) -> Any:
        """Return the network, an ``nn.Module`` from normalised float32 [n, 3, side, side] to [n, d], weights aside."""

    @classmethod
    def adapt(cls, tensors: Tensors, net: Any) -> Tensors:
        """Return the tensors of a file by the names of ``net``."""
        return tensors

    @abstractmethod
    def resize(self, image: Pixels) -> NDArray[Any]:
        """Return uint8 [h, w, 3] as [side, side, 3] of ``dtype`` in [0, 255]."""

    @classmethod
    def build(cls, path: Path) -> Any:
        """Return the network with the weights at ``path``: an ``nn.Module`` from [n, side, side, 3] to (pooled,).

        Raises:
            BadInput: if the file does not fit.
        """
        import torch

        with torch.device("meta"):  # no random numbers are drawn, no memory is taken
            net = cls.assemble()
        put_in(net, cls.adapt(read_tensors(path, cls.name), net), path, cls.name)
        return normalised(net.eval().requires_grad_(False), cls.colours)

    def prepare(self, image: Pixels) -> NDArray[Any]:
        """Return the image resized, [side, side, 3] in [0, 255]; the network normalises it."""
        return self.resize(image)

    def __call__(self, batch: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        """Return "pooled" float32 [n, d] for [n, side, side, 3]."""
        if self._run is None:
            key, path = f"{self.name}-v1-{self._weights.sha256[:16]}", self._weights.path
            network = Network(key, lambda: self.build(path), self.side_px, ("pooled",), self.dtype)
            self._run = load(network, self._place)
        return {"pooled": self._run(batch)[0]}


def normalised(net: Any, colours: Colours) -> Any:
    """Return an ``nn.Module`` from [n, h, w, 3] in [0, 255] to a tuple of what ``net`` returns for normalised images.

    Args:
        net: from float32 [n, 3, h, w], of mean about 0 and deviation about 1, to a tensor or a tuple of them.
        colours: what is subtracted from an image in [0, 1], and what that is divided by.
    """
    import torch

    class Normalised(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net
            self.mean: torch.Tensor
            self.deviation: torch.Tensor
            for name, values in zip(("mean", "deviation"), colours, strict=True):
                self.register_buffer(name, torch.tensor(values, dtype=torch.float32).view(1, 3, 1, 1))

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
            out = self.net((images.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.deviation)
            return out if isinstance(out, tuple) else (out,)

    return Normalised().eval()
