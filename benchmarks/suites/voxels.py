"""Does a generator of volumes learn things of 16 x 16 x 16 voxels?

Offline: boxes, spheres, tori, crosses, chairs and tables, 4,000 to learn from, 1,000 to be judged by, all by their
projections from the front, the left and above.

Cost: 3 minutes of training and about a minute of judging a run. Expected: whole things of the right size, legs
of chairs loose at times.
"""

from benchmarks.contracts import Suite
from benchmarks.suites import IMAGE_METRICS, OFFLINE_EXTRACTOR, contestants

SUITE = Suite(
    name="voxels",
    title="Things of 16 x 16 x 16 voxels, by their projections",
    data="voxels16",
    contestants=contestants("3d-gan", "3d-gan:small+r1"),
    metrics=IMAGE_METRICS,
    extractor=OFFLINE_EXTRACTOR,
    count=1000,
    shows="How near the projections of each model's volumes come to those of held-out things.",
    cannot="Whether a volume hangs together where no projection shows it; there is one model of volumes so far.",
)


if __name__ == "__main__":
    from benchmarks.suites.command import run_suite

    run_suite("voxels")
