import numpy as np
import pytest

from genbench.contracts import SourceOptions
from genbench.errors import BadInput
from genbench.images.decode import decode
from genbench.sources import open_source
from genbench.sources.datasets import open_sklearn


def test_digits_are_all_there_with_their_labels():
    from sklearn.datasets import load_digits

    source = open_sklearn("digits", SourceOptions())
    blobs = np.stack(list(source.read(source.entries())))
    truth = load_digits()
    assert blobs.shape == (1797, 8, 8, 1)
    assert (source.labels == truth.target).all()
    table = [0, 16, 32, 48, 64, 80, 96, 112, 128, 143, 159, 175, 191, 207, 223, 239, 255]  # 255 v / 16, half up
    assert (blobs[..., 0] == np.array(table)[truth.images.astype(int)]).all()
    assert decode(blobs[0]).shape == (8, 8, 3)
    assert source.notes == []


def test_stamps_are_known_without_reading():
    stamps = [entry.stamp for entry in open_source("sklearn:digits").entries()]
    assert len(set(stamps)) == 1797
    assert all(stamp.startswith("sklearn:digits|") for stamp in stamps)


def test_other_sets_are_refused():
    with pytest.raises(BadInput, match=r"sklearn:faces': no such data set; expected sklearn:digits"):
        open_source("sklearn:faces")
