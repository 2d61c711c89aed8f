"""Published data sets, through torchvision, read into memory."""

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_cache_dir

from genbench.errors import BadInput, UnknownName
from zoo.data.contracts import Examples
from zoo.data.squares import split_side, squared

SHOWN = 200  # characters of another program's message


@dataclass(frozen=True)
class Published:
    """What is known of a torchvision data set.

    Attributes:
        by_train: its parts are chosen by ``train=``, else by ``split=``.
        mode: PIL's, of its pictures.
        can_flip: a mirror image is as likely: no digits, no shoes that all point to the left.
        labels: attribute that holds the classes of the pictures; "" where there is no such list.
    """

    by_train: bool
    mode: str = "RGB"
    can_flip: bool = True
    labels: str = "targets"


KNOWN = {
    "MNIST": Published(by_train=True, mode="L", can_flip=False),
    "FashionMNIST": Published(by_train=True, mode="L", can_flip=False),
    "CIFAR10": Published(by_train=True),
    "CIFAR100": Published(by_train=True),
    "SVHN": Published(by_train=False, can_flip=False, labels="labels"),
    "STL10": Published(by_train=False, labels="labels"),
    "CelebA": Published(by_train=False, labels=""),
    "Flowers102": Published(by_train=False, labels="_labels"),
}


def load_torchvision(argument: str, split: str) -> Examples:
    """MNIST, FashionMNIST, CIFAR10, CIFAR100, SVHN, STL10, CelebA, Flowers102: `torchvision:STL10@64`.

    Its own train and test parts, as squares of 32 pixels or the size asked for (``squares.squared``). The files are
    looked for in $GENBENCH_DATA, else ``datasets`` in the cache directory, then downloaded into it unless
    GENBENCH_OFFLINE is 1. Levels are native where nothing has to be resized: CIFAR and SVHN at 32, MNIST at 28.
    """
    name, side = split_side(argument)
    if name not in KNOWN:
        raise UnknownName(
            f"data set 'torchvision:{argument}': no such data set; expected one of {', '.join(KNOWN)}, got {name!r}."
        )
    facts = KNOWN[name]
    dataset = _open(name, facts, split)
    images, is_native = np.empty(0, np.uint8), True
    for row in range(len(dataset)):
        image = dataset[row][0]
        is_native &= min(image.size) == side
        square = squared(image, side, facts.mode)
        images = np.empty((len(dataset), *square.shape), np.uint8) if row == 0 else images
        images[row] = square
    labels = np.asarray(getattr(dataset, facts.labels), np.int64) if facts.labels else None
    titles = tuple(map(str, getattr(dataset, "classes", ()))) if facts.labels else ()
    if labels is not None and not titles:
        titles = tuple(str(index) for index in range(labels.max() + 1))
    return Examples(
        name="",
        split="",
        x=images,
        levels=256,
        native=is_native,
        labels=labels,
        classes=titles,
        partner=None,
        is_paired=False,
        truth={},
        can_flip=facts.can_flip,
    )


def data_root() -> Path:
    """Return the folder of torchvision's data sets: $GENBENCH_DATA, else ``datasets`` in the cache directory."""
    cache = os.environ.get("GENBENCH_CACHE") or user_cache_dir("genbench")
    return Path(os.environ.get("GENBENCH_DATA") or Path(cache) / "datasets").expanduser()


def _open(name: str, facts: Published, split: str) -> Any:
    """Return the torchvision data set from the disk, else after a download."""
    from torchvision import datasets

    is_offline = os.environ.get("GENBENCH_OFFLINE") == "1"
    chosen = {"train": split == "train"} if facts.by_train else {"split": split}
    reason = ""
    for download in (False,) if is_offline else (False, True):
        try:
            with contextlib.redirect_stdout(sys.stderr):
                return getattr(datasets, name)(str(data_root()), download=download, **chosen)
        except (OSError, RuntimeError, ImportError) as error:
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:SHOWN]}".rstrip(".")
    todo = " GENBENCH_OFFLINE is 1: unset it to download them." if is_offline else ""
    raise BadInput(
        f"data set 'torchvision:{name}': cannot be had; expected its files in {data_root()}, got {reason}.{todo} Put "
        "them there as torchvision lays them out, or set GENBENCH_DATA to the folder that holds them."
    )
