"""Pictures of images and scores, written as PNG."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genbench.contracts import Pixels


@dataclass(frozen=True)
class Strip:
    """A row of images, each beside its nearest neighbour.

    Attributes:
        title: name of the set.
        images: uint8 RGB [h, w, 3] each.
        neighbours: nearest image of the reference, one for each.
        captions: printed under each pair.
    """

    title: str
    images: Sequence[Pixels]
    neighbours: Sequence[Pixels]
    captions: Sequence[str]


def write_neighbour_sheet(strips: Sequence[Strip], path: Path, heading: str) -> None:
    """Write one PNG: for each strip its images above, their nearest neighbours below."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = max(len(strip.images) for strip in strips)
    figure = Figure(figsize=(1.1 * columns + 1.4, 2.75 * len(strips) + 0.5), dpi=110)
    FigureCanvasAgg(figure)
    figure.suptitle(heading, fontsize=11, y=0.985)
    grid = figure.add_gridspec(len(strips), 1, left=0.12, right=0.99, top=0.94, bottom=0.02, hspace=0.16)
    for i, strip in enumerate(strips):
        axes = grid[i, 0].subgridspec(2, columns, hspace=0.05, wspace=0.05).subplots(squeeze=False)
        for axis in axes.flat:
            axis.set_axis_off()
        for column, images in enumerate(zip(strip.images, strip.neighbours, strict=True)):
            for row, image in enumerate(images):
                axes[row][column].imshow(image, interpolation="nearest")
            axes[1][column].text(
                0.5, -0.13, strip.captions[column], transform=axes[1][column].transAxes, ha="center", fontsize=7
            )
        for row, title in enumerate((strip.title, "nearest\nreference")):
            style = {"ha": "right", "va": "center", "fontsize": 9, "weight": "bold" if row == 0 else "normal"}
            axes[row][0].text(-0.1, 0.5, title, transform=axes[row][0].transAxes, **style)
    figure.savefig(path)
