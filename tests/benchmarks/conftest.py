"""The bench without training and its leaderboard, made once for all tests that look at them."""

import pytest


@pytest.fixture(scope="session")
def toy_home(tmp_path_factory):
    """The folder of a bench whose runs have ended; tests that write work on a copy."""
    from tests.benchmarks.leaderboards import make_bench, registered

    with registered(tmp_path_factory.getbasetemp() / "cache"):
        return make_bench(tmp_path_factory.mktemp("bench") / "toy")


@pytest.fixture(scope="session")
def toy_report(toy_home, tmp_path_factory):
    """The folder of its leaderboard; likewise."""
    from benchmarks.leaderboard import write_leaderboard
    from tests.benchmarks.leaderboards import registered

    out = tmp_path_factory.mktemp("report") / "toy"
    with registered(tmp_path_factory.getbasetemp() / "cache"):
        write_leaderboard(toy_home, out)
    return out
