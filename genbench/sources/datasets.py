"""Data sets that come with installed packages: ``sklearn:digits``."""

import numpy as np

from genbench.contracts import Source, SourceOptions
from genbench.errors import BadInput
from genbench.sources.memory import ArraySource

HIGHEST = 16  # of the digits' values


def open_sklearn(rest: str, options: SourceOptions) -> Source:
    """Return a data set of scikit-learn; ``digits``: 1,797 handwritten digits, grey, 8x8; no option applies.

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
