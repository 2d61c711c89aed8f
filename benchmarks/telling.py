"""A job that has ended, in a line."""

from benchmarks.contracts import Record
from benchmarks.run import Ended

LONGEST = 160  # letters of a reason; the record has it whole


def in_a_line(ended: Ended) -> str:
    """Return such as "dcgan seed 0: fd 31.2 ± 0.5; trained 3.0 min, judged 0.4 min"."""
    who = f"{ended.job.contestant} seed {ended.job.seed}"
    if ended.record is None:
        return f"{who}: another command works on it"
    again = "" if ended.record.status == "done" else "; --retry tries it again"
    kept = f" (kept{again})" if ended.is_old else ""
    return f"{who}: {_told(ended.record)}{kept}"


def _told(record: Record) -> str:
    if record.status != "done" or record.scorecard is None:
        reason = record.error or ""
        return f"{record.status}: {reason[:LONGEST]}{'...' if len(reason) > LONGEST else ''}"
    score = record.scorecard.scores[0]
    error = "" if score.stderr is None else f" ± {score.stderr:.2g}"
    trained = f"trained {record.training_seconds / 60:.1f} min, " if record.model else ""
    copied = "; COPIED" if record.copies is not None and record.copies.startswith("COPIED") else ""
    return f"{score.metric} {score.value:.4g}{error}; {trained}judged {record.judging_seconds / 60:.1f} min{copied}"
