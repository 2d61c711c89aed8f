"""What single images are worth, as a table for a terminal."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text


def image_table(rows: Sequence[Mapping[Any, Any]]) -> Table:
    """Return a row an image: "name", "fd_change", "realism", "rarity", "nearest_ratio", "nearest" of each."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("image", overflow="fold")
    for name in ("fd change", "realism", "rarity", "ratio"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("nearest", overflow="fold")
    for row in rows:
        others = (row[name] for name in ("realism", "rarity", "nearest_ratio"))
        numbers = f"{row['fd_change']:+.3g}", *("-" if math.isnan(value) else f"{value:.3g}" for value in others)
        table.add_row(*map(Text, (row["name"], *numbers, row["nearest"])))
    return table
