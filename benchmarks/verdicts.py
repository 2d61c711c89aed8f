"""The verdicts of a leaderboard in words."""

from collections.abc import Sequence

from benchmarks.board import Leaderboard
from genbench.analyses.compare import ONE_RUN
from genbench.comparison import ModelScore, PairedDifference
from genbench.report.comparison_table import digits

LEAST_P = 1e-4
LONE = "one run: what training again changes"  # in a note that ``RETRAINING`` stands for
UNTESTED = "This suite was never run by its authors: its budget is not tried out."
LEGEND = (
    "Mean over seeds ± its standard error; sd: standard deviation between trainings; of one run's score from drawing "
    "its samples again. Sorted by {ranking}; bold: nobody is known to be better."
)
RETRAINING = (
    "One seed of {names}: this table cannot say what training again would change there, as the standard errors hold "
    "the luck of drawing images alone. Training again with another seed can move a score more than drawing samples "
    "again: on ImageNet it moved FID 3.2 times as much (arXiv:2606.20536)."
)
NEEDED = (
    "In brackets: about how many samples a run it would take to resolve the difference with 80 % power, were it the "
    "true one; ∞: no number of samples would{only}."
)


def asked(board: Leaderboard) -> str:
    """Say what was asked of all, and how they were judged."""
    question, judged = board.question, ""
    if board.rows:
        sample = board.sample_of(board.ranking)
        beside = f"beside {sample.n_real:,} images of" if sample.n_real else "judged by what is known of"
        judged = f" {sample.n_fake:,} samples of each run, {beside} {board.comparison.real}."
    return f"Suite {question.suite}: models that learned from {question.data}, {question.budget}.{judged}"


def legend(board: Leaderboard) -> str:
    """Say how to read the table."""
    if not board.rows:
        return "No run has numbers."
    labels = [board.sample_of(metric).label for metric in board.metrics]
    extractors = dict.fromkeys(label.partition("[")[2].rstrip("]") for label in labels if "[" in label)
    features = f"Features of {', '.join(extractors)}. " if extractors else ""
    return features + LEGEND.format(ranking=title(board.sample_of(board.ranking)))


def rule(board: Leaderboard) -> str:
    """Say what a verdict is; "" without pairs."""
    tests = sum(one.p is not None for one in board.pairs)
    if not tests:
        return ""
    is_by_image = board.question.judge == "images" and all(one.is_paired for one in board.pairs)
    how = "Differences are paired by the images of the reference. " if is_by_image else ""
    return (
        f"{how}Verdicts are only of the metric that ranks, {title(board.sample_of(board.ranking))}, and corrected for "
        f"{tests} {'pair' if tests == 1 else 'pairs'} (Holm): the chance that any of them is false is "
        f"{100 * board.comparison.alpha:g} %. Places are those that they allow."
    )


def winners(board: Leaderboard) -> list[str]:
    """Return a sentence for each contestant that is better than another: "a is better than b and c (p < 0.0001)"."""
    lines = []
    for row in board.rows:
        beaten = [other for other in board.rows if board.winner_of(row, other) == row.contestant]
        if beaten:
            found = [pair for other in beaten if (pair := board.pair_of(row, other)) is not None]
            lines.append(f"{row.contestant} is better than {listed([one.contestant for one in beaten])} ({_p(found)})")
    return lines


def open_pairs(board: Leaderboard) -> list[str]:
    """Return a line for each contestant with what is not resolved: "a and b (2,400), c (∞)"."""
    lines = []
    for place, row in enumerate(board.rows):
        found = [(other.contestant, board.pair_of(row, other)) for other in board.rows[place + 1 :]]
        unresolved = [f"{name} ({needed(one)})" for name, one in found if one and one.verdict == "not resolved"]
        if unresolved:
            lines.append(f"{row.contestant} and {', '.join(unresolved)}")
    return lines


def without_verdict(board: Leaderboard) -> list[str]:
    """Return a line for each pair that has no verdict, and why."""
    return [f"{one.first} and {one.second}: {one.words}" for one in board.pairs if one.verdict == "none"]


def remedy(board: Leaderboard) -> str:
    """Say how to read the brackets of ``open_pairs``."""
    more = ["more seeds"] if any(len(row.runs) > 1 for row in board.rows) else []
    more += ["more reference images"] if board.sample_of(board.ranking).n_real else []
    return NEEDED.format(only=f", only {' or '.join(more)}" if more else "")


def cautions(board: Leaderboard) -> list[str]:
    """Return what must be read beside the table: single seeds, what did not end, what the comparison notes."""
    everybody = len(board.single) == len(board.rows)
    names = "each contestant" if everybody else listed(board.single) if board.single else ""
    told = [RETRAINING.format(names=names)] if board.single else []
    unfinished = board.question.unfinished
    told += [f"Not finished when this table was made: {', '.join(unfinished)}."] if unfinished else []
    told += [note for note in board.comparison.notes if note != ONE_RUN and LONE not in note]
    warnings: dict[str, list[str]] = {}
    for score in board.comparison.scores:
        for warning in score.warnings:
            warnings.setdefault(warning, []).append(score.metric)
    return told + [f"{', '.join(dict.fromkeys(metrics))}: {warning}" for warning, metrics in warnings.items()]


def floor(board: Leaderboard) -> str:
    """Say what the ranking metric is of the data themselves; "" where that is not known."""
    score = board.sample_of(board.ranking) if board.rows else None
    if score is None or score.floor is None:
        return ""
    error = "" if score.floor_stderr is None else f" ± {digits(score.floor_stderr, score.floor_stderr)}"
    value = f"{digits(score.floor, score.floor_stderr)}{error}"
    if not score.n_real:
        return f"Floor, of as many examples of the data themselves: {title(score)} = {value}."
    return (
        f"Floor: {title(score)} of {score.floor_count:,} reference images against the others is {value}, what chance "
        "alone gives; no model can be expected to do better."
    )


def title(score: ModelScore) -> str:
    """Return a metric's label without the extractor, which the table names once."""
    return score.label.partition("[")[0]


def listed(names: Sequence[str]) -> str:
    """Return "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def needed(one: PairedDifference) -> str:
    """Return how many samples a run would resolve a difference, to two digits; "∞" where none would."""
    return "∞" if one.images_needed is None else f"{float(f'{one.images_needed:.2g}'):,.0f}"


def p_text(p: float) -> str:
    """Return "= 0.012" or "< 0.0001"."""
    return f"< {LEAST_P:.4f}" if p < LEAST_P else f"= {p:.2g}"


def _p(pairs: Sequence[PairedDifference]) -> str:
    """Return the largest corrected p-value."""
    largest = max(one.p_holm for one in pairs if one.p_holm is not None)
    return f"p {p_text(largest) if len(pairs) == 1 else p_text(largest).replace('=', '≤')}"
