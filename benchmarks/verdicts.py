"""The verdicts of a leaderboard in words."""

from collections.abc import Sequence

from benchmarks.board import Leaderboard
from benchmarks.contracts import BY_IMAGE
from genbench.analyses.compare import ONE_RUN
from genbench.analyses.verdicts import STEADIED
from genbench.comparison import ModelScore, PairedDifference
from genbench.report.comparison_table import digits

LEAST_P = 1e-4
LONE = "one run: what training again changes"  # in a note that ``RETRAINING`` stands for
UNTESTED = "This suite was never run by its authors: its budget is not tried out."
LEGEND = (
    "Mean over seeds ± its standard error{luck}. sd: standard deviation of runs, first what training again changes "
    "(0: no more than drawing again explains; -: one seed), then what drawing the samples again does. Sorted by "
    "{ranking}; bold: nobody is known to be better{copies}."
)
RETRAINING = (
    "One seed of {names}: this table cannot say what training again would change there, as the standard errors hold "
    "the luck of drawing images alone. Training again with another seed can move a score more than drawing samples "
    "again: on ImageNet it moved FID 3.2 times as much (arXiv:2606.20536)."
)
OF_DATA = "Floor, of as many examples of the data themselves: {values}."
NEEDED = (
    "In brackets: about how many samples a run it would take to resolve the difference with 80 % power, were it the "
    "true one; without: no number of samples would{only}."
)
NONE_NEEDED = "No number of samples would resolve these differences, were they the true ones{only}."


def asked(board: Leaderboard) -> str:
    """Say what was asked of all, and how they were judged."""
    question, judged = board.question, ""
    if board.rows:
        sample = board.sample_of(board.ranking)
        beside = f"beside {sample.n_real:,} images of" if sample.n_real else "beside what is known of"
        samples = "" if question.judge == "likelihood" else f"{sample.n_fake:,} samples of each run, "
        judged = f" Judged: {samples}{beside} {board.comparison.real}."
    return f"Suite {question.suite}: models that learned from {question.data}, {question.budget}.{judged}"


def legend(board: Leaderboard) -> str:
    """Say how to read the table."""
    if not board.rows:
        return "No run has numbers."
    labels = [board.sample_of(metric).label for metric in board.metrics]
    extractors = dict.fromkeys(label.partition("[")[2].rstrip("]") for label in labels if "[" in label)
    features = f"Features of {', '.join(extractors)}. " if extractors else ""
    sample, is_searched = board.sample_of(board.ranking), any(record.copies for record in board.records.values())
    return features + LEGEND.format(
        ranking=title(sample),
        luck=", in which the luck of the reference images is too" if sample.n_real else "",
        copies=", and no copies were found" if is_searched else "",
    )


