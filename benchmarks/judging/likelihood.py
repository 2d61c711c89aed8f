"""Bits a pixel value of held-out images, by the model's own likelihood."""

from pathlib import Path

import numpy as np

import genbench
from benchmarks.home import RUN, Job
from benchmarks.judging.images import SEED
from genbench.contracts import Scorecard, SourceOptions
from genbench.sources import open_source


def judge_likelihood(job: Job, folder: Path, samples: np.ndarray) -> Scorecard:
    """Score the model against all of the test split; the samples do not matter."""
    source = open_source(job.source or f"zoo:{folder / RUN}", SourceOptions(seed=job.seed, device=job.device))
    source.name = job.source or f"zoo:{RUN}"
    return genbench.score(
        fake=source,
        real=job.real,
        metrics=job.metrics,
        extractor=job.extractor,
        seed=SEED,
        device=job.device,
        floor=False,
    )
