"""Stage 5: pure functions of features and statistics. One family a file, one line here a metric."""

from genbench.registry import Registry

METRICS = Registry(
    "metric",
    {
        "fd": "genbench.metrics.frechet:FD",
        "fd-infinity": "genbench.metrics.extrapolated:FD_INFINITY",
        "fd-class": "genbench.metrics.per_class:FD_CLASS",
        "sfd": "genbench.metrics.frechet:SFD",
        "mind": "genbench.metrics.sliced:MIND",
        "kd": "genbench.metrics.kernel:KD",
        "kd-subsets": "genbench.metrics.kernel:KD_SUBSETS",
        "cmmd": "genbench.metrics.kernel:CMMD",
        "is": "genbench.metrics.inception_score:IS",
        "precision": "genbench.metrics.manifold:PRECISION",
        "recall": "genbench.metrics.manifold:RECALL",
        "density": "genbench.metrics.manifold:DENSITY",
        "coverage": "genbench.metrics.manifold:COVERAGE",
        "p-precision": "genbench.metrics.probabilistic:P_PRECISION",
        "p-recall": "genbench.metrics.probabilistic:P_RECALL",
        "realism": "genbench.metrics.per_image:REALISM",
        "rarity": "genbench.metrics.per_image:RARITY",
        "vendi": "genbench.metrics.diversity:VENDI",
        "c2st": "genbench.metrics.two_sample:C2ST",
        "class-histogram": "genbench.metrics.histograms:CLASS_HISTOGRAM",
        "fld": "genbench.metrics.likelihood_divergence:FLD",
        "nn": "genbench.metrics.nearest:NN",
    },
    "genbench.metrics",
)
