"""What a score holds in memory does not grow with the features of its images, only by some numbers an image.

Pages of mapped files are left out on purpose: the system takes them back whenever memory is short. So single metrics
are measured by ``tracemalloc``, which sees what numpy allocates and no mapped file, and a whole run by RssAnon.
"""

import json
import subprocess
import sys
import tracemalloc
from textwrap import dedent

import numpy as np
import pytest
import scipy.optimize  # noqa: F401  loaded beforehand, as what it allocates is no metric's
import torch  # noqa: F401  likewise

from genbench.analyses.copy_search import TrainingSet, look_at
from genbench.contracts import Features
from genbench.features.store import Store
from genbench.metrics import METRICS
from genbench.scratch import empty_rows
from genbench.stats.distances import Points
from genbench.stats.gaussian import Moments
from genbench.stats.pair import Pair

BALLS = ("precision", "recall", "density", "coverage")
# metrics -> (features an image, most bytes an image): less than the features themselves. BALLS count by 20 blocks.
MOST = {
    ("fd",): (128, 50),
    ("fd-infinity",): (128, 100),
    ("is",): (128, 50),
    ("kd",): (512, 100),
    ("kd-subsets",): (512, 300),
    ("cmmd",): (512, 100),
    ("mind",): (512, 200),
    BALLS: (512, 1300),
    ("nn",): (512, 200),
    ("p-precision", "p-recall"): (512, 700),
    ("realism", "rarity"): (512, 300),
    ("vendi",): (128, 50),
    ("c2st",): (512, 100),
    ("class-histogram",): (512, 50),
}
ASK_FOR_MORE = {("sfd",): (128, 50), ("fd-class",): (128, 100), ("fld",): (512, 600)}  # for layer, labels, training set
PARTS = (
    "stats.gaussian.ROWS_AT_ONCE",
    "stats.gaussian.COSTED_AT_ONCE",
    "stats.kernels.TILE",
    "stats.distances.TILE",
    "metrics.inception_score.ROWS_AT_ONCE",
    "metrics.kernel.ROWS_AT_ONCE",
    "metrics.sliced.ROWS_AT_ONCE",
    "metrics.sliced.DIRECTIONS",
    "metrics.sliced.PROJECTED_AT_ONCE",
    "metrics.histograms.ROWS_AT_ONCE",
    "metrics.likelihood_divergence.MOST",
    "metrics.likelihood_divergence.ROWS_AT_ONCE",
    "stats.logistic.ROWS_AT_ONCE",
    "stats.spectrum.TILE",
    "scratch.TAKEN_AT_ONCE",
)


@pytest.fixture
def _mapped(monkeypatch):
    """Let tables be mapped however small they are, so that small ones show what large ones do."""
    monkeypatch.setattr("genbench.scratch.IN_MEMORY", 0)


def features(rng, count, width, shift=0.0):
    rows = empty_rows(count, width)
    rows[:] = rng.normal(shift, 1, size=(count, width))
    return Features({"pooled": rows, "spatial": rows, "logits": rows}, labels=np.zeros(count, np.int64))


