"""Detectors that give a whole set one number, small where its pictures are copies, for any choice of known pictures.

All but ``fld`` are means or ranks over numbers of single pictures, found once for a pool of pictures; sets are then
chosen from it at no cost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Features
from genbench.metrics import METRICS
from genbench.metrics.data_copying import CELLS, COMPONENTS, LEAST, Comparison, Space, average
from genbench.scratch import take_rows
from genbench.stats.cosine import nearest_directions, with_direction
from genbench.stats.pair import Pair

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
DETECTORS = ("nn", "ct", "authpct", "mifid", "fld")
PER_PICTURE = ("nn", "authpct", "mifid")  # made of a number of each picture
SLOW = ("fld",)  # fits a density to every set
COMPARING = ("ct",)  # compare the set with honest pictures themselves


@dataclass(frozen=True, eq=False)
class Pool:
    """Pictures, of which sets are chosen, beside a training set.

    Attributes:
        rows: features of the pictures, float32 [n, d].
        train: features of the training set, float32 [l, d].
        fitted: rows of ``train`` that ``fld`` fits its density to, [k]: all, or some as it is slow.
    """

    rows: NDArray[np.float32]
    train: NDArray[np.float32]
    fitted: Integers

    def value(self, detector: str, chosen: Integers, test: Integers) -> float:
        """Return what ``detector`` says of the pictures ``chosen`` [m], ``test`` [n] being honest ones.

        Returns:
            "nn": median distance to the nearest training picture, as nn has it but for its unit. "ct": C_T.
            "authpct": percentage. "mifid": the mean distance in direction by which mifid divides. "fld": its
            generalisation gap. The smaller, the more copied; NaN where C_T is undefined.
        """
        if detector == "ct":
            return self._data_copying(chosen, test)
        if detector == "fld":
            return self._gap(chosen, test)
        values = self.per_picture[detector][chosen]
        if detector == "nn":
            return float(np.median(values))
        return float(100 * (values > 1).mean() if detector == "authpct" else values.mean())

    @cached_property
    def per_picture(self) -> Mapping[str, Floats]:
        """Detector -> a number of each picture, small for copies, float64 [n]: of "nn", "authpct" and "mifid"."""
        few, pictures, train = (Features({"pooled": rows}) for rows in (self.rows[:2], self.rows, self.train))
        pair = Pair(few, pictures, train)  # what authpct says of its test set is not looked at
        authenticity = METRICS.get("authpct").compute(pair).per_image["authenticity"]
        directions = with_direction(self.train)
        has_one = self.rows.any(axis=1)
        nearest = np.ones(len(self.rows))
        if len(directions):
            blocks = np.zeros(len(directions), np.int64)
            nearest[has_one] = nearest_directions(self.rows[has_one], directions, blocks)[:, 0]
        return {
            "nn": pair.nearest_train[0].distances()[:, 0],
            "authpct": authenticity.astype(np.float64),
            "mifid": nearest,
        }

    @cached_property
    def _in_cells(self) -> tuple[Floats, Integers, int]:
        space = Space.of(self.train, CELLS, COMPONENTS, seed=0)
        return *space.measure(self.rows, "pictures"), len(space.train)

    def _data_copying(self, chosen: Integers, test: Integers) -> float:
        distances, cells, number = self._in_cells
        both = np.concatenate([chosen, test])
        is_fake = np.arange(len(both)) < len(chosen)
        comparison = Comparison(distances[both], cells[both], is_fake, number, LEAST / len(chosen))
        compared = comparison.compare()
        counts = comparison.counting(compared)
        return average(compared, counts) if counts.any() else float("nan")

    def _gap(self, chosen: Integers, test: Integers) -> float:
        pair = Pair(_taken(self.rows, test), _taken(self.rows, chosen), _taken(self.train, self.fitted))
        return float(METRICS.get("fld").compute(pair).details["generalisation_gap"])


def _taken(table: NDArray[np.float32], places: Integers) -> Features:
    return Features({"pooled": take_rows(table, places)})
