"""A bench by hand, without training: contestants are training digits, darkened by a known share."""

from contextlib import contextmanager
from types import MappingProxyType

import numpy as np
import pytest
from PIL import Image

from benchmarks.contracts import Record, Suite
from benchmarks.home import BENCH, GRID, SAMPLES, Bench, Job, folder_of, put_job, write_record, write_whole
from benchmarks.judging.images import judge_images
from benchmarks.judging.samples import keep_samples
from benchmarks.suites import SUITES
from genbench.features import EXTRACTORS
from zoo.data import open_data
from zoo.data.source import pictures

COUNT = 60
METRICS = ("fd", "kd", "precision")
TOY = Suite(
    name="toy",
    title="Digits in the *dark*",
    data="digits32",
    contestants=(),
    metrics=METRICS,
    extractor="patches",
    count=COUNT,
    shows="Who is darker.",
    cannot="Anything of models.",
)
DARKNESS = {"near": (0.02, 0.03, 0.04), "far:small+x": (0.7, 0.71), "lone": (0.3,)}  # contestant -> one a seed
FAILED = {("far:small+x", 2): ("crashed", "killed by signal 9 | out of memory?"), ("gone", 0): ("diverged", "nan")}


class Patches:
    """No network: means of 2 x 3 fields of the red pixels and their spreads, 12 numbers."""

    name, batch_size, widths = "patches", 64, MappingProxyType({"pooled": 12})
    facts = MappingProxyType(dict.fromkeys(("extractor", "network", "weights", "resize", "decode", "dtype"), "patches"))

    def __init__(self, setup):
        pass

    def prepare(self, image):
        rows = np.array_split(image[..., 0].astype(np.float32) / 255, 3, 0)
        fields = [field for part in rows for field in np.array_split(part, 2, 1)]
        return np.array([of(field) for of in (np.mean, np.std) for field in fields], np.float32)

    def __call__(self, batch):
        return {"pooled": batch.reshape(len(batch), -1).astype(np.float32)}


@contextmanager
def registered(cache):
    """Let the suite and its extractor be known, and features be kept in ``cache``."""
    EXTRACTORS.add("patches", Patches)
    SUITES.add("toy", TOY)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GENBENCH_CACHE", str(cache))
            yield
    finally:
        del EXTRACTORS._targets["patches"], SUITES._targets["toy"]


def make_bench(home, darkness=None, failed=None):
    """Write a bench whose runs have ended; ``darkness`` and ``failed`` as above."""
    darkness, failed = DARKNESS if darkness is None else darkness, FAILED if failed is None else failed
    home.mkdir(parents=True)
    write_whole(home / BENCH, Bench(suite="toy", minutes=2.5, count=COUNT, contestants=[*darkness], seeds=[0, 1, 2]))
    digits = np.repeat(pictures(open_data("digits32", "train")).transpose(0, 2, 3, 1), 3, axis=-1)
    for place, (name, shares) in enumerate(darkness.items()):
        for seed, share in enumerate(shares):
            rng = np.random.default_rng([place, seed])
            drawn = digits[rng.permutation(len(digits))[:COUNT]]
            samples = (drawn * (1 - share)).astype(np.uint8)
            _put_done(home, name, seed, samples)
    for (name, seed), (status, error) in failed.items():
        folder = _put_job(home, name, seed)
        write_record(Record(**_facts(name, seed), status=status, error=error), folder)
    return home


def _put_done(home, name, seed, samples):
    folder = _put_job(home, name, seed)
    keep_samples(samples, folder)
    Image.effect_noise((90, 30), 40).save(folder / "curves.png")
    write_record(
        Record(
            **_facts(name, seed),
            training_seconds=120 + seed,
            judging_seconds=10,
            samples_per_second=500.0 + seed,
            parameters={"generator": 1_200_000, "critic": 34_000},
            scorecard=judge_images(_job(name, seed), folder, samples),
            copies="COPIED: 2 of 60 pictures ..." if (name, seed) == ("near", 1) else "No copying found: 0 of 60 ...",
            flagged_share=0.01,
            picture=GRID,
            curves="curves.png",
        ),
        folder,
    )


def _put_job(home, name, seed):
    folder = folder_of(home, name, seed)
    put_job(_job(name, seed), folder)
    return folder


def _job(name, seed):
    return Job(suite="toy", contestant=name, judged_by="digits32", seed=seed, judge="images", metrics=list(METRICS),
               extractor="patches", count=COUNT)  # fmt: skip


def _facts(name, seed):
    made = {"platform": "Linux", "cpus": 2, "threads": 1, "python": "3.12", "packages": {"torch": "2.9"},
            "git_commit": "abc", "created": "2026-11-22T10:00:00+00:00"}  # fmt: skip
    return {"suite": "toy", "contestant": name, "model": name.partition(":")[0], "seed": seed, "data": "digits32",
            "source": SAMPLES, "command": "genbench bench run toy --out runs/toy", "environment": made}  # fmt: skip
