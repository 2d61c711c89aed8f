"""What each fake image is worth: its influence on fd, its realism and rarity, and the reference image nearest to it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Watch
from genbench.errors import BadInput, MissingExtra
from genbench.evaluate import extract_sides, layers_of, look, open_run, survey_sides
from genbench.features.survey import Survey
from genbench.report.write import check_writable, write_bytes, write_text
from genbench.request import Request, make_request
from genbench.stats.leave_one_out import frechet_changes
from genbench.stats.pair import Pair

if TYPE_CHECKING:
    import pandas as pd

METRICS = ("fd", "realism", "nn")
SUFFIXES = ".csv", ".parquet"


@dataclass(frozen=True)
class Judged:
    """What is known of every fake image, each array in the order of the fake set.

    Attributes:
        fd_change: fd without the image less fd, float64 [m].
        realism: float64 [m], inf for a copy.
        rarity: float64 [m], NaN outside all balls.
        nearest: position of the nearest image of the training set (else the reference), int64 [m].
        distance: to that image, float64 [m].
        ratio: the same over the median nearest-neighbour distance among those images, NaN where that is 0.
    """

    fd_change: NDArray[np.float64]
    realism: NDArray[np.float64]
    rarity: NDArray[np.float64]
    nearest: NDArray[np.int64]
    distance: NDArray[np.float64]
    ratio: NDArray[np.float64]


def per_image(
    *,
    fake: Any,
    real: Any,
    train: Any = None,
    request: Request | None = None,
    watch: Watch | None = None,
    **options: Any,
) -> "pd.DataFrame":
    """Judge every image of ``fake`` against ``real``; features come from the store and stay in it.

    Args:
        fake: the judged images, as ``genbench.score`` takes them.
        real: the reference, likewise; images, not statistics.
        train: images to look for copies of; None: the reference.
        request: extractor, count, seed ...; its metrics do not matter. Or give its fields as keywords.
        watch: told of progress.
        **options: fields of ``Request``.

    Returns:
        A row a fake image, in their order: "name"; "sha256" of its file or pixels; "fd_change", fd without the image
        less fd, exactly: below 0 where the set is better off without it; "realism" (1 on the surface of the reference,
        inf for a copy); "rarity" (NaN outside the reference); "nearest", name of the nearest image of ``train``;
        "nearest_distance"; "nearest_ratio", the same over the median among the images of ``train``, near 0 for a copy.

        Changes of fd add while their sum is small beside fd; where a few images are most of fd, the sum promises up to
        twice what removing them brings, as fd is quadratic around its smallest value.

    Raises:
        GenbenchError: before any work, if an input cannot be used.
    """
    with open_run(for_images(make_request(options) if request is None else request), watch) as run:
        given = {"fake": fake, "real": real} | ({} if train is None else {"train": train})
        parts = survey_sides(run, given)
        extract_sides(run, parts, {side: layers_of(side, run.metrics, run.extractor) for side in parts})
        pair = look(run, run.views[0], parts, run.metrics)
        return _table(parts["fake"], pair, judge(pair))


def for_images(request: Request) -> Request:
    """Return ``request`` for what ``judge`` looks at, whatever it is to be scored with."""
    return replace(request, metrics=METRICS, protocol=None, parameters={})


def judge(pair: Pair) -> Judged:
    """Judge every fake image of ``pair``; at least 6 a side."""
    balls, (to_train, among_train) = pair.best_balls, pair.nearest_train
    distance = to_train.distances()[:, 0]
    unit = float(np.median(among_train.distances()[:, 0]))
    return Judged(
        frechet_changes(pair.gaussians[0], pair.fake.pooled),
        balls.realism,
        balls.rarity,
        to_train.index[:, 0].astype(np.int64),
        distance,
        distance / unit if unit > 0 else np.full(len(distance), np.nan),
    )


def write_per_image(table: "pd.DataFrame", path: Path) -> None:
    """Write the table as CSV or Parquet, by the ending of ``path``; whole or not at all."""
    check_target(path)
    if path.suffix.lower() == ".csv":
        write_text(path, table.to_csv(index=False), "--out")
    else:
        write_bytes(path, table.to_parquet(index=False, engine="pyarrow"), "--out")


def check_target(path: Path) -> None:
    """Raise if the table could not be written later: another ending, no folder, no pyarrow for Parquet.

    Raises:
        BadInput: for the path.  MissingExtra: without pyarrow.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise BadInput(f"--out: cannot tell the form; expected a name ending in .csv or .parquet, got {str(path)!r}.")
    check_writable(path, "--out")
    if path.suffix.lower() == ".parquet":
        try:
            import pyarrow  # type: ignore[import-untyped]  # noqa: F401
        except ImportError as error:
            raise MissingExtra(
                "--out: Parquet needs pyarrow; expected it installed, got none. Write .csv, or run: "
                "pip install 'genbench[parquet]'"
            ) from error


def _printable(name: str) -> str:
    """Return a file name with bytes that are no UTF-8 written out: columns of text hold only UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _table(part: Survey, pair: Pair, judged: Judged) -> "pd.DataFrame":
    import pandas as pd

    others = (pair.train or pair.real).names
    return pd.DataFrame(
        {
            "name": [_printable(name) for name in pair.fake.names],
            "sha256": part.digests,
            "fd_change": judged.fd_change,
            "realism": judged.realism,
            "rarity": judged.rarity,
            "nearest": [_printable(others[i]) for i in judged.nearest],
            "nearest_distance": judged.distance,
            "nearest_ratio": judged.ratio,
        }
    )
