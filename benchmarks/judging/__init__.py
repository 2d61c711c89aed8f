"""How a run is judged: by images, by the factors of shapes, by the modes it reaches, by likelihood.

A judge is a function ``judge(job, folder, samples) -> Scorecard``, samples as ``samples.npz`` in the folder holds them.
"""

from genbench.registry import Registry

JUDGES = Registry(
    "judge",
    {
        "images": "benchmarks.judging.images:judge_images",
        "shapes": "benchmarks.judging.shapes:judge_shapes",
        "points": "benchmarks.judging.modes:judge_points",
        "stacked": "benchmarks.judging.modes:judge_stacked",
        "likelihood": "benchmarks.judging.likelihood:judge_likelihood",
    },
    "benchmarks.judges",
)
