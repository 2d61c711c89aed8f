"""Data sets on which models are trained and judged, most of them there offline and with known truth.

``open_data("shapes")`` gives ``Examples``; ``DATA`` is the table of sets. A set is a function
``load(argument: str, split: str) -> Examples`` of what follows the colon ("biased_shapes:0.9") and of "train" or
"test"; packages add theirs as entry points of the group "zoo.data".

The sets that are made here have the same bytes on every machine: seeds come from ``genbench.seeds``, digits are
enlarged in whole numbers, pictures are drawn by ``zoo.data.raster``, which says why nothing in it can round otherwise.
"""

from dataclasses import replace

from genbench.errors import BadInput
from genbench.registry import Registry
from zoo.data.contracts import Examples, join, shuffle_partner

__all__ = ["DATA", "SPLITS", "Examples", "open_data"]

SPLITS = ("train", "test", "all")
DATA = Registry(
    "data set",
    {
        "digits8": "zoo.data.digits:load_digits8",
        "digits32": "zoo.data.digits:load_digits32",
        "stacked_digits": "zoo.data.digits:load_stacked_digits",
        "digits_edge": "zoo.data.digits:load_digits_edge",
        "shapes": "zoo.data.shapes:load_shapes",
        "shapes_ab": "zoo.data.shapes:load_shapes_ab",
        "biased_shapes": "zoo.data.shapes:load_biased_shapes",
        "puppets": "zoo.data.puppets:load_puppets",
        "voxels16": "zoo.data.voxels:load_voxels16",
        "ring8": "zoo.data.mixtures:load_ring8",
        "grid25": "zoo.data.mixtures:load_grid25",
        "few": "zoo.data.few:load_few",
        "torchvision": "zoo.data.published:load_torchvision",
        "folder": "zoo.data.folders:load_folder",
        "classes": "zoo.data.folders:load_classes",
        "pairs": "zoo.data.folders:load_pairs",
        "domains": "zoo.data.folders:load_domains",
    },
    "zoo.data",
)


def open_data(text: str, split: str = "train", *, seed: int = 0) -> Examples:
    """Return one split of a data set.

    Args:
        text: "NAME" or "NAME:argument": "shapes", "biased_shapes:0.9", "folder:photos@64".
        split: "train", "test", or "all": train, then test. Splits are disjoint and never depend on a seed.
        seed: of the order of the partners in a set of two unpaired domains; nothing else depends on it.

    Raises:
        UnknownName: if there is no such set.
        BadInput: if there is no such split, it is empty, or the argument cannot be used.
    """
    name, _, argument = text.partition(":")
    if split not in SPLITS:
        raise BadInput(f"data set {text!r}: no such split; expected one of {', '.join(SPLITS)}, got {split!r}.")
    load = DATA.get(name)
    parts = [load(argument, part) for part in (("train", "test") if split == "all" else (split,))]
    found = parts[0] if len(parts) == 1 else join(*parts)
    if not len(found.x):
        raise BadInput(
            f"data set {text!r}: its {split} split is empty; expected at least 1 example, got 0. Give more images, or "
            "open another split."
        )
    return replace(shuffle_partner(found, seed), name=text, split=split)
