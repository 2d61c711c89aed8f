"""Fixtures for all tests. No test reaches the network or the user's own cache."""

import os
import socket
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def rng():
    return np.random.default_rng(20260601)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    """Point the feature store at a scratch folder; networks are exported once for the whole run."""
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def networks_kept(tmp_path_factory):
    """The folder of exported networks, shared by all tests: exporting one takes ten seconds."""
    return tmp_path_factory.getbasetemp() / "cache" / "networks"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("a test tried to reach the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="session")
def test_data():
    """The folder of real images, where one is set."""
    folder = os.environ.get("GENBENCH_TEST_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("GENBENCH_TEST_DATA names no folder of real images")
    return Path(folder)
