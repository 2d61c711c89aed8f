"""A model so small that what must come out of training it is known."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "engine"))  # toy.py, which subprocesses import too


@pytest.fixture
def toy():
    """The name of a registered toy model."""
    from toy import Toy

    from zoo import MODELS

    MODELS.add("toy", Toy)
    yield "toy"
    del MODELS._targets["toy"]