def peak(work):
    """Return the most bytes allocated at a time while ``work`` ran."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.usefixtures("_mapped")
@pytest.mark.parametrize("metrics", MOST | ASK_FOR_MORE, ids=",".join)
def test_a_metric_makes_no_copy_of_the_features(rng, monkeypatch, metrics):
    for name in PARTS:  # else what they hold drowns the rest
        monkeypatch.setattr(f"genbench.{name}", 128)
    width, most = (MOST | ASK_FOR_MORE)[metrics]
    peaks = {}
    for count in (1000, 3000):
        sides = features(rng, count, width), features(rng, count, width, 0.1)

        def work(sides=sides):
            pair = Pair(*sides, train=sides[0])
            for metric in metrics:
                METRICS.get(metric).compute(pair)

        peaks[count] = peak(work)
    assert (peaks[3000] - peaks[1000]) / (2 * 2000) < most


@pytest.mark.usefixtures("_mapped")
def test_the_look_for_features_that_are_not_finite_takes_none_of_them_along(rng):
    one = features(rng, 3000, 512)
    assert peak(lambda: Pair(one, one)) < 3000 * 100
    assert peak(lambda: Points.of(one.pooled, np.arange(3000) % 20, "real")) < 3000 * 100


@pytest.mark.usefixtures("_mapped")
def test_features_come_from_the_store_into_a_mapped_file(tmp_path, rng):
    values = {f"{i:064x}": {"pooled": row} for i, row in enumerate(rng.normal(size=(3000, 512)).astype(np.float32))}
    with Store(tmp_path) as store:
        store.put("net", values)
        found = []
        small = peak(lambda: store.get("net", "pooled", list(values)[:1000]))
        large = peak(lambda: found.append(store.get("net", "pooled", list(values))))
    np.testing.assert_array_equal(found[0], [row["pooled"] for row in values.values()])
    assert (large - small) / 2000 < 400  # digests, and where each belongs


def test_moments_of_many_rows_make_no_copy(rng, monkeypatch):
    monkeypatch.setattr("genbench.stats.gaussian.ROWS_AT_ONCE", 128)
    rows = rng.normal(size=(8000, 32)).astype(np.float32)
    assert peak(lambda: Moments.of(rows)) - peak(lambda: Moments.of(rows[:1000])) < 50_000


@pytest.mark.usefixtures("_mapped")
def test_the_search_for_copies_holds_pictures_once_and_small(rng, monkeypatch):
    """32 x 32 pixels of uint8 are 3 KB; as points of pixels and of quarters they were 35 KB more."""
    monkeypatch.setattr("genbench.analyses.copy_search.ROWS_AT_ONCE", 128)
    monkeypatch.setattr("genbench.stats.distances.TILE", 128)
    pictures = rng.integers(0, 256, (900, 8, 8, 3), np.uint8)

    def work(count):
        training = TrainingSet(look_at(pictures[:count]))
        training.search(training.looks, is_self=True)

    assert (peak(lambda: work(900)) - peak(lambda: work(400))) / 500 < 7000


WHOLE_RUN = dedent(
    """
    import json, sys, threading
    import numpy as np
    import genbench, genbench.scratch
    from genbench.features import EXTRACTORS

    WIDTH = 512

    class Projection:
        name, batch_size, widths = "projection", 128, {"pooled": WIDTH, "logits": WIDTH}

        def __init__(self, setup):
            self.facts = {"extractor": "projection"}
            self.matrix = np.random.default_rng(0).normal(size=(192, WIDTH)).astype(np.float32)

        def prepare(self, image):
            return image

        def __call__(self, batch):
            rows = np.maximum((batch.reshape(len(batch), -1) / np.float32(255) - np.float32(0.5)) @ self.matrix, 0)
            return {"pooled": rows, "logits": rows}

    def held():
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:"))

    def watch():
        while not done.wait(0.01):
            seen.append(held())

    folder, metrics = sys.argv[1:]
    genbench.scratch.IN_MEMORY = 2**20
    EXTRACTORS.add("projection", Projection)
    seen, done = [held()], threading.Event()
    watcher = threading.Thread(target=watch)
    watcher.start()
    genbench.score(
        fake=f"{folder}/fake.npy", real=f"{folder}/real.npy", metrics=metrics, extractor="projection", cache=folder
    )
    done.set()
    watcher.join()
    print(json.dumps(max(seen)))
    """
)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="RssAnon is Linux's")
def test_a_whole_run_of_four_times_as_many_images_holds_little_more(tmp_path, rng):
    """All metrics, 512 features and as many logits: 4 KB an image, and 20 KB with the copies one may make of them."""
    held = {}
    for count in (2600, 10400):  # more than 5 a feature: fd's error is by influence in both
        folder = tmp_path / str(count)
        folder.mkdir()
        for side, high in (("fake", 250), ("real", 256)):
            np.save(folder / f"{side}.npy", rng.integers(0, high, (count, 8, 8, 3), np.uint8))
        words = [sys.executable, "-c", WHOLE_RUN, str(folder), ",".join(name for names in MOST for name in names)]
        held[count] = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    assert (held[10400] - held[2600]) / (2 * 7800) < 2200
