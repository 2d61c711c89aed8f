"""Grids of samples and curves of losses, as PNG."""

import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from genbench.errors import BadInput

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")  # of pictures that can be written
GAP = 2  # pixels between images of a grid
SHOWN_PX = 64  # smaller images are enlarged to about this


def refuse_unwritable(path: Path) -> None:
    """Make the folder of a picture that is to be written; raise ``BadInput`` if it could not be written there."""
    if path.is_dir():
        raise BadInput(
            f"--grid {str(path)!r}: a folder; expected the name of a picture, got one of a folder. "
            f"Write {path / 'grid.png'}."
        )
    if path.suffix.lower() not in ENDINGS:
        raise BadInput(
            f"--grid {str(path)!r}: no name of a picture; expected one that ends in {', '.join(ENDINGS)}, got "
            f"{path.suffix!r}. Write {path.with_suffix('.png')}."
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise BadInput(
            f"--grid {str(path)!r}: cannot be written; expected a folder that can be, got {error.strerror}. Choose "
            "another place."
        ) from error


def as_bytes(images: Tensor) -> Tensor:
    """Return float images in [0, 1] as uint8, rounded half up."""
    return torch.floor(images.detach().cpu().clamp(0, 1) * 255 + 0.5).to(torch.uint8)


def save_grid(images: Tensor, path: Path, columns: int | None = None) -> None:
    """Write float images [n, c, h, w] in [0, 1] as one picture, ``columns`` a row; points [n, 2] as a scatter plot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if images.ndim == 2:
        return _save_points(images, path)
    from torchvision.utils import make_grid

    count, _, height, width = images.shape
    zoom = max(1, SHOWN_PX // max(height, width))
    shown = as_bytes(images).repeat_interleave(zoom, 2).repeat_interleave(zoom, 3)
    together = make_grid(shown, nrow=columns or math.ceil(math.sqrt(count)), padding=GAP, pad_value=255)
    Image.fromarray(together.permute(1, 2, 0).numpy()).save(path)
    return None


def save_each(images: Tensor, folder: Path) -> None:
    """Write float images [n, c, h, w] in [0, 1] as 000000.png ... into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, image in enumerate(as_bytes(images)):
        pixels = image.permute(1, 2, 0).numpy()
        Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(folder / f"{place:06d}.png")


def save_curves(rows: Sequence[Mapping[str, float]], path: Path) -> None:
    """Draw every logged value against the step, one panel each."""
    names = list(dict.fromkeys(name for row in rows for name in row if name not in ("step", "images", "seconds")))
    if not names:
        return
    figure, panels = _figure(len(names))
    for name, panel in zip(names, panels, strict=True):
        seen = [row for row in rows if name in row]
        panel.plot([row["step"] for row in seen], [row[name] for row in seen], linewidth=1)
        panel.set(title=name, xlabel="step")
        panel.grid(alpha=0.3)
    figure.savefig(path)


def _save_points(points: Tensor, path: Path) -> None:
    figure, panels = _figure(1)
    panels[0].scatter(*points.detach().cpu().T.numpy(), s=6, alpha=0.6)
    panels[0].set(aspect="equal", xlim=(-6, 6), ylim=(-6, 6))
    panels[0].grid(alpha=0.3)
    figure.savefig(path)


def _figure(panels: int):  # noqa: ANN202
    from matplotlib.figure import Figure  # no pyplot: nothing global, no window

    figure = Figure(figsize=(4 * panels, 3), dpi=100, layout="constrained")
    return figure, [figure.add_subplot(1, panels, place + 1) for place in range(panels)]