def rule(board: Leaderboard) -> str:
    """Say what a verdict is; "" without pairs."""
    tests = sum(one.p is not None for one in board.pairs)
    if not tests:
        return ""
    is_by_image = board.question.judge in BY_IMAGE and all(one.is_paired for one in board.pairs)
    how = "Differences are paired by the images of the reference. " if is_by_image else ""
    of_networks = " With one seed they are of these very networks: training again may turn them round."
    most = "about" if STEADIED in board.comparison.notes else "at most"
    return (
        f"{how}Verdicts are only of the metric that ranks, {title(board.sample_of(board.ranking))}, and corrected for "
        f"{tests} {'pair' if tests == 1 else 'pairs'} (Holm): the chance that any of them is false is {most} "
        f"{100 * board.comparison.alpha:g} %.{of_networks if len(board.single) == len(board.rows) else ''} Places are "
        "those that they allow."
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
    """Return a line for each contestant with what is not resolved: "a and b (2,400), c"."""
    lines = []
    for place, row in enumerate(board.rows):
        found = [(other.contestant, board.pair_of(row, other)) for other in board.rows[place + 1 :]]
        unresolved = [f"{name}{needed(one)}" for name, one in found if one and one.verdict == "not resolved"]
        if unresolved:
            lines.append(f"{row.contestant} and {', '.join(unresolved)}")
    return lines


def without_verdict(board: Leaderboard) -> list[str]:
    """Return a line for each pair that has no verdict, and why."""
    return [f"{one.first} and {one.second}: {one.words}" for one in board.pairs if one.verdict == "none"]


def remedy(board: Leaderboard) -> str:
    """Say what would resolve ``open_pairs``, and how to read their brackets."""
    more = ["more seeds"] if any(len(row.runs) > 1 for row in board.rows) else []
    more += ["more reference images"] if board.sample_of(board.ranking).n_real else []
    told = NEEDED if any(one.images_needed is not None for one in board.pairs) else NONE_NEEDED
    return told.format(only=f", only {' or '.join(more)}" if more else "")


def cautions(board: Leaderboard) -> list[str]:
    """Return what must be read beside the table: single seeds, what did not end, what the comparison notes."""
    everybody = len(board.single) == len(board.rows)
    names = "each contestant" if everybody else listed(board.single) if board.single else ""
    told = [RETRAINING.format(names=names)] if board.single else []
    unfinished = board.question.unfinished
    told += [f"Not finished when this table was made: {', '.join(unfinished)}."] if unfinished else []
    told += [note for note in board.comparison.notes if note != ONE_RUN and LONE not in note]
    return told + _warnings(board)


def _warnings(board: Leaderboard) -> list[str]:
    """Return each warning of scores once, with the metrics, and the contestants where it is not of all."""
    whose: dict[str, list[ModelScore]] = {}
    for score in board.comparison.scores:
        for warning in score.warnings:
            whose.setdefault(warning, []).append(score)
    told = []
    for warning, scores in whose.items():
        metrics = ", ".join(dict.fromkeys(score.metric for score in scores))
        models = list(dict.fromkeys(score.model for score in scores))
        of = f" of {listed(models)}" if len(models) < len(board.rows) else ""
        told.append(f"{metrics}{of}: {warning}")
    return told


def floor(board: Leaderboard) -> str:
    """Say what the ranking metric, and what is counted beside it, is of the data themselves; "" if not known."""
    score = board.sample_of(board.ranking) if board.rows else None
    if score is None or score.floor is None:
        return ""
    if not score.n_real:
        return OF_DATA.format(values=f"{title(score)} = {_floor_of(score)}")
    counted = [board.sample_of(metric) for metric in board.metrics] if board.question.judge == "shapes" else []
    values = "; ".join(f"{one.label} = {_floor_of(one)}" for one in counted if one.label == title(one))
    is_smaller = score.floor_count is not None and score.floor_count < score.n_fake
    says = "of as many as here were judged it is nearer to perfect" if is_smaller else "nobody is expected to do better"
    told = (
        f"Floor: {title(score)} of {score.floor_count:,} reference images against the others is {_floor_of(score)}, "
        f"what chance alone gives; {says}."
    )
    return f"{told} {OF_DATA.format(values=values)}" if values else told


def _floor_of(score: ModelScore) -> str:
    """Return the floor of a metric that has one, with its standard error."""
    if score.floor is None:
        return "not known"
    error = "" if score.floor_stderr is None else f" ± {digits(score.floor_stderr, score.floor_stderr)}"
    return f"{digits(score.floor, score.floor_stderr)}{error}"


def title(score: ModelScore) -> str:
    """Return a metric's label without the extractor, which the table names once."""
    return score.label.partition("[")[0]


def listed(names: Sequence[str]) -> str:
    """Return "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def needed(one: PairedDifference) -> str:
    """Return how many samples a run would resolve a difference, to two digits, in brackets; "" where none would."""
    return "" if one.images_needed is None else f" ({float(f'{one.images_needed:.2g}'):,.0f})"


def p_text(p: float) -> str:
    """Return "= 0.012" or "< 0.0001"."""
    return f"< {LEAST_P:.4f}" if p < LEAST_P else f"= {p:.2g}"


def _p(pairs: Sequence[PairedDifference]) -> str:
    """Return the largest corrected p-value."""
    largest = max(one.p_holm for one in pairs if one.p_holm is not None)
    return f"p {p_text(largest) if len(pairs) == 1 else p_text(largest).replace('=', '≤')}"
