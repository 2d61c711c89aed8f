"""The questions: one small file each, which runs too (``python -m benchmarks.suites.digits``).

An entry of ``SUITES`` is a ``Suite``, or a tuple of suites that are run side by side. Packages add theirs as entry
points ``genbench.suites``.
"""

from benchmarks.contracts import Contestant, Suite
from genbench.registry import Registry

SUITES = Registry(
    "suite",
    {
        "digits": "benchmarks.suites.digits:SUITE",
        "modes": "benchmarks.suites.modes:SUITES",
        "modes-ring8": "benchmarks.suites.modes:RING8",
        "modes-grid25": "benchmarks.suites.modes:GRID25",
        "modes-stacked": "benchmarks.suites.modes:STACKED",
        "shapes": "benchmarks.suites.shapes:SUITE",
        "voxels": "benchmarks.suites.voxels:SUITE",
        "memorize": "benchmarks.suites.memorize:SUITE",
        "likelihood": "benchmarks.suites.likelihood:SUITE",
        "cifar10": "benchmarks.suites.cifar10:SUITE",
        "mnist": "benchmarks.suites.mnist:SUITE",
        "celeba64": "benchmarks.suites.celeba64:SUITE",
        "ffhq": "benchmarks.suites.ffhq:SUITE",
    },
    "genbench.suites",
)
IMAGE_METRICS = ("fd", "kd", "precision", "recall", "density", "coverage")
OFFLINE_EXTRACTOR = "efficientnet-lite0"
GPU_PROTOCOL, GPU_EXTRACTOR = "adm", "inception:tf1"
GPU_METRICS = ("fd", "sfd", "is", "precision", "recall")


def suites_of(name: str) -> tuple[Suite, ...]:
    """Return the suites called ``name``: one, or those that are run side by side."""
    found = SUITES.get(name)
    return found if isinstance(found, tuple) else (found,)


def contestants(*models: str, data: str | None = None) -> tuple[Contestant, ...]:
    """Return contestants of "dcgan" or "dcgan:paper", with what they learn from where that is not the suite's."""
    split = [model.partition(":") for model in models]
    return tuple(Contestant(model, preset or "small", data) for model, _, preset in split)
