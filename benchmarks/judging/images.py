"""Images beside held-out ones: genbench's metrics, and whether they are copies."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

import genbench
from benchmarks.home import MEMORIZATION, SAMPLES, Job, write_whole
from genbench.contracts import Scorecard, Source
from genbench.evaluate import open_run
from genbench.metrics import METRICS
from genbench.report.memorization import Memorization
from genbench.request import make_request
from genbench.sources import open_source

SEED = 0  # of scoring: all runs meet the same reference images


def judge_images(job: Job, folder: Path, samples: np.ndarray) -> Scorecard:
    """Score the samples against the test split, ``job.count`` images of it at most."""
    return genbench.score(
        fake=_kept(folder),
        real=job.real,
        metrics=job.metrics,
        extractor=job.extractor,
        protocol=job.protocol,
        count=job.count,
        seed=SEED,
        device=job.device,
    )


def refuse_unready(job: Job) -> None:
    """Raise what scoring would raise before any work: weights that are not there, metrics that no extractor serves."""
    metrics = [name for name in job.metrics if name in METRICS]
    asked = {"extractor": job.extractor, "protocol": job.protocol, "device": job.device}
    if metrics:
        with open_run(make_request({"metrics": metrics, **asked})):
            pass


def look_for_copies(job: Job, folder: Path, spaces: Sequence[str] | None = None) -> Memorization:
    """Look for training images among the samples; write ``memorization.json``."""
    found = genbench.memorization(
        fake=_kept(folder), train=job.copied_from, test=job.real, spaces=spaces, seed=SEED, device=job.device
    )
    write_whole(folder / MEMORIZATION, found.model_copy(update={"images": found.by_evidence()}))
    return found


def _kept(folder: Path) -> Source:
    """Return the samples under the name that holds wherever the folder is."""
    source = open_source(str(folder / SAMPLES))
    source.name = SAMPLES
    return source
