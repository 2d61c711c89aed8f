"""How well a number tells two kinds apart: the area under the ROC curve, with its standard error."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genbench.errors import BadInput

Floats = NDArray[np.float64]


class Area(NamedTuple):
    """An area under a ROC curve.

    Attributes:
        value: in [0, 1]; 1/2: the number says nothing, 0: it says the opposite.
        stderr: its standard error.
    """

    value: float
    stderr: float


def area(odd: Floats, normal: Floats, *, is_paired: bool = False) -> Area:
    """Return the share of (odd, normal) pairs whose odd row is the higher one, ties counting half.

    This is the area under the ROC curve, Mann and Whitney's U over the number of pairs. Its variance is that of DeLong
    et al. 1988 (doi:10.2307/2531595): of the shares of normal rows below each odd one and of odd rows below each normal
    one, over m and over n, divisors m - 1 and n - 1. Where row i of both was made of one image, both of its shares move
    together, and their difference is what varies (Obuchowski 1997, doi:10.2307/2533958, with clusters of one pair).
    A kind of one row is taken as given, and adds nothing. The estimate is 0 where the area is 0 or 1.

    Args:
        odd: float64 [m], higher if odder; may be infinite.
        normal: float64 [n].
        is_paired: row i of both is of the same image.

    Raises:
        BadInput: if there are no rows of a kind, a number is NaN, or paired rows differ in number.
    """
    for name, rows in (("odd", odd), ("normal", normal)):
        if not len(rows) or np.isnan(rows).any():
            raise BadInput(
                f"area: not numbers to rank; expected at least 1 {name} row and no NaN, got {len(rows)} with "
                f"{int(np.isnan(rows).sum())} NaN. Mend the model that made them."
            )
    if is_paired and len(odd) != len(normal):
        raise BadInput(f"area: rows are no pairs; expected as many odd as normal, got {len(odd)} and {len(normal)}.")
    beaten, beating = _share_below(odd, normal), _share_below(normal, odd)
    parts = [beaten - beating] if is_paired else [beaten, beating]
    variance = sum(float(part.var(ddof=1)) / len(part) for part in parts if len(part) > 1)
    return Area(float(beaten.mean()), math.sqrt(variance))


def _share_below(rows: Floats, others: Floats) -> Floats:
    """Return the share of ``others`` that is below each row, equal ones counting half."""
    others = np.sort(others)
    ranks = np.searchsorted(others, rows, "left") + np.searchsorted(others, rows, "right")
    shares: Floats = ranks / (2 * len(others))
    return shares
