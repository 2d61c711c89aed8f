"""From two folders to the number: pytorch-fid, torch-fidelity, torchmetrics, prdc and ours, in one run."""

import pytest

from benchmarks.speed.parity import compare, make_folders

DIGITS = 1e-5  # relative


@pytest.fixture(scope="module")
def rows(tmp_path_factory, inception_weights):
    folder = tmp_path_factory.mktemp("parity")
    cache = tmp_path_factory.getbasetemp() / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.speed.parity.COUNT", 24)
        patch.setattr("benchmarks.speed.parity.SUBSET_SIZE", 12)
        return list(compare(make_folders(folder, inception_weights, cache)))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the peers' own
def test_every_peer_prints_our_number(rows):
    assert {row.peer.partition(",")[0].split()[0] for row in rows} == {
        "pytorch-fid",
        "prdc",
        "torch-fidelity",
        "torchmetrics",
    }
    assert {row.what: row.difference for row in rows if row.difference > DIGITS} == {}
