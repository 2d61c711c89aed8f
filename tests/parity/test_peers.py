"""From two folders to the number: pytorch-fid, torch-fidelity, torchmetrics, prdc and ours, in one run."""

import pytest

from benchmarks.speed.parity import compare, make_folders

DIGITS = 1e-5  # relative, between peer and ours
EXACT = 2e-6  # relative, between ours and the same network in float64


@pytest.fixture(scope="module")
def rows(tmp_path_factory, inception_weights):
    folder = tmp_path_factory.mktemp("parity")
    cache = tmp_path_factory.getbasetemp() / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.speed.parity.COUNT", 16)
        patch.setattr("benchmarks.speed.parity.SUBSET_SIZE", 8)
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
    apart = [row for row in rows if row.difference > DIGITS]
    assert [row for row in apart if row.exact is None] == []
    assert all(row.our_error < EXACT < row.their_error for row in apart), apart  # then it is the peer's rounding
    assert max(row.our_error for row in rows if row.exact) < EXACT
