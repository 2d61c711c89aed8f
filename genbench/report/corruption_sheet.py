"""One picture under every corruption and severity, as a PNG: what the rungs of a ladder look like."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from genbench.contracts import Pixels

ACROSS, DOWN = 1.35, 1.55  # inches of a picture and its caption


def write_corruption_sheet(
    clean: Pixels, rows: Mapping[str, Sequence[tuple[str, Pixels]]], path: Path, heading: str
) -> None:
    """Write one PNG: a row a corruption, the clean picture first, then the severities, mildest first.

    Args:
        clean: uint8 RGB [h, w, 3].
        rows: title of a row -> (caption, uint8 RGB [h, w, 3]) of its pictures.
        path: of the file.
        heading: above all.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = 1 + max(len(shown) for shown in rows.values())
    figure = Figure(figsize=(ACROSS * columns + 1.0, DOWN * len(rows) + 0.5), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(heading, fontsize=11)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
        for line in axis.spines.values():
            line.set_visible(False)
    for row, (title, shown) in zip(axes, rows.items(), strict=True):
        row[0].set_ylabel(title, fontsize=9)
        for axis, (caption, picture) in zip(row, [("clean", clean), *shown], strict=False):
            axis.imshow(picture, interpolation="nearest")
            axis.set_xlabel(caption, fontsize=7)
    figure.savefig(path)
