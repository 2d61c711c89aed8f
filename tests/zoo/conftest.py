"""A model so small that what must come out of training it is known."""

import sys
from pathlib import Path

import pytest

from genbench.cli import main

sys.path.insert(0, str(Path(__file__).parent / "engine"))  # toy.py, which subprocesses import too


@pytest.fixture
def toy():
    """The name of a registered toy model."""
    from toy import Toy

    from zoo import MODELS

    MODELS.add("toy", Toy)
    yield "toy"
    del MODELS._targets["toy"]


@pytest.fixture
def zoo(monkeypatch, capsys):
    """A function that runs ``genbench zoo WORDS`` and returns exit code and output, its lines joined."""

    def run(*words):
        monkeypatch.setattr("sys.argv", ["genbench", "zoo", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return ended.value.code, " ".join((told.out + told.err).split())

    return run


@pytest.fixture
def refuses(zoo):
    """A function that runs ``genbench zoo WORDS``, which must refuse with a message that holds ``text``."""

    def run(text, *words):
        code, told = zoo(*words)
        assert code == 2, told
        assert text in told

    return run


@pytest.fixture(scope="session")
def smoke_run(tmp_path_factory):
    """A function that returns the folder of a run of the preset "smoke" of a model; not to be changed."""
    runs = {}

    def trained(name):
        if name not in runs:
            from zoo.runs import plan, start
            from zoo.training import open_fabric, train

            runs[name] = tmp_path_factory.mktemp(name) / "run"
            recipe, examples = plan(name, "smoke")
            start(recipe, runs[name])
            train(recipe, examples, runs[name], open_fabric("cpu"))
        return runs[name]

    return trained
