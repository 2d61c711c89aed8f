"""Stage 5: pure functions of features and statistics. One family a file, one line here a metric."""

from genbench.registry import Registry

METRICS = Registry(
    "metric",
    {
        "fd": "genbench.metrics.frechet:FD",
        "kd": "genbench.metrics.kernel:KD",
        "is": "genbench.metrics.inception_score:IS",
        "precision": "genbench.metrics.manifold:PRECISION",
        "recall": "genbench.metrics.manifold:RECALL",
        "density": "genbench.metrics.manifold:DENSITY",
        "coverage": "genbench.metrics.manifold:COVERAGE",
        "nn": "genbench.metrics.nearest:NN",
    },
    "genbench.metrics",
)
