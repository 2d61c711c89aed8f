"""The picture that shows what a ladder's rungs look like."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from genbench.contracts import Entry, Pixels, Source, SourceOptions
from genbench.errors import BadInput
from genbench.features.survey import choose
from genbench.images.corruptions import Corruption, find_corruptions
from genbench.images.decode import decode
from genbench.report.corruption_sheet import write_corruption_sheet
from genbench.request import Request
from genbench.sources import open_source
from genbench.sources.corrupted import CorruptedSource


def check_sheet(path: Path, corruptions: Sequence[str]) -> None:
    """Raise ``BadInput`` if ``path`` is no name of a PNG, or none of ``corruptions`` can be shown."""
    if path.suffix.lower() != ".png":
        raise BadInput(f"--sheet: not a .png file; expected a name ending in .png, got {str(path)!r}.")
    if not any(isinstance(fault, Corruption) for fault in find_corruptions(corruptions)):
        raise BadInput(
            f"--sheet: no picture to show; expected a corruption of pictures, got {', '.join(corruptions)}. Leave "
            "--sheet out."
        )


def write_sheet(real: Any, request: Request, corruptions: Sequence[str], severities: Sequence[int], path: Path) -> None:
    """Write a PNG of the first readable picture of ``real`` under every corruption, as the ladder corrupts it.

    Args:
        real: source, as for ``make_ladder``.
        request: its seed and count choose the picture.
        corruptions: ids; those that act on the choice of pictures show nothing.
        severities: some of 1 to 5.
        path: of the file.
    """
    source = open_source(real, SourceOptions(request.seed, request.latent, request.output_range, labels=request.labels))
    chosen = choose(source, 1 if source.is_endless else request.count, request.seed)
    first, clean = _first_readable(source, chosen)
    rows = {}
    for fault in find_corruptions(corruptions):
        if isinstance(fault, Corruption):
            shown = [CorruptedSource(source, [first], fault, severity, request.seed) for severity in severities]
            labels = [fault.label(severity, min(clean.shape[:2])) for severity in severities]
            rows[fault.name] = [
                (label, decode(next(iter(one.read(one.entries()))))) for label, one in zip(labels, shown, strict=True)
            ]
    write_corruption_sheet(clean, rows, path, f"{source.name}: {first.name}")


def _first_readable(source: Source, entries: Sequence[Entry]) -> tuple[Entry, Pixels]:
    for entry in entries:
        with suppress(BadInput):  # the ladder has refused it, or left it out and counted it
            return entry, decode(next(iter(source.read([entry]))))
    raise BadInput(f"--sheet: no readable picture in {source.name!r}; expected at least 1, got 0. Leave --sheet out.")
