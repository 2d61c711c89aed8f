"""Scores of several scorecards as one table: a row a metric, a column a fake set."""

from collections.abc import Sequence
from dataclasses import dataclass

from genbench.contracts import Score, Scorecard
from genbench.errors import BadInput
from genbench.report.ladder import Ladder, place
from genbench.report.table import floor_text


@dataclass(frozen=True)
class Column:
    """One fake set.

    Attributes:
        fake: as written.
        real: its reference, as written.
        scores: label of the metric -> score.
        places: label of the metric -> where the score stands on a ladder, in words; of those that stand on it.
    """

    fake: str
    real: str
    scores: dict[str, Score]
    places: dict[str, str]

    @property
    def counts(self) -> tuple[int, int]:
        """Images on the fake and on the real side; 0 where nobody knows."""
        first = next(iter(self.scores.values()))
        return first.n_fake, first.n_real


def make_columns(cards: Sequence[Scorecard], ladder: Ladder | None = None) -> list[Column]:
    """Return a column for each fake set of each scorecard, in order.

    Raises:
        BadInput: if a scorecard holds no score, or none of all scores stands on the ladder.
    """
    columns = []
    for card in cards:
        if not card.scores:
            raise BadInput(
                f"report: the scorecard of {card.fake!r} is empty; expected a score at least, got none. Score it again."
            )
        for fake in dict.fromkeys(score.fake for score in card.scores):
            scores = {score.label: score for score in card.scores if score.fake == fake}
            columns.append(Column(fake, card.real, scores, _places(scores, ladder)))
    if ladder is not None and not any(column.places for column in columns):
        place(next(iter(columns[0].scores.values())), ladder)  # says why
        raise BadInput("--ladder: no score stands on it; expected rungs of its metrics. Make another ladder.")
    return columns


def shared_floors(columns: Sequence[Column]) -> dict[str, Score]:
    """Return label -> a score with the floor of the row, where no row has two floors; else nothing."""
    floors: dict[str, Score] = {}
    for column in columns:
        for label, score in column.scores.items():
            if score.floor is None:
                continue
            if floor_text(floors.setdefault(label, score)) != floor_text(score):
                return {}
    return floors


def labels_of(columns: Sequence[Column]) -> list[str]:
    """Return the rows: every label once, in order."""
    return list(dict.fromkeys(label for column in columns for label in column.scores))


def sample_of(columns: Sequence[Column], label: str) -> Score:
    """Return the first score called ``label``: its direction and metric are those of the row."""
    return next(column.scores[label] for column in columns if label in column.scores)


def short_names(columns: Sequence[Column]) -> list[str]:
    """Return what columns are called: the last part of the path where that tells them apart, else all of it."""
    names = [column.fake.rstrip("/") for column in columns]
    last = [name.rsplit("/", 1)[-1] or name for name in names]
    return last if len(set(last)) == len(set(names)) else names


def _places(scores: dict[str, Score], ladder: Ladder | None) -> dict[str, str]:
    places: dict[str, str] = {}
    if ladder is None:
        return places
    for label, score in scores.items():
        try:
            places[label] = place(score, ladder)
        except BadInput:  # not all metrics have rungs; none at all is refused
            continue
    return places
