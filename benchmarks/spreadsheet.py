"""A leaderboard for programs: leaderboard.csv, and leaderboard.parquet where pyarrow is installed."""

import csv
import io
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.board import Leaderboard, Row, mean
from benchmarks.contracts import Record

OF_A_SCORE = ("stderr", "low95", "high95", "run_sd", "sampling_sd")
FACTS = ("parameters", "updates", "training_minutes", "samples_per_second", "memorization", "flagged_share", "error")


def to_rows(board: Leaderboard) -> list[dict[str, Any]]:
    """Return a row a contestant, numbers in full, best first; then a row a run without numbers.

    Columns: contestant, status, seeds (of the runs), runs (with numbers), asked (runs), place_first, place_last; of
    each metric METRIC (mean over seeds), METRIC_stderr, METRIC_low95 and METRIC_high95 (interval at the comparison's
    level), METRIC_run_sd, METRIC_sampling_sd; then ``FACTS``. None where there is nothing.
    """
    columns = ["contestant", "status", "seeds", "runs", "asked", "place_first", "place_last"]
    for metric in board.metrics:
        columns += [metric, *(f"{metric}_{name}" for name in OF_A_SCORE)]
    empty: dict[str, Any] = dict.fromkeys([*columns, *FACTS])
    rows = [empty | _told(row, board.metrics) for row in board.rows]
    return rows + [empty | _failure(record) for record in board.failed]


def to_csv(board: Leaderboard) -> str:
    """Return ``to_rows`` as CSV; an empty field where there is nothing."""
    rows, stream = to_rows(board), io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]) if rows else ["contestant"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def write_parquet(board: Leaderboard, path: Path) -> bool:
    """Write ``to_rows`` as Parquet; False: nothing is written, as pyarrow is not installed."""
    if find_spec("pyarrow") is None:
        return False
    import pandas as pd

    pd.DataFrame(to_rows(board)).to_parquet(path, index=False)
    return True


def same_parquet(board: Leaderboard, path: Path) -> bool:
    """Whether a Parquet file holds ``to_rows``; where pyarrow is not installed nobody can say, and it passes."""
    if find_spec("pyarrow") is None:
        return True
    import pandas as pd

    expected = pd.DataFrame(to_rows(board))
    found = pd.read_parquet(path)
    return list(found) == list(expected) and found.astype(object).equals(expected.astype(object))


def _told(row: Row, metrics: Sequence[str]) -> dict[str, Any]:
    first, last = row.place or (None, None)
    told: dict[str, Any] = {
        "contestant": row.contestant,
        "status": "done",
        "seeds": " ".join(str(record.seed) for record in row.runs.values()),
        "runs": len(row.runs),
        "asked": row.asked,
        "place_first": first,
        "place_last": last,
        "parameters": row.parameters,
        "updates": mean(row.updates),
        "training_minutes": row.minutes,
        "samples_per_second": row.speed,
        "memorization": row.copies or None,
        "flagged_share": row.flagged,
    }
    for metric in metrics:
        if (score := row.scores.get(metric)) is not None:
            values = (score.stderr, *(score.interval or (None, None)), score.run_sd, score.sampling_sd)
            named = {f"{metric}_{name}": value for name, value in zip(OF_A_SCORE, values, strict=True)}
            told |= {metric: score.value} | named
    return told


def _failure(record: Record) -> dict[str, Any]:
    return {
        "contestant": record.contestant,
        "status": record.status,
        "seeds": str(record.seed),
        "runs": 0,
        "asked": 1,
        "training_minutes": record.training_seconds / 60 or None,
        "parameters": sum(record.parameters.values()) or None,
        "error": record.error,
    }
