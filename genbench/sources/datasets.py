"""Data sets by name: ``sklearn:digits``, which is always there, and torchvision's, which may have to be downloaded."""

import contextlib
import inspect
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_dir

from genbench.contracts import Blob, Entry, Source, SourceOptions
from genbench.errors import BadInput
from genbench.sources.memory import ArraySource

COMMON = "CIFAR10, CIFAR100, CelebA, FashionMNIST, MNIST, STL10, SVHN"
HIGHEST = 16  # of the digits' values
SHOWN = 200  # characters of another program's message


def open_sklearn(rest: str, options: SourceOptions) -> Source:
    """scikit-learn's digits, always there: sklearn:digits, 1,797 handwritten digits, grey, 8 x 8.

    Values 0..16 become 255 v / 16, rounded half up; ``labels`` are the digits, int64 [1797].
    Source: Alpaydin and Kaynak 1998, UCI Optical Recognition of Handwritten Digits, its test set.
    """
    if rest != "digits":
        raise BadInput(f"source 'sklearn:{rest}': no such data set; expected sklearn:digits. Write it so.")
    import sklearn
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.floor(digits.images * 255 / HIGHEST + 0.5).astype(np.uint8)
    stamp = f"sklearn:digits|{sklearn.__version__}"
    labels = digits.target.astype(np.int64)
    return ArraySource(pixels, "sklearn:digits", "sklearn", stamp=stamp, labels=labels)


def open_torchvision(rest: str, options: SourceOptions) -> Source:
    """A data set of torchvision: torchvision:CIFAR10, torchvision:MNIST/test.

    It is looked for in ``data_root()``, then downloaded into it where torchvision can. SPLIT is passed as ``split=``,
    or as ``train=`` for "train" and "test"; without it the data set's own default holds. What torchvision tells of
    labels is kept as ``labels`` and ``classes``.
    """
    name, _, split = rest.partition("/")
    make = _find(name)
    arguments = _split_arguments(make, rest, split)
    return DatasetSource(_load(make, rest, arguments), f"torchvision:{rest}")


def data_root() -> Path:
    """Return the folder of torchvision's data sets: $GENBENCH_DATA, else ``datasets`` in the cache directory."""
    cache = os.environ.get("GENBENCH_CACHE") or user_cache_dir("genbench")
    return Path(os.environ.get("GENBENCH_DATA") or Path(cache) / "datasets").expanduser()


class DatasetSource:
    """Pictures of a map-style torchvision data set, read one by one; satisfies ``Source``.

    Images carry no stamp, as only reading tells whether a data set has changed.

    Args:
        dataset: [i] gives (PIL image, label ...) or a PIL image.
        name: as the user wrote it.

    Attributes:
        labels: class of each image, int64 [n]; None where the data set has no list of them.
        classes: their names, () where it has none.
    """

    kind, seeded, is_endless = "torchvision", True, False

    def __init__(self, dataset: Any, name: str) -> None:
        self.name, self._dataset = name, dataset
        self.notes: list[str] = []
        self.labels = _labels(dataset)
        titles = getattr(dataset, "classes", ())
        is_enough = self.labels is not None and len(titles) > self.labels.max(initial=-1)
        self.classes = tuple(map(str, titles)) if is_enough else ()

    def entries(self, count: int | None = None) -> list[Entry]:
        """Return all images, "000017" by index; ``count`` does not matter."""
        return [Entry(i, f"{i:06d}") for i in range(len(self._dataset))]

    def read(self, entries: Sequence[Entry]) -> Iterator[Blob]:
        """Yield uint8 [h, w] of grey images, [h, w, 3] of others."""
        for entry in entries:
            item = self._dataset[entry.index]
            image = item[0] if isinstance(item, tuple | list) else item
            if not hasattr(image, "convert"):
                raise BadInput(
                    f"source {self.name!r}: no pictures; expected a data set of PIL images, got "
                    f"{type(image).__name__}. Name another data set."
                )
            yield np.asarray(image if image.mode in ("L", "RGB") else image.convert("RGB"))


def _find(name: str) -> Any:
    from torchvision import datasets

    known = [title for title in datasets.__all__ if _is_dataset(getattr(datasets, title))]
    if name not in known:
        near = get_close_matches(name, known, n=1)
        raise BadInput(
            f"source 'torchvision:{name}': no such data set; expected one of torchvision.datasets such as {COMMON}."
            + (f" Did you mean {near[0]!r}?" if near else "")
        )
    return getattr(datasets, name)


def _is_dataset(thing: Any) -> bool:
    """Whether it is a data set that has a name of its own; ``ImageFolder`` and its like read any folder."""
    from torchvision.datasets import DatasetFolder, VisionDataset

    is_class = inspect.isclass(thing) and issubclass(thing, VisionDataset) and thing is not VisionDataset
    return is_class and thing.__name__ not in ("DatasetFolder", "ImageFolder") and thing is not DatasetFolder


def _split_arguments(make: Any, rest: str, split: str) -> dict[str, Any]:
    """Return the keywords that choose ``split``."""
    taken = _parameters(make)
    if not split:
        return {}
    if "split" in taken:
        return {"split": split}
    if "train" in taken and split in ("train", "test"):
        return {"train": split == "train"}
    expected = "train or test" if "train" in taken else f"torchvision:{rest.partition('/')[0]}, which has no splits"
    raise BadInput(f"source 'torchvision:{rest}': no such split; expected {expected}, got {split!r}. Write it so.")


def _parameters(make: Any) -> Mapping[str, Any]:
    """Return the parameters of a data set's class and of those it hands its keywords on to."""
    found: dict[str, Any] = {}
    for one in reversed(make.__mro__):
        found |= dict(inspect.signature(one.__init__).parameters)
    return found


def _load(make: Any, rest: str, arguments: Mapping[str, Any]) -> Any:
    """Return the data set from the disk, else after a download."""
    taken, root = _parameters(make), data_root()
    known = dict(arguments) | ({"root": str(root)} if "root" in inspect.signature(make).parameters else {})
    attempts: list[dict[str, Any]] = [{}, {"download": True}] if "download" in taken else [{}]
    reason = ""
    for more in attempts:
        try:
            with contextlib.redirect_stdout(sys.stderr):
                return make(**known, **more)
        except (ValueError, TypeError) as error:
            raise BadInput(
                f"source 'torchvision:{rest}': cannot be opened so; expected a split that it has, and a data set that "
                f"needs no other argument, got {_told(error)}. Write torchvision:NAME/SPLIT."
            ) from error
        except (OSError, RuntimeError, ImportError) as error:
            reason = _told(error)
    todo = "" if len(attempts) > 1 else " torchvision does not download it."
    raise BadInput(
        f"source 'torchvision:{rest}': cannot be had; expected its files in {root} (or a network), got {reason}.{todo} "
        "Put them there as torchvision lays them out, or set GENBENCH_DATA to the folder that holds them."
    )


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:SHOWN]}".rstrip(".")


def _labels(dataset: Any) -> NDArray[np.int64] | None:
    """Return the class of each image, where the data set has a list of whole numbers."""
    for attribute in ("targets", "labels", "_labels"):
        found = getattr(dataset, attribute, None)
        if found is None or len(found) != len(dataset):
            continue
        labels = np.asarray(found)
        if labels.ndim == 1 and labels.dtype.kind in "iu":
            return labels.astype(np.int64)
    return None
