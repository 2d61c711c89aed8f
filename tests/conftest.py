"""Fixtures for all tests. No test reaches the network or the user's own cache."""

import multiprocessing
import os

if "PYTEST_XDIST_WORKER" in os.environ:  # tests side by side: one thread each, said before torch and BLAS are loaded
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(threads, "1")

import runpy
import shutil
import socket
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest


@pytest.fixture
def rng():
    return np.random.default_rng(20260601)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    """Point the feature store at a scratch folder; networks are exported once for the whole run."""
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("GENBENCH_OFFLINE", "1")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path_factory.getbasetemp() / "torch"))
    monkeypatch.delenv("GENBENCH_WEIGHTS", raising=False)


@pytest.fixture(scope="session")
def networks_kept(tmp_path_factory):
    """The folder of exported networks, shared by all tests: exporting one takes ten seconds."""
    return tmp_path_factory.getbasetemp() / "cache" / "networks"


@pytest.fixture(scope="session")
def inception_weights(tmp_path_factory):
    """A file of random weights in the published Inception file's format; the same in every run."""
    from benchmarks.speed import random_inception

    return random_inception.write(tmp_path_factory.mktemp("weights") / "random.pth")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch, request):
    connect = socket.socket.connect
    allowed = ("127.0.0.1", "::1", "localhost") if "browser" in request.fixturenames else ()  # its driver is asked so

    def refuse(self, address):
        if self.family != socket.AF_UNIX and address[0] not in allowed:
            raise AssertionError("a test tried to reach the network")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="session")
def test_data():
    """The folder of real images, where one is set."""
    folder = os.environ.get("GENBENCH_TEST_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("GENBENCH_TEST_DATA names no folder of real images")
    return Path(folder)


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium, driven by selenium; Debian's packages chromium and chromium-driver."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("no chromium with chromedriver on PATH: apt-get install chromium chromium-driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "disable-background-networking"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(driver))
    yield opened
    opened.quit()


class TinyExtractor:
    """No network and few features: means of 2 x 2 fields ("pooled", 12), of 3 x 3 ("spatial", 27), of the image."""

    name, batch_size = "tiny", 16
    widths: ClassVar = {"pooled": 12, "spatial": 27, "logits": 3}

    def __init__(self, setup):
        self.facts = dict.fromkeys(("extractor", "network", "weights", "resize", "decode", "dtype", "runtime"), "tiny")

    def prepare(self, image):
        return image

    def __call__(self, batch):
        return {layer: self.means(batch, side) for layer, side in (("pooled", 2), ("spatial", 3), ("logits", 1))}

    @staticmethod
    def means(batch, side):
        columns = [
            part.mean((1, 2)) for rows in np.array_split(batch, side, 1) for part in np.array_split(rows, side, 2)
        ]
        return (np.concatenate(columns, 1) / 255).astype(np.float32)


@pytest.fixture
def tiny_extractor():
    """The name of a registered extractor with as many images as one likes per feature."""
    from genbench.features import EXTRACTORS

    EXTRACTORS.add("tiny", TinyExtractor)
    yield "tiny"
    del EXTRACTORS._targets["tiny"]


CHILDREN = multiprocessing.get_context("forkserver")  # of one clean process that has loaded what takes seconds to load
CHILDREN.set_forkserver_preload(["torch", "torchvision", "lightning_fabric", "scipy.stats", "sklearn", "pandas"])
UNUSED = "cacheprovider", "hypothesispytest", "xdist"  # plugins of pytest
RUN_TESTS = """
import os, sys
os.chdir(FOLDER)
os.environ.clear()
os.environ.update(ENVIRONMENT)
sys.path[:] = [FOLDER, *(path for path in sys.path if path not in ("", ROOT))]
output = os.open("output.txt", os.O_WRONLY | os.O_CREAT)
os.dup2(output, 1)
os.dup2(output, 2)
import pytest
os._exit(pytest.main(WORDS))
"""


@pytest.fixture
def goes_red(tmp_path):
    """A function that plants a defect in a copy of the code and fails unless one of the chosen tests notices.

    goes_red("zoo/losses.py", code, defect, "tests/zoo/test_losses.py", "-k", "minimax")
    """

    def plant(file, code, defect, *chosen):
        root = Path(__file__).parents[1]
        for folder in ("genbench", "zoo", "benchmarks", "tests"):
            shutil.copytree(root / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(root / "pyproject.toml", tmp_path)
        text = (tmp_path / file).read_text(encoding="utf-8")
        assert code in text, "the defect no longer fits the code: renew it"
        (tmp_path / file).write_text(text.replace(code, defect), encoding="utf-8")
        (tmp_path / "run_tests.py").write_text(RUN_TESTS, encoding="utf-8")
        told = {
            "FOLDER": str(tmp_path),
            "ROOT": str(root),
            "WORDS": ["-x", "-q", "--assert=plain", *(f"-pno:{name}" for name in UNUSED), *chosen],
            "ENVIRONMENT": {**os.environ, "PYTHONPATH": str(tmp_path)},
        }
        child = CHILDREN.Process(target=runpy.run_path, args=(str(tmp_path / "run_tests.py"), told))
        child.start()
        child.join(300)
        output = (tmp_path / "output.txt").read_text(encoding="utf-8")
        child.kill()
        assert child.exitcode == 1, output[-2000:]
        assert "1 failed" in output, output[-2000:]

    return plant
