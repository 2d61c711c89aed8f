"""Networks that the user gives: how an image reaches them, and what is asked of any extractor before it is used."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray

from genbench.contracts import Extractor, Pixels
from genbench.errors import BadInput
from genbench.features.runtime import Setup, under_torch
from genbench.images.resize import resize_pil
from genbench.usercode import user_code

SIDE_PX = 224  # where the network states none
SIDE_NAMES = ("side_px", "input_size")
SAME = 1e-4  # of the largest feature: what rounding may change


class UserModule:
    """A torch module as an ``Extractor``: float32 [n, 3, side, side] in [0, 1] -> features [n, d], layer "pooled".

    The side is the module's attribute ``side_px`` or ``input_size``, else 224. Images are resized to it by Pillow's
    bicubic filter (antialiased, 8-bit; the aspect is not kept), then x / 255. The module is put into eval mode and
    float32, and runs without gradients under torch on every device.

    Args:
        module: ``torch.nn.Module``; it is changed.
        name: of the extractor, as written.
        setup: where it runs.
        facts: what recognises it: "extractor", "network", "weights" ...
        folder: importable while the module's code runs.

    Raises:
        BadInput: if it cannot be run so, or its features are of another kind.
    """

    name: str
    widths: Mapping[str, int] = {}
    batch_size = 16

    def __init__(
        self, module: Any, name: str, setup: Setup, facts: Mapping[str, str], folder: str | None = None
    ) -> None:
        self.name, self._module, self._folder = name, module, folder
        self._who = f"extractor {name!r}"
        self._place = under_torch(name, setup.place)
        refuse_weights(self._who, setup)
        self.side_px = _stated_side(module, self._who)
        with user_code(self._who, folder):
            module.eval().to(self._place.device).float()
        self.facts: Mapping[str, str] = {
            **facts,
            "resize": f"pillow {PIL.__version__} bicubic uint8 {self.side_px}x{self.side_px}, x / 255",
            "decode": f"pillow {PIL.__version__} convert RGB",
            "dtype": "float32",
            "runtime": self._place.describe(),
        }
        try:
            first = self(np.stack([self.prepare(image) for image in _patterns()]))["pooled"]
        except BadInput as problem:
            raise BadInput(
                f"{problem} It was given float32 [2, 3, {self.side_px}, {self.side_px}]; where it needs another side, "
                "give the module an attribute side_px."
            ) from problem
        self.widths = {"pooled": first.shape[1]}

    def prepare(self, image: Pixels) -> NDArray[np.uint8]:
        """Return the image as uint8 RGB [side, side, 3]."""
        return resize_pil(image, self.side_px, "bicubic")

    def __call__(self, batch: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        """Return "pooled" float32 [n, d] for uint8 [n, side, side, 3]."""
        import torch

        images = torch.from_numpy(batch).to(self._place.device).permute(0, 3, 1, 2).contiguous().float() / 255
        with user_code(self._who, self._folder), torch.no_grad(), torch.backends.cudnn.flags(allow_tf32=False):
            out = self._module(images)
        shape = list(getattr(out, "shape", ()))
        if not isinstance(out, torch.Tensor) or out.ndim != 2 or len(out) != len(batch) or not out.is_floating_point():
            raise BadInput(
                f"{self._who}: gave no features; expected floats [{len(batch)}, d], got {type(out).__name__} "
                f"{shape or ''}. Return one vector an image."
            )
        return {"pooled": out.float().cpu().numpy()}


def _stated_side(module: Any, who: str) -> int:
    """Return the side that a module states as an int, (h, w) or (3, h, w); 224 if it states none."""
    stated = next((value for name in SIDE_NAMES if (value := getattr(module, name, None)) is not None), SIDE_PX)
    sides = {stated} if isinstance(stated, int) else set(stated[-2:]) if isinstance(stated, tuple | list) else set()
    side = next(iter(sides), None)
    if len(sides) != 1 or not isinstance(side, int) or isinstance(side, bool) or side < 1:
        raise BadInput(f"{who}: no side; expected {' or '.join(SIDE_NAMES)} to be a number of pixels, got {stated!r}.")
    return side


def refuse_weights(who: str, setup: Setup) -> None:
    """Raise ``BadInput`` if the user named a weight file for a network that has its own."""
    if setup.weights is not None:
        raise BadInput(f"{who}: has weights of its own; expected no --weights, got {setup.weights}. Load them there.")


def probe(extractor: Extractor, who: str) -> None:
    """Raise ``BadInput`` unless features are as declared, and of the image alone: two images, twice and each alone."""
    ready = np.stack([extractor.prepare(image) for image in _patterns()])
    first, again = extractor(ready), extractor(ready)
    alone = [extractor(ready[i : i + 1]) for i in range(len(ready))]
    found = {layer: (values.shape, values.dtype.name) for layer, values in first.items()}
    declared = {layer: ((len(ready), width), "float32") for layer, width in extractor.widths.items()}
    if found != declared:
        raise BadInput(f"{who}: its features are not as declared; expected {declared}, got {found}. Correct one.")
    for layer, values in first.items():
        if not np.isfinite(values).all():
            raise BadInput(f"{who}: features are not finite; expected numbers in {layer}, got nan or inf.")
        _refuse_other(values, again[layer], f"{who}: two runs on one batch differ", "Switch dropout and noise off.")
        _refuse_other(
            values,
            np.concatenate([one[layer] for one in alone]),
            f"{who}: the features of an image depend on the other images of its batch",
            "Let batch norms use their running statistics.",
        )


def _refuse_other(values: NDArray[np.float32], others: NDArray[np.float32], wrong: str, todo: str) -> None:
    difference = float(np.abs(values - others).max(initial=0))
    allowed = SAME * float(np.abs(values).max(initial=0))
    if not difference <= allowed:
        raise BadInput(f"{wrong}; expected differences below {allowed:.3g}, got {difference:.3g}. {todo}")


def _patterns() -> list[Pixels]:
    """Return two pictures, uint8 [48, 64, 3], that differ from each other and from place to place."""
    rows, columns, colours = np.indices((48, 64, 3))
    return [((a * rows + b * columns + 50 * colours) % 256).astype(np.uint8) for a, b in ((3, 5), (7, 11))]


def tensor_digest(module: Any) -> str:
    """Return the SHA-256 of all parameters and buffers of a torch module: names, types, shapes and bytes."""
    import torch

    digest = hashlib.sha256()
    for name, tensor in sorted([*module.named_parameters(), *module.named_buffers()], key=lambda item: item[0]):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        values = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(values.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
