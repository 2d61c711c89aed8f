"""What a measure returns."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """A number and what should be read beside it.

    Attributes:
        value: the number; NaN where it cannot be had of such a model or run.
        note: one line.
    """

    value: float
    note: str = ""


Measure = Callable[[Any], Finding]
