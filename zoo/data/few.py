"""A few examples of another set: what a model can learn by heart."""

from dataclasses import replace

import numpy as np

from genbench.errors import BadInput
from genbench.seeds import derive
from zoo.data.contracts import OF_PARTNER, Examples


def load_few(argument: str, split: str) -> Examples:
    """Few training examples of another set, to overfit on: `few:64:digits32`; its test split is that of the set.

    Those with the smallest hashes of their row, in their order: whatever the set, the same 64 rows, and all of them
    among the first 128.
    """
    from zoo.data import open_data

    count, _, text = argument.partition(":")
    if not count.isdigit() or not int(count) or not text:
        raise BadInput(
            f"data set 'few:{argument}': not a number of examples and a set; expected such as few:64:digits32, got "
            f"{argument!r}. Write it so."
        )
    whole = open_data(text, split)
    if split == "test":
        return whole
    if int(count) > len(whole.x):
        raise BadInput(
            f"data set 'few:{argument}': more than there are; expected at most {len(whole.x)} examples, got {count}. "
            "Ask for fewer."
        )
    by_hash = sorted(range(len(whole.x)), key=lambda row: derive(0, "few", row))
    return _take(whole, np.array(sorted(by_hash[: int(count)])))


def _take(examples: Examples, rows: np.ndarray) -> Examples:
    """Return some rows of a set; the other domain of an unpaired one is left whole."""
    count = len(examples.x)
    truth = {
        key: part[rows] if part.ndim and len(part) == count and not key.startswith(OF_PARTNER) else part
        for key, part in examples.truth.items()
    }
    return replace(
        examples,
        x=examples.x[rows],
        labels=None if examples.labels is None else examples.labels[rows],
        partner=examples.partner[rows] if examples.partner is not None and examples.is_paired else examples.partner,
        truth=truth,
    )
